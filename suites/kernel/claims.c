/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims that textbooks and lecture notes repeat and that the kernel does not bear out;
 * docs/textbook.md lists them. Each test is named after its claim and passes when the kernel does
 * otherwise.
 */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

START_TEST(a_pipe_holds_4_kib)
{
	static char page[4096];
	int n_pages = 0;
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
	if (fcntl(fd[1], F_GETPIPE_SZ) < 65536 && geteuid() != 0)
		suite_skip("this user's pipes are above fs.pipe-user-pages-soft");
	while (write(fd[1], page, sizeof(page)) == sizeof(page))
		n_pages++;
	ck_assert_int_eq(n_pages, 16);
}
END_TEST

START_TEST(msgmax_is_8192_messages)
{
	static const char one[] = "x";
	long msgmax = kt_sysctl("kernel/msgmax");
	long msgmnb = kt_sysctl("kernel/msgmnb");
	struct msqid_ds ds;
	int id = kt_msgq();

	if (msgmnb <= msgmax)
		suite_skip("kernel.msgmnb is not above kernel.msgmax");
	/* More messages than that number go in; it is the bytes of the queue that end it. */
	while (kt_send(id, 1, one, IPC_NOWAIT) == 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(msgctl(id, IPC_STAT, &ds), 0);
	ck_assert_int_eq((long)ds.msg_qnum, msgmnb);
	ck_assert_int_gt((long)ds.msg_qnum, msgmax);
}
END_TEST

START_TEST(reading_an_empty_pipe_gives_epipe)
{
	int fd[2];
	char c;

	ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
	kt_handle(SIGPIPE, 0);
	ck_assert_int_eq(read(fd[0], &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_int_eq(kt_n_handled, 0);
}
END_TEST

static struct sockaddr_un meeting_place(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/meet", kt_dir());
	return at;
}

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_descriptor(int socket_fd, int fd)
{
	union control control = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	KT_CHILD(sendmsg(socket_fd, &m, 0) == 1);
}

static int receive_descriptor(int socket_fd)
{
	union control control = { 0 };
	char c;
	struct iovec byte = { .iov_base = &c, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	ck_assert_int_eq(recvmsg(socket_fd, &m, 0), 1);
	ck_assert_int_eq(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* An orphan: forked twice, so that it is no descendant of anybody here and inherits no pipe. */
static void start_stranger(const struct sockaddr_un *at)
{
	pid_t pid = kt_fork();

	if (!pid) {
		int s = socket(AF_UNIX, SOCK_STREAM, 0);
		int fd[2];

		if (fork())
			_exit(0);
		KT_CHILD(connect(s, (const struct sockaddr *)at, sizeof(*at)) == 0);
		KT_CHILD(pipe(fd) == 0);
		send_descriptor(s, fd[0]);
		KT_CHILD(write(fd[1], "hello", 5) == 5);
		_exit(0);
	}
	kt_join(pid);
}

START_TEST(pipes_only_join_relatives)
{
	struct sockaddr_un at = meeting_place();
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char got[8] = "";
	int fd;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	start_stranger(&at);
	fd = receive_descriptor(accept(listener, NULL, NULL));
	ck_assert_int_eq(read(fd, got, sizeof(got)), 5);
	ck_assert_str_eq(got, "hello");
}
END_TEST

START_TEST(the_id_grows_by_one_when_an_object_is_made_again)
{
	bool jumped = false;
	int last = -1;

	kt_need_namespace();
	/* Up to Linux 5.1 each step is a jump; since then one in 64 is. Either way one may not
	 * count on it. */
	for (int i = 0; i < 65; i++) {
		int id = semget(IPC_PRIVATE, 1, 0600);

		ck_assert_int_ge(id, 0);
		if (last >= 0 && id != last + 1)
			jumped = true;
		ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
		last = id;
	}
	ck_assert(jumped);
}
END_TEST

/* The value after a child did P with SEM_UNDO, `between` was done, and the child was killed. */
static int value_after_death(int start, int op, void (*between)(int id))
{
	struct kt_gate done;
	int id = kt_sem(1, start);
	pid_t pid;

	kt_gate_make(&done);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_semop(id, 0, op, SEM_UNDO) == 0);
		kt_gate_post(&done);
		pause();
	}
	kt_gate_await(&done);
	between(id);
	kt_kill(pid);
	return kt_semval(id, 0);
}

static void set_to_0(int id)
{
	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 0), 0);
}

static void take_2(int id)
{
	ck_assert_int_eq(kt_semop(id, 0, -2, 0), 0);
}

static void give_2(int id)
{
	ck_assert_int_eq(kt_semop(id, 0, 2, 0), 0);
}

START_TEST(sem_undo_brings_the_value_back)
{
	/* Not after a SETVAL; and only down to 0 and up to 32767. sem_undo and sem_undo_share have
	 * the rest. */
	ck_assert_int_eq(value_after_death(1, -1, set_to_0), 0);
	ck_assert_int_eq(value_after_death(0, 2, take_2), 0);
	ck_assert_int_eq(value_after_death(32766, -1, give_2), 32767);
}
END_TEST

START_TEST(a_segments_size_must_be_a_multiple_of_the_page)
{
	struct shmid_ds ds;
	int id = kt_shm(1);

	ck_assert_ptr_ne(shmat(id, NULL, 0), (void *)-1);
	ck_assert_int_eq(shmctl(id, IPC_STAT, &ds), 0);
	ck_assert_uint_eq(ds.shm_segsz, 1);
}
END_TEST

Suite *claims_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_pipe_holds_4_kib),
		KT_TEST(msgmax_is_8192_messages),
		KT_TEST(reading_an_empty_pipe_gives_epipe),
		KT_TEST(pipes_only_join_relatives),
		KT_TEST(the_id_grows_by_one_when_an_object_is_made_again),
		KT_TEST(sem_undo_brings_the_value_back),
		KT_TEST(a_segments_size_must_be_a_multiple_of_the_page),
	};

	return kt_suite("claims", tests, SUITE_COUNT(tests));
}
