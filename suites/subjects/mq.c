/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: priorities and their order, notification, limits; left behind, unread,
 * full, and both sides waiting. */
#include "subject_posix.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { N_MESSAGES = 8, N_PRIORITIES = 3, N_STREAM = 40 };

static mqd_t queues[2];
static const char *name;

static void make(long n_messages)
{
	name = own_mq_name("mq");
	queues[0] = make_mq(name, n_messages, sizeof(int));
}

static int send_priorities(int who)
{
	for (int i = 0; i < N_MESSAGES; i++)
		send_mq(queues[0], &i, sizeof(i), (unsigned int)i % N_PRIORITIES);
	return who;
}

/* The highest priority first, and within it the oldest. */
static int receive_priorities(int who)
{
	unsigned int last_priority = N_PRIORITIES, priority;
	int last = 0, number;

	for (int i = 0; i < N_MESSAGES; i++) {
		EXPECT(receive_mq(queues[0], &number, sizeof(number), &priority) == sizeof(number));
		EXPECT(priority <= last_priority);
		EXPECT(priority < last_priority || number > last);
		last_priority = priority;
		last = number;
	}
	return who;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(N_MESSAGES);
	spawn(send_priorities, 0);
	if (reap_all())
		return 1;
	spawn(receive_priorities, 0);
	return reap_all();
}

static int send_stream(int who)
{
	for (int i = 0; i < N_STREAM; i++)
		send_mq(queues[0], &i, sizeof(i), 0);
	return who;
}

/* By name, as a program would that shares nothing else. */
static int receive_stream(int who)
{
	mqd_t queue = CHECK(mq_open(name, O_RDONLY));
	int number;

	for (int i = 0; i < N_STREAM; i++) {
		receive_mq(queue, &number, sizeof(number), NULL);
		EXPECT(number == i);
	}
	CHECK(mq_close(queue));
	return who;
}

/* Less room than messages: both sides wait now and then. */
static int run_stream(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(2);
	spawn(send_stream, 0);
	spawn(receive_stream, 0);
	return reap_all();
}

static long n_waiting(mqd_t queue)
{
	struct mq_attr now;

	CHECK(mq_getattr(queue, &now));
	return now.mq_curmsgs;
}

/* Whatever is there now. */
static int receive_some(mqd_t queue, int n_got)
{
	int number;

	while (n_waiting(queue) > 0) {
		if (mq_receive(queue, (char *)&number, sizeof(number), NULL) != -1)
			EXPECT(number == n_got++);
		else
			EXPECT(errno == EAGAIN || errno == EINTR);
	}
	return n_got;
}

/* A notification comes once, and only when an empty queue gets a message: so ask for it first, then
 * empty the queue, then wait. */
static int notified_by_signal(int who)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	mqd_t queue = CHECK(mq_open(name, O_RDONLY | O_NONBLOCK));
	sigset_t wanted;
	int n_got = 0, number;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL));
	for (;;) {
		CHECK(mq_notify(queue, &event));
		n_got = receive_some(queue, n_got);
		if (n_got == N_STREAM)
			return who;
		EXPECT(sigwait(&wanted, &number) == 0 && number == SIGUSR1);
	}
}

static int run_notify_signal(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(4);
	spawn(notified_by_signal, 0);
	spawn(send_stream, 0);
	return reap_all();
}

static sem_t told;

static void tell(union sigval value)
{
	(void)value;
	post_psem(&told);
}

static int notified_by_thread(int who)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell };
	mqd_t queue = CHECK(mq_open(name, O_RDONLY | O_NONBLOCK));
	int n_got = 0;

	CHECK(sem_init(&told, 0, 0));
	for (;;) {
		CHECK(mq_notify(queue, &event));
		n_got = receive_some(queue, n_got);
		if (n_got == N_STREAM)
			return who;
		wait_psem(&told);
	}
}

static int run_notify_thread(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(4);
	spawn(notified_by_thread, 0);
	spawn(send_stream, 0);
	return reap_all();
}

static void expect_limits(mqd_t queue)
{
	struct timespec soon = after_ms(CLOCK_REALTIME, 1);
	struct mq_attr now;
	char text[2 * sizeof(int)] = { 0 };

	EXPECT(mq_send(queue, text, sizeof(text), 0) == -1 && errno == EMSGSIZE);
	EXPECT(mq_send(queue, text, 1, MQ_PRIO_MAX) == -1 && errno == EINVAL);
	send_mq(queue, text, sizeof(int), MQ_PRIO_MAX - 1);
	EXPECT(mq_receive(queue, text, 1, NULL) == -1 && errno == EMSGSIZE);
	send_mq(queue, text, 0, 0);
	CHECK(mq_getattr(queue, &now));
	EXPECT(now.mq_curmsgs == 2 && now.mq_maxmsg == 2);
	EXPECT(TEMP_FAILURE_RETRY(mq_timedsend(queue, text, 1, 0, &soon)) == -1 &&
	       errno == ETIMEDOUT);
	EXPECT(receive_mq(queue, text, sizeof(text), NULL) == sizeof(int));
	EXPECT(receive_mq(queue, text, sizeof(text), NULL) == 0);
	EXPECT(TEMP_FAILURE_RETRY(mq_timedreceive(queue, text, sizeof(text), NULL, &soon)) == -1 &&
	       errno == ETIMEDOUT);
}

static int run_limits(int argc, char **argv)
{
	struct mq_attr nonblocking = { .mq_flags = O_NONBLOCK };
	int number = 0;

	(void)argc, (void)argv;
	make(2);
	expect_limits(queues[0]);
	CHECK(mq_setattr(queues[0], &nonblocking, NULL));
	EXPECT(TEMP_FAILURE_RETRY(mq_receive(queues[0], (char *)&number, sizeof(number), NULL)) ==
		       -1 &&
	       errno == EAGAIN);
	for (int i = 0; i < 2; i++)
		send_mq(queues[0], &i, sizeof(i), 0);
	EXPECT(TEMP_FAILURE_RETRY(mq_send(queues[0], (char *)&number, sizeof(number), 0)) == -1 &&
	       errno == EAGAIN);
	for (int i = 0; i < 2; i++)
		receive_mq(queues[0], &number, sizeof(number), NULL);
	CHECK(mq_close(queues[0]));
	return 0;
}

static int run_leak(int argc, char **argv)
{
	char left[NAME_BYTES];

	(void)argc, (void)argv;
	new_name(left, "left");
	queues[0] = make_mq(left, N_MESSAGES, sizeof(int));
	spawn(send_priorities, 0);
	if (reap_all())
		return 1;
	return receive_priorities(0);
}

/* Each waits for the other's message before it sends its own. */
static int receive_then_send(int who)
{
	int number;

	receive_mq(queues[who], &number, sizeof(number), NULL);
	send_mq(queues[!who], &number, sizeof(number), 0);
	return 0;
}

static int run_both_wait(int argc, char **argv)
{
	(void)argc, (void)argv;
	queues[0] = make_mq(own_mq_name("a"), 1, sizeof(int));
	queues[1] = make_mq(own_mq_name("b"), 1, sizeof(int));
	spawn(receive_then_send, 0);
	spawn(receive_then_send, 1);
	return reap_all();
}

static int run_full(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(2);
	spawn(send_stream, 0);
	spawn(send_stream, 0);
	return reap_all();
}

static int receive_one(int who)
{
	int number;

	receive_mq(queues[0], &number, sizeof(number), NULL);
	return who;
}

static int run_unread(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(N_MESSAGES);
	send_priorities(0);
	spawn(receive_one, 0);
	if (reap_all())
		return 1;
	CHECK(mq_close(queues[0]));
	CHECK(mq_unlink(name));
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "stream", run_stream },
	{ "notify_signal", run_notify_signal },
	{ "notify_thread", run_notify_thread },
	{ "limits", run_limits },
	{ "leak", run_leak },
	{ "both_wait", run_both_wait },
	{ "full", run_full },
	{ "unread", run_unread },
};

SUBJECT_MAIN(variants)
