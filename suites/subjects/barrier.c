/* SPDX-License-Identifier: Apache-2.0 */
/* A barrier of a lock and a turnstile in each of two phases, with all there, and with one who never
 * comes. */
#include "subject.h"

#include <sys/sem.h>

enum { LOCK, ARRIVED, LEFT, N_SEMS };
enum { N_WORKERS = 3, N_ROUNDS = 5 };

struct shared {
	int n_inside;
	int rounds[N_WORKERS];
};

static struct shared *shared;
static int set;

/* The last one to make the count NEEDED opens the turnstile for all, itself among them. */
static void meet(int turnstile, int change, int needed)
{
	sem_change(set, LOCK, -1, SEM_UNDO);
	shared->n_inside += change;
	if (shared->n_inside == needed)
		sem_change(set, turnstile, N_WORKERS, 0);
	sem_change(set, LOCK, 1, SEM_UNDO);
	sem_change(set, turnstile, -1, 0);
}

static int worker(int who)
{
	for (int i = 1; i <= N_ROUNDS; i++) {
		shared->rounds[who] = i;
		meet(ARRIVED, 1, N_WORKERS);
		for (int other = 0; other < N_WORKERS; other++)
			EXPECT(shared->rounds[other] == i);
		meet(LEFT, -1, 0);
	}
	return 0;
}

static int run_workers(int n_workers)
{
	set = make_sem(IPC_PRIVATE, N_SEMS, 0);
	CHECK(semctl(set, LOCK, SETVAL, (union semun){ .val = 1 }));
	shared = make_shared(sizeof(*shared));
	for (int i = 0; i < n_workers; i++)
		spawn(worker, i);
	return reap_all();
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_workers(N_WORKERS);
}

static int run_missing(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_workers(N_WORKERS - 1);
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "missing", run_missing },
};

SUBJECT_MAIN(variants)
