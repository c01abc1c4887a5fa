/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes moved without being copied through the program: sendfile, splice, tee and vmsplice; and a
 * mover that holds the end open that it moves from. */
#include "subject.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { SIZE_BYTES = 200 * 1000, CHUNK_BYTES = 5000 };

static char content[SIZE_BYTES];
static const char *paths[2];
static int first[2];
static int second[2];

static void close_pair(int ends[2])
{
	close_end(&ends[0]);
	close_end(&ends[1]);
}

/* Text without a period, so that what is missing or twice is seen. */
static void make_content(void)
{
	uint32_t number = 1;

	for (size_t i = 0; i < sizeof(content); i++) {
		number = number * 1103515245 + 12345;
		content[i] = (char)(number >> 16);
	}
}

static void make(void)
{
	ignore_sigpipe();
	make_content();
	make_pipe(second);
}

static void make_files(void)
{
	int fd;

	make_dir();
	paths[0] = own_path("from");
	paths[1] = own_path("to");
	fd = open_path(paths[0], O_WRONLY | O_CREAT | O_EXCL);
	write_full(fd, content, sizeof(content));
	close_end(&fd);
}

static int send_file(int who)
{
	int fd = open_path(paths[0], O_RDONLY);
	off_t at = 0;

	close_end(&first[0]);
	close_end(&second[1]);
	while (at < SIZE_BYTES)
		EXPECT(TEMP_FAILURE_RETRY(sendfile(first[1], fd, &at, CHUNK_BYTES)) > 0);
	close_end(&fd);
	return who;
}

static void read_content(int fd)
{
	char chunk[CHUNK_BYTES];

	for (size_t at = 0; at < sizeof(content); at += sizeof(chunk)) {
		EXPECT(read_full(fd, chunk, sizeof(chunk)) == sizeof(chunk));
		EXPECT(memcmp(content + at, chunk, sizeof(chunk)) == 0);
	}
	EXPECT(read_full(fd, chunk, 1) == 0);
}

static int reader(int who)
{
	close_end(&second[1]);
	read_content(second[0]);
	return who;
}

/* All that comes, until there is no more. */
static int mover(int who)
{
	ssize_t n;

	close_end(&first[1]);
	do
		n = TEMP_FAILURE_RETRY(splice(first[0], NULL, second[1], NULL, CHUNK_BYTES, 0));
	while (n > 0);
	EXPECT(n == 0);
	return who;
}

/*
 * The reader comes first, so that it has no end of the first pipe: the kernel keeps a pipe locked
 * while splice() waits for room in a socket, and whoever closes an end of it then waits too.
 */
static int run_three(int (*source)(int), int (*middle)(int))
{
	spawn(reader, 0);
	close_end(&second[0]);
	make_pipe(first);
	spawn(source, 0);
	spawn(middle, 0);
	close_pair(first);
	close_end(&second[1]);
	return reap_all();
}

static int run_sendfile(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	make_files();
	return run_three(send_file, mover);
}

/* The pages themselves become the pipe's, so they must stay as they are. */
static int give_memory(int who)
{
	struct iovec part = { content, sizeof(content) };

	close_end(&first[0]);
	close_end(&second[1]);
	while (part.iov_len > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(vmsplice(first[1], &part, 1, 0));

		EXPECT(n > 0);
		part.iov_base = (char *)part.iov_base + n;
		part.iov_len -= (size_t)n;
	}
	return who;
}

static int run_vmsplice(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	return run_three(give_memory, mover);
}

static int run_to_socket(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	close_pair(second);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second));
	return run_three(give_memory, mover);
}

/* What the reader gets, the file gets too. */
static int tee_off(int who)
{
	int fd = open_path(paths[1], O_WRONLY | O_CREAT | O_EXCL);

	close_end(&first[1]);
	for (;;) {
		ssize_t n = TEMP_FAILURE_RETRY(tee(first[0], second[1], CHUNK_BYTES, 0));

		EXPECT(n >= 0);
		if (n == 0)
			break;
		while (n > 0) {
			ssize_t n_moved =
				TEMP_FAILURE_RETRY(splice(first[0], NULL, fd, NULL, (size_t)n, 0));

			EXPECT(n_moved > 0);
			n -= n_moved;
		}
	}
	close_end(&fd);
	return who;
}

static int run_tee(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	make();
	make_files();
	if (run_three(send_file, tee_off))
		return 1;
	fd = open_path(paths[1], O_RDONLY);
	read_content(fd);
	close_end(&fd);
	return 0;
}

/* Forgets to close its own copy of the end that it never writes to. */
static int mover_with_writer_open(int who)
{
	while (TEMP_FAILURE_RETRY(splice(first[0], NULL, second[1], NULL, CHUNK_BYTES, 0)) > 0)
		;
	return who;
}

static int run_no_eof(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	return run_three(give_memory, mover_with_writer_open);
}

static const struct variant variants[] = {
	{ "sendfile", run_sendfile }, { "vmsplice", run_vmsplice }, { "to_socket", run_to_socket },
	{ "tee", run_tee },           { "no_eof", run_no_eof },
};

SUBJECT_MAIN(variants)
