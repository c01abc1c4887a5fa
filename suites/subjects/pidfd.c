/* SPDX-License-Identifier: Apache-2.0 */
/* A child by its descriptor: waited for, signalled, its descriptors and its memory reached; and
 * waited for while it waits. */
#include "subject.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { STATUS = 7 };

static int to_child[2];
static int to_root[2];
static char text[16] = "before";

static void make(void)
{
	ignore_sigpipe();
	make_pipe(to_child);
	make_pipe(to_root);
}

/* The root's and the child's ends; the ends are closed once the other one has its own. */
static int start_child(int (*body)(int who))
{
	pid_t pid = spawn(body, STATUS);

	close_end(&to_child[0]);
	close_end(&to_root[1]);
	return CHECK(pidfd_open(pid, 0));
}

static void keep_child_ends(void)
{
	close_end(&to_child[1]);
	close_end(&to_root[0]);
}

/* Does not go on without the root. */
static void await_root(void)
{
	char byte;

	EXPECT(read_full(to_child[0], &byte, 1) == 1);
}

static void await_child(void)
{
	char byte;

	EXPECT(read_full(to_root[0], &byte, 1) == 1);
}

static void await_end(int child)
{
	struct pollfd ended = { .fd = child, .events = POLLIN };

	CHECK(TEMP_FAILURE_RETRY(poll(&ended, 1, -1)));
}

/* 0 for an end with that status, or by that signal. */
static int reap_by_descriptor(int child, int wanted)
{
	siginfo_t info;

	await_end(child);
	CHECK(TEMP_FAILURE_RETRY(waitid(P_PIDFD, (id_t)child, &info, WEXITED)));
	abandon_children();
	close_end(&child);
	return info.si_status != wanted;
}

static int end_when_told(int who)
{
	keep_child_ends();
	await_root();
	return who;
}

static int run_right(int argc, char **argv)
{
	int child;

	(void)argc, (void)argv;
	make();
	child = start_child(end_when_told);
	write_full(to_child[1], "x", 1);
	return reap_by_descriptor(child, STATUS);
}

static int run_signalled(int argc, char **argv)
{
	int child;

	(void)argc, (void)argv;
	make();
	child = start_child(end_when_told);
	CHECK(pidfd_send_signal(child, SIGTERM, NULL, 0));
	return reap_by_descriptor(child, SIGTERM);
}

/* Tells the number of a descriptor that only it has. */
static int tell_descriptor(int who)
{
	int ends[2];

	keep_child_ends();
	make_pipe(ends);
	write_full(ends[1], "hello", 5);
	close_end(&ends[1]);
	write_full(to_root[1], &ends[0], sizeof(ends[0]));
	await_root();
	return who;
}

static int run_descriptor(int argc, char **argv)
{
	char got[16];
	int child, fd;

	(void)argc, (void)argv;
	make();
	child = start_child(tell_descriptor);
	EXPECT(read_full(to_root[0], &fd, sizeof(fd)) == sizeof(fd));
	fd = CHECK(pidfd_getfd(child, fd, 0));
	EXPECT(read_full(fd, got, sizeof(got)) == 5 && memcmp(got, "hello", 5) == 0);
	close_end(&fd);
	write_full(to_child[1], "x", 1);
	return reap_by_descriptor(child, STATUS);
}

static int change_text(int who)
{
	keep_child_ends();
	strcpy(text, "child");
	write_full(to_root[1], "x", 1);
	await_root();
	EXPECT(strcmp(text, "root") == 0);
	return who;
}

/* The child's text is where the root's is. */
static int run_memory(int argc, char **argv)
{
	char got[sizeof(text)];
	struct iovec here = { got, sizeof(got) }, there = { text, sizeof(text) };
	pid_t pid;

	(void)argc, (void)argv;
	make();
	pid = spawn(change_text, 0);
	close_end(&to_child[0]);
	close_end(&to_root[1]);
	await_child();
	EXPECT(process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(got));
	EXPECT(strcmp(got, "child") == 0 && strcmp(text, "before") == 0);
	strcpy(got, "root");
	EXPECT(process_vm_writev(pid, &here, 1, &there, 1, 0) == sizeof(got));
	write_full(to_child[1], "x", 1);
	return reap_all();
}

/* The child waits to be told, the root for the child's end. */
static int run_both_wait(int argc, char **argv)
{
	int child;

	(void)argc, (void)argv;
	make();
	child = start_child(end_when_told);
	await_end(child);
	write_full(to_child[1], "x", 1);
	return reap_by_descriptor(child, STATUS);
}

static const struct variant variants[] = {
	{ "right", run_right },   { "signalled", run_signalled }, { "descriptor", run_descriptor },
	{ "memory", run_memory }, { "both_wait", run_both_wait },
};

SUBJECT_MAIN(variants)
