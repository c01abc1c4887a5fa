/* SPDX-License-Identifier: Apache-2.0 */
/* System V messages: which one msgrcv() takes, and what becomes of one that does not fit. */
#include "kernel_test.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	long type;
	const char *text;
} sent[] = {
	{ 3, "c1" }, { 1, "a1" }, { 2, "b1" }, { 1, "a2" }, { 3, "c2" },
};

struct type_row {
	const char *name;
	long type;
	int flags;
	const char *order[SUITE_COUNT(sent) + 1];
};

/* What comes out of a queue with the messages above, until ENOMSG. */
static const struct type_row type_rows[] = {
	{ "type_0_takes_the_first_of_all", 0, 0, { "c1", "a1", "b1", "a2", "c2" } },
	{ "a_type_above_0_takes_its_own_in_order", 1, 0, { "a1", "a2" } },
	{ "a_type_that_nobody_sent_takes_none", 4, 0, { NULL } },
	{ "a_type_below_0_takes_the_lowest_first", -2, 0, { "a1", "a2", "b1" } },
	{ "a_type_below_0_takes_fifo_within_a_type", -9, 0, { "a1", "a2", "b1", "c1", "c2" } },
	{ "msg_except_takes_all_others_in_order", 1, MSG_EXCEPT, { "c1", "b1", "c2" } },
};

START_TEST(by_type)
{
	const struct type_row *row = &type_rows[_i];
	struct kt_message m;
	int id = kt_msgq();

	char order[32] = "";

	for (size_t i = 0; i < SUITE_COUNT(sent); i++)
		ck_assert_int_eq(kt_send(id, sent[i].type, sent[i].text, 0), 0);
	for (int i = 0; row->order[i]; i++) {
		ck_assert_int_eq(kt_recv(id, &m, 8, row->type, row->flags | IPC_NOWAIT), 2);
		ck_assert_str_eq(m.text, row->order[i]);
		strcat(strcat(order, " "), m.text);
	}
	ck_assert_int_eq(kt_recv(id, &m, 8, row->type, row->flags | IPC_NOWAIT), -ENOMSG);
	if (row->type < 0)
		kt_measured("%ld of c1 a1 b1 a2 c2 (a is type 1):%s", row->type, order);
}
END_TEST

START_TEST(too_long_gives_e2big_and_leaves_it)
{
	struct kt_message m;
	int id = kt_msgq();

	ck_assert_int_eq(kt_send(id, 1, "long message", 0), 0);
	ck_assert_int_eq(kt_recv(id, &m, 4, 0, 0), -E2BIG);
	ck_assert_int_eq(kt_recv(id, &m, 12, 0, 0), 12);
	ck_assert_str_eq(m.text, "long message");
}
END_TEST

START_TEST(msg_noerror_cuts_it_and_loses_the_rest)
{
	struct kt_message m;
	int id = kt_msgq();

	ck_assert_int_eq(kt_send(id, 1, "long message", 0), 0);
	ck_assert_int_eq(kt_recv(id, &m, 4, 0, MSG_NOERROR), 4);
	ck_assert_str_eq(m.text, "long");
	kt_measured("with MSG_NOERROR: \"%s\" of \"long message\"", m.text);
	ck_assert_int_eq(kt_recv(id, &m, 12, 0, IPC_NOWAIT), -ENOMSG);
}
END_TEST

START_TEST(too_long_does_not_look_for_a_shorter_one)
{
	struct kt_message m;
	int id = kt_msgq();

	ck_assert_int_eq(kt_send(id, 1, "long message", 0), 0);
	ck_assert_int_eq(kt_send(id, 1, "ok", 0), 0);
	ck_assert_int_eq(kt_recv(id, &m, 4, 0, IPC_NOWAIT), -E2BIG);
}
END_TEST

START_TEST(a_blocked_receiver_gets_e2big_and_the_message_stays)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_recv(id, &m, 4, 0, 0) == -E2BIG);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_msgrcv);
	ck_assert_int_eq(kt_send(id, 1, "long message", 0), 0);
	kt_join(pid);
	ck_assert_int_eq(kt_recv(id, &m, 12, 0, IPC_NOWAIT), 12);
}
END_TEST

START_TEST(a_blocked_receiver_is_not_woken_by_another_type)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_recv(id, &m, 8, 2, 0) == 3);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_msgrcv);
	ck_assert_int_eq(kt_send(id, 1, "one", 0), 0);
	kt_wait_blocked(pid, SYS_msgrcv);
	ck_assert_int_eq(kt_send(id, 2, "two", 0), 0);
	kt_join(pid);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, IPC_NOWAIT), 3);
	ck_assert_str_eq(m.text, "one");
}
END_TEST

START_TEST(a_send_hands_over_to_the_receiver_that_waits)
{
	struct msqid_ds ds;
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_recv(id, &m, 8, 0, 0) == 3);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_msgrcv);
	ck_assert_int_eq(kt_send(id, 1, "for", 0), 0);
	/* It is the receiver's before msgsnd() comes back: nobody can snatch it. */
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, IPC_NOWAIT), -ENOMSG);
	ck_assert_int_eq(msgctl(id, IPC_STAT, &ds), 0);
	ck_assert_int_eq(ds.msg_lrpid, pid);
	ck_assert_int_eq(ds.msg_lspid, getpid());
	kt_join(pid);
}
END_TEST

START_TEST(msg_copy_takes_by_place_and_leaves_it)
{
	struct kt_message m;
	int id = kt_msgq();
	int got;

	ck_assert_int_eq(kt_send(id, 7, "zero", 0), 0);
	ck_assert_int_eq(kt_send(id, 5, "one", 0), 0);
	got = kt_recv(id, &m, 8, 1, MSG_COPY | IPC_NOWAIT);
	if (got == -ENOSYS)
		suite_skip("this kernel is built without MSG_COPY (CONFIG_CHECKPOINT_RESTORE)");
	ck_assert_int_eq(got, 3);
	ck_assert_int_eq(m.type, 5);
	ck_assert_str_eq(m.text, "one");
	kt_measured("read \"%s\", and it was still there", m.text);
	ck_assert_int_eq(kt_recv(id, &m, 8, 2, MSG_COPY | IPC_NOWAIT), -ENOMSG);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, MSG_COPY), -EINVAL);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), -EINVAL);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, IPC_NOWAIT), 4);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, IPC_NOWAIT), 3);
}
END_TEST

START_TEST(a_message_without_text_is_a_message)
{
	struct kt_message m;
	int id = kt_msgq();

	ck_assert_int_eq(kt_send(id, 9, "", 0), 0);
	ck_assert_int_eq(kt_recv(id, &m, 0, 0, IPC_NOWAIT), 0);
	ck_assert_int_eq(m.type, 9);
	ck_assert_int_eq(kt_recv(id, &m, 0, 0, IPC_NOWAIT), -ENOMSG);
}
END_TEST

START_TEST(a_type_to_send_must_be_above_0)
{
	int id = kt_msgq();

	ck_assert_int_eq(kt_send(id, 0, "x", 0), -EINVAL);
	ck_assert_int_eq(kt_send(id, -1, "x", 0), -EINVAL);
}
END_TEST

START_TEST(messages_outlive_their_sender)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_send(id, 1, "will", 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, IPC_NOWAIT), 4);
}
END_TEST

START_TEST(two_queues_have_no_common_order)
{
	int first = kt_msgq(), second = kt_msgq();
	struct kt_message m;

	/* Who looks into one after the other misses what comes into the first one then. */
	ck_assert_int_eq(kt_recv(first, &m, 8, 0, IPC_NOWAIT), -ENOMSG);
	ck_assert_int_eq(kt_send(first, 1, "one", 0), 0);
	ck_assert_int_eq(kt_send(second, 1, "two", 0), 0);
	ck_assert_int_eq(kt_recv(second, &m, 8, 0, IPC_NOWAIT), 3);
	ck_assert_str_eq(m.text, "two");
	kt_measured("sent one, two; received %s", m.text);
	ck_assert_int_eq(kt_recv(first, &m, 8, 0, IPC_NOWAIT), 3);
	kt_measured("%s", m.text);
}
END_TEST

START_TEST(removal_ends_the_wait_at_once_with_eidrm)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_recv(id, &m, 8, 0, 0) == -EIDRM);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_msgrcv);
	ck_assert_int_eq(msgctl(id, IPC_RMID, NULL), 0);
	kt_join(pid);
	ck_assert_int_eq(kt_recv(id, &m, 8, 0, 0), -EINVAL);
}
END_TEST

Suite *msg_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM_ROWS(by_type, type_rows,
			      "A negative type takes the first message of a lower type.",
			      "The lowest type first, and FIFO only within it."),
		KT_TEST(too_long_gives_e2big_and_leaves_it),
		KT_CLAIM(
			msg_noerror_cuts_it_and_loses_the_rest,
			"A message that is too long is cut.",
			"Only with MSG_NOERROR, and then its rest is lost. Otherwise E2BIG, and it stays."),
		KT_TEST(too_long_does_not_look_for_a_shorter_one),
		KT_TEST(a_blocked_receiver_gets_e2big_and_the_message_stays),
		KT_TEST(a_blocked_receiver_is_not_woken_by_another_type),
		KT_TEST(a_send_hands_over_to_the_receiver_that_waits),
		KT_CLAIM(msg_copy_takes_by_place_and_leaves_it,
			 "A receiver always takes a message away.",
			 "Not with MSG_COPY, which takes it by its place."),
		KT_TEST(a_message_without_text_is_a_message),
		KT_TEST(a_type_to_send_must_be_above_0),
		KT_TEST(messages_outlive_their_sender),
		KT_CLAIM(
			two_queues_have_no_common_order,
			"One sender's messages come in the order in which it sent them.",
			"Within a queue and a type. Over two queues there is none: the receiver chooses where it looks."),
		KT_TEST(removal_ends_the_wait_at_once_with_eidrm),
	};

	return kt_suite("msg", tests, SUITE_COUNT(tests));
}
