/* SPDX-License-Identifier: Apache-2.0 */
/* System V messages: what a message and a queue hold, and who waits at a full queue. */
#include "kernel_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sends `n_bytes` bytes of text: 0 or -errno. */
static int send_bytes(int id, size_t n_bytes, int flags)
{
	long *m = calloc(1, sizeof(*m) + n_bytes);
	int error;

	KT_CHILD(m != NULL);
	m[0] = 1;
	error = msgsnd(id, m, n_bytes, flags) < 0 ? -errno : 0;
	free(m);
	return error;
}

static struct msqid_ds stat_of(int id)
{
	struct msqid_ds ds;

	ck_assert_int_eq(msgctl(id, IPC_STAT, &ds), 0);
	return ds;
}

static void set_qbytes(int id, size_t n_bytes)
{
	struct msqid_ds ds = stat_of(id);

	ds.msg_qbytes = n_bytes;
	ck_assert_int_eq(msgctl(id, IPC_SET, &ds), 0);
}

/* Forks a child that sends `n_bytes`, expects `result`, and is blocked in it when we return. */
static pid_t fork_sender(int id, size_t n_bytes, int result)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(send_bytes(id, n_bytes, 0) == result);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_msgsnd);
	return pid;
}

START_TEST(msgmax_is_bytes_of_one_message)
{
	long msgmax = kt_sysctl("kernel/msgmax");
	int id = kt_msgq();

	ck_assert_int_gt(msgmax, 0);
	if ((size_t)msgmax >= stat_of(id).msg_qbytes)
		suite_skip("kernel.msgmax is not below what a queue holds");
	ck_assert_int_eq(send_bytes(id, (size_t)msgmax, IPC_NOWAIT), 0);
	ck_assert_int_eq(send_bytes(id, (size_t)msgmax + 1, IPC_NOWAIT), -EINVAL);
}
END_TEST

START_TEST(msgmnb_is_bytes_of_one_queue)
{
	long msgmnb = kt_sysctl("kernel/msgmnb");
	int id = kt_msgq();

	ck_assert_int_gt(msgmnb, 0);
	ck_assert_uint_eq(stat_of(id).msg_qbytes, (unsigned long)msgmnb);
	set_qbytes(id, 1000);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(send_bytes(id, 100, IPC_NOWAIT), 0);
	ck_assert_int_eq(send_bytes(id, 1, IPC_NOWAIT), -EAGAIN);
	ck_assert_uint_eq(stat_of(id).msg_cbytes, 1000);
	ck_assert_uint_eq(stat_of(id).msg_qnum, 10);
}
END_TEST

START_TEST(qbytes_bounds_the_number_of_empty_messages_too)
{
	int id = kt_msgq();

	set_qbytes(id, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(send_bytes(id, 0, IPC_NOWAIT), 0);
	ck_assert_int_eq(send_bytes(id, 0, IPC_NOWAIT), -EAGAIN);
	kt_measured("a queue of 4 bytes took %lu", stat_of(id).msg_qnum);
}
END_TEST

START_TEST(raising_qbytes_above_msgmnb_needs_a_right)
{
	long msgmnb = kt_sysctl("kernel/msgmnb");
	int id = kt_msgq();
	pid_t pid = kt_fork();

	if (!pid) {
		struct msqid_ds ds;

		KT_CHILD(msgctl(id, IPC_STAT, &ds) == 0);
		KT_CHILD(kt_drop_rights());
		ds.msg_qbytes = (unsigned long)msgmnb + 1;
		KT_CHILD(msgctl(id, IPC_SET, &ds) == -1 && errno == EPERM);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(lowering_qbytes_keeps_what_is_in_it)
{
	struct kt_message m;
	int id = kt_msgq();

	ck_assert_int_eq(send_bytes(id, 60, 0), 0);
	ck_assert_int_eq(send_bytes(id, 60, 0), 0);
	set_qbytes(id, 100);
	ck_assert_uint_eq(stat_of(id).msg_cbytes, 120);
	kt_measured("%lu bytes in a queue lowered to 100", stat_of(id).msg_cbytes);
	ck_assert_int_eq(send_bytes(id, 1, IPC_NOWAIT), -EAGAIN);
	ck_assert_int_eq(kt_recv(id, &m, 60, 0, 0), 60);
	ck_assert_int_eq(send_bytes(id, 40, IPC_NOWAIT), 0);
}
END_TEST

START_TEST(a_full_queue_blocks_msgsnd_until_a_receive)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid;

	set_qbytes(id, 10);
	ck_assert_int_eq(send_bytes(id, 10, 0), 0);
	pid = fork_sender(id, 10, 0);
	ck_assert_int_eq(kt_recv(id, &m, 10, 0, 0), 10);
	kt_join(pid);
	ck_assert_uint_eq(stat_of(id).msg_qnum, 1);
}
END_TEST

START_TEST(raising_qbytes_wakes_a_blocked_sender)
{
	int id = kt_msgq();
	pid_t pid;

	set_qbytes(id, 10);
	ck_assert_int_eq(send_bytes(id, 10, 0), 0);
	pid = fork_sender(id, 10, 0);
	set_qbytes(id, 20);
	kt_join(pid);
}
END_TEST

START_TEST(a_blocked_large_message_is_overtaken_by_a_small_one)
{
	struct kt_message m;
	int id = kt_msgq();
	pid_t pid;

	set_qbytes(id, 10);
	ck_assert_int_eq(send_bytes(id, 5, 0), 0);
	pid = fork_sender(id, 10, 0);
	ck_assert_int_eq(send_bytes(id, 5, IPC_NOWAIT), 0);
	ck_assert_int_eq(kt_recv(id, &m, 10, 0, 0), 5);
	kt_wait_blocked(pid, SYS_msgsnd);
	kt_measured("5 bytes went in while 10 waited");
	ck_assert_int_eq(kt_recv(id, &m, 10, 0, 0), 5);
	kt_join(pid);
}
END_TEST

START_TEST(a_message_above_qbytes_waits_for_ever)
{
	int id = kt_msgq();
	pid_t pid;

	/* It is legal by msgmax, so msgsnd() does not refuse it; and the queue is empty. */
	set_qbytes(id, 10);
	pid = fork_sender(id, 11, 0);
	ck_assert_uint_eq(stat_of(id).msg_qnum, 0);
	kt_measured("waits with %lu messages in the queue", stat_of(id).msg_qnum);
	kt_kill(pid);
}
END_TEST

START_TEST(removal_ends_a_senders_wait_at_once_with_eidrm)
{
	int id = kt_msgq();
	pid_t pid;

	set_qbytes(id, 10);
	ck_assert_int_eq(send_bytes(id, 10, 0), 0);
	pid = fork_sender(id, 10, -EIDRM);
	ck_assert_int_eq(msgctl(id, IPC_RMID, NULL), 0);
	kt_join(pid);
}
END_TEST

Suite *msg_limits_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(msgmax_is_bytes_of_one_message),
		KT_TEST(msgmnb_is_bytes_of_one_queue),
		KT_CLAIM(qbytes_bounds_the_number_of_empty_messages_too,
			 "A queue of N bytes takes any number of empty messages.", "N of them."),
		KT_TEST(raising_qbytes_above_msgmnb_needs_a_right),
		KT_CLAIM(lowering_qbytes_keeps_what_is_in_it,
			 "Lowering `msg_qbytes` drops messages.", "All stay; senders wait."),
		KT_TEST(a_full_queue_blocks_msgsnd_until_a_receive),
		KT_TEST(raising_qbytes_wakes_a_blocked_sender),
		KT_CLAIM(a_blocked_large_message_is_overtaken_by_a_small_one,
			 "Senders at a full queue are served in order.",
			 "A small message overtakes a large one that waits."),
		KT_CLAIM(
			a_message_above_qbytes_waits_for_ever,
			"A message that cannot ever fit is refused.",
			"Only above `msgmax`. Above `msg_qbytes` msgsnd waits for ever at an empty queue."),
		KT_TEST(removal_ends_a_senders_wait_at_once_with_eidrm),
	};

	return kt_suite("msg_limits", tests, SUITE_COUNT(tests));
}
