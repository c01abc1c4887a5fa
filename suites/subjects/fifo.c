/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs: opened by path on both sides, renamed, linked and unlinked; opened in the wrong order, by
 * one side, and left. */
#include "subject.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *paths[3];

static void write_hello(const char *path)
{
	int fd = open_path(path, O_WRONLY);

	write_full(fd, "hello", 5);
	close_end(&fd);
}

static void read_hello(const char *path)
{
	int fd = open_path(path, O_RDONLY);
	char text[16];

	EXPECT(read_full(fd, text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
	close_end(&fd);
}

static int writer(int who)
{
	ignore_sigpipe();
	write_hello(paths[who]);
	return 0;
}

static int reader(int who)
{
	read_hello(paths[who]);
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	paths[0] = make_fifo("a");
	spawn(reader, 0);
	spawn(writer, 0);
	return reap_all();
}

/* Two programs that share nothing but the path: each is this program again, with the role as its
 * variant. */
static int exec_role(int who)
{
	const char *role = who == 0 ? "reader" : "writer";

	execl("/proc/self/exe", "fifo", role, paths[0], (char *)NULL);
	die("exec");
}

static int run_unrelated(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	paths[0] = make_fifo("a");
	spawn(exec_role, 0);
	spawn(exec_role, 1);
	return reap_all();
}

static int run_role_reader(int argc, char **argv)
{
	EXPECT(argc == 1);
	read_hello(argv[0]);
	return 0;
}

static int run_role_writer(int argc, char **argv)
{
	EXPECT(argc == 1);
	ignore_sigpipe();
	write_hello(argv[0]);
	return 0;
}

/* One FIFO under two names, a link and a new one; it lives on when both are gone. */
static int run_renamed(int argc, char **argv)
{
	char text[16];
	int fd;

	(void)argc, (void)argv;
	make_dir();
	paths[0] = make_fifo("a");
	paths[1] = own_path("b");
	paths[2] = own_path("c");
	CHECK(link(paths[0], paths[1]));
	CHECK(rename(paths[0], paths[2]));
	spawn(reader, 1);
	spawn(writer, 2);
	if (reap_all())
		return 1;
	fd = open_path(paths[1], O_RDWR);
	CHECK(unlink(paths[1]));
	CHECK(unlink(paths[2]));
	write_full(fd, "hello", 5);
	EXPECT(read_full(fd, text, 5) == 5);
	close_end(&fd);
	return 0;
}

/* Opens to write the one named WHO, then to read the other. */
static int cross_opener(int who)
{
	int out = open_path(paths[who], O_WRONLY);
	int in = open_path(paths[!who], O_RDONLY);

	close_end(&in);
	close_end(&out);
	return 0;
}

static int run_open_order(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	paths[0] = make_fifo("a");
	paths[1] = make_fifo("b");
	spawn(cross_opener, 0);
	spawn(cross_opener, 1);
	return reap_all();
}

static int run_no_writer(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_dir();
	paths[0] = make_fifo("a");
	spawn(reader, 0);
	return reap_all();
}

static int run_left(int argc, char **argv)
{
	static char path[128];

	(void)argc, (void)argv;
	snprintf(path, sizeof(path), "%.100s/left", make_dir());
	CHECK(mkfifo(path, 0600));
	paths[0] = path;
	spawn(reader, 0);
	spawn(writer, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },         { "unrelated", run_unrelated },
	{ "renamed", run_renamed },     { "open_order", run_open_order },
	{ "no_writer", run_no_writer }, { "left", run_left },
	{ "reader", run_role_reader },  { "writer", run_role_writer },
};

SUBJECT_MAIN(variants)
