/* SPDX-License-Identifier: Apache-2.0 */
/* Readers and writers of a pair of numbers that must be equal: two right ways, and a reader that
 * nobody keeps out. */
#include "subject.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/sem.h>

enum { ACCESS, COUNT_LOCK, N_SEMS };
enum { N_READERS = 3, N_WRITERS = 2, N_ROUNDS = 10 };

struct pair {
	volatile int first;
	volatile int second;
	int n_inside;         /* readers, for the way that counts them */
	atomic_bool half_way; /* the writer has written one of the two */
	atomic_bool was_read;
};

static struct pair *pair;
static int set;

static void write_pair(void)
{
	pair->first++;
	sched_yield();
	pair->second++;
}

static bool read_pair(void)
{
	int first = pair->first;

	sched_yield();
	return pair->second == first;
}

/* One semaphore with a place for each reader: a writer takes all places. Each gives back what it
 * took, even in death. */
static int place_reader(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		sem_change(set, ACCESS, -1, SEM_UNDO);
		EXPECT(read_pair());
		sem_change(set, ACCESS, 1, SEM_UNDO);
	}
	return who;
}

static int place_writer(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		sem_change(set, ACCESS, -N_READERS, SEM_UNDO);
		write_pair();
		sem_change(set, ACCESS, N_READERS, SEM_UNDO);
	}
	return who;
}

static void make_pair(int access_value)
{
	set = make_sem(IPC_PRIVATE, N_SEMS, 1);
	CHECK(semctl(set, ACCESS, SETVAL, (union semun){ .val = access_value }));
	pair = make_shared(sizeof(*pair));
}

static int run_all(int (*reader)(int), int (*writer)(int))
{
	for (int i = 0; i < N_WRITERS; i++)
		spawn(writer, 0);
	for (int i = 0; i < N_READERS; i++)
		spawn(reader, 0);
	return reap_all() || pair->first != N_WRITERS * N_ROUNDS || !read_pair();
}

static int run_places(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_pair(N_READERS);
	return run_all(place_reader, place_writer);
}

/* The first reader in takes the access, the last one out gives it back: often another process, so
 * without SEM_UNDO. */
static int counted_reader(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		sem_change(set, COUNT_LOCK, -1, SEM_UNDO);
		if (pair->n_inside++ == 0)
			sem_change(set, ACCESS, -1, 0);
		sem_change(set, COUNT_LOCK, 1, SEM_UNDO);
		EXPECT(read_pair());
		sem_change(set, COUNT_LOCK, -1, SEM_UNDO);
		if (--pair->n_inside == 0)
			sem_change(set, ACCESS, 1, 0);
		sem_change(set, COUNT_LOCK, 1, SEM_UNDO);
	}
	return who;
}

static int counted_writer(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		sem_change(set, ACCESS, -1, 0);
		write_pair();
		sem_change(set, ACCESS, 1, 0);
	}
	return who;
}

/* The root gives the access with a V: so it is a baton from the first moment, and no lock that its
 * taker must release. */
static int run_counted(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_pair(0);
	sem_change(set, ACCESS, 1, 0);
	return run_all(counted_reader, counted_writer);
}

static int torn_writer(int who)
{
	pair->first++;
	pair->half_way = true;
	while (!pair->was_read)
		sched_yield();
	pair->second++;
	return who;
}

static int hasty_reader(int who)
{
	bool equal;

	while (!pair->half_way)
		sched_yield();
	equal = read_pair();
	pair->was_read = true;
	EXPECT(equal);
	return who;
}

static int run_torn_read(int argc, char **argv)
{
	(void)argc, (void)argv;
	pair = make_shared(sizeof(*pair));
	spawn(torn_writer, 0);
	spawn(hasty_reader, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "places", run_places },
	{ "counted", run_counted },
	{ "torn_read", run_torn_read },
};

SUBJECT_MAIN(variants)
