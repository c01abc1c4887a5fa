/* SPDX-License-Identifier: Apache-2.0 */
/* Read-write locks between processes and between threads; died with by a writer and by a reader;
 * and two readers who both want to write. */
#include "subject_posix.h"

#include <sched.h>
#include <time.h>

enum { N_READERS = 3, N_WRITERS = 2, N_ROUNDS = 10 };

struct shared {
	pthread_rwlock_t lock;
	volatile int first;
	volatile int second;
	atomic_int n_inside;
};

static struct shared *shared;

static void make(int pshared, int preference)
{
	pthread_rwlockattr_t attributes;

	shared = map_shared(sizeof(*shared));
	CHECK_NUMBER(pthread_rwlockattr_init(&attributes));
	CHECK_NUMBER(pthread_rwlockattr_setpshared(&attributes, pshared));
	CHECK_NUMBER(pthread_rwlockattr_setkind_np(&attributes, preference));
	CHECK_NUMBER(pthread_rwlock_init(&shared->lock, &attributes));
	CHECK_NUMBER(pthread_rwlockattr_destroy(&attributes));
}

static void make_shared_lock(void)
{
	make(PTHREAD_PROCESS_SHARED, PTHREAD_RWLOCK_PREFER_READER_NP);
}

static void lock_read(void)
{
	CHECK_NUMBER(pthread_rwlock_rdlock(&shared->lock));
}

static void lock_write(void)
{
	CHECK_NUMBER(pthread_rwlock_wrlock(&shared->lock));
}

static void unlock(void)
{
	CHECK_NUMBER(pthread_rwlock_unlock(&shared->lock));
}

static int reader(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int first;

		lock_read();
		first = shared->first;
		sched_yield();
		EXPECT(shared->second == first);
		unlock();
	}
	return who;
}

static int writer(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		lock_write();
		shared->first++;
		sched_yield();
		shared->second++;
		unlock();
	}
	return who;
}

static int finish(void)
{
	CHECK_NUMBER(pthread_rwlock_destroy(&shared->lock));
	return shared->first != N_WRITERS * N_ROUNDS || shared->second != shared->first;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_shared_lock();
	for (int i = 0; i < N_READERS; i++)
		spawn(reader, 0);
	for (int i = 0; i < N_WRITERS; i++)
		spawn(writer, 0);
	return reap_all() || finish();
}

/* Readers that keep coming do not starve a writer here. */
static int run_prefer_writer(int argc, char **argv)
{
	pthread_t threads[N_READERS + N_WRITERS];

	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_PRIVATE, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (int i = 0; i < N_READERS + N_WRITERS; i++)
		threads[i] = start_thread(i < N_READERS ? reader : writer, 0);
	for (int i = 0; i < N_READERS + N_WRITERS; i++)
		EXPECT(join_thread(threads[i]) == 0);
	return finish();
}

static int late_writer(int who)
{
	struct timespec soon = after_ms(CLOCK_REALTIME, 1);

	EXPECT(pthread_rwlock_trywrlock(&shared->lock) == EBUSY);
	EXPECT(pthread_rwlock_timedwrlock(&shared->lock, &soon) == ETIMEDOUT);
	CHECK_NUMBER(pthread_rwlock_tryrdlock(&shared->lock));
	unlock();
	return who;
}

static int run_timed(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(PTHREAD_PROCESS_PRIVATE, PTHREAD_RWLOCK_PREFER_READER_NP);
	lock_read();
	EXPECT(join_thread(start_thread(late_writer, 0)) == 0);
	unlock();
	lock_write();
	EXPECT(pthread_rwlock_rdlock(&shared->lock) == EDEADLK);
	unlock();
	CHECK_NUMBER(pthread_rwlock_destroy(&shared->lock));
	return 0;
}

static int die_writing(int who)
{
	lock_write();
	return who;
}

static int die_reading(int who)
{
	lock_read();
	return who;
}

static int let_die(int (*body)(int who))
{
	make_shared_lock();
	spawn(body, 0);
	return reap_all();
}

static int run_dies_holding(int argc, char **argv)
{
	(void)argc, (void)argv;
	return let_die(die_writing);
}

static int run_orphan(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (let_die(die_writing))
		return 1;
	spawn(reader, 0);
	return reap_all();
}

static int run_reader_dies(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (let_die(die_reading))
		return 1;
	spawn(writer, 0);
	return reap_all();
}

/* Each keeps its place among the readers until the other has left. */
static int upgrader(int who)
{
	lock_read();
	raise_flag(&shared->n_inside);
	await_flag(&shared->n_inside, 2);
	lock_write();
	unlock();
	unlock();
	return who;
}

static int run_upgrade(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_shared_lock();
	spawn(upgrader, 0);
	spawn(upgrader, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },     { "prefer_writer", run_prefer_writer },
	{ "timed", run_timed },     { "dies_holding", run_dies_holding },
	{ "orphan", run_orphan },   { "reader_dies", run_reader_dies },
	{ "upgrade", run_upgrade },
};

SUBJECT_MAIN(variants)
