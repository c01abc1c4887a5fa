/* SPDX-License-Identifier: Apache-2.0 */
/* pthread mutexes in shared memory: types, owners, and what a dead owner leaves. Robust ones are in
 * mutex_robust.c. */
#include "kernel_test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec past = { .tv_sec = 1 };

static pthread_mutex_t *make(int type)
{
	return kt_mutex(type, PTHREAD_MUTEX_STALLED);
}

/* Forks a child that locks and unlocks it, and is blocked in that when we return. */
static pid_t fork_waiter(pthread_mutex_t *mutex)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_mutex_unlock(mutex) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(it_excludes_another_process)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = fork_waiter(mutex);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EBUSY);
	ck_assert_int_eq(pthread_mutex_timedlock(mutex, &past), ETIMEDOUT);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	kt_join(pid);
}
END_TEST

START_TEST(not_process_shared_it_excludes_there_and_wakes_nobody)
{
	pthread_mutex_t *mutex = kt_shared(sizeof(*mutex));
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_init(mutex, NULL), 0);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = fork_waiter(mutex);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("unlocked, and the waiter still waits");
	kt_kill(pid);
}
END_TEST

static void lock_and_unlock(void *arg)
{
	if (pthread_mutex_lock(arg) != 0 || pthread_mutex_unlock(arg) != 0)
		syscall(SYS_exit, 1);
}

START_TEST(without_contention_it_makes_no_system_call)
{
	ck_assert(kt_needs_no_system_call(lock_and_unlock, make(PTHREAD_MUTEX_NORMAL)));
}
END_TEST

START_TEST(its_memory_tells_the_owner)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		_exit(0);
	}
	kt_join(pid);
	/* The thread's id, and it stays when the thread is dead. */
	ck_assert_int_eq(mutex->__data.__owner, pid);
	ck_assert_int_eq(mutex->__data.__lock, 1);
	mutex = make(PTHREAD_MUTEX_NORMAL);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(mutex->__data.__owner, gettid());
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	ck_assert_int_eq(mutex->__data.__owner, 0);
	ck_assert_int_eq(mutex->__data.__lock, 0);
}
END_TEST

START_TEST(a_waiter_shows_in_the_lock_word)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = fork_waiter(mutex);
	ck_assert_int_eq(mutex->__data.__lock, 2);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_normal_one_locked_twice_waits_for_itself)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		pthread_mutex_lock(mutex);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("waits for itself");
	kt_kill(pid);
}
END_TEST

START_TEST(errorcheck_gives_edeadlk_and_eperm)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_ERRORCHECK);
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_unlock(mutex), EPERM);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_lock(mutex), EDEADLK);
	ck_assert_int_eq(pthread_mutex_timedlock(mutex, &past), EDEADLK);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EBUSY);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_unlock(mutex) == EPERM);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
}
END_TEST

START_TEST(a_recursive_one_counts)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_RECURSIVE);
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), 0);
	ck_assert_uint_eq(mutex->__data.__count, 2);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_trylock(mutex) == EBUSY);
		KT_CHILD(pthread_mutex_unlock(mutex) == EPERM);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), EPERM);
}
END_TEST

START_TEST(a_normal_one_may_be_unlocked_by_anybody)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = kt_fork();
	if (!pid) {
		int error = pthread_mutex_unlock(mutex);

		kt_measured("unlock by another process: %s", kt_errno(error));
		KT_CHILD(error == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), 0);
}
END_TEST

START_TEST(a_dead_owner_leaves_it_locked)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	pid_t pid = kt_fork();
	int error;

	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		_exit(0);
	}
	kt_join(pid);
	error = pthread_mutex_trylock(mutex);
	kt_measured("trylock after the owner's exit: %s", kt_errno(error));
	ck_assert_int_eq(error, EBUSY);
	pid = fork_waiter(mutex);
	kt_kill(pid);
}
END_TEST

static void *lock_it(void *mutex)
{
	KT_CHILD(pthread_mutex_lock(mutex) == 0);
	return NULL;
}

START_TEST(a_threads_end_leaves_it_locked)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_ERRORCHECK);
	struct kt_thread thread;

	kt_thread_start(&thread, lock_it, mutex);
	kt_thread_join(&thread);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EBUSY);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), EPERM);
}
END_TEST

START_TEST(fork_copies_a_private_one_as_it_is)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct kt_thread thread;
	pid_t pid;

	kt_thread_start(&thread, lock_it, &mutex);
	kt_thread_join(&thread);
	pid = kt_fork();
	if (!pid) {
		int error = pthread_mutex_trylock(&mutex);

		kt_measured("trylock in the child: %s", kt_errno(error));
		KT_CHILD(error == EBUSY);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(destroy_of_a_locked_one_gives_ebusy)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_destroy(mutex), EBUSY);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_destroy(mutex), 0);
	ck_assert_int_eq(pthread_mutex_lock(mutex), EINVAL);
}
END_TEST

/* Whether the one who unlocks can lock it again from under the one who waits. */
static bool snatched(void)
{
	pthread_mutex_t *mutex = make(PTHREAD_MUTEX_NORMAL);
	bool taken;
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = kt_fork();
	if (!pid) {
		struct sched_param none = { 0 };

		/* Of this kind none pushes us from the CPU at the moment that we unlock. */
		KT_CHILD(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_mutex_unlock(mutex) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	taken = pthread_mutex_trylock(mutex) == 0;
	if (taken) {
		kt_wait_blocked(pid, SYS_futex);
		ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	}
	kt_join(pid);
	return taken;
}

START_TEST(unlock_does_not_hand_over)
{
	enum { MAX_TRIES = 200 };

	kt_pin();
	for (int i = 0; i < MAX_TRIES; i++) {
		if (snatched()) {
			kt_measured("its last owner locked it again, the waiter went on waiting");
			return;
		}
	}
	ck_abort_msg("in %d tries the waiter always got it", MAX_TRIES);
}
END_TEST

Suite *mutex_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(it_excludes_another_process),
		KT_CLAIM(
			not_process_shared_it_excludes_there_and_wakes_nobody,
			"A mutex in shared memory works between processes.",
			"Only with PTHREAD_PROCESS_SHARED. Without it the lock word is shared, and yet a waiter in another process is never woken."),
		KT_TEST(without_contention_it_makes_no_system_call),
		KT_TEST(its_memory_tells_the_owner),
		KT_TEST(a_waiter_shows_in_the_lock_word),
		KT_CLAIM(a_normal_one_locked_twice_waits_for_itself,
			 "Locking a mutex that one has already gives EDEADLK.",
			 "With PTHREAD_MUTEX_ERRORCHECK. A normal one waits for itself, for ever."),
		KT_TEST(errorcheck_gives_edeadlk_and_eperm),
		KT_TEST(a_recursive_one_counts),
		KT_CLAIM(
			a_normal_one_may_be_unlocked_by_anybody,
			"Only its owner can unlock a mutex.",
			"May. Nobody checks it but the types errorcheck and recursive, and robust ones."),
		KT_CLAIM(a_dead_owner_leaves_it_locked, "A mutex is released when its owner dies.",
			 "Only a robust one. Otherwise the next one waits for ever."),
		KT_TEST(a_threads_end_leaves_it_locked),
		KT_CLAIM(
			fork_copies_a_private_one_as_it_is,
			"After fork() the child's mutexes are free.",
			"They are copies: what another thread had locked is locked, and that thread is not there to unlock it."),
		KT_TEST(destroy_of_a_locked_one_gives_ebusy),
		KT_CLAIM(
			unlock_does_not_hand_over,
			"The one that waits longest gets the mutex next.",
			"Who is running when it is free. An owner that unlocks and locks again can starve the others."),
	};

	return kt_suite("mutex", tests, SUITE_COUNT(tests));
}
