/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors sent over Unix sockets (SCM_RIGHTS): what arrives, and what one in flight holds. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_AT_ONCE = 253 };

START_TEST(it_arrives_as_another_number_of_the_same_description)
{
	int file = open(kt_path("file"), O_RDWR | O_CREAT, 0600);
	int fd[2];
	int got;

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(kt_send_fd(fd[0], file), 0);
	got = kt_recv_fd(fd[1]);
	ck_assert_int_ge(got, 0);
	ck_assert_int_ne(got, file);
	/* They share the place in the file, as after dup(). */
	ck_assert_int_eq(write(file, "abc", 3), 3);
	kt_measured("after a write of 3 bytes by the sender the receiver is at %ld",
		    (long)lseek(got, 0, SEEK_CUR));
	ck_assert_int_eq(lseek(got, 0, SEEK_CUR), 3);
}
END_TEST

START_TEST(one_in_flight_keeps_the_end_open)
{
	int pipe_fd[2];
	int fd[2];
	char c;
	int error;

	ck_assert_int_eq(pipe2(pipe_fd, O_NONBLOCK), 0);
	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(kt_send_fd(fd[0], pipe_fd[1]), 0);
	close(pipe_fd[1]);
	/* No process has the write end now. */
	error = read(pipe_fd[0], &c, 1) < 0 ? errno : 0;
	kt_measured("read: %s", kt_errno(error));
	ck_assert_int_eq(error, EAGAIN);
	close(fd[0]);
	close(fd[1]);
	ck_assert_int_eq(read(pipe_fd[0], &c, 1), 0);
}
END_TEST

START_TEST(the_death_of_the_sender_leaves_it)
{
	int pipe_fd[2];
	int fd[2];
	char c;
	pid_t pid;
	int got;

	ck_assert_int_eq(pipe(pipe_fd), 0);
	kt_pair(fd, SOCK_STREAM);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_send_fd(fd[0], pipe_fd[1]) == 0);
		_exit(0);
	}
	close(pipe_fd[1]);
	kt_join(pid);
	got = kt_recv_fd(fd[1]);
	ck_assert_int_eq(write(got, "x", 1), 1);
	ck_assert_int_eq(read(pipe_fd[0], &c, 1), 1);
}
END_TEST

START_TEST(without_room_for_it_it_is_closed)
{
	int pipe_fd[2];
	int fd[2];
	char c;

	ck_assert_int_eq(pipe2(pipe_fd, O_NONBLOCK), 0);
	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(kt_send_fd(fd[0], pipe_fd[1]), 0);
	close(pipe_fd[1]);
	/* Who reads the byte with read() gets no descriptor, and is not told. */
	ck_assert_int_eq(read(fd[1], &c, 1), 1);
	ck_assert_int_eq(read(pipe_fd[0], &c, 1), 0);
	kt_measured("read() took the byte, and the pipe's last write end was closed");
}
END_TEST

START_TEST(msg_ctrunc_tells_that_there_was_no_room)
{
	char c;
	struct iovec byte = { .iov_base = &c, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1 };
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(kt_send_fd(fd[0], fd[0]), 0);
	ck_assert_int_eq(recvmsg(fd[1], &m, 0), 1);
	ck_assert_int_eq(m.msg_flags & MSG_CTRUNC, MSG_CTRUNC);
}
END_TEST

/* 0 or -errno. */
static int send_many(int socket_fd, int fd, size_t n)
{
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	size_t n_bytes = CMSG_SPACE(n * sizeof(int));
	struct cmsghdr *header = calloc(1, n_bytes);
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = header,
		.msg_controllen = n_bytes,
	};
	int error;

	ck_assert_ptr_nonnull(header);
	*header = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(fd));
	error = sendmsg(socket_fd, &m, 0) < 0 ? -errno : 0;
	free(header);
	return error;
}

START_TEST(at_most_253_go_with_a_message)
{
	int fd[2];

	kt_pair(fd, SOCK_DGRAM);
	ck_assert_int_eq(send_many(fd[0], fd[0], MAX_AT_ONCE), 0);
	ck_assert_int_eq(send_many(fd[0], fd[0], MAX_AT_ONCE + 1), -EINVAL);
	ck_assert_int_eq(kt_send_fd(fd[0], 9999), -EBADF);
}
END_TEST

START_TEST(a_read_stops_behind_one_with_a_descriptor)
{
	char got[8];
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "ab", 2, 0), 2);
	ck_assert_int_eq(kt_send_fd(fd[0], fd[0]), 0);
	ck_assert_int_eq(send(fd[0], "cd", 2, 0), 2);
	/* A stream, and yet there is a border. */
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 3);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 2);
}
END_TEST

START_TEST(a_socket_that_holds_itself_is_freed)
{
	int pipe_fd[2];
	int fd[2];
	char c;

	ck_assert_int_eq(pipe2(pipe_fd, O_NONBLOCK), 0);
	kt_pair(fd, SOCK_DGRAM);
	/* In its own queue: its two ends, and the write end of the pipe. */
	ck_assert_int_eq(kt_send_fd(fd[0], fd[0]), 0);
	ck_assert_int_eq(kt_send_fd(fd[0], fd[1]), 0);
	ck_assert_int_eq(kt_send_fd(fd[0], pipe_fd[1]), 0);
	close(pipe_fd[1]);
	close(fd[0]);
	close(fd[1]);
	/* The kernel looks for circles, in its own time, when a socket is closed. Then the pipe has
	 * no writer. */
	while (read(pipe_fd[0], &c, 1) != 0) {
		ck_assert_int_eq(errno, EAGAIN);
		close(socket(AF_UNIX, SOCK_DGRAM, 0));
		sched_yield();
	}
}
END_TEST

START_TEST(the_receivers_limit_counts)
{
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(kt_send_fd(fd[0], fd[0]), 0);
	pid = kt_fork();
	if (!pid) {
		struct rlimit none = { 0, 0 };
		char control[CMSG_SPACE(sizeof(int))];
		char c;
		struct iovec byte = { .iov_base = &c, .iov_len = 1 };
		struct msghdr m = {
			.msg_iov = &byte,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};

		KT_CHILD(setrlimit(RLIMIT_NOFILE, &none) == 0);
		KT_CHILD(recvmsg(fd[1], &m, 0) == 1);
		KT_CHILD(m.msg_flags & MSG_CTRUNC);
		KT_CHILD(m.msg_controllen == 0);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

Suite *socket_rights_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			it_arrives_as_another_number_of_the_same_description,
			"A descriptor is a number, so it can be sent as one.",
			"A number means another file, or none, in another process. SCM_RIGHTS makes a descriptor there of the same open file, with one position for both."),
		KT_CLAIM(one_in_flight_keeps_the_end_open,
			 "A pipe whose write end no process has open gives end of file.",
			 "Not while one is on its way in a socket's queue."),
		KT_TEST(the_death_of_the_sender_leaves_it),
		KT_CLAIM(without_room_for_it_it_is_closed,
			 "A descriptor that was sent waits for recvmsg().",
			 "Whoever reads its byte in another way closes it, without a word."),
		KT_TEST(msg_ctrunc_tells_that_there_was_no_room),
		KT_TEST(at_most_253_go_with_a_message),
		KT_TEST(a_read_stops_behind_one_with_a_descriptor),
		KT_TEST(a_socket_that_holds_itself_is_freed),
		KT_TEST(the_receivers_limit_counts),
	};

	return kt_suite("socket_rights", tests, SUITE_COUNT(tests));
}
