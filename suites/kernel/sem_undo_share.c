/* SPDX-License-Identifier: Apache-2.0 */
/* SEM_UNDO: to whom the adjustment belongs: threads, fork, exec, CLONE_SYSVSEM, unshare. */
#include "kernel_test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *take_with_undo(void *id)
{
	KT_CHILD(kt_semop(*(int *)id, 0, -1, SEM_UNDO) == 0);
	return NULL;
}

static void *give_with_undo(void *id)
{
	KT_CHILD(kt_semop(*(int *)id, 0, 1, SEM_UNDO) == 0);
	return NULL;
}

static void run_thread(void *(*body)(void *), int *id)
{
	pthread_t thread;

	KT_CHILD(pthread_create(&thread, NULL, body, id) == 0);
	KT_CHILD(pthread_join(thread, NULL) == 0);
}

START_TEST(a_threads_exit_does_not_apply_it)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		run_thread(take_with_undo, &id);
		kt_measured("after the thread's end %d", kt_semval(id, 0));
		KT_CHILD(kt_semval(id, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("after the process's end %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(threads_share_one_adjustment)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		run_thread(take_with_undo, &id);
		run_thread(give_with_undo, &id);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

struct last_thread {
	int id;
	struct kt_gate end;
};

static void *outlive_the_main_thread(void *arg)
{
	struct last_thread *last = arg;

	kt_gate_await(&last->end);
	_exit(0);
}

START_TEST(the_main_threads_exit_does_not_apply_it_either)
{
	struct last_thread last = { .id = kt_sem(1, 1) };
	pid_t pid;

	kt_gate_make(&last.end);
	pid = kt_fork();
	if (!pid) {
		pthread_t thread;

		KT_CHILD(kt_semop(last.id, 0, -1, SEM_UNDO) == 0);
		KT_CHILD(pthread_create(&thread, NULL, outlive_the_main_thread, &last) == 0);
		/* Only this thread: pthread_exit() would run the test program's exit handlers. */
		syscall(SYS_exit, 0);
	}
	kt_wait_main_thread_gone(pid);
	ck_assert_int_eq(kt_semval(last.id, 0), 0);
	kt_gate_post(&last.end);
	kt_join(pid);
	ck_assert_int_eq(kt_semval(last.id, 0), 1);
}
END_TEST

static void take_before_exec(void *id)
{
	take_with_undo(id);
}

START_TEST(it_survives_exec)
{
	int id = kt_sem(1, 1);
	int end;
	pid_t pid = kt_fork_cat(take_before_exec, &id, &end);

	kt_measured("after exec %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 0);
	close(end);
	kt_join(pid);
	kt_measured("after the end %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(fork_does_not_inherit_it)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		pid_t grandchild;

		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		grandchild = fork();
		if (!grandchild)
			_exit(0);
		KT_CHILD(waitpid(grandchild, NULL, 0) == grandchild);
		kt_measured("after the child's end %d", kt_semval(id, 0));
		KT_CHILD(kt_semval(id, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("after the parent's %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(the_parents_exit_applies_it_while_the_child_goes_on)
{
	struct kt_gate end;
	int id = kt_sem(1, 1);
	pid_t pid;

	kt_gate_make(&end);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		if (!fork()) {
			kt_gate_await(&end);
			_exit(0);
		}
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
	kt_gate_post(&end);
}
END_TEST

START_TEST(a_v_by_the_child_does_not_pay_the_parents_debt)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		pid_t grandchild;

		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		grandchild = fork();
		if (!grandchild) {
			KT_CHILD(kt_semop(id, 0, 1, SEM_UNDO) == 0);
			_exit(0);
		}
		KT_CHILD(waitpid(grandchild, NULL, 0) == grandchild);
		/* The child's V was itself undone. */
		KT_CHILD(kt_semval(id, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

/* fork(), but with the list of adjustments in common. */
static pid_t fork_sharing_undo(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0);
}

START_TEST(clone_sysvsem_shares_it)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		pid_t sharer = fork_sharing_undo();

		KT_CHILD(sharer >= 0);
		if (!sharer) {
			KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
			_exit(0);
		}
		KT_CHILD(waitpid(sharer, NULL, 0) == sharer);
		/* The one that took it is dead and reaped; the list lives on with the other. */
		kt_measured("after the taker's end %d", kt_semval(id, 0));
		KT_CHILD(kt_semval(id, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("after the other's %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(unshare_of_sysvsem_applies_it)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		KT_CHILD(unshare(CLONE_SYSVSEM) == 0);
		KT_CHILD(kt_semval(id, 0) == 1);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(two_holders_are_undone_each_for_itself)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 2);
	pid_t pids[2];

	kt_gate_make(&done);
	kt_gate_make(&end);
	for (int i = 0; i < 2; i++) {
		pids[i] = kt_fork();
		if (!pids[i]) {
			KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
			kt_gate_post(&done);
			kt_gate_await(&end);
			_exit(0);
		}
		kt_gate_await(&done);
	}
	ck_assert_int_eq(kt_semval(id, 0), 0);
	kt_kill(pids[0]);
	ck_assert_int_eq(kt_semval(id, 0), 1);
	kt_kill(pids[1]);
	ck_assert_int_eq(kt_semval(id, 0), 2);
}
END_TEST

Suite *sem_undo_share_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_threads_exit_does_not_apply_it,
			"The kernel undoes it when the thread ends.",
			"The adjustment is the process's. Neither a thread's end nor the main thread's end applies it."),
		KT_TEST(threads_share_one_adjustment),
		KT_TEST(the_main_threads_exit_does_not_apply_it_either),
		KT_CLAIM(it_survives_exec, "exec starts afresh.", "The adjustment survives exec."),
		KT_CLAIM(fork_does_not_inherit_it, "A child inherits it.",
			 "It does not. A child's V does not pay the parent's debt."),
		KT_TEST(the_parents_exit_applies_it_while_the_child_goes_on),
		KT_TEST(a_v_by_the_child_does_not_pay_the_parents_debt),
		KT_CLAIM(
			clone_sysvsem_shares_it, "Each process has its own.",
			"Not with CLONE_SYSVSEM: then the last one's end applies it. `unshare(CLONE_SYSVSEM)` applies it at once."),
		KT_TEST(unshare_of_sysvsem_applies_it),
		KT_TEST(two_holders_are_undone_each_for_itself),
	};

	return kt_suite("sem_undo_share", tests, SUITE_COUNT(tests));
}
