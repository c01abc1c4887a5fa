/* SPDX-License-Identifier: Apache-2.0 */
/* Readers and writers once more: POSIX semaphores, the first reader takes the access for all; and
 * with a turnstile, so that readers who keep coming do not starve a writer. */
#include "subject_posix.h"

#include <sched.h>

enum { N_READERS = 3, N_WRITERS = 2, N_ROUNDS = 10 };

struct shared {
	sem_t access;
	sem_t turnstile;
	sem_t count_lock;
	int n_inside;
	volatile int first;
	volatile int second;
};

static struct shared *shared;
static bool fair;

/* Passed through, or kept closed by a writer that waits. */
static void pass_turnstile(void)
{
	if (!fair)
		return;
	wait_psem(&shared->turnstile);
	post_psem(&shared->turnstile);
}

static void enter_reading(void)
{
	pass_turnstile();
	wait_psem(&shared->count_lock);
	if (shared->n_inside++ == 0)
		wait_psem(&shared->access);
	post_psem(&shared->count_lock);
}

/* Often in another process than the one that took the access. */
static void leave_reading(void)
{
	wait_psem(&shared->count_lock);
	if (--shared->n_inside == 0)
		post_psem(&shared->access);
	post_psem(&shared->count_lock);
}

static int reader(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int first;

		enter_reading();
		first = shared->first;
		sched_yield();
		EXPECT(shared->second == first);
		leave_reading();
	}
	return who;
}

static int writer(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		if (fair)
			wait_psem(&shared->turnstile);
		wait_psem(&shared->access);
		if (fair)
			post_psem(&shared->turnstile);
		shared->first++;
		sched_yield();
		shared->second++;
		post_psem(&shared->access);
	}
	return who;
}

/* The root gives the access with a post: so it is a baton from the first moment, and no lock that
 * its taker must release. */
static int run_all(void)
{
	shared = map_shared(sizeof(*shared));
	init_psem(&shared->access, 0);
	post_psem(&shared->access);
	init_psem_lock(&shared->turnstile);
	init_psem_lock(&shared->count_lock);
	for (int i = 0; i < N_READERS; i++)
		spawn(reader, 0);
	for (int i = 0; i < N_WRITERS; i++)
		spawn(writer, 0);
	return reap_all() || shared->second != N_WRITERS * N_ROUNDS;
}

static int run_counted(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_all();
}

static int run_fair(int argc, char **argv)
{
	(void)argc, (void)argv;
	fair = true;
	return run_all();
}

static const struct variant variants[] = {
	{ "counted", run_counted },
	{ "fair", run_fair },
};

SUBJECT_MAIN(variants)
