/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets, their content: which keep borders, what a short buffer loses, who has to wait. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct type_row {
	const char *name;
	int type;
	/* What the first of two reads gets after sends of "one" and "three", with room for all. */
	int first;
};

static const struct type_row type_rows[] = {
	{ "stream", SOCK_STREAM, 8 },
	{ "datagram", SOCK_DGRAM, 3 },
	{ "seqpacket", SOCK_SEQPACKET, 3 },
};

START_TEST(borders)
{
	const struct type_row *row = &type_rows[_i];
	char got[16];
	int fd[2];
	ssize_t n;

	kt_pair(fd, row->type);
	ck_assert_int_eq(send(fd[0], "one", 3, 0), 3);
	ck_assert_int_eq(send(fd[0], "three", 5, 0), 5);
	n = recv(fd[1], got, sizeof(got), 0);
	kt_measured("%s: 3 and 5 bytes sent, %zd received", row->name, n);
	ck_assert_int_eq(n, row->first);
	ck_assert_int_eq(kt_recv_now(fd[1], got, sizeof(got)), n == 8 ? -EAGAIN : 5);
}
END_TEST

START_TEST(a_short_buffer)
{
	const struct type_row *row = &type_rows[_i];
	bool keeps = row->type == SOCK_STREAM;
	char got[16];
	int fd[2];

	kt_pair(fd, row->type);
	ck_assert_int_eq(send(fd[0], "three", 5, 0), 5);
	ck_assert_int_eq(recv(fd[1], got, 2, 0), 2);
	/* The rest of a message is gone. */
	ck_assert_int_eq(kt_recv_now(fd[1], got, sizeof(got)), keeps ? 3 : -EAGAIN);
}
END_TEST

START_TEST(msg_trunc_tells_that_a_message_was_cut)
{
	char got[2];
	struct iovec room = { .iov_base = got, .iov_len = sizeof(got) };
	struct msghdr m = { .msg_iov = &room, .msg_iovlen = 1 };
	int fd[2];

	kt_pair(fd, SOCK_DGRAM);
	ck_assert_int_eq(send(fd[0], "three", 5, 0), 5);
	ck_assert_int_eq(recvmsg(fd[1], &m, 0), 2);
	ck_assert_int_eq(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
	/* As a flag of the call it makes it return the real length. */
	ck_assert_int_eq(send(fd[0], "three", 5, 0), 5);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), MSG_TRUNC), 5);
}
END_TEST

START_TEST(a_message_of_nothing)
{
	const struct type_row *row = &type_rows[_i];
	char got[4];
	int fd[2];

	kt_pair(fd, row->type);
	ck_assert_int_eq(send(fd[0], "", 0, 0), 0);
	ck_assert_int_eq(send(fd[0], "x", 1, 0), 1);
	/* It arrives where there are messages, and looks like the end of a file. */
	if (row->type != SOCK_STREAM)
		ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 0);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 1);
}
END_TEST

START_TEST(peeking_leaves_it)
{
	char got[4];
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "abc", 3, 0), 3);
	ck_assert_int_eq(recv(fd[1], got, 3, MSG_PEEK), 3);
	ck_assert_int_eq(recv(fd[1], got, 3, 0), 3);
}
END_TEST

START_TEST(a_read_returns_what_is_there_and_msg_waitall_waits)
{
	char got[8];
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(send(fd[0], "abc", 3, 0), 3);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 3);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(recv(fd[1], got, 6, MSG_WAITALL) == 6);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_recvfrom);
	ck_assert_int_eq(send(fd[0], "abc", 3, 0), 3);
	kt_wait_blocked(pid, SYS_recvfrom);
	ck_assert_int_eq(send(fd[0], "def", 3, 0), 3);
	kt_join(pid);
}
END_TEST

static char large[1 << 20];

START_TEST(a_send_without_waiting_may_be_short)
{
	int in_it = 0;
	int fd[2];
	ssize_t n;

	kt_pair(fd, SOCK_STREAM);
	n = kt_send_now(fd[0], large, sizeof(large));
	kt_measured("%zd of %zu bytes", n, sizeof(large));
	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, (ssize_t)sizeof(large));
	ck_assert_int_eq(ioctl(fd[1], FIONREAD, &in_it), 0);
	ck_assert_int_eq(in_it, n);
	ck_assert_int_eq(kt_send_now(fd[0], large, sizeof(large)), -EAGAIN);
	ck_assert_int_eq(kt_poll(fd[0], POLLOUT), 0);
}
END_TEST

START_TEST(a_message_is_never_sent_in_part)
{
	int fd[2];

	kt_pair(fd, SOCK_SEQPACKET);
	/* Above what the socket may hold it is refused, even by a call that would wait. */
	ck_assert(send(fd[0], large, sizeof(large), MSG_NOSIGNAL) == -1 && errno == EMSGSIZE);
	ck_assert_int_eq(kt_recv_now(fd[1], large, 1), -EAGAIN);
}
END_TEST

/* Sends bytes until it would block: how many went in. */
static long fill_datagrams(int fd)
{
	long n = 0;

	while (kt_send_now(fd, "x", 1) == 1)
		n++;
	return n;
}

START_TEST(datagrams_wait_for_a_full_queue)
{
	struct sockaddr_un at = kt_unix_at("receiver");
	int receiver = kt_unix_bind(&at, SOCK_DGRAM);
	int sender = kt_unix_connect(&at, SOCK_DGRAM);
	long max = kt_sysctl("net/unix/max_dgram_qlen");
	long n = fill_datagrams(sender);
	pid_t pid;
	char c;

	if (max < 0)
		suite_skip("net.unix.max_dgram_qlen is not readable here");
	kt_measured("%ld datagrams of 1 byte, with max_dgram_qlen %ld, then EAGAIN", n, max);
	ck_assert_int_eq(n, max + 1);
	/* Nor did this one who sends see it coming by another's queue. */
	ck_assert_int_eq(kt_poll(sender, POLLOUT), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(send(sender, "x", 1, 0) == 1);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_sendto);
	ck_assert_int_eq(recv(receiver, &c, 1, 0), 1);
	kt_join(pid);
}
END_TEST

START_TEST(of_a_pair_only_the_bytes_are_counted)
{
	int fd[2];

	kt_pair(fd, SOCK_DGRAM);
	/* Connected to each other: what the sender may hold in memory ends it, not their number. */
	ck_assert_int_gt(fill_datagrams(fd[0]), kt_sysctl("net/unix/max_dgram_qlen") + 1);
}
END_TEST

START_TEST(datagrams_come_in_order_and_none_is_lost)
{
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_DGRAM);
	pid = kt_fork();
	if (!pid) {
		for (int i = 0; i < 100; i++)
			KT_CHILD(send(fd[0], &i, sizeof(i), 0) == sizeof(i));
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		int got = -1;

		ck_assert_int_eq(recv(fd[1], &got, sizeof(got), 0), sizeof(got));
		ck_assert_int_eq(got, i);
	}
	kt_measured("100 of 100, in order");
	kt_join(pid);
}
END_TEST

START_TEST(several_messages_a_call)
{
	struct iovec bytes[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
	struct mmsghdr m[3] = { 0 };
	char got[4];
	int fd[2];

	kt_pair(fd, SOCK_DGRAM);
	for (int i = 0; i < 3; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &bytes[i], .msg_iovlen = 1 };
	ck_assert_int_eq(sendmmsg(fd[0], m, 3, 0), 3);
	for (int i = 1; i <= 3; i++)
		ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), i);
}
END_TEST

Suite *socket_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM_ROWS(
			borders, type_rows, "What one send sends, one recv receives.",
			"Not on a stream, TCP's or Unix: bytes have no borders there. Datagrams and seqpackets keep them."),
		KT_ROWS(a_short_buffer, type_rows),
		KT_TEST(msg_trunc_tells_that_a_message_was_cut),
		KT_ROWS(a_message_of_nothing, type_rows),
		KT_TEST(peeking_leaves_it),
		KT_TEST(a_read_returns_what_is_there_and_msg_waitall_waits),
		KT_CLAIM(
			a_send_without_waiting_may_be_short, "send() sends all or fails.",
			"On a stream it sends what there is room for, when it may not wait or a handler runs. Messages go whole or not at all."),
		KT_TEST(a_message_is_never_sent_in_part),
		KT_CLAIM(
			datagrams_wait_for_a_full_queue,
			"Datagrams are never waited for: they are dropped.",
			"UDP's. A Unix one waits while the receiver has more than `max_dgram_qlen` unread, however small they are (unless the two are connected to each other, as a socketpair is)."),
		KT_TEST(of_a_pair_only_the_bytes_are_counted),
		KT_CLAIM(datagrams_come_in_order_and_none_is_lost,
			 "Datagrams may be lost and overtake one another.",
			 "Unix ones are reliable and in order."),
		KT_TEST(several_messages_a_call),
	};

	return kt_suite("socket", tests, SUITE_COUNT(tests));
}
