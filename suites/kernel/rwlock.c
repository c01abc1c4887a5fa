/* SPDX-License-Identifier: Apache-2.0 */
/* Read-write locks in shared memory: who gets in beside whom, who goes first, who is stuck. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec past = { .tv_sec = 1 };

static pthread_rwlock_t *make(int kind)
{
	pthread_rwlock_t *lock = kt_shared(sizeof(*lock));
	pthread_rwlockattr_t attr;

	ck_assert_int_eq(pthread_rwlockattr_init(&attr), 0);
	ck_assert_int_eq(pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	ck_assert_int_eq(pthread_rwlockattr_setkind_np(&attr, kind), 0);
	ck_assert_int_eq(pthread_rwlock_init(lock, &attr), 0);
	return lock;
}

static pthread_rwlock_t *make_default(void)
{
	return make(PTHREAD_RWLOCK_DEFAULT_NP);
}

/* Forks a child that locks it so, unlocks it, and is blocked in that when we return. */
static pid_t fork_waiter(pthread_rwlock_t *lock, int (*how)(pthread_rwlock_t *lock))
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(how(lock) == 0);
		KT_CHILD(pthread_rwlock_unlock(lock) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(readers_are_together_and_a_writer_is_alone)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid;

	ck_assert_int_eq(pthread_rwlock_rdlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_tryrdlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_trywrlock(lock), EBUSY);
	pid = fork_waiter(lock, pthread_rwlock_wrlock);
	ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_writer_keeps_all_out)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid;

	ck_assert_int_eq(pthread_rwlock_wrlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_tryrdlock(lock), EBUSY);
	ck_assert_int_eq(pthread_rwlock_trywrlock(lock), EBUSY);
	pid = fork_waiter(lock, pthread_rwlock_rdlock);
	ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_writer_that_locks_again_gets_edeadlk)
{
	pthread_rwlock_t *lock = make_default();

	ck_assert_int_eq(pthread_rwlock_wrlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_wrlock(lock), EDEADLK);
	ck_assert_int_eq(pthread_rwlock_rdlock(lock), EDEADLK);
	ck_assert_int_eq(pthread_rwlock_timedwrlock(lock, &past), EDEADLK);
}
END_TEST

START_TEST(a_reader_that_wants_to_write_waits_for_itself)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_rwlock_rdlock(lock) == 0);
		pthread_rwlock_wrlock(lock);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("waits for itself");
	kt_kill(pid);
}
END_TEST

struct kind_row {
	const char *name;
	int kind;
	int error;
};

/* What a new reader gets while a reader is in and a writer waits. */
static const struct kind_row kind_rows[] = {
	{ "default", PTHREAD_RWLOCK_DEFAULT_NP, 0 },
	{ "prefer_reader", PTHREAD_RWLOCK_PREFER_READER_NP, 0 },
	/* It must let in a reader that locks twice, and cannot know which one does. */
	{ "prefer_writer", PTHREAD_RWLOCK_PREFER_WRITER_NP, 0 },
	{ "prefer_writer_nonrecursive", PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, EBUSY },
};

START_TEST(a_new_reader_while_a_writer_waits)
{
	const struct kind_row *row = &kind_rows[_i];
	pthread_rwlock_t *lock = make(row->kind);
	pid_t pid;
	int error;

	ck_assert_int_eq(pthread_rwlock_rdlock(lock), 0);
	pid = fork_waiter(lock, pthread_rwlock_wrlock);
	error = pthread_rwlock_tryrdlock(lock);
	kt_measured("%s: %s", row->name, kt_errno(error));
	ck_assert_int_eq(error, row->error);
	if (!error)
		ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_dead_reader_keeps_writers_out)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid = kt_fork();
	int error;

	if (!pid) {
		KT_CHILD(pthread_rwlock_rdlock(lock) == 0);
		kill(getpid(), SIGKILL);
	}
	kt_wait(pid);
	error = pthread_rwlock_trywrlock(lock);
	kt_measured("trywrlock after a reader's death: %s", kt_errno(error));
	ck_assert_int_eq(error, EBUSY);
	ck_assert_int_eq(pthread_rwlock_tryrdlock(lock), 0);
}
END_TEST

START_TEST(a_dead_writer_keeps_all_out)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_rwlock_wrlock(lock) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_rwlock_tryrdlock(lock), EBUSY);
	ck_assert_int_eq(lock->__data.__cur_writer, pid);
}
END_TEST

START_TEST(times_give_etimedout)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid;

	ck_assert_int_eq(pthread_rwlock_rdlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_timedwrlock(lock, &past), ETIMEDOUT);
	ck_assert_int_eq(pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &past), ETIMEDOUT);
	ck_assert_int_eq(pthread_rwlock_unlock(lock), 0);
	ck_assert_int_eq(pthread_rwlock_wrlock(lock), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_rwlock_timedrdlock(lock, &past) == ETIMEDOUT);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(anybody_may_unlock_it)
{
	pthread_rwlock_t *lock = make_default();
	pid_t pid;

	ck_assert_int_eq(pthread_rwlock_rdlock(lock), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_rwlock_unlock(lock) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_rwlock_trywrlock(lock), 0);
}
END_TEST

Suite *rwlock_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(readers_are_together_and_a_writer_is_alone),
		KT_TEST(a_writer_keeps_all_out),
		KT_TEST(a_writer_that_locks_again_gets_edeadlk),
		KT_CLAIM(
			a_reader_that_wants_to_write_waits_for_itself,
			"A reader can raise its lock to a writer's.",
			"There is no such call, and pthread_rwlock_wrlock() of a reader is not seen as a deadlock."),
		KT_CLAIM_ROWS(
			a_new_reader_while_a_writer_waits, kind_rows,
			"New readers stay out while a writer waits.",
			"With glibc only if asked for with the kind PREFER_WRITER_NONRECURSIVE; the kind PREFER_WRITER does not do it. By default readers can starve a writer."),
		KT_CLAIM(
			a_dead_reader_keeps_writers_out, "A dead reader does no harm.",
			"It counts for ever: no writer gets in again. There are no robust read-write locks."),
		KT_TEST(a_dead_writer_keeps_all_out),
		KT_TEST(times_give_etimedout),
		KT_TEST(anybody_may_unlock_it),
	};

	return kt_suite("rwlock", tests, SUITE_COUNT(tests));
}
