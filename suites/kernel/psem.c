/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX semaphores in shared memory: values, time, who gets it, and what death restores. */
#include "kernel_test.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static sem_t *make(int shared, unsigned int value)
{
	sem_t *sem = kt_shared(sizeof(*sem));

	ck_assert_int_eq(sem_init(sem, shared, value), 0);
	return sem;
}

static int value_of(sem_t *sem)
{
	int value = -1;

	ck_assert_int_eq(sem_getvalue(sem, &value), 0);
	return value;
}

/* 0 or -errno. */
static int try(sem_t *sem)
{
	return sem_trywait(sem) < 0 ? -errno : 0;
}

/* Forks a child that takes it once, and is blocked in that when we return. */
static pid_t fork_waiter(sem_t *sem)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(sem_wait(sem) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(process_shared_it_wakes_another_process)
{
	sem_t *sem = make(1, 0);
	pid_t pid = fork_waiter(sem);

	ck_assert_int_eq(sem_post(sem), 0);
	kt_join(pid);
	ck_assert_int_eq(value_of(sem), 0);
}
END_TEST

START_TEST(not_process_shared_it_counts_there_and_wakes_nobody)
{
	sem_t *sem = make(0, 0);
	pid_t pid = fork_waiter(sem);

	ck_assert_int_eq(sem_post(sem), 0);
	/* The value is there for all, but the waiter is not found. */
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(value_of(sem), 1);
	kt_measured("value %d, and the waiter still waits", value_of(sem));
	kt_kill(pid);
}
END_TEST

START_TEST(death_while_holding_restores_nothing)
{
	sem_t *sem = make(1, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(sem_wait(sem) == 0);
		kill(getpid(), SIGKILL);
	}
	kt_wait(pid);
	kt_measured("value %d after the holder's death", value_of(sem));
	ck_assert_int_eq(value_of(sem), 0);
	ck_assert_int_eq(try(sem), -EAGAIN);
	pid = fork_waiter(sem);
	kt_kill(pid);
}
END_TEST

START_TEST(nobody_owns_it)
{
	sem_t *sem = make(1, 1);
	pid_t pid;

	ck_assert_int_eq(sem_wait(sem), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(sem_post(sem) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_measured("sem_post() by another process: value %d", value_of(sem));
	ck_assert_int_eq(value_of(sem), 1);
}
END_TEST

START_TEST(a_post_is_remembered)
{
	sem_t *sem = make(1, 0);

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sem_post(sem), 0);
	ck_assert_int_eq(value_of(sem), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(try(sem), 0);
	ck_assert_int_eq(try(sem), -EAGAIN);
}
END_TEST

START_TEST(getvalue_is_never_below_0)
{
	sem_t *sem = make(1, 0);
	pid_t pids[2];

	for (int i = 0; i < 2; i++)
		pids[i] = fork_waiter(sem);
	kt_measured("%d with two waiters", value_of(sem));
	ck_assert_int_eq(value_of(sem), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(sem_post(sem), 0);
	for (int i = 0; i < 2; i++)
		kt_join(pids[i]);
}
END_TEST

START_TEST(the_highest_value_is_int_max_and_a_post_above_it_fails)
{
	sem_t *sem = make(1, SEM_VALUE_MAX);

	ck_assert_int_eq(SEM_VALUE_MAX, INT_MAX);
	ck_assert(sem_post(sem) == -1 && errno == EOVERFLOW);
	ck_assert_int_eq(value_of(sem), SEM_VALUE_MAX);
	ck_assert(sem_init(sem, 1, (unsigned int)SEM_VALUE_MAX + 1) == -1 && errno == EINVAL);
}
END_TEST

START_TEST(a_moment_that_is_past_gives_etimedout)
{
	const struct timespec past = { .tv_sec = 1 };
	sem_t *sem = make(1, 0);

	ck_assert(sem_timedwait(sem, &past) == -1 && errno == ETIMEDOUT);
	ck_assert(sem_clockwait(sem, CLOCK_MONOTONIC, &past) == -1 && errno == ETIMEDOUT);
	ck_assert(sem_clockwait(sem, CLOCK_REALTIME, &past) == -1 && errno == ETIMEDOUT);
	/* No other clocks. */
	ck_assert(sem_clockwait(sem, CLOCK_BOOTTIME, &past) == -1 && errno == EINVAL);
	ck_assert_int_eq(sem_post(sem), 0);
	ck_assert_int_eq(sem_timedwait(sem, &past), 0);
}
END_TEST

START_TEST(sem_timedwait_uses_the_real_time)
{
	struct timespec soon;
	sem_t *sem = make(1, 0);

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &soon), 0);
	soon.tv_sec += 1000;
	/* A thousand seconds from now of the other clock are years ago. */
	ck_assert_int_eq(sem_timedwait(sem, &soon), -1);
	kt_measured("CLOCK_MONOTONIC's time in 1000 s gave %s at once", kt_errno(errno));
	ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

START_TEST(a_bad_time_gives_einval_only_where_it_blocks)
{
	const struct timespec bad = { .tv_nsec = 1000000000 };
	sem_t *sem = make(1, 1);

	ck_assert(sem_timedwait(sem, &bad) == -1 && errno == EINVAL);
	ck_assert_int_eq(value_of(sem), 1);
}
END_TEST

/* Whether the one who posts can take it again from under the one who waits. */
static bool snatched(void)
{
	sem_t *sem = make(1, 0);
	bool taken;
	pid_t pid = kt_fork();

	if (!pid) {
		struct sched_param none = { 0 };

		/* Of this kind none pushes us from the CPU at the moment that we post. */
		KT_CHILD(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
		KT_CHILD(sem_wait(sem) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(sem_post(sem), 0);
	taken = try(sem) == 0;
	if (taken) {
		kt_wait_blocked(pid, SYS_futex);
		ck_assert_int_eq(sem_post(sem), 0);
	}
	kt_join(pid);
	return taken;
}

START_TEST(a_post_does_not_hand_over)
{
	enum { MAX_TRIES = 200 };

	kt_pin();
	for (int i = 0; i < MAX_TRIES; i++) {
		if (snatched()) {
			kt_measured("the poster took it again, the waiter went on waiting");
			return;
		}
	}
	ck_abort_msg("in %d tries the waiter always got it", MAX_TRIES);
}
END_TEST

START_TEST(the_kernel_wakes_the_one_that_waits_longest)
{
	sem_t *sem = make(1, 0);
	pid_t pids[3];

	for (int i = 0; i < 3; i++)
		pids[i] = fork_waiter(sem);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sem_post(sem), 0);
		kt_join(pids[i]);
	}
}
END_TEST

static void post_and_wait(void *arg)
{
	if (sem_post(arg) < 0 || sem_wait(arg) < 0)
		syscall(SYS_exit, 1);
}

START_TEST(without_contention_it_makes_no_system_call)
{
	sem_t *sem = make(1, 0);
	bool none = kt_needs_no_system_call(post_and_wait, sem);

	kt_measured("%s", none ? "wait and post lived under strict seccomp" : "killed by seccomp");
	ck_assert(none);
}
END_TEST

static sem_t *posted_by_handler;

static void post_in_handler(int signo)
{
	(void)signo;
	sem_post(posted_by_handler);
}

START_TEST(a_handler_may_post_for_its_own_thread)
{
	struct sigaction action = { .sa_handler = post_in_handler, .sa_flags = SA_RESTART };
	pid_t pid;

	posted_by_handler = make(1, 0);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	pid = fork_waiter(posted_by_handler);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_join(pid);
}
END_TEST

START_TEST(the_death_of_a_waiter_takes_no_post)
{
	sem_t *sem = make(1, 0);
	pid_t pid = fork_waiter(sem);

	kt_kill(pid);
	ck_assert_int_eq(sem_post(sem), 0);
	ck_assert_int_eq(try(sem), 0);
}
END_TEST

Suite *psem_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(process_shared_it_wakes_another_process),
		KT_CLAIM(
			not_process_shared_it_counts_there_and_wakes_nobody,
			"In shared memory any semaphore works between processes.",
			"Without `pshared` it seems to: the value is shared, so it works until somebody has to wait. That one is never woken."),
		KT_CLAIM(
			death_while_holding_restores_nothing,
			"The kernel gives back the semaphores of a dead process.",
			"Not POSIX ones: they are memory, and nobody knows who took what. The next one waits for ever. (System V has SEM_UNDO, mutexes can be robust.)"),
		KT_CLAIM(nobody_owns_it, "Only the process that took it may post it.",
			 "Anybody may; that is what tells it from a mutex."),
		KT_TEST(a_post_is_remembered),
		KT_CLAIM(getvalue_is_never_below_0,
			 "A negative value is the number of those who wait.",
			 "So said Dijkstra's followers, and POSIX allows it; Linux shows 0."),
		KT_TEST(the_highest_value_is_int_max_and_a_post_above_it_fails),
		KT_TEST(a_moment_that_is_past_gives_etimedout),
		KT_CLAIM(
			sem_timedwait_uses_the_real_time, "sem_timedwait() takes any clock's time.",
			"CLOCK_REALTIME's. For the clock that nobody sets there is sem_clockwait()."),
		KT_TEST(a_bad_time_gives_einval_only_where_it_blocks),
		KT_CLAIM(
			a_post_does_not_hand_over,
			"sem_post() gives the semaphore to the one that waits longest.",
			"It raises the value and wakes one. Before that one runs anybody may take it, first of all the poster itself. (A System V semaphore is handed over.)"),
		KT_TEST(the_kernel_wakes_the_one_that_waits_longest),
		KT_CLAIM(
			without_contention_it_makes_no_system_call,
			"Each P and V is a system call.",
			"System V's are. A POSIX semaphore that is free is taken in memory; so a tracer of system calls sees nothing of it."),
		KT_TEST(a_handler_may_post_for_its_own_thread),
		KT_TEST(the_death_of_a_waiter_takes_no_post),
	};

	return kt_suite("psem", tests, SUITE_COUNT(tests));
}
