/* SPDX-License-Identifier: Apache-2.0 */
/* Producer and consumer on a bounded store: with one binary semaphore, with two counting ones, and
 * two mistakes. */
#include "subject.h"

#include <sched.h>
#include <sys/sem.h>

enum { MUTEX, EMPTY, FULL, N_SEMS };
enum { CAPACITY = 4, N_ITEMS = 30, ROOM = 64 };

/* The ring has more room than its capacity, so that overrunning it harms nothing else. */
struct store {
	int items[ROOM];
	int n_put;
	int n_taken;
	int most; /* the most that was ever in it */
};

static struct store *store;
static int set;

static void make_store(void)
{
	set = make_sem(IPC_PRIVATE, N_SEMS, 0);
	CHECK(semctl(set, MUTEX, SETVAL, (union semun){ .val = 1 }));
	CHECK(semctl(set, EMPTY, SETVAL, (union semun){ .val = CAPACITY }));
	store = make_shared(sizeof(*store));
}

static int n_stored(void)
{
	return store->n_put - store->n_taken;
}

static void put(int item)
{
	store->items[store->n_put % ROOM] = item;
	store->n_put++;
	if (n_stored() > store->most)
		store->most = n_stored();
}

static int take(void)
{
	int item = store->items[store->n_taken % ROOM];

	store->n_taken++;
	return item;
}

static void lock(void)
{
	sem_change(set, MUTEX, -1, SEM_UNDO);
}

static void unlock(void)
{
	sem_change(set, MUTEX, 1, SEM_UNDO);
}

/* The counting semaphores bear no SEM_UNDO: what was put is there whether the producer lives or
 * not. */
static int counting_producer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		sem_change(set, EMPTY, -1, 0);
		lock();
		put(i);
		unlock();
		sem_change(set, FULL, 1, 0);
	}
	return who;
}

static int counting_consumer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		sem_change(set, FULL, -1, 0);
		lock();
		EXPECT(take() == i);
		unlock();
		sem_change(set, EMPTY, 1, 0);
	}
	return who;
}

static int finish(void)
{
	if (reap_all())
		return 1;
	return n_stored() != 0 || store->most > CAPACITY;
}

static int run_counting(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	spawn(counting_producer, 0);
	spawn(counting_consumer, 0);
	return finish();
}

static int binary_producer(int who)
{
	for (int i = 0; i < N_ITEMS;) {
		lock();
		if (n_stored() < CAPACITY)
			put(i++);
		unlock();
		sched_yield();
	}
	return who;
}

static int binary_consumer(int who)
{
	for (int i = 0; i < N_ITEMS;) {
		lock();
		if (n_stored() > 0)
			EXPECT(take() == i++);
		unlock();
		sched_yield();
	}
	return who;
}

static int run_binary(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	spawn(binary_producer, 0);
	spawn(binary_consumer, 0);
	return finish();
}

/* Waits for an item with the mutex in hand, which the producer needs to bring one. */
static int mutex_first_consumer(int who)
{
	lock();
	sem_change(set, FULL, -1, 0);
	take();
	unlock();
	sem_change(set, EMPTY, 1, 0);
	return who;
}

static int run_mutex_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	wait_blocked(spawn(mutex_first_consumer, 0), IN_SEMOP);
	spawn(counting_producer, 0);
	return finish();
}

/* Never asks whether there is room. */
static int careless_producer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		lock();
		put(i);
		unlock();
		sem_change(set, FULL, 1, 0);
	}
	return who;
}

/* The consumer starts late: everything is in the store by then. */
static int run_overrun(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	spawn(careless_producer, 0);
	if (reap_all())
		return 1;
	spawn(counting_consumer, 0);
	return finish();
}

static const struct variant variants[] = {
	{ "counting", run_counting },
	{ "binary", run_binary },
	{ "mutex_first", run_mutex_first },
	{ "overrun", run_overrun },
};

SUBJECT_MAIN(variants)
