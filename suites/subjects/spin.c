/* SPDX-License-Identifier: Apache-2.0 */
/* Spin locks between processes and between threads: libc's, one of atomics, and one died with. */
#include "subject_posix.h"

#include <sched.h>

enum { N_WORKERS = 2, N_ROUNDS = 25 };

struct shared {
	pthread_spinlock_t lock;
	atomic_flag own;
	volatile int counter;
};

static struct shared *shared;

static void make(int pshared)
{
	shared = map_shared(sizeof(*shared));
	CHECK_NUMBER(pthread_spin_init(&shared->lock, pshared));
}

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		CHECK_NUMBER(pthread_spin_lock(&shared->lock));
		shared->counter++;
		CHECK_NUMBER(pthread_spin_unlock(&shared->lock));
	}
	return who;
}

static int finish(void)
{
	CHECK_NUMBER(pthread_spin_destroy(&shared->lock));
	return shared->counter != N_WORKERS * N_ROUNDS;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, 0);
	return reap_all() || finish();
}

static int run_threads(int argc, char **argv)
{
	pthread_t threads[N_WORKERS];

	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < N_WORKERS; i++)
		threads[i] = start_thread(worker, 0);
	for (int i = 0; i < N_WORKERS; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return finish();
}

static int atomic_worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		while (atomic_flag_test_and_set(&shared->own))
			sched_yield();
		shared->counter++;
		atomic_flag_clear(&shared->own);
	}
	return who;
}

static int run_atomics(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(atomic_worker, 0);
	return reap_all() || finish();
}

static int try_it(int who)
{
	EXPECT(pthread_spin_trylock(&shared->lock) == EBUSY);
	return who;
}

static int run_trylock(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	CHECK_NUMBER(pthread_spin_trylock(&shared->lock));
	spawn(try_it, 0);
	if (reap_all())
		return 1;
	CHECK_NUMBER(pthread_spin_unlock(&shared->lock));
	return 0;
}

static int dying_holder(int who)
{
	CHECK_NUMBER(pthread_spin_lock(&shared->lock));
	return who;
}

static int run_dies_holding(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	spawn(dying_holder, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "threads", run_threads },
	{ "atomics", run_atomics },
	{ "trylock", run_trylock },
	{ "dies_holding", run_dies_holding },
};

SUBJECT_MAIN(variants)
