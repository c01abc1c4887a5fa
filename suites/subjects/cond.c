/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables between processes and between threads: waited for in a loop, looked at too
 * early, and one signal for two who wait. */
#include "subject_posix.h"

#include <time.h>

enum { N_WAITERS = 3, N_ITEMS = 20 };

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int n_items;
	volatile bool ready;
	atomic_int n_looked;
	atomic_int n_told;
};

static struct shared *shared;

static void make(bool between_processes)
{
	shared = map_shared(sizeof(*shared));
	init_mutex(&shared->mutex, between_processes ? MUTEX_SHARED | MUTEX_ROBUST : 0);
	init_cond(&shared->changed, between_processes);
}

static void lock(void)
{
	lock_mutex(&shared->mutex);
}

static void unlock(void)
{
	unlock_mutex(&shared->mutex);
}

/* One place: the two take turns, so whoever waits, it is the other that is told. */
static int producer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		lock();
		while (shared->n_items == 1)
			wait_cond(&shared->changed, &shared->mutex);
		shared->n_items++;
		CHECK_NUMBER(pthread_cond_signal(&shared->changed));
		unlock();
	}
	return who;
}

static int consumer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		lock();
		while (shared->n_items == 0)
			wait_cond(&shared->changed, &shared->mutex);
		shared->n_items--;
		CHECK_NUMBER(pthread_cond_signal(&shared->changed));
		unlock();
	}
	return who;
}

static int destroy(void)
{
	CHECK_NUMBER(pthread_cond_destroy(&shared->changed));
	CHECK_NUMBER(pthread_mutex_destroy(&shared->mutex));
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(true);
	spawn(producer, 0);
	spawn(consumer, 0);
	return reap_all() || shared->n_items != 0 || destroy();
}

static int run_threads(int argc, char **argv)
{
	pthread_t threads[2];

	(void)argc, (void)argv;
	make(false);
	threads[0] = start_thread(producer, 0);
	threads[1] = start_thread(consumer, 0);
	for (int i = 0; i < 2; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return shared->n_items != 0 || destroy();
}

static int waiter(int who)
{
	lock();
	while (!shared->ready)
		wait_cond(&shared->changed, &shared->mutex);
	unlock();
	return who;
}

static int tell_all(int who)
{
	lock();
	shared->ready = true;
	CHECK_NUMBER(pthread_cond_broadcast(&shared->changed));
	unlock();
	return who;
}

static int run_broadcast(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(true);
	for (int i = 0; i < N_WAITERS; i++)
		spawn(waiter, 0);
	spawn(tell_all, 0);
	return reap_all() || destroy();
}

/* Told before anybody waited: whoever looks first needs no wait. */
static int run_told_before(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(true);
	spawn(tell_all, 0);
	if (reap_all())
		return 1;
	spawn(waiter, 0);
	return reap_all() || destroy();
}

static int run_timed(int argc, char **argv)
{
	struct timespec soon;
	int number;

	(void)argc, (void)argv;
	make(false);
	lock();
	soon = after_ms(CLOCK_REALTIME, 1);
	do
		number = pthread_cond_timedwait(&shared->changed, &shared->mutex, &soon);
	while (number == 0);
	EXPECT(number == ETIMEDOUT);
	soon = after_ms(CLOCK_MONOTONIC, 1);
	do
		number = pthread_cond_clockwait(&shared->changed, &shared->mutex, CLOCK_MONOTONIC,
						&soon);
	while (number == 0);
	EXPECT(number == ETIMEDOUT);
	unlock();
	return destroy();
}

/* Looks without the lock, is told just then, and waits for what has been already. */
static int early_looker(int who)
{
	bool ready = shared->ready;

	raise_flag(&shared->n_looked);
	await_flag(&shared->n_told, 1);
	lock();
	if (!ready)
		wait_cond(&shared->changed, &shared->mutex);
	unlock();
	return who;
}

static int tell_the_looker(int who)
{
	await_flag(&shared->n_looked, 1);
	lock();
	shared->ready = true;
	CHECK_NUMBER(pthread_cond_signal(&shared->changed));
	unlock();
	raise_flag(&shared->n_told);
	return who;
}

static int run_lost_wakeup(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(true);
	spawn(early_looker, 0);
	spawn(tell_the_looker, 0);
	return reap_all();
}

static int run_lost_wakeup_threads(int argc, char **argv)
{
	pthread_t threads[2];

	(void)argc, (void)argv;
	make(false);
	threads[0] = start_thread(early_looker, 0);
	threads[1] = start_thread(tell_the_looker, 0);
	for (int i = 0; i < 2; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return 0;
}

/* Both wait, both could go on, one is told. */
static int run_signal_not_broadcast(int argc, char **argv)
{
	pid_t waiters[2];

	(void)argc, (void)argv;
	make(true);
	for (int i = 0; i < 2; i++)
		waiters[i] = spawn(waiter, 0);
	for (int i = 0; i < 2; i++)
		WAIT_ON(waiters[i], &shared->changed);
	lock();
	shared->ready = true;
	CHECK_NUMBER(pthread_cond_signal(&shared->changed));
	unlock();
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "threads", run_threads },
	{ "broadcast", run_broadcast },
	{ "told_before", run_told_before },
	{ "timed", run_timed },
	{ "lost_wakeup", run_lost_wakeup },
	{ "lost_wakeup_threads", run_lost_wakeup_threads },
	{ "signal_not_broadcast", run_signal_not_broadcast },
};

SUBJECT_MAIN(variants)
