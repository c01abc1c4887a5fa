/* SPDX-License-Identifier: Apache-2.0 */
/* TCP and UDP on the loopback: half closed, reset, refused, and what a send really tells. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

START_TEST(half_closed_the_other_way_goes_on)
{
	char got[4];
	int fd[2];

	kt_tcp_pair(fd);
	ck_assert_int_eq(send(fd[0], "ask", 3, 0), 3);
	ck_assert_int_eq(shutdown(fd[0], SHUT_WR), 0);
	ck_assert_int_eq(recv(fd[1], got, 4, MSG_WAITALL), 3);
	ck_assert_int_eq(send(fd[1], "yes", 3, 0), 3);
	ck_assert_int_eq(recv(fd[0], got, 3, 0), 3);
	kt_measured("an answer of 3 bytes after shutdown(SHUT_WR)");
}
END_TEST

/* A reset comes by way of the loopback's queue: this waits for it. */
static void await_hangup(int fd)
{
	struct pollfd p = { .fd = fd };

	ck_assert_int_eq(poll(&p, 1, -1), 1);
}

static char buffer[1 << 16];

/* Sends until it would block: how many bytes. */
static long fill(int fd)
{
	long n_bytes = 0;
	ssize_t n;

	while ((n = kt_send_now(fd, buffer, sizeof(buffer))) > 0)
		n_bytes += n;
	ck_assert_int_eq(n, -EAGAIN);
	return n_bytes;
}

/* Receives until the end: how many bytes; the end is 0 or -errno. */
static long drain(int fd, ssize_t *end)
{
	long n_bytes = 0;

	while ((*end = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		n_bytes += *end;
	if (*end < 0)
		*end = -errno;
	return n_bytes;
}

START_TEST(unread_bytes_at_close_give_a_reset)
{
	int fd[2];
	long sent, received;
	ssize_t end;

	kt_tcp_pair(fd);
	sent = fill(fd[1]);
	ck_assert_int_eq(send(fd[0], "unread", 6, 0), 6);
	/* It has arrived. */
	ck_assert_int_eq(recv(fd[1], buffer, 1, MSG_PEEK), 1);
	close(fd[1]);
	await_hangup(fd[0]);
	received = drain(fd[0], &end);
	kt_measured("%ld of %ld bytes arrived, then %s", received, sent, kt_errno((int)end));
	ck_assert_int_lt(received, sent);
	ck_assert_int_eq(end, -ECONNRESET);
}
END_TEST

START_TEST(without_unread_bytes_all_arrives_after_close)
{
	int fd[2];
	long sent;
	ssize_t end;

	kt_tcp_pair(fd);
	sent = fill(fd[1]);
	close(fd[1]);
	ck_assert_int_eq(drain(fd[0], &end), sent);
	ck_assert_int_eq(end, 0);
}
END_TEST

START_TEST(linger_0_gives_a_reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char c;
	int fd[2];

	kt_tcp_pair(fd);
	ck_assert_int_eq(setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd[1]);
	await_hangup(fd[0]);
	ck_assert_int_eq(kt_recv_now(fd[0], &c, 1), -ECONNRESET);
	/* Told once; then it is closed. */
	ck_assert_int_eq(kt_recv_now(fd[0], &c, 1), 0);
	ck_assert_int_eq(kt_send_now(fd[0], "x", 1), -EPIPE);
}
END_TEST

START_TEST(the_first_send_to_a_closed_peer_succeeds)
{
	ssize_t first, second;
	char c;
	int fd[2];

	kt_tcp_pair(fd);
	close(fd[1]);
	ck_assert_int_eq(recv(fd[0], &c, 1, 0), 0);
	first = kt_send_now(fd[0], "x", 1);
	await_hangup(fd[0]);
	second = kt_send_now(fd[0], "x", 1);
	kt_measured("first send: %zd, second: %s", first, kt_errno(second < 0 ? (int)second : 0));
	ck_assert_int_eq(first, 1);
	ck_assert_int_eq(second, -EPIPE);
}
END_TEST

START_TEST(nobody_listens)
{
	struct sockaddr_in at;

	close(kt_tcp_listen(&at, 1));
	ck_assert_int_eq(kt_tcp_connect(&at), -ECONNREFUSED);
}
END_TEST

START_TEST(connect_without_waiting_ends_later)
{
	socklen_t n_bytes = sizeof(int);
	struct sockaddr_in at;
	int listener = kt_tcp_listen(&at, 1);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = s, .events = POLLOUT };
	int error = -1;

	ck_assert_int_eq(connect(s, (struct sockaddr *)&at, sizeof(at)), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	ck_assert_int_eq(poll(&p, 1, -1), 1);
	ck_assert_int_eq(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &n_bytes), 0);
	ck_assert_int_eq(error, 0);
	ck_assert(connect(s, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EISCONN);
	ck_assert_int_ge(accept(listener, NULL, NULL), 0);
}
END_TEST

START_TEST(a_port_in_use_gives_eaddrinuse_also_after_close)
{
	struct sockaddr_in at;
	int listener = kt_tcp_listen(&at, 1);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	int client = kt_tcp_connect(&at);
	int server = accept(listener, NULL, NULL);
	char c;

	ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof(at)), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	/* The side that closes first keeps the address for a while. */
	close(server);
	ck_assert_int_eq(recv(client, &c, 1, 0), 0);
	close(client);
	close(listener);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof(at)), -1);
	kt_measured("bind() after all was closed: %s", kt_errno(errno));
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_int_eq(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)), 0);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof(at)), 0);
}
END_TEST

START_TEST(a_stream_has_no_borders)
{
	char got[8];
	int fd[2];

	kt_tcp_pair(fd);
	ck_assert_int_eq(send(fd[0], "one", 3, 0), 3);
	ck_assert_int_eq(send(fd[0], "three", 5, 0), 5);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), MSG_WAITALL), 8);
	ck_assert_mem_eq(got, "onethree", 8);
}
END_TEST

START_TEST(udp_to_nobody_is_refused_by_the_next_call)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n_bytes = sizeof(at);
	int receiver = socket(AF_INET, SOCK_DGRAM, 0);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	char c;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(receiver, (struct sockaddr *)&at, sizeof(at)) < 0)
		suite_skip("there is no IPv4 loopback here");
	ck_assert_int_eq(getsockname(receiver, (struct sockaddr *)&at, &n_bytes), 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(send(sender, "ab", 2, 0), 2);
	ck_assert_int_eq(recv(receiver, &c, 1, MSG_TRUNC), 2);
	close(receiver);
	ck_assert_int_eq(send(sender, "x", 1, 0), 1);
	await_hangup(sender);
	ck_assert_int_eq(kt_recv_now(sender, &c, 1), -ECONNREFUSED);
}
END_TEST

Suite *socket_tcp_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			half_closed_the_other_way_goes_on,
			"Who has closed its connection cannot receive any more.",
			"With shutdown(SHUT_WR) one says that all is asked, and reads the answer."),
		KT_CLAIM(
			unread_bytes_at_close_give_a_reset, "What was sent before close() arrives.",
			"Not when the closing side had not read all: then it resets, and what of its own was still under way is thrown away."),
		KT_TEST(without_unread_bytes_all_arrives_after_close),
		KT_TEST(linger_0_gives_a_reset),
		KT_CLAIM(
			the_first_send_to_a_closed_peer_succeeds,
			"send() to a closed connection fails.",
			"Over TCP the first one goes out, and only its answer, a reset, makes the next one fail. A successful send says nothing of the receiver. (Unix sockets fail at once.)"),
		KT_TEST(nobody_listens),
		KT_TEST(connect_without_waiting_ends_later),
		KT_CLAIM(
			a_port_in_use_gives_eaddrinuse_also_after_close, "close() frees the port.",
			"The side that closed first keeps it for a minute (TIME_WAIT), unless both it and the next one set SO_REUSEADDR, and the first before its bind()."),
		KT_TEST(a_stream_has_no_borders),
		KT_TEST(udp_to_nobody_is_refused_by_the_next_call),
	};

	return kt_suite("socket_tcp", tests, SUITE_COUNT(tests));
}
