/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of different kinds taken together: a System V semaphore, a POSIX one, a mutex and a file
 * lock. */
#include "subject_posix.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sem.h>

enum { SEM, PSEM, MUTEX, FLOCK, N_LOCKS };
enum { N_WORKERS = 2, N_ROUNDS = 10 };

struct shared {
	sem_t sem;
	pthread_mutex_t mutex;
	atomic_int n_taken;
};

struct pair {
	int first;
	int second;
};

static struct shared *shared;
static struct pair order;
static const char *path;
static int set;
static int file = -1;

static void take_sem(void)
{
	sem_change(set, 0, -1, SEM_UNDO);
}

static void release_sem(void)
{
	sem_change(set, 0, 1, SEM_UNDO);
}

static void take_psem(void)
{
	wait_psem(&shared->sem);
}

static void release_psem(void)
{
	post_psem(&shared->sem);
}

static void take_mutex(void)
{
	lock_mutex(&shared->mutex);
}

static void release_mutex(void)
{
	unlock_mutex(&shared->mutex);
}

/* The lock belongs to the open file: each process opens its own. */
static void take_flock(void)
{
	if (file == -1)
		file = open_path(path, O_RDWR);
	CHECK(TEMP_FAILURE_RETRY(flock(file, LOCK_EX)));
}

static void release_flock(void)
{
	CHECK(flock(file, LOCK_UN));
}

static const struct lock {
	void (*take)(void);
	void (*release)(void);
} locks[N_LOCKS] = {
	[SEM] = { take_sem, release_sem },
	[PSEM] = { take_psem, release_psem },
	[MUTEX] = { take_mutex, release_mutex },
	[FLOCK] = { take_flock, release_flock },
};

static void make(int first, int second)
{
	int fd;

	order = (struct pair){ first, second };
	set = make_sem(IPC_PRIVATE, 1, 1);
	make_dir();
	path = own_path("lock");
	fd = open_path(path, O_RDWR | O_CREAT | O_EXCL);
	close_end(&fd);
	shared = map_shared(sizeof(*shared));
	init_psem_lock(&shared->sem);
	init_mutex(&shared->mutex, MUTEX_SHARED | MUTEX_ROBUST);
}

static int take_all(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		for (int lock = 0; lock < N_LOCKS; lock++)
			locks[lock].take();
		for (int lock = N_LOCKS - 1; lock >= 0; lock--)
			locks[lock].release();
	}
	return who;
}

static int run_one_order(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0, 0);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(take_all, 0);
	return reap_all();
}

/* The second worker takes them the other way round; neither goes for its second before both have
 * their first. */
static int cross_worker(int who)
{
	const struct lock *first = &locks[who ? order.second : order.first];
	const struct lock *second = &locks[who ? order.first : order.second];

	first->take();
	raise_flag(&shared->n_taken);
	await_flag(&shared->n_taken, 2);
	second->take();
	second->release();
	first->release();
	return 0;
}

static int cross(int first, int second)
{
	make(first, second);
	spawn(cross_worker, 0);
	spawn(cross_worker, 1);
	return reap_all();
}

static int run_abba_mutex_sem(int argc, char **argv)
{
	(void)argc, (void)argv;
	return cross(MUTEX, SEM);
}

static int run_abba_psem_flock(int argc, char **argv)
{
	(void)argc, (void)argv;
	return cross(PSEM, FLOCK);
}

/* One after the other, so that nothing can happen this time. */
static int both_orders(int first, int second)
{
	make(first, second);
	raise_flag(&shared->n_taken);
	for (int i = 0; i < 2; i++) {
		spawn(cross_worker, i);
		if (reap_all())
			return 1;
	}
	return 0;
}

static int run_both_orders_mutex_flock(int argc, char **argv)
{
	(void)argc, (void)argv;
	return both_orders(MUTEX, FLOCK);
}

static int run_both_orders_sem_psem(int argc, char **argv)
{
	(void)argc, (void)argv;
	return both_orders(SEM, PSEM);
}

static const struct variant variants[] = {
	{ "one_order", run_one_order },
	{ "abba_mutex_sem", run_abba_mutex_sem },
	{ "abba_psem_flock", run_abba_psem_flock },
	{ "both_orders_mutex_flock", run_both_orders_mutex_flock },
	{ "both_orders_sem_psem", run_both_orders_sem_psem },
};

SUBJECT_MAIN(variants)
