/* SPDX-License-Identifier: Apache-2.0 */
/* Barriers and spin locks in shared memory. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t *make(unsigned int n)
{
	pthread_barrier_t *barrier = kt_shared(sizeof(*barrier));
	pthread_barrierattr_t attr;

	ck_assert_int_eq(pthread_barrierattr_init(&attr), 0);
	ck_assert_int_eq(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	ck_assert_int_eq(pthread_barrier_init(barrier, &attr, n), 0);
	return barrier;
}

static pid_t fork_arriving(pthread_barrier_t *barrier)
{
	pid_t pid = kt_fork();

	if (!pid) {
		int got = pthread_barrier_wait(barrier);

		KT_CHILD(got == 0 || got == PTHREAD_BARRIER_SERIAL_THREAD);
		_exit(got == 0 ? 0 : 1);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(it_opens_for_the_last_one_and_one_is_told)
{
	pthread_barrier_t *barrier = make(3);
	int n_told = 0;

	for (int round = 0; round < 3; round++) {
		pid_t first = fork_arriving(barrier);
		pid_t second = fork_arriving(barrier);

		n_told += pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
		n_told += WEXITSTATUS(kt_wait(first)) == 1;
		n_told += WEXITSTATUS(kt_wait(second)) == 1;
	}
	/* Once a round, and it can be used again at once. */
	ck_assert_int_eq(n_told, 3);
}
END_TEST

START_TEST(one_that_died_there_counts_as_arrived)
{
	pthread_barrier_t *barrier = make(2);
	pid_t pid = fork_arriving(barrier);
	int got;

	kt_kill(pid);
	got = pthread_barrier_wait(barrier);
	kt_measured("of two, with one dead: the other goes through");
	ck_assert_int_eq(got, PTHREAD_BARRIER_SERIAL_THREAD);
}
END_TEST

START_TEST(one_that_died_before_it_stops_all)
{
	pthread_barrier_t *barrier = make(2);
	pid_t pid = fork_arriving(barrier);

	/* The other one never comes, and nobody is told. */
	kt_wait_blocked(pid, SYS_futex);
	kt_kill(pid);
}
END_TEST

START_TEST(a_count_of_0_gives_einval)
{
	pthread_barrier_t barrier;

	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 0), EINVAL);
}
END_TEST

static pthread_spinlock_t *make_spin(void)
{
	pthread_spinlock_t *spin = kt_shared(sizeof(*spin));

	ck_assert_int_eq(pthread_spin_init(spin, PTHREAD_PROCESS_SHARED), 0);
	return spin;
}

START_TEST(a_spin_lock_excludes_and_its_owner_is_not_known)
{
	pthread_spinlock_t *spin = make_spin();
	pid_t pid = kt_fork();
	int error;

	if (!pid) {
		KT_CHILD(pthread_spin_lock(spin) == 0);
		_exit(0);
	}
	kt_join(pid);
	error = pthread_spin_trylock(spin);
	kt_measured("trylock after the owner's exit: %s", kt_errno(error));
	ck_assert_int_eq(error, EBUSY);
	/* Anybody may open it. */
	ck_assert_int_eq(pthread_spin_unlock(spin), 0);
	ck_assert_int_eq(pthread_spin_trylock(spin), 0);
}
END_TEST

/* Clock ticks that the process has used. */
static unsigned long ticks_of(pid_t pid)
{
	unsigned long user = 0;
	char path[64];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	n = fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &user);
	fclose(f);
	ck_assert_int_eq(n, 1);
	return user;
}

START_TEST(who_waits_for_a_spin_lock_burns_the_processor)
{
	pthread_spinlock_t *spin = make_spin();
	unsigned long used = 0;
	pid_t pid;

	ck_assert_int_eq(pthread_spin_lock(spin), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_spin_lock(spin) == 0);
		_exit(0);
	}
	/* It makes no call, so it is never seen blocked: it uses time. */
	while (used < 2) {
		sched_yield();
		used = ticks_of(pid);
	}
	kt_measured("used %lu clock ticks or more while it waited", used);
	ck_assert_int_eq(pthread_spin_unlock(spin), 0);
	kt_join(pid);
}
END_TEST

Suite *barrier_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(it_opens_for_the_last_one_and_one_is_told),
		KT_CLAIM(
			one_that_died_there_counts_as_arrived,
			"A barrier waits for as many processes as live.",
			"It counts calls. One that was killed while it waited counts; one that died before never comes, and the others wait for ever."),
		KT_TEST(one_that_died_before_it_stops_all),
		KT_TEST(a_count_of_0_gives_einval),
		KT_CLAIM(a_spin_lock_excludes_and_its_owner_is_not_known,
			 "A spin lock is released when its owner dies.",
			 "Not even its owner is written down."),
		KT_CLAIM(
			who_waits_for_a_spin_lock_burns_the_processor,
			"Spinning is cheaper than sleeping.",
			"While the owner runs on another processor and is quick. Otherwise the waiter takes from it the time that it needs to finish."),
	};

	return kt_suite("barrier", tests, SUITE_COUNT(tests));
}
