/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes that processes share: plain and robust ones, in one order and in two, died with, and
 * what is forgotten then. mutex_threads has those between threads. */
#include "subject_posix.h"

#include <sched.h>
#include <sys/mman.h>

enum { N_WORKERS = 3, N_ROUNDS = 25 };

struct shared {
	pthread_mutex_t mutexes[2];
	atomic_int n_taken;
	volatile int counter;
};

static struct shared *shared;
static pthread_mutex_t *mutexes;

static void make(int flags)
{
	shared = map_shared(sizeof(*shared));
	mutexes = shared->mutexes;
	for (int i = 0; i < 2; i++)
		init_mutex(&mutexes[i], MUTEX_SHARED | flags);
}

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int value;

		lock_mutex(&mutexes[who]);
		value = shared->counter;
		sched_yield();
		shared->counter = value + 1;
		unlock_mutex(&mutexes[who]);
	}
	return 0;
}

static int count_all(void)
{
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, 0);
	if (reap_all() || shared->counter != N_WORKERS * N_ROUNDS)
		return 1;
	CHECK_NUMBER(pthread_mutex_destroy(&mutexes[0]));
	CHECK_NUMBER(pthread_mutex_destroy(&mutexes[1]));
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_ROBUST);
	return count_all();
}

static int run_right_plain(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	return count_all();
}

static int run_inherit(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_ROBUST | MUTEX_INHERIT);
	return count_all();
}

static int dying_holder(int who)
{
	EXPECT(pthread_mutex_lock(&mutexes[who]) == 0);
	return 0;
}

static int heir(int who)
{
	EXPECT(pthread_mutex_lock(&mutexes[who]) == EOWNERDEAD);
	CHECK_NUMBER(pthread_mutex_consistent(&mutexes[who]));
	unlock_mutex(&mutexes[who]);
	return worker(who);
}

/* The holder dies, the next one is told, mends what it finds, and all goes on. */
static int run_robust(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_ROBUST);
	spawn(dying_holder, 0);
	if (reap_all())
		return 1;
	spawn(heir, 0);
	return reap_all();
}

static int waiting_heir(int who)
{
	await_flag(&shared->n_taken, 1);
	return heir(who);
}

static int holder_with_waiter(int who)
{
	dying_holder(0);
	raise_flag(&shared->n_taken);
	WAIT_ON(who, &mutexes[0]);
	return 0;
}

/* The next one waits already when the holder dies. */
static int run_robust_wakes(int argc, char **argv)
{
	pid_t waiter;

	(void)argc, (void)argv;
	make(MUTEX_ROBUST);
	waiter = spawn(waiting_heir, 0);
	spawn(holder_with_waiter, waiter);
	return reap_all();
}

static int ordered_worker(int who)
{
	lock_mutex(&mutexes[who]);
	lock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[who]);
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
	make(MUTEX_ROBUST);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(one_order_worker, 0);
	return reap_all();
}

/* The second lock is gone for only when both hold their first. */
static int cross_worker(int who)
{
	lock_mutex(&mutexes[who]);
	raise_flag(&shared->n_taken);
	await_flag(&shared->n_taken, 2);
	lock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[!who]);
	unlock_mutex(&mutexes[who]);
	return 0;
}

static int cross(int flags)
{
	make(flags);
	spawn(cross_worker, 0);
	spawn(cross_worker, 1);
	return reap_all();
}

static int run_abba(int argc, char **argv)
{
	(void)argc, (void)argv;
	return cross(0);
}

/* That they are robust does not help the living. */
static int run_abba_robust(int argc, char **argv)
{
	(void)argc, (void)argv;
	return cross(MUTEX_ROBUST);
}

/* One after the other, so that nothing can happen this time. */
static int run_both_orders(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	spawn(ordered_worker, 0);
	if (reap_all())
		return 1;
	spawn(ordered_worker, 1);
	return reap_all();
}

enum { ROOM = 65536 };
static char *rooms;

/* Each has the locks at an address of its own: they are the same locks all the same. */
static int moved_worker(int who)
{
	size_t size = sizeof(*shared);

	shared = mremap(shared, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, rooms + who * ROOM);
	CHECK(shared == MAP_FAILED ? -1 : 0);
	mutexes = shared->mutexes;
	return ordered_worker(who);
}

static int elsewhere(int second)
{
	make(0);
	rooms = mmap(NULL, 2 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(rooms == MAP_FAILED ? -1 : 0);
	spawn(moved_worker, 0);
	if (reap_all())
		return 1;
	spawn(moved_worker, second);
	return reap_all();
}

static int run_one_order_elsewhere(int argc, char **argv)
{
	(void)argc, (void)argv;
	return elsewhere(0);
}

static int run_both_orders_elsewhere(int argc, char **argv)
{
	(void)argc, (void)argv;
	return elsewhere(1);
}

static int run_dies_holding(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
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

/* Takes "you have it, but its owner died" for a success: nobody will ever get it again. */
static int careless_heir(int who)
{
	EXPECT(pthread_mutex_lock(&mutexes[who]) == EOWNERDEAD);
	unlock_mutex(&mutexes[who]);
	return 0;
}

static int run_owner_dead_ignored(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(MUTEX_ROBUST);
	spawn(dying_holder, 0);
	if (reap_all())
		return 1;
	spawn(careless_heir, 0);
	return reap_all();
}

/* Goes on without the lock. */
static int locked_out(int who)
{
	EXPECT(pthread_mutex_lock(&mutexes[who]) == ENOTRECOVERABLE);
	return 0;
}

static int run_not_recoverable(int argc, char **argv)
{
	if (run_owner_dead_ignored(argc, argv))
		return 1;
	spawn(locked_out, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "right_plain", run_right_plain },
	{ "inherit", run_inherit },
	{ "robust", run_robust },
	{ "robust_wakes", run_robust_wakes },
	{ "one_order", run_one_order },
	{ "abba", run_abba },
	{ "abba_robust", run_abba_robust },
	{ "both_orders", run_both_orders },
	{ "one_order_elsewhere", run_one_order_elsewhere },
	{ "both_orders_elsewhere", run_both_orders_elsewhere },
	{ "dies_holding", run_dies_holding },
	{ "orphan", run_orphan },
	{ "owner_dead_ignored", run_owner_dead_ignored },
	{ "not_recoverable", run_not_recoverable },
};

SUBJECT_MAIN(variants)
