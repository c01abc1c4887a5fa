/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphores used as locks: with and without SEM_UNDO, in one order and in two, left behind and
 * died with. */
#include "subject.h"

#include <signal.h>
#include <sys/sem.h>
#include <time.h>

enum { N_WORKERS = 2, N_ROUNDS = 25 };

static int set;
static int undo = SEM_UNDO;

static void take(int num)
{
	sem_change(set, num, -1, undo);
}

static void release(int num)
{
	sem_change(set, num, 1, undo);
}

static int worker(int who)
{
	(void)who;
	for (int i = 0; i < N_ROUNDS; i++) {
		take(0);
		release(0);
	}
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 1);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, i);
	return reap_all();
}

static int run_right_no_undo(int argc, char **argv)
{
	undo = 0;
	return run_right(argc, argv);
}

/* Takes WHO first, then the other; the other's owner does not move on before both are taken. */
static int cross_worker(int who)
{
	take(who);
	while (sem_value(set, !who) != 0)
		nap();
	take(!who);
	release(!who);
	release(who);
	return 0;
}

static int run_abba(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 2, 1);
	spawn(cross_worker, 0);
	spawn(cross_worker, 1);
	return reap_all();
}

/* The two are stuck while the root lives well, and ends them. One kill for both, so that neither
 * sees the other's undo. */
static int run_part_stuck(int argc, char **argv)
{
	pid_t first, second;

	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 2, 1);
	first = spawn(cross_worker, 0);
	second = spawn(cross_worker, 1);
	CHECK(setpgid(first, 0));
	CHECK(setpgid(second, first));
	for (int i = 0; i < 10; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
	CHECK(kill(-first, SIGKILL));
	reap(first);
	reap(second);
	return 0;
}

static int ordered_worker(int who)
{
	take(who);
	take(!who);
	release(!who);
	release(who);
	return 0;
}

/* One after the other, so that nothing can happen this time. */
static int run_both_orders(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 2, 1);
	spawn(ordered_worker, 0);
	if (reap_all())
		return 1;
	spawn(ordered_worker, 1);
	return reap_all();
}

static int two_locks_worker(int who)
{
	(void)who;
	for (int i = 0; i < N_ROUNDS; i++)
		ordered_worker(0);
	return 0;
}

static int run_one_order(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 2, 1);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(two_locks_worker, i);
	return reap_all();
}

static int dying_holder(int who)
{
	take(who);
	return 0;
}

static int run_dies_holding(int argc, char **argv)
{
	(void)argc, (void)argv;
	undo = 0;
	set = make_sem(IPC_PRIVATE, 1, 1);
	spawn(dying_holder, 0);
	return reap_all();
}

static int run_orphan(int argc, char **argv)
{
	if (run_dies_holding(argc, argv))
		return 1;
	spawn(worker, 0);
	return reap_all();
}

static int mismatched_worker(int who)
{
	for (int i = 0; i < 3; i++) {
		sem_change(set, who, -1, SEM_UNDO);
		sem_change(set, who, 1, 0);
	}
	return 0;
}

static int run_undo_mismatch(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 1);
	spawn(mismatched_worker, 0);
	return reap_all();
}

static int run_leak(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = CHECK(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	CHECK(semctl(set, 0, SETVAL, (union semun){ .val = 1 }));
	spawn(worker, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "right_no_undo", run_right_no_undo },
	{ "one_order", run_one_order },
	{ "abba", run_abba },
	{ "part_stuck", run_part_stuck },
	{ "both_orders", run_both_orders },
	{ "orphan", run_orphan },
	{ "dies_holding", run_dies_holding },
	{ "undo_mismatch", run_undo_mismatch },
	{ "leak", run_leak },
};

SUBJECT_MAIN(variants)
