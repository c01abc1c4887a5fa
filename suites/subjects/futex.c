/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes as raw system calls: a lock, an event, waiters moved from one word to another; a change
 * that nobody is told of, and a wake-up before the wait. */
#include "subject_posix.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

enum { N_WORKERS = 2, N_ROUNDS = 25, N_WAITERS = 3 };

struct shared {
	atomic_uint lock; /* 0 free, 1 taken, 2 taken and perhaps waited for */
	atomic_uint event;
	atomic_uint other;
	atomic_uint ready;
	atomic_int n_told;
	volatile int counter;
};

static struct shared *shared;

static long futex(atomic_uint *word, int operation, unsigned int value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void wait_while(atomic_uint *word, unsigned int value)
{
	if (futex(word, FUTEX_WAIT, value) == -1)
		EXPECT(errno == EAGAIN || errno == EINTR);
}

static void wake_all(atomic_uint *word)
{
	EXPECT(futex(word, FUTEX_WAKE, INT_MAX) >= 0);
}

static void lock(void)
{
	unsigned int value = 0;

	if (atomic_compare_exchange_strong(&shared->lock, &value, 1))
		return;
	while (atomic_exchange(&shared->lock, 2) != 0)
		wait_while(&shared->lock, 2);
}

static void unlock(void)
{
	if (atomic_exchange(&shared->lock, 0) == 2)
		EXPECT(futex(&shared->lock, FUTEX_WAKE, 1) >= 0);
}

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int value;

		lock();
		value = shared->counter;
		sched_yield();
		shared->counter = value + 1;
		unlock();
	}
	return who;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	shared = map_shared(sizeof(*shared));
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, 0);
	return reap_all() || shared->counter != N_WORKERS * N_ROUNDS;
}

static int waiter(int who)
{
	while (shared->event == 0)
		wait_while(&shared->event, 0);
	return who;
}

static int tell_all(int who)
{
	shared->event = 1;
	wake_all(&shared->event);
	return who;
}

static int run_event(int argc, char **argv)
{
	(void)argc, (void)argv;
	shared = map_shared(sizeof(*shared));
	for (int i = 0; i < N_WAITERS; i++)
		spawn(waiter, 0);
	spawn(tell_all, 0);
	return reap_all();
}

static int ready_waiter(int who)
{
	while (!shared->ready)
		wait_while(&shared->event, 0);
	return who;
}

/* One is woken, the others are moved to wait on another word; whom a signal kept from that finds
 * the first word changed. */
static int move_all(int who)
{
	shared->ready = 1;
	EXPECT(syscall(SYS_futex, &shared->event, FUTEX_CMP_REQUEUE, 1, (long)INT_MAX,
		       &shared->other, 0) >= 0);
	shared->event = 1;
	wake_all(&shared->other);
	wake_all(&shared->event);
	return who;
}

static int run_requeue(int argc, char **argv)
{
	pid_t waiters[N_WAITERS];

	(void)argc, (void)argv;
	shared = map_shared(sizeof(*shared));
	for (int i = 0; i < N_WAITERS; i++)
		waiters[i] = spawn(ready_waiter, 0);
	for (int i = 0; i < N_WAITERS; i++)
		WAIT_ON(waiters[i], &shared->event);
	spawn(move_all, 0);
	return reap_all();
}

/* Changes the word, tells nobody. */
static int silent_teller(int who)
{
	WAIT_ON(who, &shared->event);
	shared->event = 1;
	return 0;
}

static int run_no_wake(int argc, char **argv)
{
	(void)argc, (void)argv;
	shared = map_shared(sizeof(*shared));
	spawn(silent_teller, spawn(waiter, 0));
	return reap_all();
}

static int early_teller(int who)
{
	wake_all(&shared->event);
	raise_flag(&shared->n_told);
	return who;
}

/* The word does not say that it was told. */
static int late_waiter(int who)
{
	await_flag(&shared->n_told, 1);
	wait_while(&shared->event, 0);
	return who;
}

static int run_woken_before(int argc, char **argv)
{
	(void)argc, (void)argv;
	shared = map_shared(sizeof(*shared));
	spawn(late_waiter, 0);
	spawn(early_teller, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "event", run_event },
	{ "requeue", run_requeue },
	{ "no_wake", run_no_wake },
	{ "woken_before", run_woken_before },
};

SUBJECT_MAIN(variants)
