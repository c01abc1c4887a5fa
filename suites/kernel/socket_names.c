/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets, their names and connections: paths and abstract names, backlog, who the other is.
 */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

START_TEST(a_path_stays_when_its_socket_is_closed)
{
	struct sockaddr_un at = kt_unix_at("s");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 1);
	struct stat st;
	int error;

	close(listener);
	ck_assert_int_eq(stat(at.sun_path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(kt_unix_connect(&at, SOCK_STREAM), -ECONNREFUSED);
	error = kt_unix_bind(&at, SOCK_STREAM);
	kt_measured("bind() again: %s", kt_errno(error));
	ck_assert_int_eq(error, -EADDRINUSE);
	ck_assert_int_eq(unlink(at.sun_path), 0);
	ck_assert_int_ge(kt_unix_bind(&at, SOCK_STREAM), 0);
}
END_TEST

/* A name of this test's own, not in the file system. */
static struct sockaddr_un abstract(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "ipcjam-kernel-%d", getpid());
	return at;
}

START_TEST(an_abstract_name_goes_with_its_socket)
{
	struct sockaddr_un at = abstract();
	int listener = kt_unix_listen(&at, SOCK_STREAM, 1);
	int error;

	ck_assert_int_ge(kt_unix_connect(&at, SOCK_STREAM), 0);
	ck_assert_int_eq(kt_unix_bind(&at, SOCK_STREAM), -EADDRINUSE);
	close(listener);
	error = kt_unix_bind(&at, SOCK_STREAM);
	kt_measured("bind() after close(): %s", kt_errno(error < 0 ? error : 0));
	ck_assert_int_ge(error, 0);
}
END_TEST

START_TEST(an_abstract_name_stays_while_a_child_has_the_socket)
{
	struct sockaddr_un at = abstract();
	int listener = kt_unix_listen(&at, SOCK_STREAM, 1);
	pid_t pid = kt_fork();

	if (!pid)
		for (;;)
			pause();
	close(listener);
	ck_assert_int_eq(kt_unix_bind(&at, SOCK_STREAM), -EADDRINUSE);
	/* Connections are still taken, though nobody accepts. */
	ck_assert_int_ge(kt_unix_connect(&at, SOCK_STREAM), 0);
	kt_kill(pid);
	ck_assert_int_ge(kt_unix_bind(&at, SOCK_STREAM), 0);
}
END_TEST

START_TEST(an_abstract_name_counts_all_of_its_bytes)
{
	struct sockaddr_un at = abstract();
	socklen_t short_bytes =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(at.sun_path + 1));
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	kt_unix_listen(&at, SOCK_STREAM, 1);
	/* The zeros behind it belong to the name. */
	ck_assert_int_eq(connect(s, (struct sockaddr *)&at, short_bytes), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert_int_eq(connect(s, (struct sockaddr *)&at, sizeof(at)), 0);
}
END_TEST

START_TEST(bind_to_no_name_gives_an_abstract_one)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t n_bytes = sizeof(at);
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(s, (struct sockaddr *)&at, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(s, (struct sockaddr *)&at, &n_bytes), 0);
	ck_assert_uint_eq(n_bytes, sizeof(sa_family_t) + 6);
	ck_assert_int_eq(at.sun_path[0], 0);
}
END_TEST

START_TEST(rename_moves_the_meeting_place)
{
	struct sockaddr_un at = kt_unix_at("s");
	struct sockaddr_un to = kt_unix_at("t");

	kt_unix_listen(&at, SOCK_STREAM, 4);
	ck_assert_int_eq(rename(at.sun_path, to.sun_path), 0);
	ck_assert_int_eq(kt_unix_connect(&at, SOCK_STREAM), -ENOENT);
	ck_assert_int_ge(kt_unix_connect(&to, SOCK_STREAM), 0);
	/* It cannot be opened like a file. */
	ck_assert(open(to.sun_path, O_RDWR) == -1 && errno == ENXIO);
}
END_TEST

START_TEST(another_type_gives_eprototype)
{
	struct sockaddr_un at = kt_unix_at("s");

	kt_unix_listen(&at, SOCK_STREAM, 1);
	ck_assert_int_eq(kt_unix_connect(&at, SOCK_SEQPACKET), -EPROTOTYPE);
	ck_assert_int_eq(kt_unix_connect(&at, SOCK_DGRAM), -EPROTOTYPE);
}
END_TEST

START_TEST(without_listen_a_connection_is_refused)
{
	struct sockaddr_un at = kt_unix_at("s");

	ck_assert_int_ge(kt_unix_bind(&at, SOCK_STREAM), 0);
	ck_assert_int_eq(kt_unix_connect(&at, SOCK_STREAM), -ECONNREFUSED);
}
END_TEST

START_TEST(connect_does_not_wait_for_accept)
{
	struct sockaddr_un at = kt_unix_at("s");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 1);
	int client = kt_unix_connect(&at, SOCK_STREAM);
	char got[8] = "";

	ck_assert_int_eq(send(client, "early", 5, 0), 5);
	close(client);
	/* Accepted when its peer has long gone. */
	ck_assert_int_eq(recv(accept(listener, NULL, NULL), got, sizeof(got), 0), 5);
	kt_measured("sent and closed before accept(): \"%s\" arrived", got);
}
END_TEST

/* connect() with SOCK_NONBLOCK until one does not fit. */
static int fill_backlog(const struct sockaddr_un *at)
{
	int n = 0;

	for (;;) {
		int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(s, (const struct sockaddr *)at, sizeof(*at)) < 0)
			break;
		n++;
	}
	ck_assert_int_eq(errno, EAGAIN);
	return n;
}

START_TEST(a_full_backlog_makes_connect_wait)
{
	struct sockaddr_un at = kt_unix_at("s");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 3);
	int n = fill_backlog(&at);
	pid_t pid;

	kt_measured("listen(3): %d connections, then EAGAIN or a wait", n);
	ck_assert_int_eq(n, 4);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_unix_connect(&at, SOCK_STREAM) >= 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_connect);
	ck_assert_int_ge(accept(listener, NULL, NULL), 0);
	kt_join(pid);
}
END_TEST

START_TEST(close_of_the_listener_refuses_those_who_wait_and_resets_the_others)
{
	struct sockaddr_un at = kt_unix_at("s");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 0);
	int taken = kt_unix_connect(&at, SOCK_STREAM);
	pid_t pid = kt_fork();
	char c;

	if (!pid) {
		close(listener);
		KT_CHILD(kt_unix_connect(&at, SOCK_STREAM) == -ECONNREFUSED);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_connect);
	close(listener);
	kt_join(pid);
	ck_assert_int_eq(kt_recv_now(taken, &c, 1), -ECONNRESET);
}
END_TEST

static struct ucred peer_of(int fd)
{
	socklen_t n_bytes = sizeof(struct ucred);
	struct ucred who;

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n_bytes), 0);
	return who;
}

START_TEST(so_peercred_is_who_connected_and_who_listened)
{
	struct sockaddr_un at = kt_unix_at("s");
	int listener = kt_unix_listen(&at, SOCK_STREAM, 4);
	int accepted;
	pid_t pid;

	ck_assert_int_eq(peer_of(kt_unix_connect(&at, SOCK_STREAM)).pid, getpid());
	close(accept(listener, NULL, NULL));
	pid = kt_fork();
	if (!pid) {
		int s = kt_unix_connect(&at, SOCK_STREAM);

		/* Its child could go on with the connection: it stays this one's. */
		KT_CHILD(s >= 0);
		_exit(0);
	}
	kt_join(pid);
	accepted = accept(listener, NULL, NULL);
	kt_measured("of a dead peer: pid %s", peer_of(accepted).pid == pid ? "kept" : "lost");
	ck_assert_int_eq(peer_of(accepted).pid, pid);
	ck_assert_uint_eq(peer_of(accepted).uid, getuid());
}
END_TEST

START_TEST(a_pairs_peer_is_who_made_it)
{
	int fd[2];
	pid_t pid;

	kt_pair(fd, SOCK_STREAM);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(peer_of(fd[0]).pid == getppid());
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

Suite *socket_names_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_path_stays_when_its_socket_is_closed,
			"A server can be started again as soon as it has ended.",
			"The path of its Unix socket is still there: EADDRINUSE, until somebody unlinks it."),
		KT_CLAIM(
			an_abstract_name_goes_with_its_socket,
			"Abstract names have to be cleaned up too.",
			"They go with the last copy of the socket. No file, no rights: whoever is in the network namespace can connect."),
		KT_TEST(an_abstract_name_stays_while_a_child_has_the_socket),
		KT_TEST(an_abstract_name_counts_all_of_its_bytes),
		KT_TEST(bind_to_no_name_gives_an_abstract_one),
		KT_TEST(rename_moves_the_meeting_place),
		KT_TEST(another_type_gives_eprototype),
		KT_TEST(without_listen_a_connection_is_refused),
		KT_CLAIM(
			connect_does_not_wait_for_accept,
			"connect() returns when the server has accepted.",
			"When there is room in the backlog. One can send, close and be gone before accept()."),
		KT_CLAIM(
			a_full_backlog_makes_connect_wait,
			"listen(n) lets n wait and refuses the next one.",
			"On Linux n + 1 fit into a Unix socket's backlog, and the next one waits (EAGAIN if it may not)."),
		KT_TEST(close_of_the_listener_refuses_those_who_wait_and_resets_the_others),
		KT_CLAIM(
			so_peercred_is_who_connected_and_who_listened,
			"SO_PEERCRED names the process at the other end.",
			"The one that called connect() or listen(), then. It may be dead, and another one may have the descriptor."),
		KT_TEST(a_pairs_peer_is_who_made_it),
	};

	return kt_suite("socket_names", tests, SUITE_COUNT(tests));
}
