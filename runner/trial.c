/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.c - the runner's side of one trial: starts the supervisor (in namespaces if it may), waits
 * for it, and reads its document. The supervisor hangs up on the runner's death by itself; here the
 * other way round is seen to: a supervisor that does not answer is killed, and with it all of the
 * trial.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

#define GRACE_NS (5 * NS_PER_S)
#define JSON_MAX (256 << 20)

struct attempt {
	const struct trial_options *options;
	struct trial_report *report;
	int alive[2]; /* the supervisor reads, the runner holds the other end */
	int json_fd;
	pid_t pid;
	int pidfd;
};

static void explain(struct trial_result *result, enum trial_verdict verdict, int err,
		    const char *what)
{
	result->verdict = verdict;
	result->err = err;
	snprintf(result->why, sizeof(result->why), "%s: %s", what, strerror(err));
}

static int attempt_open(struct attempt *a)
{
	a->alive[0] = a->alive[1] = a->json_fd = a->pidfd = -1;
	a->report = mmap(NULL, sizeof(*a->report), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a->report == MAP_FAILED) {
		a->report = NULL;
		return -1;
	}
	a->report->verdict = VERDICT_BROKEN;
	a->json_fd = memfd_create("ipcjam-result", MFD_CLOEXEC);
	return a->json_fd < 0 || pipe2(a->alive, O_CLOEXEC | O_NONBLOCK) < 0 ? -1 : 0;
}

static void attempt_close(struct attempt *a)
{
	int fd[] = { a->alive[0], a->alive[1], a->json_fd, a->pidfd };

	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		if (fd[i] >= 0)
			close(fd[i]);
	if (a->report)
		munmap(a->report, sizeof(*a->report));
}

static pid_t clone_supervisor(struct attempt *a, unsigned long flags)
{
	/* The arguments' order is x86-64's. */
	return (pid_t)syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, &a->pidfd, NULL,
			      NULL);
}

/* Returns 0, or -1 with errno: this machine does not give the namespaces, or no process at all. */
static int attempt_start(struct attempt *a, bool isolated)
{
	unsigned long flags = 0;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	sigset_t all, old;

	if (isolated)
		flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0);
	/* No handler of the runner may run in the supervisor. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	fflush(NULL);
	a->pid = clone_supervisor(a, flags);
	if (a->pid == 0) {
		struct supervisor_start start = { a->options, a->report, isolated, a->alive[0],
						  a->json_fd, uid,       gid };

		_exit(supervise(&start));
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return a->pid < 0 ? -1 : 0;
}

/* Everybody that is below us in the tree: they were handed to us when the supervisor was killed. */
static void kill_orphans(void)
{
	char path[64], line[4096];

	for (int round = 0; round < 100; round++) {
		FILE *file;
		int n = 0, pid, used;

		snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
		file = fopen(path, "re");
		if (!file)
			return;
		if (fgets(line, sizeof(line), file))
			for (char *at = line; sscanf(at, "%d%n", &pid, &used) == 1; at += used, n++)
				kill(pid, SIGKILL);
		fclose(file);
		if (n == 0)
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		poll(NULL, 0, 1);
	}
}

static void attempt_kill(struct attempt *a, bool isolated)
{
	if (!isolated)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	kill(a->pid, SIGKILL);
	while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!isolated) {
		kill_orphans();
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	}
	if (a->report->arena_path[0])
		unlink(a->report->arena_path);
}

/* Returns true if the supervisor ended by itself. */
static bool attempt_wait(struct attempt *a, bool isolated, void (*tick)(void *), void *tick_data,
			 const volatile int *interrupted)
{
	const struct trial_options *o = a->options;
	uint64_t deadline =
		now_ns() + o->timeout_ns + o->linger_ns + GRACE_NS + (o->check ? o->timeout_ns : 0);
	bool told = false;

	for (;;) {
		struct pollfd poll_fd = { .fd = a->pidfd, .events = POLLIN };

		if (poll(&poll_fd, 1, 20) > 0 && (poll_fd.revents & POLLIN)) {
			while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
				;
			if (a->report->arena_path[0])
				unlink(a->report->arena_path);
			if (tick)
				tick(tick_data);
			return true;
		}
		if (tick)
			tick(tick_data);
		if (interrupted && *interrupted && !told) {
			told = write(a->alive[1], "i", 1) == 1;
			if (deadline > now_ns() + GRACE_NS)
				deadline = now_ns() + GRACE_NS;
		}
		if (now_ns() > deadline) {
			attempt_kill(a, isolated);
			return false;
		}
	}
}

/* The document: whole, of a sensible size, and JSON. */
static char *document_read(int fd)
{
	struct stat info;
	char *text;
	json_t *json;
	ssize_t n;

	if (fstat(fd, &info) < 0 || info.st_size <= 0 || info.st_size > JSON_MAX)
		return NULL;
	text = malloc((size_t)info.st_size + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, (size_t)info.st_size, 0);
	json = n == info.st_size ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	if (!json) {
		free(text);
		return NULL;
	}
	json_decref(json);
	text[n] = '\0';
	return text;
}

static void attempt_result(struct attempt *a, bool answered, struct trial_result *result)
{
	struct trial_report *report = a->report;

	result->verdict = report->verdict;
	result->err = report->err;
	result->isolated = report->isolated;
	text_put(result->why, sizeof(result->why), report->why);
	result->root_exited = report->root_exited;
	result->root_status = report->root_status;
	result->root_signal = report->root_signal;
	if (atomic_load(&report->done))
		result->json = document_read(a->json_fd);
	if (answered &&
	    (result->json || report->verdict == VERDICT_CANNOT_START ||
	     report->verdict == VERDICT_CANNOT_ISOLATE || report->verdict == VERDICT_CANNOT_REACH))
		return;
	result->verdict = VERDICT_BROKEN;
	if (!answered)
		text_put(result->why, sizeof(result->why),
			 "the supervisor did not answer and was killed");
	else if (!result->why[0])
		text_put(result->why, sizeof(result->why), "the supervisor ended without a result");
}

static void attempt(const struct trial_options *options, bool isolated, struct trial_result *result,
		    void (*tick)(void *), void *tick_data, const volatile int *interrupted)
{
	struct attempt a = { .options = options };

	memset(result, 0, sizeof(*result));
	if (attempt_open(&a) < 0) {
		explain(result, VERDICT_BROKEN, errno, "cannot make a pipe and memory");
	} else if (attempt_start(&a, isolated) < 0) {
		explain(result, isolated ? VERDICT_CANNOT_ISOLATE : VERDICT_BROKEN, errno,
			isolated ? "make namespaces" : "start a process");
	} else {
		close(a.alive[0]);
		a.alive[0] = -1;
		attempt_result(&a, attempt_wait(&a, isolated, tick, tick_data, interrupted),
			       result);
	}
	attempt_close(&a);
}

/* Without --reach, what cannot be traced is run without: that its calls are not seen is said then.
 */
static void attempt_reach(const struct trial_options *options, bool isolated,
			  struct trial_result *result, void (*tick)(void *), void *tick_data,
			  const volatile int *interrupted)
{
	struct trial_options without = *options;

	attempt(options, isolated, result, tick, tick_data, interrupted);
	if (result->verdict != VERDICT_CANNOT_REACH || options->reach != REACH_AUTO)
		return;
	without.reach = REACH_PRELOAD;
	attempt(&without, isolated, result, tick, tick_data, interrupted);
}

void trial_run(const struct trial_options *options, struct trial_result *result,
	       void (*tick)(void *), void *tick_data, const volatile int *interrupted)
{
	char why[sizeof(result->why)];

	if (options->isolate != ISOLATE_NO) {
		attempt_reach(options, true, result, tick, tick_data, interrupted);
		if (result->verdict != VERDICT_CANNOT_ISOLATE || options->isolate == ISOLATE_YES)
			return;
		text_put(why, sizeof(why), result->why);
		attempt_reach(options, false, result, tick, tick_data, interrupted);
		if (!result->why[0])
			snprintf(result->why, sizeof(result->why), "not isolated: %.180s", why);
		return;
	}
	attempt_reach(options, false, result, tick, tick_data, interrupted);
}
