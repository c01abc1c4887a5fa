/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: which message comes next, who waits and who is served, and time. */
#include "kernel_mq.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

START_TEST(the_highest_priority_comes_first_and_fifo_within_it)
{
	mqd_t q = kt_mq(0, 5, 8, 0);
	char order[32] = "";

	ck_assert_int_eq(kt_mq_send(q, "a", 1), 0);
	ck_assert_int_eq(kt_mq_send(q, "b", 9), 0);
	ck_assert_int_eq(kt_mq_send(q, "c", 1), 0);
	ck_assert_int_eq(kt_mq_send(q, "d", 9), 0);
	ck_assert_int_eq(kt_mq_send(q, "e", 0), 0);
	for (int i = 0; i < 5; i++) {
		struct kt_mq_message m;

		ck_assert_int_eq(kt_mq_receive(q, &m), 1);
		strcat(order, m.text);
	}
	ck_assert_str_eq(order, "bdace");
	kt_measured("a b c d e with priorities 1 9 1 9 0 came as %s", order);
}
END_TEST

START_TEST(a_buffer_below_msgsize_gives_emsgsize_even_for_a_short_message)
{
	mqd_t q = kt_mq(0, 1, 8, O_NONBLOCK);
	char buffer[8];
	ssize_t got;

	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	got = mq_receive(q, buffer, 7, NULL);
	kt_measured("7 bytes for a message of 1: %s", kt_errno(got < 0 ? errno : 0));
	ck_assert(got == -1 && errno == EMSGSIZE);
	/* It is still there. */
	ck_assert_int_eq(mq_receive(q, buffer, 8, NULL), 1);
}
END_TEST

START_TEST(what_is_too_long_or_too_urgent_is_refused)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);

	ck_assert_int_eq(kt_mq_send(q, "12345678", 0), 0);
	ck_assert_int_eq(kt_mq_send(q, "123456789", 0), -EMSGSIZE);
	ck_assert_int_eq(kt_mq_send(q, "x", 32767), 0);
	ck_assert(mq_send(q, "x", 1, 32768) == -1 && errno == EINVAL);
	ck_assert_int_eq(sysconf(_SC_MQ_PRIO_MAX), 32768);
}
END_TEST

START_TEST(a_message_of_nothing_is_a_message)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	struct kt_mq_message m;

	ck_assert_int_eq(kt_mq_send(q, "", 3), 0);
	ck_assert_int_eq(kt_mq_receive(q, &m), 0);
	ck_assert_uint_eq(m.priority, 3);
	ck_assert_int_eq(kt_mq_receive(q, &m), -EAGAIN);
}
END_TEST

START_TEST(empty_and_full_give_eagain_with_o_nonblock)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	struct kt_mq_message m;

	ck_assert_int_eq(kt_mq_receive(q, &m), -EAGAIN);
	ck_assert_int_eq(kt_poll(q, POLLIN | POLLOUT), POLLOUT);
	ck_assert_int_eq(kt_mq_send(q, "1", 0), 0);
	ck_assert_int_eq(kt_poll(q, POLLIN | POLLOUT), POLLIN | POLLOUT);
	ck_assert_int_eq(kt_mq_send(q, "2", 0), 0);
	ck_assert_int_eq(kt_poll(q, POLLIN | POLLOUT), POLLIN);
	/* Urgency does not help. */
	ck_assert_int_eq(kt_mq_send(q, "3", 9), -EAGAIN);
}
END_TEST

START_TEST(the_time_is_a_moment_of_the_clock_and_no_duration)
{
	const struct timespec ten_seconds = { .tv_sec = 10 };
	mqd_t q = kt_mq(0, 1, 8, 0);
	char buffer[8];
	ssize_t got = mq_timedreceive(q, buffer, sizeof(buffer), NULL, &ten_seconds);

	kt_measured("a time of 10 s gave %s at once", kt_errno(got < 0 ? errno : 0));
	ck_assert(got == -1 && errno == ETIMEDOUT);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert_int_eq(mq_timedsend(q, "y", 1, 0, &ten_seconds), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	/* A moment that is past does no harm where nothing blocks. */
	ck_assert_int_eq(mq_timedreceive(q, buffer, sizeof(buffer), NULL, &ten_seconds), 1);
}
END_TEST

START_TEST(a_bad_time_gives_einval_even_where_nothing_would_block)
{
	const struct timespec bad = { .tv_nsec = 1000000000 };
	mqd_t q = kt_mq(0, 1, 8, 0);
	char buffer[8];

	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert_int_eq(mq_timedreceive(q, buffer, sizeof(buffer), NULL, &bad), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Forks a child that takes one message, expects `text`, and is blocked in it when we return. */
static pid_t fork_receiver(mqd_t q, const char *text)
{
	pid_t pid = kt_fork();

	if (!pid) {
		struct kt_mq_message m;

		KT_CHILD(kt_mq_receive(q, &m) == (int)strlen(text));
		KT_CHILD(!strcmp(m.text, text));
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_mq_timedreceive);
	return pid;
}

START_TEST(a_send_hands_over_to_the_receiver_that_waits_longest)
{
	mqd_t q = kt_mq(0, 2, 8, 0);
	pid_t first = fork_receiver(q, "one");
	pid_t second = fork_receiver(q, "two");

	ck_assert_int_eq(kt_mq_send(q, "one", 0), 0);
	/* It is the receiver's before mq_send() comes back: it was never in the queue. */
	ck_assert_int_eq(kt_mq_count(q), 0);
	kt_join(first);
	ck_assert_int_eq(kt_mq_send(q, "two", 0), 0);
	kt_join(second);
}
END_TEST

START_TEST(a_receive_from_a_full_queue_puts_the_waiting_message_in)
{
	mqd_t q = kt_mq(0, 1, 8, 0);
	struct kt_mq_message m;
	pid_t pid;

	ck_assert_int_eq(kt_mq_send(q, "old", 0), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_mq_send(q, "new", 0) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_mq_timedsend);
	ck_assert_int_eq(kt_mq_receive(q, &m), 3);
	ck_assert_str_eq(m.text, "old");
	/* Nobody else's message can get in between. */
	ck_assert_int_eq(kt_mq_count(q), 1);
	kt_join(pid);
}
END_TEST

START_TEST(o_nonblock_belongs_to_the_open_description)
{
	mqd_t q = kt_mq(0, 1, 8, 0);
	mqd_t other = mq_open(kt_name(0), O_RDWR);
	pid_t pid = kt_fork();
	struct mq_attr attr;

	if (!pid) {
		struct mq_attr nonblock = { .mq_flags = O_NONBLOCK };

		KT_CHILD(mq_setattr(q, &nonblock, NULL) == 0);
		_exit(0);
	}
	kt_join(pid);
	/* The child's inherited descriptor is the same description, another mq_open() is not. */
	ck_assert_int_eq(mq_getattr(q, &attr), 0);
	ck_assert_int_eq(attr.mq_flags, O_NONBLOCK);
	ck_assert_int_eq(mq_getattr(other, &attr), 0);
	ck_assert_int_eq(attr.mq_flags, 0);
}
END_TEST

START_TEST(mq_setattr_changes_nothing_but_o_nonblock)
{
	mqd_t q = kt_mq(0, 1, 8, 0);
	struct mq_attr larger = { .mq_maxmsg = 5, .mq_msgsize = 100 };
	struct mq_attr attr;

	ck_assert_int_eq(mq_setattr(q, &larger, NULL), 0);
	ck_assert_int_eq(mq_getattr(q, &attr), 0);
	kt_measured("asked for 5, mq_maxmsg stayed %ld", attr.mq_maxmsg);
	ck_assert_int_eq(attr.mq_maxmsg, 1);
	ck_assert_int_eq(attr.mq_msgsize, 8);
	larger.mq_flags = O_APPEND;
	ck_assert(mq_setattr(q, &larger, NULL) == -1 && errno == EINVAL);
}
END_TEST

START_TEST(messages_outlive_all_descriptors)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	struct kt_mq_message m;

	ck_assert_int_eq(kt_mq_send(q, "kept", 4), 0);
	ck_assert_int_eq(mq_close(q), 0);
	q = mq_open(kt_name(0), O_RDONLY);
	ck_assert_int_eq(kt_mq_receive(q, &m), 4);
	ck_assert_str_eq(m.text, "kept");
	ck_assert_uint_eq(m.priority, 4);
	kt_measured("read back: %s", m.text);
}
END_TEST

Suite *mq_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			the_highest_priority_comes_first_and_fifo_within_it,
			"A POSIX message queue is first in, first out.",
			"The highest priority first (32767 is the highest, 0 the lowest), and FIFO only within one. In System V's the receiver chooses."),
		KT_CLAIM(
			a_buffer_below_msgsize_gives_emsgsize_even_for_a_short_message,
			"mq_receive() needs room for the message.",
			"For the longest message that the queue could hold (`mq_msgsize`), however short the one is that comes."),
		KT_TEST(what_is_too_long_or_too_urgent_is_refused),
		KT_TEST(a_message_of_nothing_is_a_message),
		KT_TEST(empty_and_full_give_eagain_with_o_nonblock),
		KT_CLAIM(
			the_time_is_a_moment_of_the_clock_and_no_duration,
			"mq_timedreceive() waits for as long as its last argument says.",
			"Until that moment of CLOCK_REALTIME. A small number of seconds is long past."),
		KT_TEST(a_bad_time_gives_einval_even_where_nothing_would_block),
		KT_TEST(a_send_hands_over_to_the_receiver_that_waits_longest),
		KT_TEST(a_receive_from_a_full_queue_puts_the_waiting_message_in),
		KT_TEST(o_nonblock_belongs_to_the_open_description),
		KT_CLAIM(
			mq_setattr_changes_nothing_but_o_nonblock,
			"mq_setattr() makes a queue larger.",
			"It sets O_NONBLOCK. The sizes stay as mq_open() made them, and it says success."),
		KT_CLAIM(
			messages_outlive_all_descriptors,
			"A queue's messages are gone when the last process has closed it.",
			"They stay, with their priorities, until somebody takes them or the name and the last descriptor are gone."),
	};

	return kt_suite("mq", tests, SUITE_COUNT(tests));
}
