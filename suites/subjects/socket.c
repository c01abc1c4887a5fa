/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of Unix sockets: streams, datagrams and packets both ways; both sides reading or writing
 * first, ends left open, and what is never read. */
#include "subject.h"

#include <string.h>
#include <sys/socket.h>

enum { N_LINES = 20, LINE_BYTES = 64, BLOCK_BYTES = 4096, N_BLOCKS = 256, N_PACKETS = 10 };

static int pair[2];

static void make(int type)
{
	CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
}

/* The root has the first end, its child the second. */
static void start_child(int (*body)(int who))
{
	spawn(body, 0);
	close_end(&pair[1]);
}

static int echo(int who)
{
	char line[LINE_BYTES];

	close_end(&pair[0]);
	while (read_full(pair[1], line, sizeof(line)) == sizeof(line))
		write_full(pair[1], line, sizeof(line));
	return who;
}

/* The end of what the root says is told by a shutdown: it still listens then. */
static int run_right(int argc, char **argv)
{
	char line[LINE_BYTES], back[LINE_BYTES];

	(void)argc, (void)argv;
	ignore_sigpipe();
	make(SOCK_STREAM);
	start_child(echo);
	for (int i = 0; i < N_LINES; i++) {
		memset(line, 'a' + i, sizeof(line));
		write_full(pair[0], line, sizeof(line));
		EXPECT(read_full(pair[0], back, sizeof(back)) == sizeof(back));
		EXPECT(memcmp(line, back, sizeof(line)) == 0);
	}
	CHECK(shutdown(pair[0], SHUT_WR));
	EXPECT(read_full(pair[0], back, 1) == 0);
	return reap_all();
}

/* Packets of different lengths: each comes as it was sent, or not at all. */
static int send_packets(int who)
{
	char packet[LINE_BYTES];

	close_end(&pair[0]);
	for (int i = 1; i <= N_PACKETS; i++) {
		memset(packet, 'a' + i, sizeof(packet));
		EXPECT(TEMP_FAILURE_RETRY(send(pair[1], packet, (size_t)i, MSG_NOSIGNAL)) == i);
	}
	return who;
}

static void receive_packets(void)
{
	char packet[LINE_BYTES];

	for (int i = 1; i <= N_PACKETS; i++) {
		EXPECT(TEMP_FAILURE_RETRY(
			       recv(pair[0], packet, sizeof(packet), MSG_PEEK | MSG_TRUNC)) == i);
		EXPECT(TEMP_FAILURE_RETRY(recv(pair[0], packet, sizeof(packet), 0)) == i);
		EXPECT(packet[0] == 'a' + i && packet[i - 1] == 'a' + i);
	}
}

static int run_packets(int argc, char **argv)
{
	char byte;

	(void)argc, (void)argv;
	make(SOCK_SEQPACKET);
	start_child(send_packets);
	receive_packets();
	EXPECT(TEMP_FAILURE_RETRY(recv(pair[0], &byte, 1, 0)) == 0);
	return reap_all();
}

/* Nobody is told of the end of datagrams, so they are read when their sender has ended well. */
static int run_datagrams(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(SOCK_DGRAM);
	start_child(send_packets);
	if (reap_all())
		return 1;
	receive_packets();
	return 0;
}

static int send_many(int who)
{
	char packets[N_PACKETS][LINE_BYTES] = { 0 };
	struct iovec parts[N_PACKETS];
	struct mmsghdr messages[N_PACKETS] = { 0 };
	unsigned int n_sent = 0;

	close_end(&pair[0]);
	for (int i = 0; i < N_PACKETS; i++) {
		memset(packets[i], 'a' + i, sizeof(packets[i]));
		parts[i] = (struct iovec){ packets[i], sizeof(packets[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (n_sent < N_PACKETS)
		n_sent += (unsigned int)CHECK(TEMP_FAILURE_RETRY(
			sendmmsg(pair[1], messages + n_sent, N_PACKETS - n_sent, MSG_NOSIGNAL)));
	return who;
}

static int run_many(int argc, char **argv)
{
	char packets[N_PACKETS][LINE_BYTES] = { 0 };
	struct iovec parts[N_PACKETS];
	struct mmsghdr messages[N_PACKETS] = { 0 };
	int n_got = 0;

	(void)argc, (void)argv;
	make(SOCK_SEQPACKET);
	start_child(send_many);
	for (int i = 0; i < N_PACKETS; i++) {
		parts[i] = (struct iovec){ packets[i], sizeof(packets[i]) };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (n_got < N_PACKETS) {
		n_got += CHECK(TEMP_FAILURE_RETRY(recvmmsg(pair[0], messages + n_got, 1, 0, NULL)));
		EXPECT(messages[n_got - 1].msg_len == LINE_BYTES);
		EXPECT(packets[n_got - 1][0] == 'a' + n_got - 1);
	}
	return reap_all();
}

static int read_then_write(int fd)
{
	char byte;

	EXPECT(read_full(fd, &byte, 1) == 1);
	write_full(fd, &byte, 1);
	return 0;
}

static int child_reads_first(int who)
{
	(void)who;
	close_end(&pair[0]);
	return read_then_write(pair[1]);
}

static int run_both_read_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(SOCK_STREAM);
	start_child(child_reads_first);
	read_then_write(pair[0]);
	return reap_all();
}

/* More than the socket holds, before anything is read. */
static int write_then_read(int fd)
{
	static char block[BLOCK_BYTES];

	for (int i = 0; i < N_BLOCKS; i++)
		write_full(fd, block, sizeof(block));
	for (int i = 0; i < N_BLOCKS; i++)
		read_full(fd, block, sizeof(block));
	return 0;
}

static int child_writes_first(int who)
{
	(void)who;
	close_end(&pair[0]);
	return write_then_read(pair[1]);
}

static int run_both_write_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	ignore_sigpipe();
	make(SOCK_STREAM);
	start_child(child_writes_first);
	write_then_read(pair[0]);
	return reap_all();
}

/* Forgets to close its copy of the root's end: while that is open, no end of the file comes. */
static int read_with_peer_open(int who)
{
	char byte;

	while (read_full(pair[1], &byte, 1) == 1)
		;
	return who;
}

static int run_no_eof(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(SOCK_STREAM);
	start_child(read_with_peer_open);
	write_full(pair[0], "hello", 5);
	close_end(&pair[0]);
	return reap_all();
}

static int read_a_part(int who)
{
	char part[40];

	close_end(&pair[0]);
	EXPECT(read_full(pair[1], part, sizeof(part)) == sizeof(part));
	close_end(&pair[1]);
	return who;
}

static int run_unread(int argc, char **argv)
{
	char text[100] = { 0 };

	(void)argc, (void)argv;
	make(SOCK_STREAM);
	write_full(pair[0], text, sizeof(text));
	close_end(&pair[0]);
	start_child(read_a_part);
	return reap_all();
}

static int read_one_packet(int who)
{
	char packet[LINE_BYTES];

	close_end(&pair[0]);
	EXPECT(TEMP_FAILURE_RETRY(recv(pair[1], packet, sizeof(packet), 0)) == 1);
	close_end(&pair[1]);
	return who;
}

static int run_unread_datagrams(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(SOCK_DGRAM);
	for (int i = 0; i < 3; i++)
		EXPECT(TEMP_FAILURE_RETRY(send(pair[0], "x", 1, 0)) == 1);
	close_end(&pair[0]);
	start_child(read_one_packet);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "packets", run_packets },
	{ "datagrams", run_datagrams },
	{ "many", run_many },
	{ "both_read_first", run_both_read_first },
	{ "both_write_first", run_both_write_first },
	{ "no_eof", run_no_eof },
	{ "unread", run_unread },
	{ "unread_datagrams", run_unread_datagrams },
};

SUBJECT_MAIN(variants)
