/* SPDX-License-Identifier: Apache-2.0 */
/* Peterson's lock in shared memory, and the same without the turn: both are polite for ever,
 * spinning. */
#include "subject.h"

#include <sched.h>
#include <stdatomic.h>

enum { N_ROUNDS = 200 };

struct lock {
	atomic_bool wants[2];
	atomic_int turn;
	volatile int counter;
};

static struct lock *lock;

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		lock->wants[who] = true;
		lock->turn = !who;
		while (lock->wants[!who] && lock->turn == !who)
			sched_yield();
		lock->counter = lock->counter + 1;
		lock->wants[who] = false;
	}
	return 0;
}

/* Goes for the lock when the other does too, and lets it pass: so does the other. It spins without
 * any call. */
static int worker_without_turn(int who)
{
	lock->wants[who] = true;
	while (!lock->wants[!who])
		sched_yield();
	while (lock->wants[!who])
		;
	lock->counter = lock->counter + 1;
	lock->wants[who] = false;
	return 0;
}

static int run_two(int (*body)(int who), int n_expected)
{
	lock = make_shared(sizeof(*lock));
	spawn(body, 0);
	spawn(body, 1);
	return reap_all() || lock->counter != n_expected;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_two(worker, 2 * N_ROUNDS);
}

static int run_no_turn(int argc, char **argv)
{
	(void)argc, (void)argv;
	return run_two(worker_without_turn, 2);
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "no_turn", run_no_turn },
};

SUBJECT_MAIN(variants)
