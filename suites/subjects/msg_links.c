/* SPDX-License-Identifier: Apache-2.0 */
/* Links made of message queues: many to one, direct, a rendezvous by request and answer, and two
 * links for one pair. */
#include "subject.h"

#include <sys/msg.h>

enum { KEY = 0x49500004, N_SENDERS = 3, N_NUMBERS = 20 };
enum { REQUEST = 1, ANSWER = 2, HELLO = 3 };

static int queue;
static int back;

static void send_number(int where, long type, uint32_t sender, uint32_t number)
{
	struct message message = { .type = type, .sender = sender, .number = number };

	send_message(where, &message, MESSAGE_SMALL);
}

static int sender(int who)
{
	int found = CHECK(msgget(KEY, 0));

	for (uint32_t i = 1; i <= N_NUMBERS; i++)
		send_number(found, 1, (uint32_t)who, i);
	return 0;
}

static int receiver(int who)
{
	uint32_t last[N_SENDERS] = { 0 };
	struct message message;

	(void)who;
	for (int i = 0; i < N_SENDERS * N_NUMBERS; i++) {
		receive_message(queue, &message, 0, 0);
		EXPECT(message.sender < N_SENDERS && message.number == last[message.sender] + 1);
		last[message.sender] = message.number;
	}
	return 0;
}

/* Indirect: the senders know the mailbox by its key, not who empties it. */
static int run_many_to_one(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(KEY);
	spawn(receiver, 0);
	for (int i = 0; i < N_SENDERS; i++)
		spawn(sender, i);
	return reap_all();
}

/* Capacity 0: the sender goes on only when the receiver has it. */
static int rendezvous_sender(int who)
{
	struct message message;

	for (uint32_t i = 1; i <= N_NUMBERS; i++) {
		send_number(queue, REQUEST, (uint32_t)who, i);
		receive_message(queue, &message, ANSWER, 0);
		EXPECT(message.number == i);
	}
	return 0;
}

static int rendezvous_receiver(int who)
{
	struct message message;

	for (uint32_t i = 1; i <= N_NUMBERS; i++) {
		receive_message(queue, &message, REQUEST, 0);
		send_number(queue, ANSWER, (uint32_t)who, message.number);
	}
	return 0;
}

static int run_rendezvous(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(rendezvous_sender, 0);
	spawn(rendezvous_receiver, 1);
	return reap_all();
}

/* The receiver forgets to answer, and waits for the next. */
static int silent_receiver(int who)
{
	struct message message;

	(void)who;
	for (uint32_t i = 1; i <= N_NUMBERS; i++)
		receive_message(queue, &message, REQUEST, 0);
	return 0;
}

static int run_no_answer(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(rendezvous_sender, 0);
	spawn(silent_receiver, 1);
	return reap_all();
}

/* Direct: a message's type is the pid of the one that it is for, who said hello with it. */
static int named_receiver(int who)
{
	struct message message;

	send_number(queue, HELLO, (uint32_t)getpid(), (uint32_t)who);
	receive_message(queue, &message, getpid() + HELLO, 0);
	EXPECT(message.number == (uint32_t)who);
	return 0;
}

static int direct_sender(int who)
{
	struct message message;

	(void)who;
	for (int i = 0; i < N_SENDERS; i++) {
		receive_message(queue, &message, HELLO, 0);
		send_number(queue, (long)message.sender + HELLO, 0, message.number);
	}
	return 0;
}

static int run_direct(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	spawn(direct_sender, 0);
	for (int i = 0; i < N_SENDERS; i++)
		spawn(named_receiver, i);
	return reap_all();
}

/* A queue there, another back. */
static int asker(int who)
{
	struct message message;

	for (uint32_t i = 1; i <= N_NUMBERS; i++)
		send_number(queue, REQUEST, (uint32_t)who, i);
	for (uint32_t i = 1; i <= N_NUMBERS; i++) {
		receive_message(back, &message, 0, 0);
		EXPECT(message.number == i * i);
	}
	return 0;
}

static int squarer(int who)
{
	struct message message;

	for (uint32_t i = 1; i <= N_NUMBERS; i++) {
		receive_message(queue, &message, 0, 0);
		send_number(back, ANSWER, (uint32_t)who, message.number * message.number);
	}
	return 0;
}

static int run_two_links(int argc, char **argv)
{
	(void)argc, (void)argv;
	queue = make_queue(IPC_PRIVATE);
	back = make_queue(IPC_PRIVATE);
	spawn(asker, 0);
	spawn(squarer, 1);
	return reap_all();
}

static const struct variant variants[] = {
	{ "many_to_one", run_many_to_one }, { "rendezvous", run_rendezvous },
	{ "no_answer", run_no_answer },     { "direct", run_direct },
	{ "two_links", run_two_links },
};

SUBJECT_MAIN(variants)
