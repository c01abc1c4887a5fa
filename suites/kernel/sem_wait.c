/* SPDX-License-Identifier: Apache-2.0 */
/* System V semaphores, blocked: who is counted, who is woken and by what, what ends the wait. */
#include "kernel_test.h"

#include <errno.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Forks a child that does one operation, expects `result` (0 or -errno), and is blocked in it when
 * we return. */
static pid_t fork_waiter(int id, int num, int op, int result)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, num, op, 0) == result);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_semop);
	return pid;
}

START_TEST(getncnt_and_getzcnt_count_the_waiters)
{
	int id = kt_sem(2, 0);
	pid_t for_more[2], for_zero;

	ck_assert_int_eq(kt_semctl(id, 1, SETVAL, 1), 0);
	for_more[0] = fork_waiter(id, 0, -1, 0);
	for_more[1] = fork_waiter(id, 0, -5, 0);
	for_zero = fork_waiter(id, 1, 0, 0);
	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 2);
	ck_assert_int_eq(kt_semctl(id, 0, GETZCNT, 0), 0);
	ck_assert_int_eq(kt_semctl(id, 1, GETNCNT, 0), 0);
	ck_assert_int_eq(kt_semctl(id, 1, GETZCNT, 0), 1);
	ck_assert_int_eq(kt_semop(id, 1, -1, 0), 0);
	kt_join(for_zero);
	ck_assert_int_eq(kt_semctl(id, 1, GETZCNT, 0), 0);
	ck_assert_int_eq(kt_semop(id, 0, 6, 0), 0);
	kt_join(for_more[0]);
	kt_join(for_more[1]);
}
END_TEST

START_TEST(a_waiter_with_several_operations_counts_where_it_is_blocked)
{
	int id = kt_sem(3, 0);
	pid_t pid;

	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 1), 0);
	pid = kt_fork();
	if (!pid) {
		struct sembuf ops[] = {
			{ .sem_num = 0, .sem_op = -1 },
			{ .sem_num = 1, .sem_op = -1 },
			{ .sem_num = 2, .sem_op = -1 },
		};

		KT_CHILD(semop(id, ops, 3) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_semop);
	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 0);
	ck_assert_int_eq(kt_semctl(id, 1, GETNCNT, 0), 1);
	ck_assert_int_eq(kt_semctl(id, 2, GETNCNT, 0), 0);
	/* It holds nothing while it waits: another one takes semaphore 0 from under it. */
	ck_assert_int_eq(kt_semop(id, 0, -1, IPC_NOWAIT), 0);
	kt_measured("another one took the free one from under it");
	ck_assert_int_eq(kt_semop(id, 1, 1, 0), 0);
	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 1);
	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	ck_assert_int_eq(kt_semop(id, 2, 1, 0), 0);
	kt_join(pid);
}
END_TEST

START_TEST(removal_ends_the_wait_at_once_with_eidrm)
{
	int id = kt_sem(2, 0);
	pid_t waiters[2];
	int error;

	ck_assert_int_eq(kt_semctl(id, 1, SETVAL, 1), 0);
	waiters[0] = fork_waiter(id, 0, -1, -EIDRM);
	waiters[1] = fork_waiter(id, 1, 0, -EIDRM);
	ck_assert_int_eq(kt_semctl(id, 0, IPC_RMID, 0), 0);
	kt_join(waiters[0]);
	kt_join(waiters[1]);
	/* Who comes later sees another error. */
	error = kt_semop(id, 0, -1, 0);
	kt_measured("the waiters got EIDRM, one who came later %s", kt_errno(error));
	ck_assert_int_eq(error, -EINVAL);
}
END_TEST

START_TEST(setval_wakes_waiters)
{
	int id = kt_sem(1, 0);
	pid_t pid = fork_waiter(id, 0, -3, 0);

	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 4), 0);
	kt_join(pid);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(a_v_hands_over_to_the_one_that_waits_longest)
{
	int id = kt_sem(1, 0);
	pid_t waiters[3];

	for (int i = 0; i < 3; i++)
		waiters[i] = fork_waiter(id, 0, -1, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
		/* The kernel has done the waiter's P within our V: nobody can get in between. */
		ck_assert_int_eq(kt_semval(id, 0), 0);
		ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), waiters[i]);
		ck_assert_int_eq(kt_semop(id, 0, -1, IPC_NOWAIT), -EAGAIN);
		if (!i)
			kt_measured("after V the value is %d, and P gives EAGAIN",
				    kt_semval(id, 0));
		kt_join(waiters[i]);
	}
}
END_TEST

START_TEST(a_waiter_that_wants_more_is_overtaken)
{
	int id = kt_sem(1, 0);
	pid_t wants_two = fork_waiter(id, 0, -2, 0);
	pid_t wants_one = fork_waiter(id, 0, -1, 0);

	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	kt_join(wants_one);
	kt_measured("the later one that wanted 1 got it, %d waits on",
		    kt_semctl(id, 0, GETNCNT, 0));
	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 1);
	/* Nor does the value that it waits for stay reserved. */
	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	ck_assert_int_eq(kt_semop(id, 0, -1, IPC_NOWAIT), 0);
	ck_assert_int_eq(kt_semop(id, 0, 2, 0), 0);
	kt_join(wants_two);
}
END_TEST

START_TEST(the_death_of_a_waiter_takes_it_off_the_count)
{
	int id = kt_sem(1, 0);
	pid_t pid = fork_waiter(id, 0, -1, 0);

	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 1);
	kt_kill(pid);
	ck_assert_int_eq(kt_semctl(id, 0, GETNCNT, 0), 0);
	ck_assert_int_eq(kt_semop(id, 0, 1, 0), 0);
	ck_assert_int_eq(kt_semval(id, 0), 1);
}
END_TEST

START_TEST(semtimedop_ends_with_eagain_like_ipc_nowait)
{
	struct sembuf take = { .sem_op = -1 };
	struct timespec soon = { .tv_nsec = 1000000 };
	struct timespec bad = { .tv_sec = -1 };
	int id = kt_sem(1, 0);

	ck_assert_int_eq(semtimedop(id, &take, 1, &soon), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(semtimedop(id, &take, 1, &bad), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

Suite *sem_wait_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(getncnt_and_getzcnt_count_the_waiters),
		KT_CLAIM(a_waiter_with_several_operations_counts_where_it_is_blocked,
			 "A waiter for several semaphores holds those that were free.",
			 "It holds nothing; it is counted only where it is blocked."),
		KT_CLAIM(
			removal_ends_the_wait_at_once_with_eidrm, "Removal waits for the users.",
			"That is shared memory. A semaphore set goes at once: waiters get EIDRM, later callers EINVAL."),
		KT_TEST(setval_wakes_waiters),
		KT_CLAIM(
			a_v_hands_over_to_the_one_that_waits_longest, "After a V anybody may win.",
			"The kernel does the longest waiter's P within the V. Nobody gets in between."),
		KT_CLAIM(
			a_waiter_that_wants_more_is_overtaken,
			"Waiting is first come, first served.",
			"Not for different amounts: one that wants 2 is overtaken by one that wants 1, and can starve."),
		KT_TEST(the_death_of_a_waiter_takes_it_off_the_count),
		KT_TEST(semtimedop_ends_with_eagain_like_ipc_nowait),
	};

	return kt_suite("sem_wait", tests, SUITE_COUNT(tests));
}
