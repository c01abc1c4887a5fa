/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order: messages of one type are received as they were sent, of a POSIX queue those of higher
 * priority first, and numbers of a declared order grow.
 * Only calls that do not overlap in time have an order. The bytes tell which message is which, so
 * what is sent again with the same bytes is not judged.
 */
#include <stdlib.h>

#include "invariants.h"

#define TYPES 16    /* of a queue, by hash: a collision forgets */
#define RECENT 8    /* deliveries of each type */
#define DIGESTS 512 /* of a queue, by hash */
#define SUSPICIONS_MAX 16
#define NUMBERS 32
#define STREAMS_MAX 4096

struct past_delivery {
	uint64_t digest, sent_enter, received_exit;
	uint32_t sender, receiver, sent_stack, received_stack;
};

struct type_history {
	int64_t type;
	unsigned int n;
	struct past_delivery past[RECENT];
};

struct digest_seen {
	uint64_t digest;
	bool repeated;
};

/* What the invariant keeps with each queue. */
struct queue_history {
	struct delivery recent[RECENT]; /* of a POSIX queue */
	unsigned int n_recent;
	struct digest_seen digest[DIGESTS];
	struct type_history type[TYPES];
};

/* Two messages out of order, if no others with the same bytes turn up. */
struct suspicion {
	struct queue *queue;
	struct past_delivery earlier; /* received first, sent last */
	struct past_delivery later;
	int64_t type;
};

struct number_seen {
	uint64_t number, enter, exit;
	uint32_t receiver, sent_stack, received_stack, sender;
};

/* The numbers of one sender, or one type, in one queue. */
struct stream {
	struct number_seen seen[NUMBERS]; /* a ring */
	struct number_seen highest;       /* of those that have left it */
	unsigned int n;
};

struct order_state {
	struct suspicion suspicion[SUSPICIONS_MAX];
	unsigned int n_suspicions;
	struct model_table streams;
};

static struct queue_history *history_of(struct queue *queue)
{
	if (!queue->order_state)
		queue->order_state = model_alloc(sizeof(struct queue_history));
	return queue->order_state;
}

static void drop_suspicion(struct model *model, struct order_state *state, unsigned int i)
{
	object_release(model, &state->suspicion[i].queue->object);
	state->suspicion[i] = state->suspicion[--state->n_suspicions];
}

static struct digest_seen *slot_of(struct queue_history *history, uint64_t digest)
{
	return &history->digest[mark_mix(digest, 2) & (DIGESTS - 1)];
}

/* Sent twice with the same bytes: which of the two was received when, nobody knows. */
static void forget_digest(struct model *model, struct order_state *state, struct queue *queue,
			  uint64_t digest)
{
	struct queue_history *history = history_of(queue);

	for (unsigned int i = state->n_suspicions; i-- > 0;) {
		const struct suspicion *s = &state->suspicion[i];

		if (s->queue == queue && (s->earlier.digest == digest || s->later.digest == digest))
			drop_suspicion(model, state, i);
	}
	for (unsigned int i = 0; i < TYPES; i++)
		for (unsigned int k = 0; k < RECENT; k++)
			if (history->type[i].past[k].digest == digest)
				history->type[i].past[k].digest = 0;
}

static void note_digest(struct model *model, struct order_state *state, struct queue *queue,
			uint64_t digest)
{
	struct digest_seen *slot = slot_of(history_of(queue), digest);

	if (slot->digest != digest) {
		*slot = (struct digest_seen){ .digest = digest };
	} else if (!slot->repeated) {
		slot->repeated = true;
		forget_digest(model, state, queue, digest);
	}
}

static bool is_unique(struct queue *queue, uint64_t digest)
{
	const struct digest_seen *slot = slot_of(history_of(queue), digest);

	return slot->digest == digest && !slot->repeated;
}

static void suspect(struct order_state *state, struct queue *queue, int64_t type,
		    const struct past_delivery *earlier, const struct past_delivery *later)
{
	if (state->n_suspicions == SUSPICIONS_MAX)
		return;
	object_keep(&queue->object);
	state->suspicion[state->n_suspicions++] = (struct suspicion){
		.queue = queue,
		.earlier = *earlier,
		.later = *later,
		.type = type,
	};
}

static void check_sent_order(struct order_state *state, const struct delivery *d)
{
	const struct message *m = &d->message;
	struct type_history *history =
		&history_of(d->queue)->type[mark_mix((uint64_t)m->type, 3) & (TYPES - 1)];
	struct past_delivery now = {
		.digest = m->digest,
		.sent_enter = m->enter,
		.received_exit = d->receipt.exit,
		.sender = m->process,
		.receiver = d->receipt.process,
		.sent_stack = m->stack,
		.received_stack = d->receipt.stack,
	};

	if (history->type != m->type)
		*history = (struct type_history){ .type = m->type };
	for (unsigned int i = 0; i < RECENT && i < history->n; i++) {
		const struct past_delivery *past = &history->past[i];

		if (past->digest && past->digest != m->digest &&
		    past->received_exit < d->receipt.enter && past->sent_enter > m->exit)
			suspect(state, d->queue, m->type, past, &now);
	}
	history->past[history->n++ % RECENT] = now;
}

static void report_priority(struct model *model, const struct delivery *first,
			    const struct delivery *second)
{
	struct finding *f = finding_new("order", "priority");
	char name[160];

	finding_add_object(model, f, &first->queue->object);
	finding_message(f,
			"%s gave a message of priority %lld while one of priority %lld was in it",
			object_name(model, &first->queue->object, name, sizeof(name)),
			(long long)first->message.type, (long long)second->message.type);
	finding_add_stack(model, f, second->message.process, second->message.stack,
			  "sent the one of higher priority here");
	finding_add_stack(model, f, first->receipt.process, first->receipt.stack,
			  "received the other first here");
	finding_add_stack(model, f, second->receipt.process, second->receipt.stack,
			  "received the one of higher priority here, later");
	findings_add(model->findings, f);
}

/* It was in the queue before an earlier delivery of lower priority began, and stayed there until
 * that was over. */
static void check_priority(struct model *model, const struct delivery *d)
{
	struct queue_history *history = history_of(d->queue);

	for (unsigned int i = 0; i < RECENT && i < history->n_recent; i++) {
		const struct delivery *past = &history->recent[i];

		if (past->message.type < d->message.type && d->message.exit < past->receipt.enter &&
		    past->receipt.exit < d->receipt.enter)
			report_priority(model, past, d);
	}
	history->recent[history->n_recent++ % RECENT] = *d;
}

static void report_suspicion(struct model *model, const struct suspicion *s)
{
	struct finding *f = finding_new("order", "sent");
	char name[160];

	finding_add_object(model, f, &s->queue->object);
	finding_message(
		f, "of two messages of type %lld in %s, the one sent later was received first",
		(long long)s->type, object_name(model, &s->queue->object, name, sizeof(name)));
	finding_add_stack(model, f, s->later.sender, s->later.sent_stack, "sent first here");
	finding_add_stack(model, f, s->earlier.sender, s->earlier.sent_stack, "sent second here");
	finding_add_stack(model, f, s->earlier.receiver, s->earlier.received_stack,
			  "received the second here");
	finding_add_stack(model, f, s->later.receiver, s->later.received_stack,
			  "received the first here, later");
	findings_add(model->findings, f);
}

static void report_numbers(struct model *model, const struct delivery *d, unsigned int which,
			   const struct number_seen *first, const struct number_seen *second)
{
	bool same = first->number == second->number;
	struct finding *f = finding_new(same ? "duplicate-message" : "order", "declared");
	char name[160];

	finding_add_object(model, f, &d->queue->object);
	finding_mark(f, which);
	object_name(model, &d->queue->object, name, sizeof(name));
	if (same)
		finding_message(f, "number %llu of %s came twice through %s",
				(unsigned long long)first->number,
				model_lineage(model, second->sender), name);
	else
		finding_message(f, "number %llu of %s came through %s after its number %llu",
				(unsigned long long)second->number,
				model_lineage(model, second->sender), name,
				(unsigned long long)first->number);
	finding_add_stack(model, f, second->sender, first->sent_stack,
			  "sent the one that came first here");
	finding_add_stack(model, f, second->sender, second->sent_stack, "sent the other here");
	finding_add_stack(model, f, first->receiver, first->received_stack,
			  "received it first here");
	finding_add_stack(model, f, second->receiver, second->received_stack,
			  "received the other here");
	findings_add(model->findings, f);
}

/* Are these two wrong in a way that their times prove? */
static void compare(struct model *model, const struct delivery *d, unsigned int which,
		    const struct number_seen *old, const struct number_seen *now)
{
	if (old->number == now->number || (old->exit < now->enter && old->number > now->number))
		report_numbers(model, d, which, old, now);
	else if (now->exit < old->enter && now->number > old->number)
		report_numbers(model, d, which, now, old);
}

static struct stream *stream_of(struct order_state *state, const struct delivery *d,
				unsigned int which)
{
	uint64_t whose =
		d->queue->order[which]->by_sender ? d->message.process : (uint64_t)d->message.type;
	uint64_t key = mark_mix(mark_mix(d->queue->object.serial, which), whose);
	struct stream *stream = table_get(&state->streams, key);

	if (!stream && state->streams.n < STREAMS_MAX) {
		stream = model_alloc(sizeof(*stream));
		table_put(&state->streams, key, stream);
	}
	return stream;
}

static void check_number(struct model *model, struct order_state *state, const struct delivery *d,
			 unsigned int which)
{
	struct stream *stream = stream_of(state, d, which);
	struct number_seen now = {
		.number = d->receipt.number[which],
		.enter = d->receipt.enter,
		.exit = d->receipt.exit,
		.receiver = d->receipt.process,
		.received_stack = d->receipt.stack,
		.sender = d->message.process,
		.sent_stack = d->message.stack,
	};
	struct number_seen *slot;

	if (!stream)
		return;
	for (unsigned int i = 0; i < NUMBERS && i < stream->n; i++)
		compare(model, d, which, &stream->seen[i], &now);
	if (stream->n > NUMBERS)
		compare(model, d, which, &stream->highest, &now);
	slot = &stream->seen[stream->n % NUMBERS];
	if (stream->n == NUMBERS || (stream->n > NUMBERS && slot->number > stream->highest.number))
		stream->highest = *slot;
	*slot = now;
	stream->n++;
}

static void order_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			const struct event *event, const uint8_t *more)
{
	const struct delivery *d = model->delivery;
	struct order_state *state = data;

	(void)process, (void)thread, (void)more;
	if (queue_sends(event) && event_took_effect(event)) {
		struct object *object = object_find(model, queue_ref(event));

		if (object)
			note_digest(model, state, (struct queue *)object, event->digest);
	}
	if (!d || !d->left_queue)
		return;
	if (d->message.digest == d->receipt.digest && is_unique(d->queue, d->message.digest))
		check_sent_order(state, d);
	if (object_kind_of(d->queue->object.ref) == OBJECT_MQ &&
	    is_unique(d->queue, d->message.digest))
		check_priority(model, d);
	for (unsigned int i = 0; i < d->queue->n_orders; i++)
		if (d->receipt.has_number[i])
			check_number(model, state, d, i);
}

static void order_finish(struct model *model, void *data, enum trial_end how,
			 const struct leftover *left, unsigned int n_left)
{
	struct order_state *state = data;

	(void)how, (void)left, (void)n_left;
	while (state->n_suspicions > 0) {
		report_suspicion(model, &state->suspicion[state->n_suspicions - 1]);
		drop_suspicion(model, state, state->n_suspicions - 1);
	}
}

static void order_release(void *data)
{
	struct order_state *state = data;

	for (unsigned int i = 0; i < state->streams.n_slots; i++)
		free(state->streams.slot[i].value);
	table_free(&state->streams);
}

const struct invariant order_invariant = {
	.name = "order",
	.about =
		"Messages are received in the order in which they were sent, or that was declared.",
	.n_state_bytes = sizeof(struct order_state),
	.event = order_event,
	.finish = order_finish,
	.release = order_release,
};
