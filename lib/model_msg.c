/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_msg.c - message queues, System V's and POSIX's: each message is kept from its sending to
 * its receipt. A receipt can be seen before the sending that it answers; it waits then. Where
 * System V has a message's type, POSIX has its priority.
 */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static struct message **chain(const struct queue *queue, uint64_t digest)
{
	return &queue->slot[mark_mix(digest, 1) & (QUEUE_SLOTS - 1)];
}

static bool fits_queue(const struct order_declaration *order, const struct queue *queue)
{
	if (object_kind_of(queue->object.ref) == OBJECT_MQ)
		return order->name[0] && queue->object.path &&
		       strcmp(order->name, queue->object.path) == 0;
	if (order->name[0])
		return false;
	if (order->by_key)
		return queue->object.has_key && queue->object.key == (int32_t)order->queue;
	return object_value_of(queue->object.ref) == (uint64_t)order->queue;
}

static struct queue *see_queue(struct model *model, uint64_t ref)
{
	struct queue *queue = (struct queue *)object_see(model, ref);

	if (queue->slot)
		return queue;
	queue->slot = model_alloc(QUEUE_SLOTS * sizeof(queue->slot[0]));
	for (unsigned int i = 0; i < model->options.n_orders && queue->n_orders < MODEL_ORDERS; i++)
		if (fits_queue(&model->options.order[i], queue))
			queue->order[queue->n_orders++] = &model->options.order[i];
	return queue;
}

static bool is_posix(const struct event *event)
{
	return object_kind_of(event->object) == OBJECT_MQ;
}

/* The oldest message with these bytes. */
static struct message *find_same(const struct queue *queue, uint64_t digest, int64_t type)
{
	struct message *oldest = NULL;

	for (struct message *m = *chain(queue, digest); m; m = m->next_same)
		if (m->digest == digest && m->type == type)
			oldest = m;
	return oldest;
}

/* The oldest of that type, of which MSG_NOERROR may have left no more than `length` bytes. */
static struct message *find_cut(const struct queue *queue, int64_t type, uint32_t length)
{
	for (struct message *m = queue->oldest; m; m = m->newer)
		if (m->type == type && m->length > length)
			return m;
	return NULL;
}

static void push_message(struct queue *queue, const struct message *from)
{
	struct message *m = queue->spare;
	struct message **head = chain(queue, from->digest);

	if (m)
		queue->spare = m->newer;
	else
		m = model_alloc(sizeof(*m));
	*m = *from;
	m->older = queue->newest;
	m->newer = NULL;
	*(m->older ? &m->older->newer : &queue->oldest) = m;
	queue->newest = m;
	m->next_same = *head;
	*head = m;
	queue->n_messages++;
}

static void pop_message(struct queue *queue, struct message *m)
{
	struct message **link = chain(queue, m->digest);

	while (*link != m)
		link = &(*link)->next_same;
	*link = m->next_same;
	*(m->older ? &m->older->newer : &queue->oldest) = m->newer;
	*(m->newer ? &m->newer->older : &queue->newest) = m->older;
	m->newer = queue->spare;
	queue->spare = m;
	queue->n_messages--;
}

static void deliver(struct model *model, struct queue *queue, const struct message *message,
		    const struct receipt *receipt)
{
	model->delivery = &model->delivery_room;
	model->delivery_room = (struct delivery){
		.queue = queue,
		.message = *message,
		.receipt = *receipt,
		.left_queue = !receipt->copy,
	};
}

static void note_peek(struct message *message, const struct receipt *receipt)
{
	message->n_peeks++;
	message->peek_process = receipt->process;
	message->peek_stack = receipt->stack;
}

static bool answers(const struct receipt *receipt, const struct message *message)
{
	if (receipt->type != message->type)
		return false;
	if (receipt->digest == message->digest)
		return true;
	return receipt->cut && message->length > receipt->length;
}

static void drop_early(struct queue *queue, unsigned int i)
{
	queue->n_early--;
	memmove(&queue->early[i], &queue->early[i + 1],
		(queue->n_early - i) * sizeof(queue->early[0]));
}

/* Takes the receipts that waited for this message: all that looked at it, and the one that took it.
 */
static bool meet_early(struct model *model, struct queue *queue, struct message *message)
{
	for (unsigned int i = 0; i < queue->n_early;) {
		struct receipt receipt = queue->early[i];

		/* A receipt that was over before the sending began is of another message. */
		if (!answers(&receipt, message) || receipt.exit < message->enter) {
			i++;
			continue;
		}
		drop_early(queue, i);
		deliver(model, queue, message, &receipt);
		if (!receipt.copy)
			return true;
		note_peek(message, &receipt);
	}
	return false;
}

static void note_sent(struct model *model, struct queue *queue, uint32_t process,
		      const struct event *event, const uint8_t *more)
{
	struct message message = {
		.digest = event->digest,
		.type = event->arg[is_posix(event) ? 3 : 4],
		.length = event->length,
		.process = process,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.exit = event->exit_tsc,
	};

	for (unsigned int i = 0; i < queue->n_orders; i++)
		message.has_number[i] =
			order_number(queue->order[i], more, event_payload_bytes(event, more),
				     &message.number[i]);
	if (!meet_early(model, queue, &message))
		push_message(queue, &message);
}

/* When there is no room the oldest goes: its sending cannot be on its way any more. */
static void keep_early(struct queue *queue, const struct receipt *receipt)
{
	if (!queue->early)
		queue->early = model_alloc(QUEUE_RECEIPTS * sizeof(queue->early[0]));
	if (queue->n_early == QUEUE_RECEIPTS)
		drop_early(queue, 0);
	queue->early[queue->n_early++] = *receipt;
}

static void note_received(struct model *model, struct queue *queue, uint32_t process,
			  const struct event *event, const uint8_t *more)
{
	struct receipt receipt = {
		.digest = event->digest,
		.type = event->arg[5],
		.length = event->length,
		.process = process,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.exit = event->exit_tsc,
		.copy = !is_posix(event) && event->arg[4] & MSG_COPY,
		.cut = !is_posix(event) && event->arg[4] & MSG_NOERROR &&
		       event->result == event->arg[2],
	};
	struct message *message = find_same(queue, receipt.digest, receipt.type);

	for (unsigned int i = 0; i < queue->n_orders; i++)
		receipt.has_number[i] =
			order_number(queue->order[i], more, event_payload_bytes(event, more),
				     &receipt.number[i]);
	if (!message && receipt.cut)
		message = find_cut(queue, receipt.type, receipt.length);
	if (!message) {
		keep_early(queue, &receipt);
		return;
	}
	deliver(model, queue, message, &receipt);
	if (receipt.copy)
		note_peek(message, &receipt);
	else
		pop_message(queue, message);
}

static void note_wake(struct model *model, struct queue *queue, uint32_t process, bool sends)
{
	if (!wake_note(model, queue->object.serial, process, sends ? WOKEN_RECEIVER : WOKEN_SENDER))
		return;
	queue->user = model_grow(queue->user, &queue->room_users, queue->n_users + 1,
				 sizeof(queue->user[0]));
	queue->user[queue->n_users++] = process;
}

bool queue_sends(const struct event *event)
{
	switch (calls[event->call].canonical_id) {
	case CALL_msgsnd:
		return true;
	case CALL_mq_send:
	case CALL_mq_timedsend:
		return is_posix(event);
	default:
		return false;
	}
}

static bool queue_receives(const struct event *event)
{
	switch (calls[event->call].canonical_id) {
	case CALL_msgrcv:
		return true;
	case CALL_mq_receive:
	case CALL_mq_timedreceive:
		return is_posix(event);
	default:
		return false;
	}
}

uint64_t queue_ref(const struct event *event)
{
	return is_posix(event) ? event->object : event_ref(event, OBJECT_MSG, event->arg[0]);
}

void queue_event(struct model *model, uint32_t process, const struct event *event,
		 const uint8_t *more)
{
	uint64_t ref = queue_ref(event);
	bool sends = queue_sends(event);
	struct queue *queue;

	if (!sends && !queue_receives(event))
		return;
	if (event->flags & EVENT_ABANDONED)
		see_queue(model, ref)->n_unknown++;
	if (!event_took_effect(event))
		return;
	queue = see_queue(model, ref);
	note_wake(model, queue, process, sends);
	if (sends)
		note_sent(model, queue, process, event, more);
	else
		note_received(model, queue, process, event, more);
}

static void free_messages(struct message *m)
{
	while (m) {
		struct message *next = m->newer;

		free(m);
		m = next;
	}
}

void queue_release(struct model *model, struct queue *queue)
{
	for (unsigned int i = 0; i < queue->n_users; i++)
		wake_forget(model, queue->object.serial, queue->user[i]);
	free(queue->user);
	free_messages(queue->oldest);
	free_messages(queue->spare);
	free(queue->slot);
	free(queue->early);
	free(queue->order_state);
}
