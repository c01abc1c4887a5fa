/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets with a name: Unix ones with a path and with an abstract name, loopback TCP and UDP; a
 * path that is left, and a server that never accepts. */
#include "subject.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { N_LINES = 10, LINE_BYTES = 64, N_CLIENTS = 3 };

static struct sockaddr_storage address;
static socklen_t n_address_bytes;
static int listener = -1;

static struct sockaddr *to(void)
{
	return (struct sockaddr *)&address;
}

/* Its name as the kernel gave it. */
static int bind_socket(int family, int type)
{
	int fd = CHECK(socket(family, type | SOCK_CLOEXEC, 0));

	CHECK(bind(fd, to(), n_address_bytes));
	n_address_bytes = sizeof(address);
	CHECK(getsockname(fd, to(), &n_address_bytes));
	return fd;
}

static int bind_path(int type, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	memcpy(&address, &name, sizeof(name));
	n_address_bytes = sizeof(name);
	return bind_socket(AF_UNIX, type);
}

/* An abstract name that the kernel chooses: no other trial can have it. */
static int bind_abstract(int type)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	memcpy(&address, &name, sizeof(name));
	n_address_bytes = sizeof(name.sun_family);
	return bind_socket(AF_UNIX, type);
}

static int bind_loopback(int type)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memcpy(&address, &name, sizeof(name));
	n_address_bytes = sizeof(name);
	return bind_socket(AF_INET, type);
}

static void listen_on(int fd, int n_waiting)
{
	CHECK(listen(fd, n_waiting));
	listener = fd;
}

static int accept_one(void)
{
	struct sockaddr_storage from;
	int fd;

	do {
		socklen_t n_from_bytes = sizeof(from);

		fd = accept4(listener, (struct sockaddr *)&from, &n_from_bytes, SOCK_CLOEXEC);
	} while (fd == -1 && (errno == EINTR || errno == ECONNABORTED));
	return CHECK(fd);
}

/* connect() goes on by itself after EINTR: one that comes again is told so. */
static int connect_to(int type)
{
	int fd = CHECK(socket(address.ss_family, type | SOCK_CLOEXEC, 0));

	while (connect(fd, to(), n_address_bytes) == -1 && errno != EISCONN)
		if (errno != EINTR && errno != EALREADY)
			die("connect");
	return fd;
}

static int serve(int n_clients)
{
	char line[LINE_BYTES];

	for (int i = 0; i < n_clients; i++) {
		int fd = accept_one();

		while (read_full(fd, line, sizeof(line)) == sizeof(line))
			write_full(fd, line, sizeof(line));
		close_end(&fd);
	}
	return 0;
}

static int client(int who)
{
	char line[LINE_BYTES], back[LINE_BYTES];
	int fd;

	close_end(&listener);
	fd = connect_to(SOCK_STREAM);
	for (int i = 0; i < N_LINES; i++) {
		memset(line, 'a' + i, sizeof(line));
		write_full(fd, line, sizeof(line));
		EXPECT(read_full(fd, back, sizeof(back)) == sizeof(back));
		EXPECT(memcmp(line, back, sizeof(line)) == 0);
	}
	CHECK(shutdown(fd, SHUT_WR));
	EXPECT(read_full(fd, back, 1) == 0);
	close_end(&fd);
	return who;
}

static int converse(void)
{
	ignore_sigpipe();
	spawn(serve, N_CLIENTS);
	for (int i = 0; i < N_CLIENTS; i++)
		spawn(client, 0);
	close_end(&listener);
	return reap_all();
}

static int run_path(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	listen_on(bind_path(SOCK_STREAM, own_path("socket")), N_CLIENTS);
	return converse();
}

static int run_path_left(int argc, char **argv)
{
	const char *directory;
	char left[120];

	(void)argc, (void)argv;
	directory = make_dir();
	snprintf(left, sizeof(left), "%.100s/socket", directory);
	listen_on(bind_path(SOCK_STREAM, left), N_CLIENTS);
	return converse();
}

static int run_abstract(int argc, char **argv)
{
	(void)argc, (void)argv;
	listen_on(bind_abstract(SOCK_STREAM), N_CLIENTS);
	return converse();
}

static int run_tcp(int argc, char **argv)
{
	(void)argc, (void)argv;
	listen_on(bind_loopback(SOCK_STREAM), N_CLIENTS);
	return converse();
}

/* One packet there, one back to where it came from. */
static int answer(int fd)
{
	struct sockaddr_storage from;
	char packet[LINE_BYTES];

	for (int i = 0; i < N_LINES; i++) {
		socklen_t n_from_bytes = sizeof(from);

		EXPECT(TEMP_FAILURE_RETRY(recvfrom(fd, packet, sizeof(packet), 0,
						   (struct sockaddr *)&from, &n_from_bytes)) ==
		       sizeof(packet));
		EXPECT(TEMP_FAILURE_RETRY(sendto(fd, packet, sizeof(packet), 0,
						 (struct sockaddr *)&from, n_from_bytes)) ==
		       sizeof(packet));
	}
	return 0;
}

static int ask(int fd)
{
	char packet[LINE_BYTES], back[LINE_BYTES];

	for (int i = 0; i < N_LINES; i++) {
		memset(packet, 'a' + i, sizeof(packet));
		EXPECT(TEMP_FAILURE_RETRY(sendto(fd, packet, sizeof(packet), 0, to(),
						 n_address_bytes)) == sizeof(packet));
		EXPECT(TEMP_FAILURE_RETRY(recv(fd, back, sizeof(back), 0)) == sizeof(back));
		EXPECT(memcmp(packet, back, sizeof(back)) == 0);
	}
	return 0;
}

static int ask_and_answer(int server)
{
	struct sockaddr_storage there = address;
	socklen_t n_there_bytes = n_address_bytes;
	int asker = address.ss_family == AF_UNIX ? bind_abstract(SOCK_DGRAM)
						 : bind_loopback(SOCK_DGRAM);

	address = there;
	n_address_bytes = n_there_bytes;
	spawn(answer, server);
	spawn(ask, asker);
	close_end(&server);
	close_end(&asker);
	return reap_all();
}

static int run_unix_datagrams(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	return ask_and_answer(bind_path(SOCK_DGRAM, own_path("socket")));
}

static int run_udp(int argc, char **argv)
{
	(void)argc, (void)argv;
	return ask_and_answer(bind_loopback(SOCK_DGRAM));
}

static int server_reads_first(int who)
{
	char byte;

	read_full(accept_one(), &byte, 1);
	return who;
}

static int client_reads_first(int who)
{
	char byte;

	close_end(&listener);
	read_full(connect_to(SOCK_STREAM), &byte, 1);
	return who;
}

static int both_read_first(void)
{
	spawn(server_reads_first, 0);
	spawn(client_reads_first, 0);
	close_end(&listener);
	return reap_all();
}

static int run_both_read_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	listen_on(bind_abstract(SOCK_STREAM), 1);
	return both_read_first();
}

static int run_tcp_both_read_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	listen_on(bind_loopback(SOCK_STREAM), 1);
	return both_read_first();
}

/* The root never accepts: one connection waits for that, there is no room for the next one. */
static int run_backlog_full(int argc, char **argv)
{
	(void)argc, (void)argv;
	listen_on(bind_abstract(SOCK_STREAM), 0);
	for (int i = 0; i < 2; i++)
		spawn(client_reads_first, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "path", run_path },
	{ "abstract", run_abstract },
	{ "tcp", run_tcp },
	{ "unix_datagrams", run_unix_datagrams },
	{ "udp", run_udp },
	{ "both_read_first", run_both_read_first },
	{ "tcp_both_read_first", run_tcp_both_read_first },
	{ "backlog_full", run_backlog_full },
	{ "path_left", run_path_left },
};

SUBJECT_MAIN(variants)
