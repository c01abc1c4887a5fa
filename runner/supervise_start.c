/* SPDX-License-Identifier: Apache-2.0 */
/* supervise_start.c - starting the subject: its environment, its descriptors, its place in the
 * arena. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

#define FIRST_FREE_FD 64 /* above the standard descriptors, below the arena of real programs */

static char *text_join(const char *a, const char *b, const char *c, const char *d)
{
	char *text;

	return asprintf(&text, "%s%s%s%s", a, b, c, d) < 0 ? NULL : text;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

/* The subject's own environment, with the shim in front of what it preloads already. */
static char **environment(struct supervisor *s)
{
	char *const *old = s->options->envp;
	const char *preload = "";
	size_t n = 0, n_new = 0;
	char **new;

	while (old[n])
		n++;
	new = calloc(n + 4, sizeof(*new));
	if (!new)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (is_variable(old[i], "LD_PRELOAD"))
			preload = strchr(old[i], '=') + 1;
		else if (!is_variable(old[i], "IPCJAM") && !is_variable(old[i], "IPCJAM_OPTIONS"))
			new[n_new++] = old[i];
	}
	new[n_new++] = text_join("LD_PRELOAD=", s->options->shim, preload[0] ? ":" : "", preload);
	new[n_new++] = text_join("IPCJAM=1", "", "", "");
	new[n_new++] = text_join("IPCJAM_OPTIONS=arena=", s->arena_path, "", "");
	return new[n_new - 3] && new[n_new - 2] && new[n_new - 1] ? new : NULL;
}

/* What a program that ipcjam starts finds as if a shell had started it. */
void child_defaults(const struct supervisor *s)
{
	struct rlimit limit;
	sigset_t none;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = s->n_files;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * A subject that signals its process group must not hit the runner. Where it shares a terminal with
 * the runner it has to stay in its group, or the terminal would stop it.
 */
static void group_leave(const struct trial_options *o)
{
	if (!isatty(o->stdin_fd) && !isatty(o->stdout_fd) && !isatty(o->stderr_fd))
		setpgid(0, 0);
}

#define FILTER_FAILED (1 << 16) /* in what the child tells: it did not get as far as exec */

static _Noreturn void root_give_up(int error_fd, int err)
{
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits until the tracer has taken hold of it; then its system calls are filtered. */
static void root_wait_for_tracer(struct supervisor *s, int go_fd, int error_fd)
{
	char byte;
	int err;

	if (!s->reach_all)
		return;
	if (read(go_fd, &byte, 1) != 1)
		_exit(126);
	err = filter_load(s);
	if (err)
		root_give_up(error_fd, err | FILTER_FAILED);
}

static _Noreturn void root_run(struct supervisor *s, char **env, int error_fd, int go_fd)
{
	const struct trial_options *o = s->options;
	int fd[3] = { o->stdin_fd, o->stdout_fd, o->stderr_fd };

	atomic_store(&s->arena->proc[0].pid, (int32_t)getpid());
	group_leave(o);
	/* First out of the way of one another: they may be given crosswise. */
	for (int i = 0; i < 3; i++)
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	error_fd = fcntl(error_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	go_fd = go_fd < 0 ? -1 : fcntl(go_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	for (int i = 0; i < 3; i++)
		if (fd[i] < 0 || dup2(fd[i], i) < 0)
			close(i);
	syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	child_defaults(s);
	environ = env;
	root_wait_for_tracer(s, go_fd, error_fd);
	execvpe(o->argv[0], o->argv, env);
	root_give_up(error_fd, errno);
}

static void reserve_root(struct supervisor *s)
{
	struct arena_proc *proc = &s->arena->proc[0];
	const char *base = strrchr(s->options->argv[0], '/');

	proc->ppid = (int32_t)getpid();
	proc->child_no = 1;
	atomic_store(&s->arena->procs_used, 1);
	atomic_store(&proc->generation, 1);
	text_put(proc->lineage, sizeof(proc->lineage), "1");
	text_put(proc->name, sizeof(proc->name), base ? base + 1 : s->options->argv[0]);
	atomic_store(&proc->state, PROC_RESERVED);
}

static bool is_own(const struct supervisor *s, int fd)
{
	return fd == s->alive_fd || fd == s->json_fd || fd == s->options->events_fd ||
	       (s->options->trace && fd == s->options->trace_fd);
}

/* The subject's descriptors are its own from now on: a pipe held open here would never end. */
static void descriptors_leave(struct supervisor *s)
{
	const struct trial_options *o = s->options;
	const int fd[3] = { o->stdin_fd, o->stdout_fd, o->stderr_fd };
	struct stat info;
	int null_fd;

	for (int i = 0; i < 3; i++) {
		if (fd[i] < 0 || fstat(fd[i], &info) < 0)
			continue;
		s->outside[i].dev = info.st_dev;
		s->outside[i].ino = info.st_ino;
	}
	for (int i = 0; i < 3; i++)
		if (fd[i] > 2 && !is_own(s, fd[i]))
			close(fd[i]);
	/* What libraries print must not end up in a file that happens to have got number 2. */
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		if (!is_own(s, i))
			dup2(null_fd, i);
	if (null_fd > 2)
		close(null_fd);
}

static int cannot_start(struct supervisor *s, int err, const char *what)
{
	s->report->verdict = VERDICT_CANNOT_START;
	s->report->err = err;
	snprintf(s->report->why, sizeof(s->report->why), "%.100s: %s", what, strerror(err));
	return -1;
}

static int cannot_reach(struct supervisor *s, pid_t pid, int err, const char *what)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		if (!s->tracer)
			waitpid(pid, NULL, 0);
	}
	s->report->verdict = VERDICT_CANNOT_REACH;
	s->report->err = err;
	snprintf(s->report->why, sizeof(s->report->why), "%.100s: %s: see ipcjam doctor", what,
		 strerror(err));
	return -1;
}

/* What the child tells before its exec succeeds, or 0. */
static int hear(int error_fd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(error_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(error_fd);
	return n == sizeof(err) ? err : 0;
}

static int trace_root(struct supervisor *s, pid_t pid, int go_fd)
{
	int err = tracer_follow(s, pid);

	if (err)
		return cannot_reach(s, pid, err, "ptrace");
	return write(go_fd, "g", 1) == 1 ? 0 : cannot_start(s, errno, "write");
}

static void close_pipe(const int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int root_start(struct supervisor *s)
{
	char **env = environment(s);
	int error_pipe[2], go_pipe[2] = { -1, -1 }, err;
	pid_t pid;

	err = s->reach_all ? filter_make(s) : 0;
	if (err)
		return cannot_reach(s, 0, err, "seccomp");
	if (!env || pipe2(error_pipe, O_CLOEXEC) < 0 ||
	    (s->reach_all && pipe2(go_pipe, O_CLOEXEC) < 0))
		return -1;
	reserve_root(s);
	pid = fork();
	if (pid == 0)
		root_run(s, env, error_pipe[1], go_pipe[0]);
	close(error_pipe[1]);
	if (pid < 0)
		return cannot_start(s, errno, "fork");
	atomic_store(&s->arena->proc[0].pid, (int32_t)pid);
	if (s->reach_all && trace_root(s, pid, go_pipe[1]) < 0)
		return -1;
	close_pipe(go_pipe);
	err = hear(error_pipe[0]);
	if (err && !s->tracer)
		waitpid(pid, NULL, 0);
	if (err & FILTER_FAILED)
		return cannot_reach(s, 0, err & ~FILTER_FAILED, "seccomp");
	if (err)
		return cannot_start(s, err, s->options->argv[0]);
	descriptors_leave(s);
	return process_adopt_root(s, pid);
}
