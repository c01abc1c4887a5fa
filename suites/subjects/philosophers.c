/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dining philosophers, N of them (default 3). The right ones take the lower fork first.
 * "left_first" all hold their left fork before anyone reaches for the right one. "free" are faulty
 * in the same way but not held to it: natively they hardly ever meet the deadlock, a schedule
 * explorer should.
 */
#include "subject.h"

#include <stdlib.h>
#include <sys/sem.h>

enum { MAX_PHILOSOPHERS = 16, N_MEALS = 5 };

static int set;
static int n_philosophers = 3;

static void take(int fork_number)
{
	sem_change(set, fork_number, -1, SEM_UNDO);
}

static void put_back(int fork_number)
{
	sem_change(set, fork_number, 1, SEM_UNDO);
}

static int left_of(int who)
{
	return who;
}

static int right_of(int who)
{
	return (who + 1) % n_philosophers;
}

static bool all_taken(void)
{
	unsigned short values[MAX_PHILOSOPHERS] = { 0 };

	CHECK(semctl(set, 0, GETALL, (union semun){ .array = values }));
	for (int i = 0; i < n_philosophers; i++)
		if (values[i] != 0)
			return false;
	return true;
}

static int ordered_philosopher(int who)
{
	int left = left_of(who), right = right_of(who);

	for (int i = 0; i < N_MEALS; i++) {
		take(left < right ? left : right);
		take(left < right ? right : left);
		put_back(left);
		put_back(right);
	}
	return 0;
}

static int left_first_philosopher(int who)
{
	for (int i = 0; i < N_MEALS; i++) {
		take(left_of(who));
		while (!all_taken())
			nap();
		take(right_of(who));
		put_back(left_of(who));
		put_back(right_of(who));
	}
	return 0;
}

static int free_philosopher(int who)
{
	for (int i = 0; i < N_MEALS; i++) {
		take(left_of(who));
		take(right_of(who));
		put_back(left_of(who));
		put_back(right_of(who));
	}
	return 0;
}

static int dine(int argc, char **argv, int (*philosopher)(int who))
{
	if (argc > 0)
		n_philosophers = (int)strtol(argv[0], NULL, 10);
	EXPECT(n_philosophers >= 2 && n_philosophers <= MAX_PHILOSOPHERS);
	set = make_sem(IPC_PRIVATE, n_philosophers, 1);
	for (int i = 0; i < n_philosophers; i++)
		spawn(philosopher, i);
	return reap_all();
}

static int run_right(int argc, char **argv)
{
	return dine(argc, argv, ordered_philosopher);
}

static int run_left_first(int argc, char **argv)
{
	return dine(argc, argv, left_first_philosopher);
}

static int run_free(int argc, char **argv)
{
	return dine(argc, argv, free_philosopher);
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "left_first", run_left_first },
	{ "free", run_free },
};

SUBJECT_MAIN(variants)
