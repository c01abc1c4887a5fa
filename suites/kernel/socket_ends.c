/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets, their ends: end of file, unread bytes, broken, half closed, and who keeps one open.
 */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

START_TEST(close_gives_the_other_end_of_file)
{
	char got[4];
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "last", 4, 0), 4);
	close(fd[0]);
	ck_assert_int_eq(kt_poll(fd[1], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
	/* What was sent before is still there. */
	ck_assert_int_eq(recv(fd[1], got, 4, 0), 4);
	ck_assert_int_eq(recv(fd[1], got, 4, 0), 0);
	ck_assert_int_eq(recv(fd[1], got, 4, 0), 0);
}
END_TEST

struct type_row {
	const char *name;
	int type;
	int error;
};

static const struct type_row type_rows[] = {
	{ "stream", SOCK_STREAM, ECONNRESET },
	{ "seqpacket", SOCK_SEQPACKET, ECONNRESET },
	/* Its sender has no business with what the other reads. */
	{ "datagram", SOCK_DGRAM, EAGAIN },
};

START_TEST(bytes_that_the_other_left_unread)
{
	const struct type_row *row = &type_rows[_i];
	char got[4];
	ssize_t n;
	int fd[2];

	kt_pair(fd, row->type);
	ck_assert_int_eq(send(fd[0], "unread", 6, 0), 6);
	close(fd[1]);
	n = kt_recv_now(fd[0], got, sizeof(got));
	kt_measured("%s: %s", row->name, kt_errno((int)n));
	ck_assert_int_eq(n, -row->error);
	/* Told once. */
	if (row->type != SOCK_DGRAM)
		ck_assert_int_eq(kt_recv_now(fd[0], got, sizeof(got)), 0);
}
END_TEST

START_TEST(end_of_file_needs_all_copies_closed)
{
	int fd[2];
	pid_t reader, holder;

	kt_pair(fd, SOCK_STREAM);
	holder = kt_fork();
	if (!holder)
		for (;;)
			pause();
	reader = kt_fork();
	if (!reader) {
		char c;

		close(fd[0]);
		KT_CHILD(recv(fd[1], &c, 1, 0) == 0);
		_exit(0);
	}
	close(fd[0]);
	kt_wait_blocked(reader, SYS_recvfrom);
	kt_measured("with a copy in another child the reader waits on");
	kt_kill(holder);
	kt_join(reader);
}
END_TEST

START_TEST(shutdown_needs_no_other_copies_closed)
{
	int copy;
	int fd[2];
	char c;

	kt_pair(fd, SOCK_STREAM);
	copy = dup(fd[0]);
	ck_assert_int_eq(shutdown(fd[0], SHUT_WR), 0);
	ck_assert_int_eq(kt_recv_now(fd[1], &c, 1), 0);
	ck_assert_int_eq(kt_send_now(copy, "x", 1), -EPIPE);
	/* The other way is open. */
	ck_assert_int_eq(send(fd[1], "x", 1, 0), 1);
	ck_assert_int_eq(recv(copy, &c, 1, 0), 1);
}
END_TEST

START_TEST(shutdown_of_reading_breaks_the_others_writing)
{
	int fd[2];
	char c;

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "x", 1, 0), 1);
	ck_assert_int_eq(shutdown(fd[1], SHUT_RD), 0);
	ck_assert_int_eq(kt_send_now(fd[0], "y", 1), -EPIPE);
	/* What was there stays readable. */
	ck_assert_int_eq(recv(fd[1], &c, 1, 0), 1);
	ck_assert_int_eq(recv(fd[1], &c, 1, 0), 0);
}
END_TEST

START_TEST(shutdown_wakes_one_who_waits_there)
{
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_STREAM);
	pid = kt_fork();
	if (!pid) {
		char c;

		KT_CHILD(recv(fd[1], &c, 1, 0) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_recvfrom);
	ck_assert_int_eq(shutdown(fd[1], SHUT_RD), 0);
	kt_join(pid);
}
END_TEST

static void *receive(void *fd)
{
	char c;

	return recv(*(int *)fd, &c, 1, 0) < 0 ? NULL : fd;
}

START_TEST(close_by_another_thread_wakes_nobody)
{
	struct kt_thread thread;
	int mine;
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	mine = fd[1];
	kt_thread_start(&thread, receive, &mine);
	kt_wait_blocked(thread.tid, SYS_recvfrom);
	close(fd[1]);
	kt_wait_blocked(thread.tid, SYS_recvfrom);
	kt_measured("the thread in recv() waits on");
	/* Its call holds the socket: a byte still reaches it. */
	ck_assert_int_eq(kt_send_now(fd[0], "x", 1), 1);
	kt_thread_join(&thread);
}
END_TEST

START_TEST(sigpipe_comes_with_epipe_unless_refused)
{
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	kt_handle(SIGPIPE, 0);
	close(fd[1]);
	ck_assert(send(fd[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	ck_assert_int_eq(kt_n_handled, 0);
	ck_assert(write(fd[0], "x", 1) == -1 && errno == EPIPE);
	ck_assert_int_eq(kt_n_handled, 1);
}
END_TEST

START_TEST(a_datagram_to_nobody_gives_econnrefused_and_no_sigpipe)
{
	int fd[2];

	kt_pair(fd, SOCK_DGRAM);
	kt_handle(SIGPIPE, 0);
	close(fd[1]);
	ck_assert(send(fd[0], "x", 1, 0) == -1 && errno == ECONNREFUSED);
	/* The peer is forgotten. */
	ck_assert(send(fd[0], "x", 1, 0) == -1 && errno == ENOTCONN);
	ck_assert_int_eq(kt_n_handled, 0);
}
END_TEST

START_TEST(what_was_sent_outlives_its_sender)
{
	char got[4];
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_STREAM);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(send(fd[0], "left", 4, 0) == 4);
		kill(getpid(), SIGKILL);
	}
	close(fd[0]);
	kt_wait(pid);
	ck_assert_int_eq(recv(fd[1], got, 4, 0), 4);
	ck_assert_int_eq(recv(fd[1], got, 4, 0), 0);
}
END_TEST

START_TEST(so_error_tells_once)
{
	socklen_t n_bytes = sizeof(int);
	int error = -1;
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "unread", 6, 0), 6);
	close(fd[1]);
	ck_assert_int_eq(getsockopt(fd[0], SOL_SOCKET, SO_ERROR, &error, &n_bytes), 0);
	ck_assert_int_eq(error, ECONNRESET);
	ck_assert_int_eq(getsockopt(fd[0], SOL_SOCKET, SO_ERROR, &error, &n_bytes), 0);
	ck_assert_int_eq(error, 0);
}
END_TEST

Suite *socket_ends_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(close_gives_the_other_end_of_file),
		KT_CLAIM_ROWS(
			bytes_that_the_other_left_unread, type_rows,
			"When the other closes, recv() gives 0.",
			"If it had unread bytes of ours: ECONNRESET first, on stream and seqpacket. A datagram socket is not told."),
		KT_CLAIM(
			end_of_file_needs_all_copies_closed, "close() ends the connection.",
			"When it closes the last copy: those that children inherited count. shutdown() ends it for all copies at once."),
		KT_TEST(shutdown_needs_no_other_copies_closed),
		KT_TEST(shutdown_of_reading_breaks_the_others_writing),
		KT_TEST(shutdown_wakes_one_who_waits_there),
		KT_CLAIM(
			close_by_another_thread_wakes_nobody,
			"Closing a descriptor wakes the thread that waits on it.",
			"It waits on, and holds what it waits for; the number may meanwhile be another file. shutdown() wakes it."),
		KT_TEST(sigpipe_comes_with_epipe_unless_refused),
		KT_TEST(a_datagram_to_nobody_gives_econnrefused_and_no_sigpipe),
		KT_TEST(what_was_sent_outlives_its_sender),
		KT_TEST(so_error_tells_once),
	};

	return kt_suite("socket_ends", tests, SUITE_COUNT(tests));
}
