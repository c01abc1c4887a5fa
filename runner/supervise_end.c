/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_end.c - findings that are about ends: a process that crashed, a root that ended
 * otherwise than expected, the time-out, processes that were left running, and the user's own
 * check.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

#define CHECK_OUTPUT 4096
#define COUNT_MAX (UINT64_C(1) << 48) /* more calls than any trial can make */

static bool is_crash(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
	       signo == SIGABRT || signo == SIGSYS;
}

static bool any_fault_fired(const struct supervisor *s)
{
	for (uint32_t i = 0; i < s->options->plan->n_rules; i++)
		if (atomic_load(&s->arena->rule_stat[i].fired))
			return true;
	return false;
}

static void count_check(struct supervisor *s, _Atomic uint64_t *count)
{
	if (atomic_load(count) <= COUNT_MAX)
		return;
	atomic_store(count, 0);
	s->scribbled = true;
}

/* The subject is dead, and it could write over these. JSON's readers refuse more than 63 bits. */
void counts_check(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->options->plan->n_rules; i++) {
		struct arena_rule_stat *stat = &s->arena->rule_stat[i];

		count_check(s, &stat->matched);
		count_check(s, &stat->fired);
		count_check(s, &stat->refused);
	}
}

static const char *signal_name(int signo)
{
	const char *name = signal_text(signo);

	return name ? name : "a signal";
}

static void name_process(struct finding *f, const struct process *p)
{
	finding_lineage(f, p->lineage);
	finding_mark(f, arena_hash(p->name, strlen(p->name), ARENA_HASH_START));
}

static void last_call(struct finding *f, const struct process *p)
{
	if (!p->last_site)
		return;
	finding_mark(f, p->last_site);
	if (p->last_stack)
		finding_stack(f, p->lineage, p->last_stack, "its last call: %s",
			      calls[p->last_call].name);
}

/* Any process that crashed, and a root that a signal ended, if neither a rule nor we sent it. */
void report_death(struct supervisor *s, struct process *p, const struct process_end *end)
{
	bool root = p == s->process;
	struct finding *f;

	if (end->kind != END_SIGNAL || end->by_rule || end->by_runner || s->interrupted)
		return;
	if (!is_crash(end->status) && (!root || any_fault_fired(s)))
		return;
	f = finding_new("crash", "");
	finding_message(f, "crash: %s (%s) was ended by %s", p->lineage, p->name,
			signal_name(end->status));
	name_process(f, p);
	finding_mark(f, (uint64_t)end->status);
	last_call(f, p);
	findings_add(&s->findings, f);
}

/* Ended otherwise than expected, in a run in which nothing was injected. */
void report_root(struct supervisor *s)
{
	const struct process *root = &s->process[0];
	int status = root->wait_status;
	struct finding *f;

	if (s->ended != ENDED_BY_ITSELF || !root->has_status || !WIFEXITED(status) ||
	    any_fault_fired(s) || WEXITSTATUS(status) == s->options->expect_exit)
		return;
	f = finding_new("exit", "");
	finding_message(f, "exit: %s (%s) ended with status %d, expected was %d", root->lineage,
			root->name, WEXITSTATUS(status), s->options->expect_exit);
	name_process(f, root);
	finding_mark(f, (uint64_t)WEXITSTATUS(status));
	last_call(f, root);
	findings_add(&s->findings, f);
}

/* What each thread was doing when the time was over. */
static void show_threads(struct supervisor *s, struct finding *f)
{
	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		const struct arena_thread *t = &s->arena->thread[i];
		const struct process *p = &s->process[s->thread[i].process];
		uint32_t depth = atomic_load(&t->depth);
		char lineage[ARENA_LINEAGE + 16];
		struct event e;

		if (!s->thread[i].used)
			continue;
		snprintf(lineage, sizeof(lineage), s->thread[i].number ? "%s/%u" : "%s", p->lineage,
			 s->thread[i].number);
		finding_lineage(f, lineage);
		if (depth == 0 || depth > ARENA_DEPTH) {
			finding_detail(f, "%s (%s) was in none of the calls that are followed",
				       lineage, p->name);
			continue;
		}
		e = t->cur[depth - 1];
		if (e.call >= CALL_N)
			continue;
		finding_detail(f, "%s (%s) was in %s", lineage, p->name, calls[e.call].name);
		if (e.stack && e.stack <= ARENA_STACKS)
			finding_stack(f, lineage, e.stack, "was here: %s", calls[e.call].name);
	}
}

void report_hang(struct supervisor *s)
{
	struct finding *f = finding_new("hang", "");

	finding_message(f, "hang: still running after %.3g s, and no deadlock is known",
			(double)s->options->timeout_ns / (double)NS_PER_S);
	finding_mark(f,
		     arena_hash(s->process[0].name, strlen(s->process[0].name), ARENA_HASH_START));
	show_threads(s, f);
	findings_add(&s->findings, f);
}

/* Does anybody of the trial live on? */
static bool somebody_lives(pid_t pid, const struct process *p)
{
	pid_t ppid;
	char state = 0;
	int code;

	return proc_start_time(pid, &state, &code, &ppid) && state != 'Z' && !(p && p->dead);
}

/* An outcome: others lived on after the root had ended. */
void report_left_running(struct supervisor *s)
{
	static pid_t pid[PROCESS_LIST];
	struct finding *f = NULL;
	unsigned int n, n_left = 0;
	char first[160] = "";

	process_list(s, pid, PROCESS_LIST, &n);
	for (unsigned int i = 0; i < n; i++) {
		const struct process *p = process_by_pid(s, pid[i]);

		if (!somebody_lives(pid[i], p))
			continue;
		if (!f)
			f = finding_new("left-running", "");
		if (n_left++ == 0)
			snprintf(first, sizeof(first), "%s (%s)", p ? p->lineage : "?",
				 p ? p->name : "not followed");
		if (p)
			name_process(f, p);
	}
	if (!f)
		return;
	f->outcome = !s->options->strict;
	finding_message(
		f, "left-running: %s%s lived on after the root had ended, and had to be killed",
		first, n_left > 1 ? " and others" : "");
	findings_add(&s->findings, f);
}

static _Noreturn void check_run(struct supervisor *s, int output_fd)
{
	int null_fd = open("/dev/null", O_RDWR);

	dup2(null_fd, 0);
	dup2(output_fd, 1);
	dup2(output_fd, 2);
	child_defaults(s);
	execle("/bin/sh", "sh", "-c", s->options->check, (char *)NULL, s->options->envp);
	_exit(127);
}

/* Collects its output until it has ended or the time is over. Returns its wait status, or -1. */
static int check_wait(struct supervisor *s, pid_t pid, int output_fd, char *output)
{
	uint64_t until = now_ns() + s->options->timeout_ns;
	size_t n_output = 0;
	int status;

	for (;;) {
		struct pollfd fd = { .fd = output_fd, .events = POLLIN };
		pid_t ended = waitpid(pid, &status, WNOHANG);
		char rest[512];
		ssize_t n;

		if (poll(&fd, 1, ended == pid ? 0 : 10) > 0) {
			n = read(output_fd, rest, sizeof(rest));
			for (ssize_t i = 0; i < n && n_output < CHECK_OUTPUT - 1; i++)
				output[n_output++] = rest[i];
			output[n_output] = '\0';
			if (n > 0)
				continue;
		}
		if (ended == pid || ended < 0)
			return ended == pid ? status : -1;
		if (now_ns() > until || runner_calls(s))
			return -1;
	}
}

void run_check(struct supervisor *s)
{
	char output[CHECK_OUTPUT] = "";
	int fds[2], status;
	struct finding *f;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		check_run(s, fds[1]);
	close(fds[1]);
	status = pid < 0 ? -1 : check_wait(s, pid, fds[0], output);
	close(fds[0]);
	kill_all(s);
	if (status == 0 || s->runner_gone)
		return;
	output[strcspn(output, "\n")] = '\0';
	f = finding_new("check", "");
	if (status == -1)
		finding_message(f, "check: `%.100s` did not end in time", s->options->check);
	else
		finding_message(f, "check: `%.100s` ended with %s %d%s%.200s", s->options->check,
				WIFEXITED(status) ? "status" : "signal",
				WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
				output[0] ? ": " : "", output);
	finding_mark(f, arena_hash(s->options->check, strlen(s->options->check), ARENA_HASH_START));
	findings_add(&s->findings, f);
}
