/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vforks.c - vfork in the ways that programs use it: a child that execs, one that cannot and ends,
 * one that works with pipes first, one inside another, from threads, and many one after the other.
 * posix_spawn beside it, which does the same inside libc.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>

#include "real.h"

extern char **environ;

/* Shared with the child: what it writes there, the parent sees. */
static volatile int left_by_child;

static int exec_true(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execlp("true", "true", NULL);
		_exit(127);
	}
	return ended(pid);
}

static int exec_fails(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/no/such/program", "none", NULL);
		left_by_child = errno;
		_exit(5);
	}
	return ended(pid);
}

static long all_of(int from, pid_t writer)
{
	char text[4096];
	long n_bytes = 0;
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		n_bytes += n;
	close(from);
	NEED(ended(writer) == 0);
	return n_bytes;
}

/* Redirects as a shell would: dup2 and close in the child, before exec. */
static long output_of(const char *program, const char *argument)
{
	int end[2];
	pid_t pid;

	NEED(pipe2(end, O_CLOEXEC) == 0);
	pid = vfork();
	if (pid == 0) {
		if (dup2(end[1], 1) == 1) {
			close(end[0]);
			close(end[1]);
			execlp(program, program, argument, NULL);
		}
		_exit(127);
	}
	close(end[1]);
	return all_of(end[0], pid);
}

/* A child that writes and reads itself, and makes a child in the same memory. */
static int nested(void)
{
	int end[2];
	char byte = 0;
	pid_t pid;

	NEED(pipe(end) == 0);
	pid = vfork();
	if (pid == 0) {
		pid_t inner;

		if (write(end[1], "a", 1) != 1)
			_exit(90);
		inner = vfork();
		if (inner == 0) {
			left_by_child = write(end[1], "b", 1) == 1 ? 42 : 43;
			_exit(7);
		}
		_exit(ended(inner) + 1);
	}
	NEED(ended(pid) == 8);
	NEED(read(end[0], &byte, 1) == 1 && byte == 'a');
	NEED(read(end[0], &byte, 1) == 1 && byte == 'b');
	close(end[0]);
	close(end[1]);
	return left_by_child;
}

static int killed(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	return ended(pid);
}

static int spawned(void)
{
	char *argv[] = { (char *)(unsigned long)"sh", (char *)(unsigned long)"-c",
			 (char *)(unsigned long)"exit 9", NULL };
	pid_t pid;

	NEED(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0);
	return ended(pid);
}

static void *many(void *unused)
{
	long sum = 0;

	(void)unused;
	for (int i = 0; i < 15; i++)
		sum += exec_fails() + exec_true() + output_of("seq", "100");
	return (void *)sum;
}

int main(void)
{
	pthread_t thread[3];
	void *sum;

	printf("exec %d\n", exec_true());
	printf("no exec %d\n", exec_fails());
	printf("errno %s\n", left_by_child == ENOENT ? "ENOENT" : strerror(left_by_child));
	printf("output %ld bytes\n", output_of("seq", "20000"));
	printf("nested %d\n", nested());
	printf("killed %d\n", killed());
	printf("spawned %d\n", spawned());
	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&thread[i], NULL, many, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		NEED(pthread_join(thread[i], &sum) == 0);
		printf("thread %d: %ld\n", i, (long)sum);
	}
	return 0;
}
