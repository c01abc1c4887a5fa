/* SPDX-License-Identifier: Apache-2.0 */
/* lost-message: what was sent is received: nothing stays in a queue or a pipe that goes. */
#include "invariants.h"

#define REMOVED_MAX 64

struct lost_state {
	struct queue
		*removed[REMOVED_MAX]; /* judged later: receipts may still be on their way here */
	unsigned int n;
};

static uint64_t n_left_in(const struct queue *queue)
{
	uint64_t n_taken = 0;

	for (unsigned int i = 0; i < queue->n_early; i++)
		n_taken += !queue->early[i].copy;
	return queue->n_messages > n_taken ? queue->n_messages - n_taken : 0;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_oldest(struct model *model, struct finding *f, const struct queue *queue)
{
	const struct message *oldest = queue->oldest;

	if (!oldest)
		return;
	finding_detail(f, "The oldest has type %lld and %u bytes; %s sent it.",
		       (long long)oldest->type, oldest->length,
		       model_lineage(model, oldest->process));
	finding_add_stack(model, f, oldest->process, oldest->stack, "sent the oldest here");
}

static void judge_removed(struct model *model, const struct queue *queue)
{
	uint64_t n_left = n_left_in(queue);
	const struct object *object = &queue->object;
	struct finding *f;
	char name[160];

	if (!n_left || queue->n_unknown || model->unfollowed || object->remover < 0 ||
	    !object->fresh)
		return;
	f = finding_new("lost-message", "removed queue");
	finding_add_object(model, f, object);
	finding_message(f, "%llu message%s still in %s when %s removed it",
			(unsigned long long)n_left, plural(n_left),
			object_name(model, object, name, sizeof(name)),
			model_lineage(model, (uint32_t)object->remover));
	finding_add_stack(model, f, (uint32_t)object->remover, object->remover_stack,
			  "removed it here");
	add_oldest(model, f, queue);
	findings_add(model->findings, f);
}

static void settle(struct model *model, struct lost_state *state, unsigned int i)
{
	judge_removed(model, state->removed[i]);
	object_release(model, &state->removed[i]->object);
	for (state->n--; i < state->n; i++)
		state->removed[i] = state->removed[i + 1];
}

static void lost_event(struct model *model, void *data, uint32_t process, uint32_t thread,
		       const struct event *event, const uint8_t *more)
{
	struct lost_state *state = data;
	struct object *object;

	(void)process, (void)thread, (void)more;
	if (calls[event->call].canonical_id != CALL_msgctl || event->arg[1] != 0 ||
	    !event_took_effect(event))
		return;
	object = object_find(model, queue_ref(event));
	if (!object || !object->removed)
		return;
	if (state->n == REMOVED_MAX)
		settle(model, state, 0);
	object_keep(object);
	state->removed[state->n++] = (struct queue *)object;
}

static void judge_leftover(struct model *model, const struct leftover *left)
{
	const struct queue *queue = (const struct queue *)object_find(model, left->object);
	struct finding *f;
	char name[160];

	if ((left->kind != OBJECT_MSG && left->kind != OBJECT_MQ) ||
	    object_kind_of(left->object) != left->kind || !left->n_messages)
		return;
	f = finding_new("lost-message", "left in queue");
	finding_object(f, model_object_name(model, left->object, name, sizeof(name)));
	finding_mark(f, model_object_mark(model, left->object));
	finding_message(f, "%llu message%s still in %s at the end",
			(unsigned long long)left->n_messages, plural(left->n_messages), name);
	if (queue)
		add_oldest(model, f, queue);
	findings_add(model->findings, f);
}

/* A program that wakes itself through a pipe leaves bytes of its own as a matter of course. But not
 * one that only kept its copy of the end from which others read. */
static bool knows_its_own(const struct pipe_object *pipe)
{
	return pipe->readers.n == 0 || pipe_used_by(&pipe->readers, pipe->left_process);
}

/* Whose bytes are they? The last ones written. */
static const struct pipe_write *last_lost_write(const struct pipe_object *pipe)
{
	unsigned int n = pipe->n_writes < PIPE_WRITES ? pipe->n_writes : PIPE_WRITES;
	uint64_t n_bytes = 0;

	for (unsigned int i = 0; i < n && n_bytes < pipe->left_bytes; i++) {
		const struct pipe_write *write =
			&pipe->write[(pipe->n_writes - 1 - i) % PIPE_WRITES];

		if (write->process != pipe->left_process || !knows_its_own(pipe))
			return write;
		n_bytes += write->length;
	}
	return NULL;
}

static bool writer_learned(const struct model *model, const struct pipe_object *pipe)
{
	if (pipe->epipe_exit)
		return true;
	for (unsigned int i = 0; i < pipe->writers.n; i++) {
		const struct process *p = process_get(model, pipe->writers.process[i]);

		if (p->ended && p->end.kind == END_SIGNAL && p->end.status == MODEL_SIGPIPE)
			return true;
	}
	return false;
}

static void judge_pipe(struct model *model, const struct pipe_object *pipe)
{
	const struct pipe_write *write;
	struct finding *f;
	char name[160], title[120];

	/* that there is no other reader the shim has asked the kernel, or left_bytes would be 0 */
	if (!pipe->left_bytes || writer_learned(model, pipe))
		return;
	write = last_lost_write(pipe);
	if (!write)
		return;
	f = finding_new("lost-message", "unread bytes");
	/* which of the readers is the last differs from run to run, and there may be many such
	 * pipes */
	finding_object(f, object_name(model, &pipe->object, name, sizeof(name)));
	finding_mark(f, pipe->object.maker_site ? pipe->object.maker_site
						: object_mark(&pipe->object));
	finding_mark(f, write->site);
	finding_message(
		f, "%s, the last reader of %s, left %llu byte%s unread, and no writer was told",
		process_title(model, pipe->left_process, title, sizeof(title)), name,
		(unsigned long long)pipe->left_bytes, plural(pipe->left_bytes));
	finding_add_stack(model, f, pipe->left_process, pipe->left_stack,
			  "closed it, or ended, here");
	finding_add_stack(model, f, write->process, write->stack, "wrote last here");
	findings_add(model->findings, f);
}

/* A POSIX queue lives on without its name, until all have closed it: what is in it at the end is
 * lost. */
static void judge_unlinked(struct model *model, const struct object *object)
{
	if (object->removed)
		judge_removed(model, (const struct queue *)object);
}

static void judge_objects(struct model *model)
{
	for (unsigned int i = 0; i < model->objects.n_slots; i++) {
		const struct object *object = model->objects.slot[i].value;
		enum object_kind kind = object ? object_kind_of(object->ref) : OBJECT_NONE;

		if (kind == OBJECT_PIPE || kind == OBJECT_FIFO || kind == OBJECT_SOCKET)
			judge_pipe(model, (const struct pipe_object *)object);
		else if (kind == OBJECT_MQ)
			judge_unlinked(model, object);
	}
}

static void lost_finish(struct model *model, void *data, enum trial_end how,
			const struct leftover *left, unsigned int n_left)
{
	struct lost_state *state = data;

	while (state->n > 0)
		settle(model, state, 0);
	if (how != TRIAL_ENDED)
		return;
	for (unsigned int i = 0; i < n_left; i++)
		judge_leftover(model, &left[i]);
	if (!model->unfollowed)
		judge_objects(model);
}

const struct invariant lost_message_invariant = {
	.name = "lost-message",
	.about = "No message stays in a queue, and no byte in a pipe or socket pair, that goes.",
	.n_state_bytes = sizeof(struct lost_state),
	.event = lost_event,
	.finish = lost_finish,
};
