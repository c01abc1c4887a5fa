/* SPDX-License-Identifier: Apache-2.0 */
/* Robust mutexes: which deaths give EOWNERDEAD, and what the next owner has to do then. */
#include "kernel_test.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t *make(void)
{
	return kt_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
}

static void lock(void *mutex)
{
	KT_CHILD(pthread_mutex_lock(mutex) == 0);
}

static void end_by_exit(void)
{
	_exit(0);
}

static void end_by_kill(void)
{
	kill(getpid(), SIGKILL);
}

static void end_by_signal(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

/* The process goes on when only its thread has ended: the lock must be free before that. */
static void end_of_thread_only(void)
{
	syscall(SYS_exit, 0);
}

struct death_row {
	const char *name;
	void (*end)(void);
};

static const struct death_row death_rows[] = {
	{ "exit", end_by_exit },
	{ "sigkill", end_by_kill },
	{ "sigterm", end_by_signal },
	{ "exit_of_the_thread", end_of_thread_only },
};

static pid_t fork_dying(pthread_mutex_t *mutex, const struct death_row *row)
{
	pid_t pid = kt_fork();

	if (!pid) {
		lock(mutex);
		row->end();
	}
	return pid;
}

START_TEST(death_gives_eownerdead)
{
	pthread_mutex_t *mutex = make();
	int error;

	kt_wait(fork_dying(mutex, &death_rows[_i]));
	error = pthread_mutex_lock(mutex);
	kt_measured("%s: %s", death_rows[_i].name, kt_errno(error));
	ck_assert_int_eq(error, EOWNERDEAD);
}
END_TEST

START_TEST(death_is_noticed_before_anybody_waits_for_the_dead)
{
	pthread_mutex_t *mutex = make();
	pid_t pid = fork_dying(mutex, &death_rows[1]);

	kt_await_zombie(pid);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EOWNERDEAD);
	kt_wait(pid);
}
END_TEST

START_TEST(exec_gives_eownerdead)
{
	pthread_mutex_t *mutex = make();
	int end;
	pid_t pid = kt_fork_cat(lock, mutex, &end);
	int error = pthread_mutex_lock(mutex);

	/* The process lives. */
	kt_measured("while cat runs: %s", kt_errno(error));
	ck_assert_int_eq(error, EOWNERDEAD);
	ck_assert_int_eq(kill(pid, 0), 0);
	close(end);
	kt_join(pid);
}
END_TEST

static void *lock_in_thread(void *mutex)
{
	lock(mutex);
	return NULL;
}

START_TEST(the_end_of_a_thread_gives_eownerdead)
{
	pthread_mutex_t *mutex = make();
	struct kt_thread thread;

	kt_thread_start(&thread, lock_in_thread, mutex);
	kt_thread_join(&thread);
	ck_assert_int_eq(pthread_mutex_lock(mutex), EOWNERDEAD);
}
END_TEST

START_TEST(eownerdead_means_that_one_has_it)
{
	pthread_mutex_t *mutex = make();

	kt_wait(fork_dying(mutex, &death_rows[0]));
	ck_assert_int_eq(pthread_mutex_lock(mutex), EOWNERDEAD);
	kt_measured("after EOWNERDEAD the owner is %s",
		    (mutex->__data.__lock & FUTEX_TID_MASK) == gettid() ? "the caller" : "another");
	ck_assert_int_eq(mutex->__data.__lock & FUTEX_TID_MASK, gettid());
	ck_assert_int_eq(pthread_mutex_consistent(mutex), 0);
	ck_assert_int_eq(mutex->__data.__owner, gettid());
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
}
END_TEST

START_TEST(a_waiter_is_woken_with_eownerdead)
{
	struct kt_gate held, end;
	pthread_mutex_t *mutex = make();
	pid_t owner, waiter;

	kt_gate_make(&held);
	kt_gate_make(&end);
	owner = kt_fork();
	if (!owner) {
		lock(mutex);
		kt_gate_post(&held);
		kt_gate_await(&end);
		_exit(0);
	}
	kt_gate_await(&held);
	waiter = kt_fork();
	if (!waiter) {
		KT_CHILD(pthread_mutex_lock(mutex) == EOWNERDEAD);
		_exit(0);
	}
	kt_wait_blocked(waiter, SYS_futex);
	kt_kill(owner);
	kt_join(waiter);
}
END_TEST

START_TEST(unlocked_without_consistent_it_is_lost_for_all)
{
	pthread_mutex_t *mutex = make();
	pid_t pid;
	int error;

	kt_wait(fork_dying(mutex, &death_rows[0]));
	ck_assert_int_eq(pthread_mutex_lock(mutex), EOWNERDEAD);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == ENOTRECOVERABLE);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
	/* Those who wait are told too. */
	kt_join(pid);
	error = pthread_mutex_lock(mutex);
	kt_measured("the next lock: %s", kt_errno(error));
	ck_assert_int_eq(error, ENOTRECOVERABLE);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), ENOTRECOVERABLE);
	ck_assert_int_eq(pthread_mutex_consistent(mutex), EINVAL);
	/* Only a new one helps. */
	ck_assert_int_eq(pthread_mutex_destroy(mutex), 0);
}
END_TEST

START_TEST(who_dies_before_consistent_leaves_eownerdead_again)
{
	pthread_mutex_t *mutex = make();
	pid_t pid;

	kt_wait(fork_dying(mutex, &death_rows[0]));
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_lock(mutex) == EOWNERDEAD);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(pthread_mutex_lock(mutex), EOWNERDEAD);
}
END_TEST

START_TEST(consistent_of_a_sound_one_gives_einval)
{
	pthread_mutex_t *mutex = make();

	ck_assert_int_eq(pthread_mutex_consistent(mutex), EINVAL);
	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	ck_assert_int_eq(pthread_mutex_consistent(mutex), EINVAL);
}
END_TEST

START_TEST(only_the_owner_may_unlock_it)
{
	pthread_mutex_t *mutex = make();
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(pthread_mutex_unlock(mutex) == EPERM);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(a_child_of_the_owner_owns_nothing)
{
	pthread_mutex_t *mutex = make();
	pid_t pid;

	ck_assert_int_eq(pthread_mutex_lock(mutex), 0);
	pid = kt_fork();
	if (!pid)
		_exit(0);
	kt_join(pid);
	ck_assert_int_eq(pthread_mutex_trylock(mutex), EBUSY);
	ck_assert_int_eq(pthread_mutex_unlock(mutex), 0);
}
END_TEST

/* Like make(), but where another process can have a mapping of its own of it. */
static pthread_mutex_t *map_again(int fd)
{
	pthread_mutex_t *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	KT_CHILD(at != MAP_FAILED);
	return at;
}

START_TEST(an_owner_that_unmapped_it_leaves_it_locked)
{
	int fd = memfd_create("ipcjam", MFD_CLOEXEC);
	pthread_mutex_t *mutex;
	pid_t pid;
	int error;

	ck_assert_int_eq(ftruncate(fd, sizeof(*mutex)), 0);
	mutex = map_again(fd);
	*mutex = *make();
	pid = kt_fork();
	if (!pid) {
		pthread_mutex_t *own = map_again(fd);

		lock(own);
		KT_CHILD(munmap(own, sizeof(*own)) == 0);
		/* The kernel follows a list in this process's memory, and that ends here. */
		_exit(0);
	}
	kt_join(pid);
	error = pthread_mutex_trylock(mutex);
	kt_measured("trylock after the owner's exit: %s", kt_errno(error));
	ck_assert_int_eq(error, EBUSY);
}
END_TEST

static void lock_and_unlock(void *mutex)
{
	if (pthread_mutex_lock(mutex) != 0 || pthread_mutex_unlock(mutex) != 0)
		syscall(SYS_exit, 1);
}

START_TEST(without_contention_it_makes_no_system_call)
{
	ck_assert(kt_needs_no_system_call(lock_and_unlock, make()));
}
END_TEST

Suite *mutex_robust_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM_ROWS(death_gives_eownerdead, death_rows,
			      "A robust mutex notices only a crash of its owner.",
			      "Any end of the owning thread, also a regular one."),
		KT_TEST(death_is_noticed_before_anybody_waits_for_the_dead),
		KT_CLAIM(
			exec_gives_eownerdead,
			"An owner that execs keeps its mutex, as the process lives on.",
			"Its memory is gone, and with it the thread that owned: that counts as death."),
		KT_TEST(the_end_of_a_thread_gives_eownerdead),
		KT_CLAIM(
			eownerdead_means_that_one_has_it, "EOWNERDEAD means that the lock failed.",
			"It was taken. What it guards has to be mended, then pthread_mutex_consistent(), then unlock."),
		KT_TEST(a_waiter_is_woken_with_eownerdead),
		KT_CLAIM(
			unlocked_without_consistent_it_is_lost_for_all,
			"A robust mutex can be used again after its owner's death.",
			"Only if the next owner calls pthread_mutex_consistent() before it unlocks. Otherwise it is lost for all, and only a new one helps."),
		KT_TEST(who_dies_before_consistent_leaves_eownerdead_again),
		KT_TEST(consistent_of_a_sound_one_gives_einval),
		KT_TEST(only_the_owner_may_unlock_it),
		KT_TEST(a_child_of_the_owner_owns_nothing),
		KT_CLAIM(
			an_owner_that_unmapped_it_leaves_it_locked,
			"A robust mutex is released however its owner dies.",
			"Not when the owner has unmapped the memory before: the kernel finds the mutex through the dead one's mapping."),
		KT_TEST(without_contention_it_makes_no_system_call),
	};

	return kt_suite("mutex_robust", tests, SUITE_COUNT(tests));
}
