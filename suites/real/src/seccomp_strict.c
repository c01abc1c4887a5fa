/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_strict.c - children that allow themselves nothing but read, write, exit and sigreturn
 * (SECCOMP_MODE_STRICT, by prctl and by the seccomp call) and then work on pipes, first in one
 * thread, then with another beside them that is not bound. Strict mode takes the time away too: one
 * has only that taken. One more makes a call that is not allowed: it has to die of it.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "real.h"

#define BYTES 300000

static void by_prctl(void)
{
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
}

static void by_seccomp(void)
{
	NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
}

/* No filter: only the time is taken away, by the instruction and so in libc too. */
static void no_time(void)
{
	NEED(prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0);
}

/* Passes on what it reads, and ends by the one call that strict mode leaves for that. */
static _Noreturn void pass_on(int from, int to)
{
	char text[777];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		for (ssize_t at = 0, written; at < n; at += written)
			if ((written = write(to, text + at, (size_t)(n - at))) <= 0)
				syscall(SYS_exit, 90);
	syscall(SYS_exit, n == 0 ? 17 : 91);
	__builtin_unreachable();
}

static _Noreturn void asks_for_its_pid(int from, int to)
{
	char byte;

	NEED(read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1);
	syscall(SYS_getppid);
	syscall(SYS_exit, 92);
	__builtin_unreachable();
}

struct job {
	void (*bind)(void);
	void (*work)(int from, int to);
	int from, to;
};

static void *bound_thread(void *data)
{
	struct job *job = data;

	job->bind();
	job->work(job->from, job->to);
	return NULL;
}

/* The other thread stays free: it only waits for the bound one, whose end closes nothing. */
static _Noreturn void in_a_thread(struct job *job)
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, bound_thread, job) == 0);
	NEED(pthread_join(thread, NULL) == 0);
	_exit(18);
}

static void *feed(void *data)
{
	static const char text[1000];
	int to = *(int *)data;

	for (size_t i = 0; i < BYTES / sizeof(text); i++)
		if (write(to, text, sizeof(text)) != sizeof(text))
			break;
	close(to);
	return NULL;
}

static void run(const char *name, struct job job, int threaded)
{
	char text[1000];
	long n_bytes = 0;
	int in[2], out[2];
	pthread_t feeder;
	ssize_t n;
	pid_t pid;

	NEED(pipe(in) == 0 && pipe(out) == 0);
	job.from = in[0];
	job.to = out[1];
	NEED((pid = fork()) >= 0);
	if (pid == 0) {
		close(in[1]);
		close(out[0]);
		if (threaded)
			in_a_thread(&job);
		job.bind();
		job.work(job.from, job.to);
	}
	close(in[0]);
	close(out[1]);
	NEED(pthread_create(&feeder, NULL, feed, &in[1]) == 0);
	while ((n = read(out[0], text, sizeof(text))) > 0)
		n_bytes += n;
	close(out[0]);
	NEED(pthread_join(feeder, NULL) == 0);
	printf("%s: %ld bytes, ended %d\n", name, n_bytes, ended(pid));
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	run("prctl", (struct job){ by_prctl, pass_on, 0, 0 }, 0);
	run("seccomp", (struct job){ by_seccomp, pass_on, 0, 0 }, 0);
	run("thread", (struct job){ by_prctl, pass_on, 0, 0 }, 1);
	run("no time", (struct job){ no_time, pass_on, 0, 0 }, 0);
	run("forbidden", (struct job){ by_prctl, asks_for_its_pid, 0, 0 }, 0);
	return 0;
}
