/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: names, removal, limits, and what exec and other namespaces see. */
#include "kernel_mq.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h leaves it out. */
enum { MQUEUE_FILE_SYSTEM = 0x19800202 };

/* -errno of an mq_open() that must fail. */
static int open_error(const char *name, int flags, const struct mq_attr *attr)
{
	mqd_t q = mq_open(name, flags, 0600, attr);

	return q < 0 ? -errno : 0;
}

START_TEST(a_removed_name_leaves_the_open_descriptors_joined)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	mqd_t other = mq_open(kt_name(0), O_RDONLY);
	struct kt_mq_message m;

	ck_assert_int_eq(mq_unlink(kt_name(0)), 0);
	ck_assert_int_eq(kt_mq_send(q, "still", 0), 0);
	ck_assert_int_eq(kt_mq_receive(other, &m), 5);
	ck_assert_str_eq(m.text, "still");
	kt_measured("after mq_unlink(): received \"%s\"", m.text);
}
END_TEST

START_TEST(a_queue_made_again_under_the_name_is_another_one)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	struct kt_mq_message m;

	ck_assert_int_eq(kt_mq_send(q, "old", 0), 0);
	ck_assert_int_eq(mq_unlink(kt_name(0)), 0);
	ck_assert_int_eq(open_error(kt_name(0), O_RDWR, NULL), -ENOENT);
	ck_assert_int_eq(kt_mq_receive(kt_mq(0, 2, 8, O_NONBLOCK), &m), -EAGAIN);
	ck_assert_int_eq(kt_mq_receive(q, &m), 3);
}
END_TEST

START_TEST(messages_go_with_the_name_and_the_last_descriptor)
{
	mqd_t q = kt_mq(0, 2, 8, O_NONBLOCK);
	struct kt_mq_message m;
	int error;

	ck_assert_int_eq(kt_mq_send(q, "gone", 0), 0);
	ck_assert_int_eq(mq_unlink(kt_name(0)), 0);
	ck_assert_int_eq(mq_close(q), 0);
	q = kt_mq(0, 2, 8, O_NONBLOCK);
	error = kt_mq_receive(q, &m);
	kt_measured("receive from one made again: %s", kt_errno(error));
	ck_assert_int_eq(error, -EAGAIN);
}
END_TEST

START_TEST(removal_of_the_name_wakes_nobody)
{
	mqd_t q = kt_mq(0, 2, 8, 0);
	pid_t pid = kt_fork();

	if (!pid) {
		struct kt_mq_message m;

		kt_mq_receive(q, &m);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_mq_timedreceive);
	ck_assert_int_eq(mq_unlink(kt_name(0)), 0);
	kt_wait_blocked(pid, SYS_mq_timedreceive);
	kt_measured("the receiver still waits");
	kt_kill(pid);
}
END_TEST

START_TEST(a_queue_is_in_memory_and_of_its_ipc_namespace)
{
	struct statfs fs;
	mqd_t q = kt_mq(0, 1, 8, 0);
	pid_t pid;

	kt_need_namespace();
	ck_assert_int_eq(fstatfs(q, &fs), 0);
	ck_assert_int_eq(fs.f_type, MQUEUE_FILE_SYSTEM);
	ck_assert_int_eq(open_error(kt_name(0), O_RDWR, NULL), 0);
	pid = kt_fork();
	if (!pid) {
		int error;

		KT_CHILD(unshare(CLONE_NEWIPC) == 0);
		error = open_error(kt_name(0), O_RDWR, NULL);
		kt_measured("in a new IPC namespace: %s", kt_errno(error));
		KT_CHILD(error == -ENOENT);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(exec_closes_it)
{
	mqd_t q = kt_mq(0, 1, 8, 0);
	int flags = fcntl(q, F_GETFD);

	kt_measured("FD_CLOEXEC is %s", flags & FD_CLOEXEC ? "set" : "not set");
	ck_assert_int_eq(flags, FD_CLOEXEC);
}
END_TEST

START_TEST(an_existing_queue_keeps_its_sizes)
{
	struct mq_attr other = { .mq_maxmsg = 7, .mq_msgsize = 9 };
	struct mq_attr attr;
	mqd_t q;

	kt_mq(0, 2, 8, 0);
	q = mq_open(kt_name(0), O_CREAT | O_RDWR, 0600, &other);
	ck_assert_int_ge(q, 0);
	ck_assert_int_eq(mq_getattr(q, &attr), 0);
	kt_measured("asked for 7 messages, got a queue of %ld", attr.mq_maxmsg);
	ck_assert_int_eq(attr.mq_maxmsg, 2);
	ck_assert_int_eq(attr.mq_msgsize, 8);
	ck_assert_int_eq(open_error(kt_name(0), O_CREAT | O_EXCL | O_RDWR, NULL), -EEXIST);
}
END_TEST

START_TEST(without_attributes_it_has_the_default_sizes)
{
	mqd_t q = mq_open(kt_name(0), O_CREAT | O_RDWR, 0600, NULL);
	struct mq_attr attr;

	if (q < 0 && errno == EMFILE)
		suite_skip("this user has too many bytes in queues (RLIMIT_MSGQUEUE)");
	ck_assert_int_eq(mq_getattr(q, &attr), 0);
	ck_assert_int_eq(attr.mq_maxmsg, kt_sysctl("fs/mqueue/msg_default"));
	ck_assert_int_eq(attr.mq_msgsize, kt_sysctl("fs/mqueue/msgsize_default"));
}
END_TEST

START_TEST(it_is_one_way_if_opened_so)
{
	struct kt_mq_message m;
	mqd_t reader, writer;

	kt_mq(0, 2, 8, 0);
	reader = mq_open(kt_name(0), O_RDONLY | O_NONBLOCK);
	writer = mq_open(kt_name(0), O_WRONLY | O_NONBLOCK);
	ck_assert_int_eq(kt_mq_send(reader, "x", 0), -EBADF);
	ck_assert_int_eq(kt_mq_receive(writer, &m), -EBADF);
	ck_assert_int_eq(kt_mq_send(writer, "x", 0), 0);
	ck_assert_int_eq(kt_mq_receive(reader, &m), 1);
}
END_TEST

struct name_row {
	const char *name;
	const char *queue;
	int error;
};

static const struct name_row name_rows[] = {
	{ "without_a_slash", "no-slash", EINVAL },
	{ "only_a_slash", "/", ENOENT },
	{ "two_slashes", "/a/b", EACCES },
	{ "nobodys", "/ipcjam-kernel-nobody", ENOENT },
};

START_TEST(a_name_is_one_slash_and_a_word)
{
	const struct name_row *row = &name_rows[_i];

	ck_assert_int_eq(open_error(row->queue, O_RDWR, NULL), -row->error);
}
END_TEST

START_TEST(msg_max_and_msgsize_max_bind_users_without_rights)
{
	pid_t pid;

	kt_name(0);
	pid = kt_fork();
	if (!pid) {
		struct mq_attr many = { .mq_maxmsg = kt_sysctl("fs/mqueue/msg_max") + 1,
					.mq_msgsize = 1 };
		struct mq_attr long_ones = { .mq_maxmsg = 1,
					     .mq_msgsize = kt_sysctl("fs/mqueue/msgsize_max") + 1 };
		struct mq_attr none = { .mq_maxmsg = 0, .mq_msgsize = 1 };

		KT_CHILD(kt_drop_rights());
		KT_CHILD(open_error(kt_name(0), O_CREAT | O_RDWR, &many) == -EINVAL);
		KT_CHILD(open_error(kt_name(0), O_CREAT | O_RDWR, &long_ones) == -EINVAL);
		KT_CHILD(open_error(kt_name(0), O_CREAT | O_RDWR, &none) == -EINVAL);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(more_queues_than_queues_max_give_enospc)
{
	pid_t pid;

	if (!kt_set_sysctl("fs/mqueue/queues_max", 1))
		suite_skip("fs.mqueue.queues_max may not be set here");
	kt_mq(0, 1, 8, 0);
	kt_name(1);
	pid = kt_fork();
	if (!pid) {
		struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 1 };

		KT_CHILD(kt_drop_rights());
		KT_CHILD(open_error(kt_name(1), O_CREAT | O_RDWR, &small) == -ENOSPC);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(an_empty_queue_counts_with_all_that_it_could_hold)
{
	pid_t pid;

	kt_name(0);
	pid = kt_fork();
	if (!pid) {
		struct rlimit limit = { 4096, 4096 };
		struct mq_attr large = { .mq_maxmsg = 8, .mq_msgsize = 1024 };
		int error;

		KT_CHILD(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
		error = open_error(kt_name(0), O_CREAT | O_RDWR, &large);
		kt_measured("8 times 1024 bytes, none of them sent, under a limit of 4096: %s",
			    kt_errno(error));
		KT_CHILD(error == -EMFILE);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

Suite *mq_name_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(a_removed_name_leaves_the_open_descriptors_joined,
			 "mq_unlink() destroys the queue.",
			 "Its name. Who has it open goes on sending and receiving."),
		KT_TEST(a_queue_made_again_under_the_name_is_another_one),
		KT_CLAIM(
			messages_go_with_the_name_and_the_last_descriptor,
			"A queue keeps its messages after mq_unlink() for the next one of that name.",
			"They go with the last descriptor. The next one is another queue, and empty."),
		KT_CLAIM(removal_of_the_name_wakes_nobody,
			 "Removal ends the wait of the receivers, as with System V.",
			 "They wait on; no EIDRM here."),
		KT_CLAIM(
			a_queue_is_in_memory_and_of_its_ipc_namespace,
			"A queue is a file in /dev/mqueue and so survives a reboot.",
			"That is a file system in the kernel's memory, one for each IPC namespace, and gone with it."),
		KT_CLAIM(exec_closes_it, "A program started by exec inherits open queues.",
			 "mq_open() sets FD_CLOEXEC. fork inherits them."),
		KT_CLAIM(an_existing_queue_keeps_its_sizes,
			 "mq_open() with attributes gives a queue of these sizes.",
			 "Only a new one. An existing queue keeps its own, and nothing is said."),
		KT_TEST(without_attributes_it_has_the_default_sizes),
		KT_TEST(it_is_one_way_if_opened_so),
		KT_ROWS(a_name_is_one_slash_and_a_word, name_rows),
		KT_TEST(msg_max_and_msgsize_max_bind_users_without_rights),
		KT_TEST(more_queues_than_queues_max_give_enospc),
		KT_CLAIM(
			an_empty_queue_counts_with_all_that_it_could_hold,
			"An empty queue costs nothing.",
			"The most that it could hold is charged to its user when it is made (RLIMIT_MSGQUEUE): EMFILE, though no file is lacking."),
	};

	return kt_suite("mq_name", tests, SUITE_COUNT(tests));
}
