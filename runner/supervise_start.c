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

static _Noreturn void root_run(struct supervisor *s, char **env, int error_fd)
{
	const struct trial_options *o = s->options;
	int fd[3] = { o->stdin_fd, o->stdout_fd, o->stderr_fd };
	int err;

	atomic_store(&s->arena->proc[0].pid, (int32_t)getpid());
	group_leave(o);
	/* First out of the way of one another: they may be given crosswise. */
	for (int i = 0; i < 3; i++)
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	error_fd = fcntl(error_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	for (int i = 0; i < 3; i++)
		if (fd[i] < 0 || dup2(fd[i], i) < 0)
			close(i);
	syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	child_defaults(s);
	environ = env;
	execvpe(o->argv[0], o->argv, env);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
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

int root_start(struct supervisor *s)
{
	char **env = environment(s);
	int error_pipe[2], err = 0;
	ssize_t n;
	pid_t pid;

	if (!env || pipe2(error_pipe, O_CLOEXEC) < 0)
		return -1;
	reserve_root(s);
	pid = fork();
	if (pid == 0)
		root_run(s, env, error_pipe[1]);
	close(error_pipe[1]);
	if (pid < 0)
		return cannot_start(s, errno, "fork");
	atomic_store(&s->arena->proc[0].pid, (int32_t)pid);
	do
		n = read(error_pipe[0], &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(error_pipe[0]);
	if (n == sizeof(err)) {
		waitpid(pid, NULL, 0);
		return cannot_start(s, err, s->options->argv[0]);
	}
	descriptors_leave(s);
	return process_adopt_root(s, pid);
}
