/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX semaphores, in memory that processes share and by name: as locks and as batons; in two
 * orders, died with, never posted and left. */
#include "subject_posix.h"

#include <fcntl.h>
#include <time.h>

enum { N_WORKERS = 2, N_ROUNDS = 25, N_ITEMS = 10 };

struct shared {
	sem_t sems[2];
	atomic_int taken;
};

static struct shared *shared;
static sem_t *sems;
static const char *name;

static void make(unsigned int first_value, unsigned int second_value)
{
	shared = map_shared(sizeof(*shared));
	sems = shared->sems;
	init_psem(&sems[0], first_value);
	init_psem(&sems[1], second_value);
}

static void make_locks(void)
{
	make(1, 1);
	own_psem(&sems[0], 1);
	own_psem(&sems[1], 1);
}

static int take_rounds(sem_t *sem)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		wait_psem(sem);
		post_psem(sem);
	}
	return 0;
}

static int worker(int who)
{
	return take_rounds(&sems[who]);
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_locks();
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, 0);
	if (reap_all())
		return 1;
	CHECK(sem_destroy(&sems[0]));
	CHECK(sem_destroy(&sems[1]));
	return 0;
}

static sem_t *open_named(const char *path, int flags)
{
	sem_t *sem = sem_open(path, flags, 0600, 1);

	if (sem == SEM_FAILED)
		die("sem_open");
	return sem;
}

static int named_worker(int who)
{
	sem_t *sem = open_named(name, 0);

	take_rounds(sem);
	CHECK(sem_close(sem));
	return who;
}

static int use_named(void)
{
	sem_t *sem = open_named(name, O_CREAT | O_EXCL);

	for (int i = 0; i < N_WORKERS; i++)
		spawn(named_worker, 0);
	if (reap_all())
		return 1;
	CHECK(sem_close(sem));
	return 0;
}

static int run_named(int argc, char **argv)
{
	(void)argc, (void)argv;
	name = own_sem_name("sem", 1);
	return use_named();
}

static int run_leak(int argc, char **argv)
{
	char left[NAME_BYTES];

	(void)argc, (void)argv;
	new_name(left, "left");
	name = left;
	return use_named();
}

/* All ways not to wait for ever. */
static int run_timed(int argc, char **argv)
{
	struct timespec soon;
	sem_t sem;

	(void)argc, (void)argv;
	CHECK(sem_init(&sem, 0, 1));
	CHECK(TEMP_FAILURE_RETRY(sem_trywait(&sem)));
	EXPECT(TEMP_FAILURE_RETRY(sem_trywait(&sem)) == -1 && errno == EAGAIN);
	soon = after_ms(CLOCK_REALTIME, 1);
	EXPECT(TEMP_FAILURE_RETRY(sem_timedwait(&sem, &soon)) == -1 && errno == ETIMEDOUT);
	soon = after_ms(CLOCK_MONOTONIC, 1);
	EXPECT(TEMP_FAILURE_RETRY(sem_clockwait(&sem, CLOCK_MONOTONIC, &soon)) == -1 &&
	       errno == ETIMEDOUT);
	EXPECT(psem_value(&sem) == 0);
	post_psem(&sem);
	CHECK(TEMP_FAILURE_RETRY(sem_timedwait(&sem, &soon)));
	post_psem(&sem);
	EXPECT(psem_value(&sem) == 1);
	CHECK(sem_destroy(&sem));
	return 0;
}

static int give(int who)
{
	for (int i = 0; i < N_ITEMS; i++)
		post_psem(&sems[who]);
	return 0;
}

static int get(int who)
{
	for (int i = 0; i < N_ITEMS; i++)
		wait_psem(&sems[who]);
	return 0;
}

/* No lock: one only gives, the other only takes. */
static int run_handed_on(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0, 0);
	spawn(get, 0);
	spawn(give, 0);
	if (reap_all())
		return 1;
	EXPECT(psem_value(&sems[0]) == 0);
	return 0;
}

static int ordered_worker(int who)
{
	wait_psem(&sems[who]);
	wait_psem(&sems[!who]);
	post_psem(&sems[!who]);
	post_psem(&sems[who]);
	return 0;
}

static int one_order_worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++)
		ordered_worker(0);
	return who;
}

static int run_one_order(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_locks();
	for (int i = 0; i < N_WORKERS; i++)
		spawn(one_order_worker, 0);
	return reap_all();
}

/* Takes WHO first, then the other; the other's owner does not move on before both are taken. */
static int cross_worker(int who)
{
	wait_psem(&sems[who]);
	while (psem_value(&sems[!who]) != 0)
		nap();
	wait_psem(&sems[!who]);
	post_psem(&sems[!who]);
	post_psem(&sems[who]);
	return 0;
}

static int run_abba(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(1, 1);
	spawn(cross_worker, 0);
	spawn(cross_worker, 1);
	return reap_all();
}

/* One after the other, so that nothing can happen this time. */
static int run_both_orders(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(1, 1);
	spawn(ordered_worker, 0);
	if (reap_all())
		return 1;
	spawn(ordered_worker, 1);
	return reap_all();
}

static int dying_holder(int who)
{
	wait_psem(&sems[who]);
	return 0;
}

/* The root has used it as a lock before, so it is seen to be one. */
static int run_dies_holding(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(1, 1);
	worker(0);
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

/* Leaves early without the post, and then waits to be told that the other is done. */
static int forgetful_worker(int who)
{
	wait_psem(&sems[0]);
	raise_flag(&shared->taken);
	wait_psem(&sems[1]);
	return who;
}

static int next_worker(int who)
{
	await_flag(&shared->taken, 1);
	wait_psem(&sems[0]);
	post_psem(&sems[0]);
	post_psem(&sems[1]);
	return who;
}

static int run_missing_post(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(1, 0);
	spawn(forgetful_worker, 0);
	spawn(next_worker, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "named", run_named },
	{ "timed", run_timed },
	{ "handed_on", run_handed_on },
	{ "one_order", run_one_order },
	{ "abba", run_abba },
	{ "both_orders", run_both_orders },
	{ "dies_holding", run_dies_holding },
	{ "orphan", run_orphan },
	{ "missing_post", run_missing_post },
	{ "leak", run_leak },
};

SUBJECT_MAIN(variants)
