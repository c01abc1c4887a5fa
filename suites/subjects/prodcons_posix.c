/* SPDX-License-Identifier: Apache-2.0 */
/* Producer and consumer on a bounded store once more: with two POSIX semaphores and a mutex, with a
 * mutex and two conditions, and two mistakes. */
#include "subject_posix.h"

enum { CAPACITY = 4, N_ITEMS = 30 };

struct store {
	pthread_mutex_t mutex;
	pthread_cond_t not_full;
	pthread_cond_t not_empty;
	sem_t places;
	sem_t items;
	int ring[CAPACITY];
	int n_put;
	int n_taken;
};

static struct store *store;

static void make_store(void)
{
	store = map_shared(sizeof(*store));
	init_mutex(&store->mutex, MUTEX_SHARED | MUTEX_ROBUST);
	init_cond(&store->not_full, true);
	init_cond(&store->not_empty, true);
	init_psem(&store->places, CAPACITY);
	init_psem(&store->items, 0);
}

static void lock(void)
{
	lock_mutex(&store->mutex);
}

static void unlock(void)
{
	unlock_mutex(&store->mutex);
}

static void put(int item)
{
	EXPECT(store->n_put - store->n_taken < CAPACITY);
	store->ring[store->n_put++ % CAPACITY] = item;
}

static int take(void)
{
	EXPECT(store->n_put > store->n_taken);
	return store->ring[store->n_taken++ % CAPACITY];
}

static int counting_producer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		wait_psem(&store->places);
		lock();
		put(i);
		unlock();
		post_psem(&store->items);
	}
	return who;
}

static int counting_consumer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		wait_psem(&store->items);
		lock();
		EXPECT(take() == i);
		unlock();
		post_psem(&store->places);
	}
	return who;
}

static int run_counting(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	spawn(counting_producer, 0);
	spawn(counting_consumer, 0);
	return reap_all();
}

static int told_producer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		lock();
		while (store->n_put - store->n_taken == CAPACITY)
			wait_cond(&store->not_full, &store->mutex);
		put(i);
		CHECK_NUMBER(pthread_cond_signal(&store->not_empty));
		unlock();
	}
	return who;
}

static int told_consumer(int who)
{
	for (int i = 0; i < N_ITEMS; i++) {
		lock();
		while (store->n_put == store->n_taken)
			wait_cond(&store->not_empty, &store->mutex);
		EXPECT(take() == i);
		CHECK_NUMBER(pthread_cond_signal(&store->not_full));
		unlock();
	}
	return who;
}

static int run_told(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	spawn(told_producer, 0);
	spawn(told_consumer, 0);
	return reap_all();
}

/* Waits for an item with the mutex in hand, which the producer needs to bring one. */
static int mutex_first_consumer(int who)
{
	lock();
	wait_psem(&store->items);
	take();
	unlock();
	post_psem(&store->places);
	return who;
}

static int run_mutex_first(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_store();
	WAIT_ON(spawn(mutex_first_consumer, 0), &store->items);
	spawn(counting_producer, 0);
	return reap_all();
}

/* Takes it that there is an item when the wait ends, though another may have been faster. */
static int credulous_consumer(int who)
{
	lock();
	if (store->n_put == store->n_taken)
		wait_cond(&store->not_empty, &store->mutex);
	take();
	unlock();
	return who;
}

static int put_one(int who)
{
	lock();
	put(0);
	CHECK_NUMBER(pthread_cond_broadcast(&store->not_empty));
	unlock();
	return who;
}

static int run_if_not_while(int argc, char **argv)
{
	pid_t consumers[2];

	(void)argc, (void)argv;
	make_store();
	for (int i = 0; i < 2; i++)
		consumers[i] = spawn(credulous_consumer, 0);
	for (int i = 0; i < 2; i++)
		WAIT_ON(consumers[i], &store->not_empty);
	spawn(put_one, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "counting", run_counting },
	{ "told", run_told },
	{ "mutex_first", run_mutex_first },
	{ "if_not_while", run_if_not_while },
};

SUBJECT_MAIN(variants)
