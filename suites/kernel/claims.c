/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims that ipcjam was founded against. Each test is named after its claim and passes when
 * the kernel does otherwise. The other claims of docs/textbook.md are beside the tests of their
 * subject.
 */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
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
	kt_measured("%d bytes", n_pages * 4096);
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
	kt_measured("msgmax %ld, and %ld messages in one queue", msgmax, (long)ds.msg_qnum);
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
	kt_measured("with a writer %s", kt_errno(errno));
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	kt_measured("without one 0, and %d times SIGPIPE", kt_n_handled);
	ck_assert_int_eq(kt_n_handled, 0);
}
END_TEST

/* An orphan: forked twice, so that it is no descendant of anybody here and inherits no pipe. */
static void start_stranger(const struct sockaddr_un *at)
{
	pid_t pid = kt_fork();

	if (!pid) {
		int fd[2];

		if (fork())
			_exit(0);
		KT_CHILD(pipe(fd) == 0);
		KT_CHILD(kt_send_fd(kt_unix_connect(at, SOCK_STREAM), fd[0]) == 0);
		KT_CHILD(write(fd[1], "hello", 5) == 5);
		_exit(0);
	}
	kt_join(pid);
}

START_TEST(pipes_only_join_relatives)
{
	struct sockaddr_un at = kt_unix_at("meet");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 1);
	char got[8] = "";
	int fd;

	start_stranger(&at);
	fd = kt_recv_fd(accept(listener, NULL, NULL));
	ck_assert_int_eq(read(fd, got, sizeof(got)), 5);
	kt_measured("from a stranger: \"%s\"", got);
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
		if (last >= 0 && id != last + 1) {
			jumped = true;
			kt_measured("after %d came %d", last, id);
		}
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
	int after_setval = value_after_death(1, -1, set_to_0);
	int below_0 = value_after_death(0, 2, take_2);
	int above_32767 = value_after_death(32766, -1, give_2);

	kt_measured("%d after a SETVAL, %d where it would be -2, %d where it would be 32768",
		    after_setval, below_0, above_32767);
	ck_assert_int_eq(after_setval, 0);
	ck_assert_int_eq(below_0, 0);
	ck_assert_int_eq(above_32767, 32767);
}
END_TEST

START_TEST(a_segments_size_must_be_a_multiple_of_the_page)
{
	struct shmid_ds ds;
	int id = kt_shm(1);

	ck_assert_ptr_ne(shmat(id, NULL, 0), (void *)-1);
	ck_assert_int_eq(shmctl(id, IPC_STAT, &ds), 0);
	kt_measured("asked for 1 byte: shm_segsz %zu", ds.shm_segsz);
	ck_assert_uint_eq(ds.shm_segsz, 1);
}
END_TEST

Suite *claims_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_pipe_holds_4_kib, "A pipe holds 4 KiB.",
			"64 KiB: 16 pages. 4 KiB is `PIPE_BUF`, the largest write that is never torn."),
		KT_CLAIM(
			msgmax_is_8192_messages, "MSGMAX is 8192 messages.",
			"It is 8192 bytes in one message. A queue with the usual 16384 bytes takes 16384 messages of one byte."),
		KT_CLAIM(
			reading_an_empty_pipe_gives_epipe, "Reading an empty pipe gives EPIPE.",
			"It blocks, or gives EAGAIN with O_NONBLOCK, or 0 when no writer is left. EPIPE and SIGPIPE are for writers without a reader."),
		KT_CLAIM(
			pipes_only_join_relatives, "Pipes only join relatives.",
			"An end can be sent over a Unix socket (SCM_RIGHTS), or opened through `/proc/PID/fd`."),
		KT_CLAIM(
			the_id_grows_by_one_when_an_object_is_made_again,
			"The id grows by one when an object is made again.",
			"Mostly, in a fresh namespace, and then not: the index goes round in a circle of 64, and each round adds 32768. Before Linux 5.2 each remake added 32768."),
		KT_CLAIM(
			sem_undo_brings_the_value_back, "SEM_UNDO brings the value back.",
			"Only if nobody did SETVAL or SETALL in between, and never below 0 or above 32767."),
		KT_CLAIM(
			a_segments_size_must_be_a_multiple_of_the_page,
			"A shared segment's size must be a multiple of the page.",
			"Any size from 1 byte on. `shm_segsz` stays as asked; the rest of the last page is there, zero and shared."),
	};

	return kt_suite("claims", tests, SUITE_COUNT(tests));
}
