/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes between the threads of one process: each type, one that lends its holder the waiter's
 * priority; taken in two orders and twice. */
#include "subject_posix.h"

#include <sched.h>

enum { N_THREADS = 3, N_ROUNDS = 25 };

static pthread_mutex_t mutexes[2];
static atomic_int n_taken;
static volatile int counter;

static void make(int flags)
{
	for (int i = 0; i < 2; i++)
		init_mutex(&mutexes[i], flags);
}

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int value;

		lock_mutex(&mutexes[who]);
		value = counter;
		sched_yield();
		counter = value + 1;
		unlock_mutex(&mutexes[who]);
	}
	return 0;
}

static int run_threads(int (*body)(int who), int n_threads, bool same)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < n_threads; i++)
		threads[i] = start_thread(body, same ? 0 : i);
	for (int i = 0; i < n_threads; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return 0;
}

static int count_all(int flags)
{
	make(flags);
	run_threads(worker, N_THREADS, true);
	CHECK_NUMBER(pthread_mutex_destroy(&mutexes[0]));
	CHECK_NUMBER(pthread_mutex_destroy(&mutexes[1]));
	return counter != N_THREADS * N_ROUNDS;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return count_all(0);
}

/* The cure for priority inversion. Without real-time rights there is nothing to lend, but the lock
 * is another one: the kernel knows its owner. */
static int run_inherit(int argc, char **argv)
{
	(void)argc, (void)argv;
	return count_all(MUTEX_INHERIT);
}

static int nested_worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		lock_mutex(&mutexes[who]);
		lock_mutex(&mutexes[who]);
		counter = counter + 1;
		unlock_mutex(&mutexes[who]);
		unlock_mutex(&mutexes[who]);
	}
	return 0;
}

static int run_recursive(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_RECURSIVE);
	run_threads(nested_worker, N_THREADS, true);
	return counter != N_THREADS * N_ROUNDS;
}

static int not_owner(int who)
{
	EXPECT(pthread_mutex_trylock(&mutexes[who]) == EBUSY);
	EXPECT(pthread_mutex_unlock(&mutexes[who]) == EPERM);
	return 0;
}

/* It says what the others keep to themselves. */
static int run_errorcheck(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_ERRORCHECK);
	lock_mutex(&mutexes[0]);
	EXPECT(pthread_mutex_lock(&mutexes[0]) == EDEADLK);
	run_threads(not_owner, 1, true);
	unlock_mutex(&mutexes[0]);
	EXPECT(pthread_mutex_unlock(&mutexes[0]) == EPERM);
	return 0;
}

/* A lock that somebody has, for a while only. */
static int late_worker(int who)
{
	struct timespec soon = after_ms(CLOCK_REALTIME, 1);

	EXPECT(pthread_mutex_timedlock(&mutexes[who], &soon) == ETIMEDOUT);
	soon = after_ms(CLOCK_MONOTONIC, 1);
	EXPECT(pthread_mutex_clocklock(&mutexes[who], CLOCK_MONOTONIC, &soon) == ETIMEDOUT);
	return 0;
}

static int run_timed(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	lock_mutex(&mutexes[0]);
	run_threads(late_worker, 1, true);
	unlock_mutex(&mutexes[0]);
	return 0;
}

static int ordered_worker(int who)
{
	lock_mutex(&mutexes[who]);
	lock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[who]);
	return 0;
}

/* Against the order, but never waiting for it. */
static int polite_worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		ordered_worker(0);
		lock_mutex(&mutexes[1]);
		if (pthread_mutex_trylock(&mutexes[0]) == 0)
			unlock_mutex(&mutexes[0]);
		unlock_mutex(&mutexes[1]);
	}
	return who;
}

static int run_backs_off(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	return run_threads(polite_worker, N_THREADS, true);
}

/* The second lock is gone for only when both hold their first. */
static int cross_worker(int who)
{
	lock_mutex(&mutexes[who]);
	raise_flag(&n_taken);
	await_flag(&n_taken, 2);
	lock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[who]);
	return 0;
}

static int run_abba(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	return run_threads(cross_worker, 2, false);
}

/* One after the other, so that nothing can happen this time. */
static int run_both_orders(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	for (int i = 0; i < 2; i++)
		EXPECT(join_thread(start_thread(ordered_worker, i)) == 0);
	return 0;
}

static int run_relock(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	lock_mutex(&mutexes[0]);
	lock_mutex(&mutexes[0]);
	return 0;
}

static int dying_holder(int who)
{
	lock_mutex(&mutexes[who]);
	return 0;
}

/* The thread is gone, its process is not. */
static int run_orphan(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	EXPECT(join_thread(start_thread(dying_holder, 0)) == 0);
	lock_mutex(&mutexes[0]);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },         { "inherit", run_inherit },
	{ "recursive", run_recursive }, { "errorcheck", run_errorcheck },
	{ "timed", run_timed },         { "backs_off", run_backs_off },
	{ "abba", run_abba },           { "both_orders", run_both_orders },
	{ "relock", run_relock },       { "orphan", run_orphan },
};

SUBJECT_MAIN(variants)
