/* SPDX-License-Identifier: Apache-2.0 */
/* pthread_barrier between processes and between threads, and one that never comes. The subject
 * "barrier" makes one of semaphores. */
#include "subject_posix.h"

enum { N_WORKERS = 3, N_ROUNDS = 5 };

struct shared {
	pthread_barrier_t barrier;
	atomic_int rounds[N_WORKERS];
	atomic_int n_last;
};

static struct shared *shared;

static void make(int pshared)
{
	pthread_barrierattr_t attributes;

	shared = map_shared(sizeof(*shared));
	CHECK_NUMBER(pthread_barrierattr_init(&attributes));
	CHECK_NUMBER(pthread_barrierattr_setpshared(&attributes, pshared));
	CHECK_NUMBER(pthread_barrier_init(&shared->barrier, &attributes, N_WORKERS));
	CHECK_NUMBER(pthread_barrierattr_destroy(&attributes));
}

/* One of them is told that it is the one. */
static void meet(void)
{
	int result = pthread_barrier_wait(&shared->barrier);

	EXPECT(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
	if (result != 0)
		raise_flag(&shared->n_last);
}

static int worker(int who)
{
	for (int i = 1; i <= N_ROUNDS; i++) {
		shared->rounds[who] = i;
		meet();
		for (int other = 0; other < N_WORKERS; other++)
			EXPECT(shared->rounds[other] == i);
		meet();
	}
	return 0;
}

static int finish(void)
{
	CHECK_NUMBER(pthread_barrier_destroy(&shared->barrier));
	return shared->n_last != 2 * N_ROUNDS;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, i);
	return reap_all() || finish();
}

static int run_threads(int argc, char **argv)
{
	pthread_t threads[N_WORKERS];

	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < N_WORKERS; i++)
		threads[i] = start_thread(worker, i);
	for (int i = 0; i < N_WORKERS; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return finish();
}

static int run_missing(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < N_WORKERS - 1; i++)
		spawn(worker, i);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "threads", run_threads },
	{ "missing", run_missing },
};

SUBJECT_MAIN(variants)
