/* SPDX-License-Identifier: Apache-2.0 */
/* Threads started, joined, detached, cancelled, left by their first one and forked from; joined in
 * a circle, and by one who has what they need. */
#include "subject_posix.h"

#include <string.h>

enum { N_THREADS = 4, N_CIRCLE = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t done;
static int ends[2];
static pthread_t circle[N_CIRCLE];
static atomic_int n_started;

static int square(int who)
{
	return who * who;
}

static int run_right(int argc, char **argv)
{
	pthread_t threads[N_THREADS];

	(void)argc, (void)argv;
	for (int i = 0; i < N_THREADS; i++)
		threads[i] = start_thread(square, i);
	for (int i = 0; i < N_THREADS; i++)
		EXPECT(join_thread(threads[i]) == i * i);
	EXPECT(pthread_join(pthread_self(), NULL) == EDEADLK);
	return 0;
}

static int tell_done(int who)
{
	post_psem(&done);
	return who;
}

static int run_detached(int argc, char **argv)
{
	(void)argc, (void)argv;
	CHECK(sem_init(&done, 0, 0));
	for (int i = 0; i < N_THREADS; i++)
		CHECK_NUMBER(pthread_detach(start_thread(tell_done, i)));
	for (int i = 0; i < N_THREADS; i++)
		wait_psem(&done);
	return 0;
}

/* Its end is waited for, but nobody takes its result: the process's end does. */
static int run_never_joined(int argc, char **argv)
{
	(void)argc, (void)argv;
	CHECK(sem_init(&done, 0, 0));
	start_thread(tell_done, 0);
	wait_psem(&done);
	return 0;
}

static void give_back(void *taken)
{
	unlock_mutex(taken);
}

/* It waits for a byte that nobody writes, with the lock in hand. */
static int read_for_ever(int who)
{
	char byte;

	lock_mutex(&mutex);
	pthread_cleanup_push(give_back, &mutex);
	read_full(ends[0], &byte, 1);
	pthread_cleanup_pop(0);
	return who;
}

static int run_cancelled(int argc, char **argv)
{
	pthread_t thread;

	(void)argc, (void)argv;
	make_pipe(ends);
	thread = start_thread(read_for_ever, 0);
	CHECK_NUMBER(pthread_cancel(thread));
	EXPECT(join_thread(thread) == (int)(intptr_t)PTHREAD_CANCELED);
	lock_mutex(&mutex);
	unlock_mutex(&mutex);
	return 0;
}

static int write_last(int who)
{
	write_full(ends[1], "x", 1);
	_exit(who);
}

/* The first thread leaves, another one ends the process. */
static int leave_to_other(int who)
{
	start_thread(write_last, who);
	pthread_exit(NULL);
}

static int run_first_leaves(int argc, char **argv)
{
	char byte;

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(ends);
	spawn(leave_to_other, 0);
	close_end(&ends[1]);
	EXPECT(read_full(ends[0], &byte, 1) == 1);
	return reap_all();
}

static int write_once(int who)
{
	lock_mutex(&mutex);
	write_full(ends[1], "x", 1);
	unlock_mutex(&mutex);
	return who;
}

/* The child has a copy of this thread alone. */
static int fork_one(int who)
{
	return reap(spawn(write_once, who));
}

static int run_forks(int argc, char **argv)
{
	char bytes[2];

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(ends);
	EXPECT(join_thread(start_thread(fork_one, 0)) == 0);
	EXPECT(join_thread(start_thread(write_once, 0)) == 0);
	EXPECT(read_full(ends[0], bytes, sizeof(bytes)) == sizeof(bytes));
	EXPECT(memcmp(bytes, "xx", sizeof(bytes)) == 0);
	return 0;
}

static int join_next(int who)
{
	await_flag(&n_started, 1);
	return join_thread(circle[(who + 1) % N_CIRCLE]);
}

/* Two would be told EDEADLK, three are not. */
static int run_joined_in_circle(int argc, char **argv)
{
	(void)argc, (void)argv;
	circle[0] = pthread_self();
	for (int i = 1; i < N_CIRCLE; i++)
		circle[i] = start_thread(join_next, i);
	raise_flag(&n_started);
	return join_next(0);
}

static int use_lock(int who)
{
	lock_mutex(&mutex);
	unlock_mutex(&mutex);
	return who;
}

static int run_joiner_has_lock(int argc, char **argv)
{
	pthread_t thread;

	(void)argc, (void)argv;
	lock_mutex(&mutex);
	thread = start_thread(use_lock, 0);
	EXPECT(join_thread(thread) == 0);
	unlock_mutex(&mutex);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "detached", run_detached },
	{ "never_joined", run_never_joined },
	{ "cancelled", run_cancelled },
	{ "first_leaves", run_first_leaves },
	{ "forks", run_forks },
	{ "joined_in_circle", run_joined_in_circle },
	{ "joiner_has_lock", run_joiner_has_lock },
};

SUBJECT_MAIN(variants)
