/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, gates and waiting for the kernel tests; see kernel_test.h. */
#include "kernel_test.h"
#include "kernel_objects.h"
#include "textbook.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TEST_TIMEOUT_S = 10,
	CHILD_FAILED = 99,
	MAX_POLLS = 2000000,
};

volatile int kt_n_handled;

static void add_test(Suite *s, const char *suite, const struct kt_test *t, int row)
{
	const char *at = t->rows;
	char name[128];
	TCase *tc;

	snprintf(name, sizeof(name), "%s", (*t->test)->name);
	if (at)
		snprintf(name, sizeof(name), "%s:%s", (*t->test)->name,
			 *(const char *const *)(at + (size_t)row * t->row_bytes));
	tc = suite_add_case(s, suite, name);
	if (!tc)
		return;
	kt_textbook_add(suite, t, row);
	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_unchecked_fixture(tc, NULL, kt_objects_remove);
	tcase_add_checked_fixture(tc, kt_objects_isolate, NULL);
	tcase_add_loop_test(tc, *t->test, row, row + 1);
}

Suite *kt_suite(const char *name, const struct kt_test *tests, size_t n_tests)
{
	Suite *s = suite_create(name);

	kt_objects_share();
	for (size_t i = 0; i < n_tests; i++) {
		if (!kt_textbook_wants(&tests[i]))
			continue;
		for (int row = 0; row < tests[i].n_rows; row++)
			add_test(s, name, &tests[i], row);
	}
	return s;
}

void kt_child_fail(const char *file, int line, const char *what)
{
	char *note = kt_objects_note();

	snprintf(note, KT_NOTE_BYTES, "%s:%d: %s (errno: %s)", file, line, what, strerror(errno));
	_exit(CHILD_FAILED);
}

pid_t kt_fork(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	return pid;
}

int kt_wait(pid_t pid)
{
	int status;

	ck_assert_int_eq(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)), pid);
	return status;
}

void kt_join(pid_t pid)
{
	int status = kt_wait(pid);

	if (WIFSIGNALED(status))
		ck_abort_msg("the child was killed by %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == CHILD_FAILED)
		ck_abort_msg("in the child: %s", kt_objects_note());
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

void kt_kill(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	kt_wait(pid);
}

void kt_await_zombie(pid_t pid)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

void kt_stop_and_continue(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

/* The C library enters some calls under another number than their name says. */
static bool same_call(long seen, long wanted)
{
	static const long aliases[][2] = {
		{ SYS_semop, SYS_semtimedop },
		{ SYS_open, SYS_openat },
		{ SYS_poll, SYS_ppoll },
		{ SYS_select, SYS_pselect6 },
		{ SYS_epoll_wait, SYS_epoll_pwait },
		{ SYS_nanosleep, SYS_clock_nanosleep },
	};

	/* A call with a time that is taken up again after a stop has this number. */
	if (seen == wanted || seen == SYS_restart_syscall)
		return true;
	for (size_t i = 0; i < SUITE_COUNT(aliases); i++) {
		if (wanted == aliases[i][0] && seen == aliases[i][1])
			return true;
	}
	return false;
}

/* Why /proc/TID/syscall cannot be read: the process has ended (a failure), or we lack the right (a
 * skip). */
static void fail_or_skip(pid_t tid, long nr, int error)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == tid)
		kt_join(tid);
	else if (error == EPERM || error == EACCES)
		suite_skip("/proc/%d/syscall may not be read here", tid);
	ck_abort_msg("process %d ended and never blocked in call %ld", tid, nr);
}

/* The letter of /proc/TID/stat, or 0. */
static char state_of(pid_t tid)
{
	char path[64];
	char state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state;
}

/* Whether /proc/TID/syscall names the call; `line` is what it says. */
static bool is_in_call(pid_t tid, long nr, char *line, int size)
{
	char path[64];
	long seen;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f || !fgets(line, size, f))
		fail_or_skip(tid, nr, errno);
	fclose(f);
	return sscanf(line, "%ld", &seen) == 1 && same_call(seen, nr);
}

/*
 * That file also shows the last call of one that was stopped, and, for a moment, of one that was
 * woken and has not run yet. Neither sleeps, says its state; so it is asked in between.
 */
void kt_wait_blocked(pid_t tid, long nr)
{
	char line[256] = "";

	for (int i = 0; i < MAX_POLLS; i++) {
		if (is_in_call(tid, nr, line, sizeof(line)) && state_of(tid) == 'S' &&
		    is_in_call(tid, nr, line, sizeof(line)))
			return;
		sched_yield();
	}
	ck_abort_msg("process %d did not block in call %ld; last seen: %s", tid, nr, line);
}

void kt_wait_main_thread_gone(pid_t pid)
{
	char state = 0;

	for (int i = 0; i < MAX_POLLS; i++) {
		state = state_of(pid);
		if (state == 'Z')
			return;
		sched_yield();
	}
	ck_abort_msg("the first thread of process %d did not end; last seen: %c", pid, state);
}

static void count_signal(int signo)
{
	(void)signo;
	kt_n_handled++;
}

void kt_handle(int signo, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	if (sigaction(signo, &action, NULL) < 0)
		abort();
}

void kt_gate_make(struct kt_gate *gate)
{
	ck_assert_int_eq(pipe(gate->fd), 0);
}

/* These two run in children as well, where a Check assertion would not end the test. */
void kt_gate_post(const struct kt_gate *gate)
{
	if (write(gate->fd[1], "", 1) != 1)
		abort();
}

void kt_gate_await(const struct kt_gate *gate)
{
	char c;

	if (TEMP_FAILURE_RETRY(read(gate->fd[0], &c, 1)) != 1)
		abort();
}

bool kt_drop_rights(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) == 0;
}

void kt_pin(void)
{
	cpu_set_t allowed;
	cpu_set_t one;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed)) {
			CPU_SET(cpu, &one);
			break;
		}
	}
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}
