/* SPDX-License-Identifier: Apache-2.0 */
/* Anonymous pipes between a root and one child: both ways, to the end of the file, past it, and
 * into a full pipe. */
#include "subject.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { N_LINES = 20, LINE_BYTES = 64, BLOCK_BYTES = 4096, N_BLOCKS = 32 };

static int to_child[2];
static int to_root[2];

/* In the child. */
static void keep_child_ends(void)
{
	close_end(&to_child[1]);
	close_end(&to_root[0]);
}

/* In the root. */
static void keep_root_ends(void)
{
	close_end(&to_child[0]);
	close_end(&to_root[1]);
}

static int echo(int who)
{
	char line[LINE_BYTES];

	(void)who;
	keep_child_ends();
	while (read_full(to_child[0], line, sizeof(line)) == sizeof(line))
		write_full(to_root[1], line, sizeof(line));
	return 0;
}

static int run_right(int argc, char **argv)
{
	char line[LINE_BYTES], back[LINE_BYTES];

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(to_child);
	make_pipe(to_root);
	spawn(echo, 0);
	keep_root_ends();
	for (int i = 0; i < N_LINES; i++) {
		memset(line, 'a' + i, sizeof(line));
		write_full(to_child[1], line, sizeof(line));
		EXPECT(read_full(to_root[0], back, sizeof(back)) == sizeof(back));
		EXPECT(memcmp(line, back, sizeof(line)) == 0);
	}
	close_end(&to_child[1]);
	EXPECT(read_full(to_root[0], back, 1) == 0);
	return reap_all();
}

/* Forgets to close its own copy of the end that it never writes to: the end of the file cannot
 * come. */
static int read_with_writer_open(int who)
{
	char byte;

	(void)who;
	while (read_full(to_child[0], &byte, 1) == 1)
		;
	return 0;
}

static int run_no_eof(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_pipe(to_child);
	spawn(read_with_writer_open, 0);
	close_end(&to_child[0]);
	write_full(to_child[1], "hello", 5);
	close_end(&to_child[1]);
	return reap_all();
}

/* More than the pipe holds, before anything is read. */
static void write_then_read(int out, int in)
{
	char block[BLOCK_BYTES] = { 0 };

	for (int i = 0; i < N_BLOCKS; i++)
		write_full(out, block, sizeof(block));
	for (int i = 0; i < N_BLOCKS; i++)
		read_full(in, block, sizeof(block));
}

static int child_writes_first(int who)
{
	(void)who;
	keep_child_ends();
	write_then_read(to_root[1], to_child[0]);
	return 0;
}

static int run_both_write_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(to_child);
	make_pipe(to_root);
	spawn(child_writes_first, 0);
	keep_root_ends();
	write_then_read(to_child[1], to_root[0]);
	return reap_all();
}

static int read_a_part(int who)
{
	char part[40];

	(void)who;
	close_end(&to_child[1]);
	EXPECT(read_full(to_child[0], part, sizeof(part)) == sizeof(part));
	close_end(&to_child[0]);
	return 0;
}

static int run_unread(int argc, char **argv)
{
	char text[100] = { 0 };

	(void)argc, (void)argv;
	make_pipe(to_child);
	write_full(to_child[1], text, sizeof(text));
	close_end(&to_child[1]);
	spawn(read_a_part, 0);
	close_end(&to_child[0]);
	return reap_all();
}

static int read_nothing(int who)
{
	return who;
}

/* The child, the only other reader, is gone before the write. */
static void write_to_nobody(void)
{
	make_pipe(to_child);
	spawn(read_nothing, 0);
	close_end(&to_child[0]);
	if (reap_all())
		fail("the child ended well");
}

static int run_broken_pipe(int argc, char **argv)
{
	(void)argc, (void)argv;
	write_to_nobody();
	signal(SIGPIPE, SIG_DFL);
	write_full(to_child[1], "hello", 5);
	return 0;
}

static int run_epipe(int argc, char **argv)
{
	(void)argc, (void)argv;
	ignore_sigpipe();
	write_to_nobody();
	EXPECT(TEMP_FAILURE_RETRY(write(to_child[1], "hello", 5)) == -1 && errno == EPIPE);
	close_end(&to_child[1]);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "no_eof", run_no_eof },
	{ "both_write_first", run_both_write_first },
	{ "unread", run_unread },
	{ "broken_pipe", run_broken_pipe },
	{ "epipe", run_epipe },
};

SUBJECT_MAIN(variants)
