/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables in shared memory: what is lost, who is woken, and what a death leaves. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec past = { .tv_sec = 1 };

static pthread_cond_t *make(clockid_t clock)
{
	pthread_cond_t *cond = kt_shared(sizeof(*cond));
	pthread_condattr_t attr;

	ck_assert_int_eq(pthread_condattr_init(&attr), 0);
	ck_assert_int_eq(pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	ck_assert_int_eq(pthread_condattr_setclock(&attr, clock), 0);
	ck_assert_int_eq(pthread_cond_init(cond, &attr), 0);
	return cond;
}

static pthread_mutex_t *make_mutex(void)
{
	return kt_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
}

/* Forks a child that waits once, expects `result`, and is blocked in that when we return. */
static pid_t fork_waiter(pthread_cond_t *cond, pthread_mutex_t *mutex, int result)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_cond_wait(cond, mutex) == result);
		KT_CHILD(pthread_mutex_unlock(mutex) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(a_signal_before_the_wait_is_lost)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pid;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_cond_signal(cond), 0);
	ck_assert_int_eq(pthread_cond_broadcast(cond), 0);
	pid = fork_waiter(cond, mutex, 0);
	kt_measured("after three signals and a broadcast the next one waits");
	kt_kill(pid);
}
END_TEST

START_TEST(a_signal_wakes_one_and_a_broadcast_all)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pids[4];
	pid_t woken;

	for (int i = 0; i < 4; i++)
		pids[i] = fork_waiter(cond, mutex, 0);
	ck_assert_int_eq(pthread_cond_signal(cond), 0);
	woken = waitpid(-1, NULL, 0);
	for (int i = 0; i < 4; i++) {
		if (pids[i] != woken)
			kt_wait_blocked(pids[i], SYS_futex);
	}
	ck_assert_int_eq(pthread_cond_broadcast(cond), 0);
	for (int i = 0; i < 4; i++) {
		if (pids[i] != woken)
			kt_join(pids[i]);
	}
}
END_TEST

START_TEST(the_woken_one_waits_for_the_mutex)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pid = fork_waiter(cond, mutex, 0);

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_cond_signal(cond), 0);
	/* We go on, and could change the condition again. */
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(mutex->__data.__owner, getpid());
	kt_measured("the signaller goes on and keeps the mutex");
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	kt_join(pid);
}
END_TEST

START_TEST(the_wait_gives_the_mutex_away)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pid = fork_waiter(cond, mutex, 0);

	ck_assert_int_eq(pthread_mutex_trylock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	/* A signal needs no mutex. */
	ck_assert_int_eq(pthread_cond_signal(cond), 0);
	kt_join(pid);
}
END_TEST

static struct kt_gate handled;

static void post_handled(int signo)
{
	(void)signo;
	kt_gate_post(&handled);
}

START_TEST(a_handler_does_not_end_the_wait)
{
	struct sigaction action = { .sa_handler = post_handled };
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pid;

	kt_gate_make(&handled);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	pid = fork_waiter(cond, mutex, 0);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_gate_await(&handled);
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("still waits after a handler without SA_RESTART");
	ck_assert_int_eq(pthread_cond_signal(cond), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_moment_that_is_past_gives_etimedout_and_the_mutex)
{
	pthread_cond_t *cond = make(CLOCK_MONOTONIC);
	pthread_mutex_t *mutex = make_mutex();

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_cond_timedwait(cond, mutex, &past), ETIMEDOUT);
	ck_assert_int_eq(mutex->__data.__owner, gettid());
	ck_assert_int_eq(pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, &past), ETIMEDOUT);
	ck_assert_int_eq(mutex->__data.__owner, gettid());
}
END_TEST

START_TEST(a_wait_without_the_mutex_gives_eperm)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);

	/* As the mutex checks: with a normal one it would wait. */
	ck_assert_int_eq(pthread_cond_wait(cond, make_mutex()), EPERM);
}
END_TEST

START_TEST(a_robust_mutex_tells_the_waiter_of_a_death)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = kt_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
	pid_t waiter = kt_fork();
	pid_t pid;

	if (!waiter) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_cond_wait(cond, mutex) == EOWNERDEAD);
		KT_CHILD(pthread_mutex_consistent(mutex) == 0);
		_exit(0);
	}
	kt_wait_blocked(waiter, SYS_futex);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_cond_signal(cond) == 0);
		_exit(0);
	}
	kt_join(pid);
	kt_join(waiter);
}
END_TEST

START_TEST(the_death_of_a_waiter_takes_no_signal)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t dead = fork_waiter(cond, mutex, 0);
	pid_t pid = fork_waiter(cond, mutex, 0);

	kt_kill(dead);
	ck_assert_int_eq(pthread_cond_broadcast(cond), 0);
	kt_join(pid);
}
END_TEST

START_TEST(destroy_waits_for_a_waiter_that_is_dead)
{
	pthread_cond_t *cond = make(CLOCK_REALTIME);
	pthread_mutex_t *mutex = make_mutex();
	pid_t pid = fork_waiter(cond, mutex, 0);

	kt_kill(pid);
	pid = kt_fork();
	if (!pid) {
		pthread_cond_destroy(cond);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("pthread_cond_destroy() waits");
	kt_kill(pid);
}
END_TEST

Suite *cond_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_signal_before_the_wait_is_lost,
			"A condition variable remembers a signal.",
			"It has no memory: a semaphore has. Look at the condition with the mutex held, and only then wait."),
		KT_TEST(a_signal_wakes_one_and_a_broadcast_all),
		KT_CLAIM(
			the_woken_one_waits_for_the_mutex,
			"pthread_cond_signal() hands the mutex to the one that waits.",
			"The woken one has to lock it again, and until then anybody may make the condition false: hence `while` and not `if`. (Hoare's monitors handed over; these are Mesa's.)"),
		KT_TEST(the_wait_gives_the_mutex_away),
		KT_CLAIM(a_handler_does_not_end_the_wait, "pthread_cond_wait() can return EINTR.",
			 "Neither it nor the locks of pthreads do."),
		KT_TEST(a_moment_that_is_past_gives_etimedout_and_the_mutex),
		KT_TEST(a_wait_without_the_mutex_gives_eperm),
		KT_TEST(a_robust_mutex_tells_the_waiter_of_a_death),
		KT_TEST(the_death_of_a_waiter_takes_no_signal),
		KT_CLAIM(
			destroy_waits_for_a_waiter_that_is_dead,
			"Who dies in a wait leaves nothing behind.",
			"It stays counted as a waiter in the condition variable, and pthread_cond_destroy() waits for it for ever."),
	};

	return kt_suite("cond", tests, SUITE_COUNT(tests));
}
