/* SPDX-License-Identifier: Apache-2.0 */
/* Priority inheritance: the owner of a mutex runs with the priority of the most urgent waiter. */
#include "kernel_test.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { URGENT = 10, ORDINARY_SHOWN = 20, URGENT_SHOWN = -1 - URGENT };

static pthread_mutex_t *make(int protocol)
{
	pthread_mutex_t *mutex = kt_shared(sizeof(*mutex));
	pthread_mutexattr_t attr;

	ck_assert_int_eq(pthread_mutexattr_init(&attr), 0);
	ck_assert_int_eq(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	ck_assert_int_eq(pthread_mutexattr_setprotocol(&attr, protocol), 0);
	ck_assert_int_eq(pthread_mutex_init(mutex, &attr), 0);
	return mutex;
}

/* As /proc/PID/stat shows it. */
static int priority(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	int shown = 0;
	int n;

	ck_assert_ptr_nonnull(f);
	n = fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d",
		   &shown);
	fclose(f);
	ck_assert_int_eq(n, 1);
	return shown;
}

static pid_t fork_urgent_waiter(pthread_mutex_t *mutex)
{
	pid_t pid = kt_fork();

	if (!pid) {
		struct sched_param urgent = { .sched_priority = URGENT };

		if (sched_setscheduler(0, SCHED_FIFO, &urgent) < 0)
			_exit(1);
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		KT_CHILD(pthread_mutex_unlock(mutex) == 0);
		_exit(0);
	}
	return pid;
}

static bool may_be_urgent(void)
{
	struct sched_param urgent = { .sched_priority = URGENT };
	struct sched_param none = { 0 };

	return sched_setscheduler(0, SCHED_FIFO, &urgent) == 0 &&
	       sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

struct protocol_row {
	const char *name;
	int protocol;
	int shown;
};

static const struct protocol_row protocol_rows[] = {
	{ "none", PTHREAD_PRIO_NONE, ORDINARY_SHOWN },
	{ "inherit", PTHREAD_PRIO_INHERIT, URGENT_SHOWN },
};

START_TEST(the_owner_runs_as_urgent_as_its_waiter)
{
	const struct protocol_row *row = &protocol_rows[_i];
	pthread_mutex_t *mutex = make(row->protocol);
	pid_t pid;

	if (!may_be_urgent() || priority() != ORDINARY_SHOWN)
		suite_skip("SCHED_FIFO is not allowed here, or this is not run with nice 0");
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = fork_urgent_waiter(mutex);
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("protocol %s: the owner's priority %d", row->name, priority());
	ck_assert_int_eq(priority(), row->shown);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	ck_assert_int_eq(priority(), ORDINARY_SHOWN);
	kt_join(pid);
}
END_TEST

START_TEST(unlock_of_an_inheriting_one_hands_over)
{
	pthread_mutex_t *mutex = make(PTHREAD_PRIO_INHERIT);
	struct kt_gate go;
	pid_t pid;

	kt_gate_make(&go);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == 0);
		kt_gate_await(&go);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	/* The kernel has made the waiter its owner within our unlock. */
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EBUSY);
	ck_assert_int_eq(mutex->__data.__lock & FUTEX_TID_MASK, pid);
	kt_gate_post(&go);
	kt_join(pid);
}
END_TEST

Suite *mutex_priority_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM_ROWS(
			the_owner_runs_as_urgent_as_its_waiter, protocol_rows,
			"The kernel saves an urgent process from waiting for a lesser one.",
			"Only at a mutex with PTHREAD_PRIO_INHERIT: its owner is raised to the waiter's priority until it unlocks. Semaphores and other mutexes invert priorities."),
		KT_TEST(unlock_of_an_inheriting_one_hands_over),
	};

	return kt_suite("mutex_priority", tests, SUITE_COUNT(tests));
}
