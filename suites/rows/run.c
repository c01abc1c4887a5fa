/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - runs samples and other programs of this suite, with the shim or without; see rows.h. */
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_ARGS = 16, TEST_TIMEOUT_S = 10 };

/* The options text: a rule's colons belong to the rule. */
static void make_options(char *to, size_t n_bytes, const char *trace, const char *rule)
{
	size_t n = (size_t)snprintf(to, n_bytes, "IPCJAM_OPTIONS=trace_to=%s", trace);

	if (!rule)
		return;
	n += (size_t)snprintf(to + n, n_bytes - n, ":rule=");
	for (; *rule && n + 3 < n_bytes; rule++) {
		if (*rule == ':')
			to[n++] = '\\';
		to[n++] = *rule;
	}
	to[n] = '\0';
}

static void start(int out, const char *dir, char *const argv[], char *const envp[])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What whoever runs the tests has open is none of the samples' business. */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	if (chdir(dir) < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	execve(argv[0], argv, envp);
	_exit(127);
}

static void read_all(int fd, char *to, size_t n_bytes)
{
	ssize_t n = fd < 0 ? 0 : pread(fd, to, n_bytes - 1, 0);

	to[n > 0 ? n : 0] = '\0';
}

/* Whoever the program leaves behind becomes our child; the next run must not meet it. */
static int wait_for_all(pid_t pid)
{
	int own = -1, status;
	pid_t ended;

	while ((ended = wait(&status)) > 0 || errno == EINTR) {
		if (ended == pid)
			own = status;
	}
	return own;
}

void rows_run(struct run *run, enum how how, const char *rule, const char *program,
	      const char *words)
{
	char text[256], path[512], options[1024], dir[256], trace[300];
	char *argv[MAX_ARGS] = { path }, *envp[4] = { "PATH=/usr/bin:/bin" }, *rest = text;
	int out = memfd_create("out", MFD_CLOEXEC), from;
	size_t n = 1;
	pid_t pid;

	snprintf(run->what, sizeof(run->what), "%s %s %s [%s]",
		 how == BARE   ? "bare"
		 : how == IDLE ? "idle"
			       : "recording",
		 program, words, rule ? rule : "");
	snprintf(dir, sizeof(dir), "%s/%d", rows_dir, getpid());
	snprintf(trace, sizeof(trace), "%s.trace", dir);
	unlink(trace);
	mkdir(dir, 0700);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_options(options, sizeof(options), trace, rule);
	envp[1] = how == BARE ? NULL : "LD_PRELOAD=" ROWS_SHIM;
	envp[2] = how == RECORDING ? options : NULL;
	snprintf(path, sizeof(path), ROWS_PROGRAMS "/%s", program);
	snprintf(text, sizeof(text), "%s", words);
	while (n < MAX_ARGS - 1 && (argv[n] = strsep(&rest, " ")))
		n += argv[n][0] != '\0';
	argv[n] = NULL;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		start(out, dir, argv, envp);
	run->status = wait_for_all(pid);
	read_all(out, run->out, sizeof(run->out));
	from = open(trace, O_RDONLY | O_CLOEXEC);
	read_all(from, run->trace, sizeof(run->trace));
	if (from >= 0)
		close(from);
	close(out);
}

void rows_sample(struct run *run, enum how how, const char *fault, int id, const char *words)
{
	char rule[256], with_name[256];

	snprintf(rule, sizeof(rule), "%s:%s", calls[id].name, fault ? fault : "");
	snprintf(with_name, sizeof(with_name), "%s %s", calls[id].name, words);
	rows_run(run, how, fault ? rule : NULL, "row-sample", with_name);
}

void rows_same(const struct run *expected, const struct run *got)
{
	if (expected->status == got->status && strcmp(expected->out, got->out) == 0)
		return;
	ck_abort_msg("%s: ended with 0x%x and printed {%s}, but %s: 0x%x and {%s}; trace: %.300s",
		     expected->what, expected->status, expected->out, got->what, got->status,
		     got->out, got->trace);
}

int rows_lines(const struct run *run, const char *start_with, char *first, size_t n_bytes)
{
	int n = 0;

	first[0] = '\0';
	for (const char *at = run->trace; *at;) {
		size_t n_line = strcspn(at, "\n");

		if (strncmp(at, start_with, strlen(start_with)) == 0 && n++ == 0)
			snprintf(first, n_bytes, "%.*s", (int)n_line, at);
		at += n_line + (at[n_line] == '\n');
	}
	return n;
}

void rows_one_line(const struct run *run, int id, char *line, size_t n_bytes)
{
	char start_with[128];
	int n;

	snprintf(start_with, sizeof(start_with), "1 row-sample %s(", calls[id].canonical);
	n = rows_lines(run, start_with, line, n_bytes);
	if (n != 1)
		ck_abort_msg("%s: %d lines of this call in the trace: {%.600s}", run->what, n,
			     run->trace);
}

bool rows_injected(const struct run *run)
{
	return strstr(run->trace, "(injected: ") || strstr(run->trace, "killed here by rule");
}

const struct call *row_call(int id)
{
	return &calls[calls[id].canonical_id];
}

bool row_is_quiet(int id)
{
	return row_call(id)->flags & CALL_QUIET;
}

bool row_ends(int id)
{
	return row_call(id)->result == RESULT_NEVER;
}

bool row_executes(int id)
{
	return samples[id]->ends && !row_ends(id);
}

void rows_add(Suite *s, const char *name, const TTest *test, bool (*wanted)(int id))
{
	for (int id = 0; id < CALL_N; id++) {
		TCase *tc = !wanted || wanted(id) ? suite_add_case(s, name, calls[id].name) : NULL;

		if (!tc)
			continue;
		tcase_set_timeout(tc, TEST_TIMEOUT_S);
		tcase_add_loop_test(tc, test, id, id + 1);
	}
}
