/* SPDX-License-Identifier: Apache-2.0 */
/* wait(): whose end is told to whom, what is kept of it, and what orphans get. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t fork_exiting(int status)
{
	pid_t pid = kt_fork();

	if (!pid)
		_exit(status);
	return pid;
}

START_TEST(only_8_bits_of_the_status_arrive)
{
	int status = kt_wait(fork_exiting(256 + 7));

	kt_measured("_exit(263): %d", WEXITSTATUS(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_int_eq(WEXITSTATUS(kt_wait(fork_exiting(-1))), 255);
}
END_TEST

START_TEST(it_is_told_once)
{
	pid_t pid = fork_exiting(3);
	siginfo_t info;

	/* Looked at as often as one likes, taken once. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		ck_assert_int_eq(info.si_status, 3);
	}
	kt_wait(pid);
	ck_assert(waitpid(pid, NULL, 0) == -1 && errno == ECHILD);
}
END_TEST

START_TEST(ignored_sigchld_leaves_no_zombies_and_no_status)
{
	pid_t pid;
	int got;

	signal(SIGCHLD, SIG_IGN);
	pid = fork_exiting(3);
	/* It waits until there are none, and then fails. */
	got = waitpid(pid, NULL, 0);
	kt_measured("waitpid: %s", kt_errno(got < 0 ? errno : 0));
	ck_assert(got == -1 && errno == ECHILD);
}
END_TEST

START_TEST(a_grandchild_cannot_be_waited_for)
{
	int out[2];
	pid_t grandchild;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = kt_fork();
	if (!pid) {
		grandchild = fork_exiting(0);
		kt_await_zombie(grandchild);
		KT_CHILD(write(out[1], &grandchild, sizeof(grandchild)) == sizeof(grandchild));
		pause();
	}
	ck_assert_int_eq(read(out[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	ck_assert(waitpid(grandchild, NULL, 0) == -1 && errno == ECHILD);
	kt_kill(pid);
}
END_TEST

START_TEST(an_orphan_goes_to_the_nearest_subreaper)
{
	struct kt_gate go;
	pid_t pid, orphan;
	int status;

	kt_gate_make(&go);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = kt_fork();
	if (!pid) {
		if (!fork()) {
			kt_gate_await(&go);
			_exit(getppid() == 1 ? 1 : 7);
		}
		_exit(0);
	}
	kt_join(pid);
	kt_gate_post(&go);
	orphan = waitpid(-1, &status, 0);
	kt_measured("waited for a grandchild, exit status %d", WEXITSTATUS(status));
	ck_assert_int_gt(orphan, 0);
	ck_assert_int_ne(orphan, pid);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

static void *exit_all(void *arg)
{
	(void)arg;
	_exit(5);
}

START_TEST(exit_by_any_thread_ends_the_process)
{
	pid_t pid = kt_fork();
	int status;

	if (!pid) {
		struct kt_thread thread;

		kt_thread_start(&thread, exit_all, NULL);
		kt_thread_join(&thread);
	}
	status = kt_wait(pid);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
}
END_TEST

static void *fork_in_thread(void *pid)
{
	*(pid_t *)pid = fork_exiting(4);
	return NULL;
}

START_TEST(any_thread_waits_for_any_others_child)
{
	struct kt_thread thread;
	pid_t pid = -1;

	kt_thread_start(&thread, fork_in_thread, &pid);
	kt_thread_join(&thread);
	/* The thread that forked it is gone. */
	ck_assert_int_eq(WEXITSTATUS(kt_wait(pid)), 4);
}
END_TEST

START_TEST(stops_and_continues_are_told_if_asked_for)
{
	pid_t pid = kt_fork();
	int status;

	if (!pid)
		for (;;)
			pause();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(pid, &status, WCONTINUED), pid);
	ck_assert(WIFCONTINUED(status));
	kt_kill(pid);
}
END_TEST

START_TEST(the_parents_death_can_be_a_signal)
{
	struct kt_gate ready;
	int out[2];
	pid_t pid;
	char c = 0;

	kt_gate_make(&ready);
	ck_assert_int_eq(pipe(out), 0);
	pid = kt_fork();
	if (!pid) {
		if (!fork()) {
			sigset_t set;
			int signo = 0;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			KT_CHILD(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
			KT_CHILD(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
			kt_gate_post(&ready);
			KT_CHILD(sigwait(&set, &signo) == 0 && signo == SIGUSR1);
			KT_CHILD(write(out[1], "d", 1) == 1);
			_exit(0);
		}
		kt_gate_await(&ready);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(read(out[0], &c, 1), 1);
}
END_TEST

START_TEST(pids_come_back_only_after_the_wait)
{
	pid_t pid = fork_exiting(0);

	kt_await_zombie(pid);
	/* The number is still its own. */
	ck_assert_int_eq(kill(pid, 0), 0);
	kt_wait(pid);
	ck_assert(kill(pid, 0) == -1 && errno == ESRCH);
}
END_TEST

Suite *wait_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(only_8_bits_of_the_status_arrive,
			 "The parent gets what the child gave to exit().",
			 "The lowest 8 bits of it; also by waitid()."),
		KT_TEST(it_is_told_once),
		KT_CLAIM(
			ignored_sigchld_leaves_no_zombies_and_no_status,
			"Who ignores SIGCHLD can still wait for its children.",
			"They vanish, status and all: wait() waits for all of them and then fails."),
		KT_TEST(a_grandchild_cannot_be_waited_for),
		KT_CLAIM(
			an_orphan_goes_to_the_nearest_subreaper,
			"Orphans become children of process 1.",
			"Of the nearest forefather that asked for them with PR_SET_CHILD_SUBREAPER; of process 1 if there is none."),
		KT_TEST(exit_by_any_thread_ends_the_process),
		KT_TEST(any_thread_waits_for_any_others_child),
		KT_TEST(stops_and_continues_are_told_if_asked_for),
		KT_TEST(the_parents_death_can_be_a_signal),
		KT_TEST(pids_come_back_only_after_the_wait),
	};

	return kt_suite("wait", tests, SUITE_COUNT(tests));
}
