/* SPDX-License-Identifier: Apache-2.0 */
/* Dining philosophers once more: processes with POSIX semaphores, and threads with mutexes. The
 * right ones take the lower fork first. */
#include "subject_posix.h"

enum { N_PHILOSOPHERS = 4, N_MEALS = 5 };

struct table {
	sem_t sems[N_PHILOSOPHERS];
	pthread_mutex_t mutexes[N_PHILOSOPHERS];
	atomic_int n_ready;
};

static struct table *table;
static void (*take)(int fork_number);
static void (*put_back)(int fork_number);

static void take_sem(int fork_number)
{
	wait_psem(&table->sems[fork_number]);
}

static void put_back_sem(int fork_number)
{
	post_psem(&table->sems[fork_number]);
}

static void take_mutex(int fork_number)
{
	lock_mutex(&table->mutexes[fork_number]);
}

static void put_back_mutex(int fork_number)
{
	unlock_mutex(&table->mutexes[fork_number]);
}

static void lay(void)
{
	table = map_shared(sizeof(*table));
	for (int i = 0; i < N_PHILOSOPHERS; i++) {
		init_psem_lock(&table->sems[i]);
		init_mutex(&table->mutexes[i], 0);
	}
}

static int right_of(int who)
{
	return (who + 1) % N_PHILOSOPHERS;
}

static int ordered_philosopher(int who)
{
	int left = who, right = right_of(who);

	for (int i = 0; i < N_MEALS; i++) {
		take(left < right ? left : right);
		take(left < right ? right : left);
		put_back(left);
		put_back(right);
	}
	return 0;
}

/* Nobody reaches for the right one before all have their left one. */
static int left_first_philosopher(int who)
{
	take(who);
	raise_flag(&table->n_ready);
	await_flag(&table->n_ready, N_PHILOSOPHERS);
	take(right_of(who));
	put_back(who);
	put_back(right_of(who));
	return 0;
}

static int dine_as_processes(int (*philosopher)(int who))
{
	take = take_sem;
	put_back = put_back_sem;
	lay();
	for (int i = 0; i < N_PHILOSOPHERS; i++)
		spawn(philosopher, i);
	return reap_all();
}

static int dine_as_threads(int (*philosopher)(int who))
{
	pthread_t threads[N_PHILOSOPHERS];

	take = take_mutex;
	put_back = put_back_mutex;
	lay();
	for (int i = 0; i < N_PHILOSOPHERS; i++)
		threads[i] = start_thread(philosopher, i);
	for (int i = 0; i < N_PHILOSOPHERS; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return dine_as_processes(ordered_philosopher);
}

static int run_threads(int argc, char **argv)
{
	(void)argc, (void)argv;
	return dine_as_threads(ordered_philosopher);
}

static int run_left_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	return dine_as_processes(left_first_philosopher);
}

static int run_left_first_threads(int argc, char **argv)
{
	(void)argc, (void)argv;
	return dine_as_threads(left_first_philosopher);
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "threads", run_threads },
	{ "left_first", run_left_first },
	{ "left_first_threads", run_left_first_threads },
};

SUBJECT_MAIN(variants)
