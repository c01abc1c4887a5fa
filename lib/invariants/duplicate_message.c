/* SPDX-License-Identifier: Apache-2.0 */
/* duplicate-message: no message is received more often than it was sent. Numbers of a declared
 * order that come twice are found by order.c. */
#include "invariants.h"

static void report_peeked(struct model *model, const struct delivery *d)
{
	struct finding *f = finding_new("duplicate-message", "peeked");
	char name[160];

	finding_add_object(model, f, &d->queue->object);
	finding_mark(f, d->receipt.site);
	finding_message(
		f, "a message of type %lld in %s was received twice: by %s with MSG_COPY and by %s",
		(long long)d->message.type,
		object_name(model, &d->queue->object, name, sizeof(name)),
		model_lineage(model, d->message.peek_process),
		model_lineage(model, d->receipt.process));
	finding_add_stack(model, f, d->message.peek_process, d->message.peek_stack,
			  "received it here with MSG_COPY, which leaves it in the queue");
	finding_add_stack(model, f, d->receipt.process, d->receipt.stack, "received it again here");
	finding_add_stack(model, f, d->message.process, d->message.stack, "sent it here");
	findings_add(model->findings, f);
}

static void duplicate_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			    const struct event *event, const uint8_t *more)
{
	(void)data, (void)process, (void)thread, (void)event, (void)more;
	/* one process may look before it takes; two that both have the message may both act on it
	 */
	if (model->delivery && model->delivery->message.n_peeks &&
	    model->delivery->message.peek_process != model->delivery->receipt.process)
		report_peeked(model, model->delivery);
}

static void report_unsent(struct model *model, const struct queue *queue,
			  const struct receipt *receipt)
{
	struct finding *f = finding_new("duplicate-message", "not sent");
	char name[160], title[120];

	finding_add_object(model, f, &queue->object);
	finding_mark(f, receipt->site);
	finding_message(f, "%s received a message of type %lld from %s once more than it was sent",
			process_title(model, receipt->process, title, sizeof(title)),
			(long long)receipt->type,
			object_name(model, &queue->object, name, sizeof(name)));
	finding_add_stack(model, f, receipt->process, receipt->stack, "received it here");
	findings_add(model->findings, f);
}

static void judge_queue(struct model *model, const struct queue *queue)
{
	if (queue->n_unknown || !queue->object.fresh)
		return;
	for (unsigned int i = 0; i < queue->n_early; i++)
		if (!queue->early[i].cut)
			report_unsent(model, queue, &queue->early[i]);
}

/* Receipts that still wait for their sending. Where calls may have gone unrecorded they prove
 * nothing. */
static void duplicate_finish(struct model *model, void *data, enum trial_end how,
			     const struct leftover *left, unsigned int n_left)
{
	(void)data, (void)left, (void)n_left;
	if (how != TRIAL_ENDED || model->unfollowed || model->n_unsure_deaths)
		return;
	for (unsigned int i = 0; i < model->objects.n_slots; i++) {
		const struct object *object = model->objects.slot[i].value;

		if (object && (object_kind_of(object->ref) == OBJECT_MSG ||
			       object_kind_of(object->ref) == OBJECT_MQ))
			judge_queue(model, (const struct queue *)object);
	}
}

const struct invariant duplicate_message_invariant = {
	.name = "duplicate-message",
	.about = "No message is received more often than it was sent.",
	.event = duplicate_event,
	.finish = duplicate_finish,
};
