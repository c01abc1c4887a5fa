/* SPDX-License-Identifier: Apache-2.0 */
/* System V semaphores without blocking: making, sizes, limits, atomic calls, counters. */
#include "kernel_test.h"

#include <errno.h>
#include <sys/sem.h>
#include <unistd.h>

enum { SEMVMX_HERE = 32767 };

static int get_by_key(key_t key, int n_sems, int flags)
{
	int id = semget(key, n_sems, flags);

	if (id >= 0)
		kt_track(KT_SEM, id);
	return id < 0 ? -errno : id;
}

START_TEST(semget_of_an_existing_set_compares_the_size)
{
	const key_t key = 0x6b740002;
	struct semid_ds ds;
	int id;

	kt_need_namespace();
	id = get_by_key(key, 3, IPC_CREAT | IPC_EXCL | 0600);
	ck_assert_int_ge(id, 0);
	ck_assert_int_eq(get_by_key(key, 3, 0), id);
	/* Fewer, or none, is an answer that is right; more is not. The set keeps its size. */
	ck_assert_int_eq(get_by_key(key, 1, IPC_CREAT | 0600), id);
	ck_assert_int_eq(get_by_key(key, 0, 0), id);
	ck_assert_int_eq(get_by_key(key, 4, IPC_CREAT | 0600), -EINVAL);
	kt_measured("of 3: 0 %s, 1 %s, 4 %s", get_by_key(key, 0, 0) == id ? "is right" : "fails",
		    get_by_key(key, 1, 0) == id ? "is right" : "fails",
		    kt_errno(get_by_key(key, 4, 0)));
	ck_assert_int_eq(semctl(id, 0, IPC_STAT, &ds), 0);
	ck_assert_uint_eq(ds.sem_nsems, 3);
}
END_TEST

START_TEST(semget_errors)
{
	const key_t key = 0x6b740003;

	kt_need_namespace();
	ck_assert_int_eq(get_by_key(key, 1, 0), -ENOENT);
	ck_assert_int_eq(get_by_key(key, 0, IPC_CREAT | 0600), -EINVAL);
	ck_assert_int_eq(get_by_key(key, -1, IPC_CREAT | 0600), -EINVAL);
	ck_assert_int_ge(get_by_key(key, 1, IPC_CREAT | 0600), 0);
	ck_assert_int_eq(get_by_key(key, 1, IPC_CREAT | IPC_EXCL | 0600), -EEXIST);
}
END_TEST

START_TEST(a_new_set_is_all_zero)
{
	int id = semget(IPC_PRIVATE, 3, 0600);

	ck_assert_int_ge(id, 0);
	kt_track(KT_SEM, id);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(kt_semval(id, i), 0);
	kt_measured("%d, %d, %d", kt_semval(id, 0), kt_semval(id, 1), kt_semval(id, 2));
}
END_TEST

START_TEST(otime_is_zero_until_the_first_semop)
{
	struct semid_ds ds;
	int id = kt_sem(1, 1);

	/* SETVAL does not count: that is what Stevens's cure for the race of two makers rests on.
	 */
	ck_assert_int_eq(semctl(id, 0, IPC_STAT, &ds), 0);
	kt_measured("after SETVAL: %ld", (long)ds.sem_otime);
	ck_assert_int_eq(ds.sem_otime, 0);
	ck_assert_int_eq(kt_semop(id, 0, -1, 0), 0);
	ck_assert_int_eq(semctl(id, 0, IPC_STAT, &ds), 0);
	ck_assert_int_ne(ds.sem_otime, 0);
}
END_TEST

START_TEST(several_operations_are_done_together_or_not_at_all)
{
	struct sembuf both[] = {
		{ .sem_num = 0, .sem_op = -1, .sem_flg = IPC_NOWAIT },
		{ .sem_num = 1, .sem_op = -1, .sem_flg = IPC_NOWAIT },
	};
	int id = kt_sem(2, 0);

	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, 1), 0);
	ck_assert_int_eq(semop(id, both, 2), -1);
	ck_assert_int_eq(errno, EAGAIN);
	kt_measured("of two P one could not be done: %s, and the other value is %d still",
		    kt_errno(errno), kt_semval(id, 0));
	ck_assert_int_eq(kt_semval(id, 0), 1);
	ck_assert_int_eq(kt_semctl(id, 1, SETVAL, 1), 0);
	ck_assert_int_eq(semop(id, both, 2), 0);
	ck_assert_int_eq(kt_semval(id, 0), 0);
	ck_assert_int_eq(kt_semval(id, 1), 0);
}
END_TEST

START_TEST(operations_of_a_call_count_in_their_order)
{
	struct sembuf give_take[] = {
		{ .sem_op = 1, .sem_flg = IPC_NOWAIT },
		{ .sem_op = -1, .sem_flg = IPC_NOWAIT },
	};
	struct sembuf take_give[] = {
		{ .sem_op = -1, .sem_flg = IPC_NOWAIT },
		{ .sem_op = 1, .sem_flg = IPC_NOWAIT },
	};
	int id = kt_sem(1, 0);

	ck_assert_int_eq(semop(id, give_take, 2), 0);
	/* The sum is the same, but on the way the value would be below 0. */
	ck_assert_int_eq(semop(id, take_give, 2), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(kt_semval(id, 0), 0);
}
END_TEST

START_TEST(wait_for_zero_and_raise_is_a_lock_without_setval)
{
	struct sembuf lock[] = {
		{ .sem_op = 0, .sem_flg = IPC_NOWAIT },
		{ .sem_op = 1, .sem_flg = IPC_NOWAIT },
	};
	int id = kt_sem(1, 0);

	ck_assert_int_eq(semop(id, lock, 2), 0);
	ck_assert_int_eq(semop(id, lock, 2), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(above_32767_v_fails_and_does_not_wait)
{
	int id = kt_sem(1, SEMVMX_HERE);

	int error = kt_semop(id, 0, 1, 0);

	kt_measured("V at %d: %s", SEMVMX_HERE, kt_errno(error));
	ck_assert_int_eq(error, -ERANGE);
	ck_assert_int_eq(kt_semval(id, 0), SEMVMX_HERE);
	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, SEMVMX_HERE + 1), -ERANGE);
	ck_assert_int_eq(kt_semctl(id, 0, SETVAL, -1), -ERANGE);
}
END_TEST

START_TEST(semop_errors)
{
	static struct sembuf many[501];
	int id = kt_sem(1, 1);

	ck_assert_int_eq(kt_semop(id, 1, -1, 0), -EFBIG);
	ck_assert(semop(id, many, 0) == -1 && errno == EINVAL);
	/* The third number of kernel.sem is the most operations of a call; a fresh namespace has
	 * 500. */
	kt_need_namespace();
	ck_assert(semop(id, many, 501) == -1 && errno == E2BIG);
	ck_assert_int_eq(kt_semctl(id, 0, IPC_RMID, 0), 0);
	ck_assert_int_eq(kt_semop(id, 0, -1, 0), -EINVAL);
}
END_TEST

START_TEST(getpid_is_the_last_that_changed_the_value)
{
	int id = kt_sem(2, 1);
	pid_t pid;

	/* On Linux SETVAL counts. */
	ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), getpid());
	kt_measured("after SETVAL: %s",
		    kt_semctl(id, 0, GETPID, 0) == getpid() ? "its caller" : "another");
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_semop(id, 0, -1, 0) == 0);
		KT_CHILD(kt_semop(id, 1, -2, IPC_NOWAIT) == -EAGAIN);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), pid);
	/* A call that failed does not count. */
	ck_assert_int_eq(kt_semctl(id, 1, GETPID, 0), getpid());
}
END_TEST

START_TEST(a_wait_for_zero_that_passes_sets_getpid)
{
	int id = kt_sem(1, 0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_semop(id, 0, 0, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_semctl(id, 0, GETPID, 0), pid);
}
END_TEST

Suite *sem_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(semget_of_an_existing_set_compares_the_size,
			 "semget of an existing set must name its size.",
			 "A smaller number, also 0, is right. A larger one gives EINVAL."),
		KT_TEST(semget_errors),
		KT_CLAIM(a_new_set_is_all_zero, "A new semaphore's value is undefined.",
			 "POSIX says so; Linux makes it 0."),
		KT_CLAIM(
			otime_is_zero_until_the_first_semop, "SETVAL sets `sem_otime`.",
			"Only semop does. Stevens's cure for the race of two makers rests on that."),
		KT_CLAIM(
			several_operations_are_done_together_or_not_at_all,
			"The operations of a call are done one by one.",
			"All or none. Their order counts all the same: the value may not pass below 0 on the way."),
		KT_TEST(operations_of_a_call_count_in_their_order),
		KT_TEST(wait_for_zero_and_raise_is_a_lock_without_setval),
		KT_CLAIM(above_32767_v_fails_and_does_not_wait, "A V above the maximum waits.",
			 "It fails at once."),
		KT_TEST(semop_errors),
		KT_CLAIM(
			getpid_is_the_last_that_changed_the_value,
			"GETPID is the last semop's caller.",
			"On Linux also SETVAL's, and that of the dead process whose adjustment was applied. A failed call does not count."),
		KT_TEST(a_wait_for_zero_that_passes_sets_getpid),
	};

	return kt_suite("sem", tests, SUITE_COUNT(tests));
}
