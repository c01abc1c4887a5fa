/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors passed over a Unix socket to a process that could not inherit them: an end of a pipe
 * and a piece of memory; and a writing end that keeps the end of the file away. */
#include "subject.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { SIZE_BYTES = 4096 };

static int pair[2];

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void pass_descriptor(int socket, int fd)
{
	union control control = { 0 };
	char byte = 'x';
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	EXPECT(TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL)) == 1);
}

static int get_descriptor(int socket)
{
	union control control = { 0 };
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	const struct cmsghdr *header;
	int fd;

	EXPECT(TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) == 1);
	header = CMSG_FIRSTHDR(&message);
	EXPECT(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* The two know each other by a socket only; what one makes later the other has not. */
static int pass_between(int (*giver)(int), int (*taker)(int))
{
	ignore_sigpipe();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	spawn(giver, 0);
	spawn(taker, 1);
	close_end(&pair[0]);
	close_end(&pair[1]);
	return reap_all();
}

static int give_reading_end(int who)
{
	int ends[2];

	close_end(&pair[!who]);
	make_pipe(ends);
	pass_descriptor(pair[who], ends[0]);
	close_end(&ends[0]);
	write_full(ends[1], "hello", 5);
	return 0;
}

static int read_passed(int who)
{
	char text[16];
	int fd;

	close_end(&pair[!who]);
	fd = get_descriptor(pair[who]);
	EXPECT(read_full(fd, text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
	close_end(&fd);
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return pass_between(give_reading_end, read_passed);
}

static char *map_memory(int fd)
{
	void *memory = mmap(NULL, SIZE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* Waits until the other says that it has written. */
static int give_memory(int who)
{
	int fd = CHECK(memfd_create("subject", MFD_CLOEXEC));
	char byte, *memory;

	close_end(&pair[!who]);
	CHECK(TEMP_FAILURE_RETRY(ftruncate(fd, SIZE_BYTES)));
	memory = map_memory(fd);
	pass_descriptor(pair[who], fd);
	close_end(&fd);
	EXPECT(read_full(pair[who], &byte, 1) == 1);
	EXPECT(strcmp(memory, "hello") == 0);
	return 0;
}

static int write_memory(int who)
{
	char *memory;
	int fd;

	close_end(&pair[!who]);
	fd = get_descriptor(pair[who]);
	memory = map_memory(fd);
	close_end(&fd);
	memcpy(memory, "hello", 6);
	CHECK(munmap(memory, SIZE_BYTES));
	write_full(pair[who], "x", 1);
	return 0;
}

static int run_memory(int argc, char **argv)
{
	(void)argc, (void)argv;
	return pass_between(give_memory, write_memory);
}

/* Reads to the end of the file, which comes when all writing ends are closed: also the passed one.
 */
static int give_writing_end(int who)
{
	char byte;
	int ends[2];

	close_end(&pair[!who]);
	make_pipe(ends);
	pass_descriptor(pair[who], ends[1]);
	close_end(&ends[1]);
	while (read_full(ends[0], &byte, 1) == 1)
		;
	write_full(pair[who], "x", 1);
	return 0;
}

/* Has written all it wanted, and keeps the end open until it hears of it. */
static int keep_passed(int who)
{
	char byte;
	int fd;

	close_end(&pair[!who]);
	fd = get_descriptor(pair[who]);
	write_full(fd, "hello", 5);
	EXPECT(read_full(pair[who], &byte, 1) == 1);
	close_end(&fd);
	return 0;
}

static int run_passed_end(int argc, char **argv)
{
	(void)argc, (void)argv;
	return pass_between(give_writing_end, keep_passed);
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "memory", run_memory },
	{ "passed_end", run_passed_end },
};

SUBJECT_MAIN(variants)
