/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEM_UNDO, value by value: when the adjustment is applied, what it comes to, what clears it. Who
 * owns it is in sem_undo_share.c.
 */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEMVMX_HERE = 32767 };

/* Forks a child that does one operation with SEM_UNDO, says so, and then waits to be ended. */
static pid_t fork_holder(int id, int num, int op, struct kt_gate *done, struct kt_gate *end)
{
	pid_t pid;

	kt_gate_make(done);
	kt_gate_make(end);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_semop(id, num, op, SEM_UNDO) == 0);
		kt_gate_post(done);
		kt_gate_await(end);
		_exit(0);
	}
	kt_gate_await(done);
	return pid;
}

START_TEST(exit_applies_it)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	ck_assert_int_eq(kt_semval(id, 0), 0);
	kt_gate_post(&end);
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(sigkill_applies_it)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	kt_kill(pid);
	kt_measured("taken from 1, then SIGKILL: %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(without_the_flag_sigkill_restores_nothing)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
		kill(getpid(), SIGKILL);
	}
	kt_wait(pid);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(it_is_applied_at_death_and_not_at_wait)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	kt_await_zombie(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
	kt_wait(pid);
}
END_TEST

START_TEST(it_wakes_a_waiter)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t holder = fork_holder(id, 0, -1, &done, &end);
	pid_t waiter = kt_fork();

	if (!waiter) {
		KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
		_exit(0);
	}
	kt_wait_blocked(waiter, SYS_semop);
	kt_kill(holder);
	kt_join(waiter);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(it_makes_the_dead_process_the_last_user)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	/* Somebody else's operation in between, so that the pid cannot stem from the holder's P. */
	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), getpid());
	kt_kill(pid);
	ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), pid);
}
END_TEST

START_TEST(a_matched_pair_leaves_nothing_to_undo)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		KT_CHILD(kt_semop(id, 0, 1, SEM_UNDO) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(p_with_undo_and_v_without_counts_twice_at_exit)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		KT_CHILD(kt_semop(id, 0, 1, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 2);
}
END_TEST

START_TEST(p_with_undo_and_v_without_gives_erange_after_32767_rounds)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		int n_rounds = 0;

		for (; n_rounds < SEMVMX_HERE; n_rounds++) {
			KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
			KT_CHILD(kt_semop(id, 0, 1, 0) == 0);
		}
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == -ERANGE);
		kt_measured("after %d rounds P gives ERANGE", n_rounds);
		/* The refused call changed nothing; without the flag it still works. */
		KT_CHILD(kt_semval(id, 0) == 1);
		KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
		KT_CHILD(kt_semop(id, 0, 1, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("after the exit the value is %d instead of 1", kt_semval(id, 0));
	/* 1 + 32767 is above the highest value. */
	ck_assert_int_eq(kt_semval(id, 0), SEMVMX_HERE);
}
END_TEST

START_TEST(p_without_undo_and_v_with_it_gives_erange_after_32768_rounds)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		for (int i = 0; i < SEMVMX_HERE + 1; i++) {
			KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
			KT_CHILD(kt_semop(id, 0, 1, SEM_UNDO) == 0);
		}
		KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
		KT_CHILD(kt_semop(id, 0, 1, SEM_UNDO) == -ERANGE);
		KT_CHILD(kt_semop(id, 0, 1, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(it_is_clamped_at_0)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 0);
	pid_t pid = fork_holder(id, 0, 3, &done, &end);

	ck_assert_int_eq(kt_semop(id, 0, -2, 0), 0);
	kt_kill(pid);
	/* 1 - 3: the kernel neither waits nor goes below 0, and the rest of the debt is forgotten.
	 */
	ck_assert_int_eq(kt_semval(id, 0), 0);
	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(it_is_clamped_at_32767)
{
	struct kt_gate done, end;
	int id = kt_sem(1, SEMVMX_HERE);
	pid_t pid = fork_holder(id, 0, -5, &done, &end);

	ck_assert_int_eq(kt_semop(id, 0, 3, 0), 0);
	kt_kill(pid);
	ck_assert_int_eq(kt_semval(id, 0), SEMVMX_HERE);
}
END_TEST

START_TEST(setval_by_another_process_clears_it)
{
	struct kt_gate done, end;
	int id = kt_sem(1, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	/* Even to the value that it has. */
	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 0), 0);
	kt_kill(pid);
	kt_measured("taken from 1, another's SETVAL 0, death: %d", kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(setall_by_another_process_clears_it)
{
	struct kt_gate done, end;
	unsigned short values[2] = { 0, 1 };
	int id = kt_sem(2, 1);
	pid_t pid = fork_holder(id, 0, -1, &done, &end);

	ck_assert_int_eq(semctl(id, 0, SETALL, values), 0);
	kt_kill(pid);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(setval_by_the_holder_clears_it)
{
	int id = kt_sem(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, SEM_UNDO) == 0);
		KT_CHILD(kt_semctl(id, 0, SETVAL, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(setval_spares_the_other_semaphores_of_the_set)
{
	struct kt_gate done, end;
	int id = kt_sem(2, 1);
	pid_t pid = fork_holder(id, 1, -1, &done, &end);

	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 7), 0);
	kt_kill(pid);
	ck_assert_int_eq(kt_semval(id, 0), 7);
	ck_assert_int_eq(kt_semval(id, 1), 1);
}
END_TEST

START_TEST(removal_frees_it)
{
	const key_t key = 0x6b740001;
	struct kt_gate done, end;
	pid_t pid;
	int again;
	int id;

	kt_need_namespace();
	id = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
	ck_assert_int_ge(id, 0);
	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 1), 0);
	pid = fork_holder(id, 0, -1, &done, &end);
	ck_assert_int_eq(kt_semctl(id, 0, IPC_RMID, 0), 0);
	again = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
	ck_assert_int_ge(again, 0);
	kt_kill(pid);
	ck_assert_int_eq(kt_semval(again, 0), 0);
}
END_TEST

START_TEST(a_refused_or_failed_call_leaves_none)
{
	int id = kt_sem(2, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		struct sembuf both[] = {
			{ .sem_num = 0, .sem_op = -1, .sem_flg = SEM_UNDO },
			{ .sem_num = 1, .sem_op = -2, .sem_flg = SEM_UNDO | IPC_NOWAIT },
		};

		KT_CHILD(semop(id, both, 2) == -1 && errno == EAGAIN);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
	ck_assert_int_eq(kt_semval(id, 1), 1);
}
END_TEST

START_TEST(the_flag_counts_for_each_operation_of_a_call)
{
	int id = kt_sem(2, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		struct sembuf both[] = {
			{ .sem_num = 0, .sem_op = -1, .sem_flg = SEM_UNDO },
			{ .sem_num = 1, .sem_op = -1 },
		};

		KT_CHILD(semop(id, both, 2) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("both taken from 1, one with the flag, then exit: %d and %d", kt_semval(id, 0),
		    kt_semval(id, 1));
	ck_assert_int_eq(kt_semval(id, 0), 1);
	ck_assert_int_eq(kt_semval(id, 1), 0);
}
END_TEST

Suite *sem_undo_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(exit_applies_it),
		KT_CLAIM(
			sigkill_applies_it, "SIGKILL leaves the semaphore taken.",
			"Not with SEM_UNDO: it is applied at death, before anybody waits for the child, and wakes waiters."),
		KT_TEST(without_the_flag_sigkill_restores_nothing),
		KT_TEST(it_is_applied_at_death_and_not_at_wait),
		KT_TEST(it_wakes_a_waiter),
		KT_TEST(it_makes_the_dead_process_the_last_user),
		KT_TEST(a_matched_pair_leaves_nothing_to_undo),
		KT_TEST(p_with_undo_and_v_without_counts_twice_at_exit),
		KT_CLAIM(
			p_with_undo_and_v_without_gives_erange_after_32767_rounds,
			"The flag belongs on the P; the V does not matter.",
			"The exit then adds each P a second time. After 32,767 rounds P fails with ERANGE. The reverse fails in V, after 32,768 rounds."),
		KT_TEST(p_without_undo_and_v_with_it_gives_erange_after_32768_rounds),
		KT_TEST(it_is_clamped_at_0),
		KT_TEST(it_is_clamped_at_32767),
		KT_CLAIM(
			setval_by_another_process_clears_it,
			"Only the holder can drop its adjustment.",
			"SETVAL and SETALL by anybody clear it, even to the same value. The other semaphores of the set keep theirs."),
		KT_TEST(setall_by_another_process_clears_it),
		KT_TEST(setval_by_the_holder_clears_it),
		KT_TEST(setval_spares_the_other_semaphores_of_the_set),
		KT_TEST(removal_frees_it),
		KT_TEST(a_refused_or_failed_call_leaves_none),
		KT_CLAIM(the_flag_counts_for_each_operation_of_a_call,
			 "The flag is for the whole call.", "For each operation of it."),
	};

	return kt_suite("sem_undo", tests, SUITE_COUNT(tests));
}
