/* SPDX-License-Identifier: Apache-2.0 */
/* System V messages: taken by type, without waiting, cut short; left, waited for in vain, seen
 * twice, out of order. */
#include "subject.h"

#include <sys/msg.h>

enum { N_MESSAGES = 32, ORDER_KEY = 0x49500003 };

static int queue;
static int answers;

static void send_number(long type, uint32_t number)
{
	struct message message = { .type = type, .number = number };

	send_message(queue, &message, MESSAGE_SMALL);
}

static uint32_t take(long type, int flags)
{
	struct message message;

	EXPECT(receive_message(queue, &message, type, flags) == MESSAGE_SMALL);
	return message.number;
}

/* Numbers 1.. in the order sent; the types are theirs to choose from. */
static int send_typed(int who)
{
	static const long types[] = { 3, 1, 2, 5, 4, 2 };

	(void)who;
	for (uint32_t i = 0; i < 6; i++)
		send_number(types[i], i + 1);
	return 0;
}

static int take_typed(int who)
{
	(void)who;
	EXPECT(take(0, 0) == 1);  /* the oldest */
	EXPECT(take(2, 0) == 3);  /* the oldest of that type */
	EXPECT(take(-4, 0) == 2); /* the lowest type up to 4 */
	EXPECT(take(-4, 0) == 6);
	EXPECT(take(5, MSG_EXCEPT) == 5); /* any but that type */
	EXPECT(take(0, IPC_NOWAIT) == 4);
	return 0;
}

static int run_by_type(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(send_typed, 0);
	if (reap_all())
		return 1;
	spawn(take_typed, 0);
	return reap_all();
}

/* More than a queue holds. */
static void send_many(int where)
{
	struct message message = { .type = 1 };

	for (message.number = 1; message.number <= N_MESSAGES; message.number++)
		send_message(where, &message, MESSAGE_FULL);
}

static void take_many(int where)
{
	struct message message;

	for (uint32_t i = 1; i <= N_MESSAGES; i++)
		EXPECT(receive_message(where, &message, 0, 0) == MESSAGE_FULL &&
		       message.number == i);
}

static int stream_sender(int who)
{
	send_many(queue);
	return who;
}

static int stream_taker(int who)
{
	take_many(queue);
	return who;
}

/* Bounded: the sender waits for the taker now and then. */
static int run_stream(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(stream_sender, 0);
	spawn(stream_taker, 0);
	return reap_all();
}

static int run_nowait(int argc, char **argv)
{
	struct message message = { .type = 1 };
	struct msqid_ds status;
	int n_sent = 0;

	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	CHECK(msgctl(queue, IPC_STAT, &status));
	status.msg_qbytes = 4 * MESSAGE_FULL;
	CHECK(msgctl(queue, IPC_SET, &status));
	while (TEMP_FAILURE_RETRY(msgsnd(queue, &message, MESSAGE_FULL, IPC_NOWAIT)) == 0)
		n_sent++;
	EXPECT(errno == EAGAIN && n_sent == 4);
	for (; n_sent > 0; n_sent--)
		receive_message(queue, &message, 0, IPC_NOWAIT);
	EXPECT(TEMP_FAILURE_RETRY(msgrcv(queue, &message, MESSAGE_FULL, 0, IPC_NOWAIT)) == -1 &&
	       errno == ENOMSG);
	return 0;
}

static int run_noerror(int argc, char **argv)
{
	struct message message = { .type = 1, .number = 7 };

	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	send_message(queue, &message, MESSAGE_FULL);
	EXPECT(TEMP_FAILURE_RETRY(msgrcv(queue, &message, 4, 0, IPC_NOWAIT)) == -1 &&
	       errno == E2BIG);
	EXPECT(TEMP_FAILURE_RETRY(msgrcv(queue, &message, 4, 0, MSG_NOERROR)) == 4);
	EXPECT(message.number == 7);
	return 0;
}

static int run_left_in_queue(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(send_typed, 0);
	if (reap_all())
		return 1;
	EXPECT(take(0, 0) == 1);
	return 0;
}

static int take_in_vain(int who)
{
	(void)who;
	take(9, 0);
	return 0;
}

static int run_no_sender(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(take_in_vain, 0);
	return reap_all();
}

static int send_then_take(int who)
{
	send_many(who == 0 ? queue : answers);
	take_many(who == 0 ? answers : queue);
	return 0;
}

static int run_both_full(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	answers = make_queue(IPC_PRIVATE);
	spawn(send_then_take, 0);
	spawn(send_then_take, 1);
	return reap_all();
}

static int peek(int who)
{
	(void)who;
	EXPECT(take(0, MSG_COPY | IPC_NOWAIT) == 7); /* here the type is a position */
	return 0;
}

/* Two processes have the message: one that only looked, and one that took it. */
static int run_peeked(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	send_number(1, 7);
	spawn(peek, 0);
	if (reap_all())
		return 1;
	EXPECT(take(0, 0) == 7);
	return 0;
}

/* Looking before taking is right. */
static int run_looked_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	send_number(1, 7);
	peek(0);
	EXPECT(take(0, 0) == 7);
	return 0;
}

static int send_odd_even(int who)
{
	(void)who;
	for (uint32_t i = 1; i <= 4; i++)
		send_number(1 + i % 2, i);
	return 0;
}

/* Takes by type what was meant to be taken by number: 2 and 4 before 1 and 3. */
static int run_misordered(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(ORDER_KEY);
	spawn(send_odd_even, 0);
	if (reap_all())
		return 1;
	for (uint32_t i = 0; i < 4; i++)
		take(-2, 0);
	return 0;
}

static int run_in_order(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(ORDER_KEY);
	spawn(send_odd_even, 0);
	if (reap_all())
		return 1;
	for (uint32_t i = 1; i <= 4; i++)
		EXPECT(take(0, 0) == i);
	return 0;
}

static const struct variant variants[] = {
	{ "by_type", run_by_type },
	{ "stream", run_stream },
	{ "nowait", run_nowait },
	{ "noerror", run_noerror },
	{ "in_order", run_in_order },
	{ "left_in_queue", run_left_in_queue },
	{ "no_sender", run_no_sender },
	{ "both_full", run_both_full },
	{ "looked_first", run_looked_first },
	{ "peeked", run_peeked },
	{ "misordered", run_misordered },
};

SUBJECT_MAIN(variants)
