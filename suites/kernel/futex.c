/* SPDX-License-Identifier: Apache-2.0 */
/* The futex system call, below all of the locks: when it waits, whom it finds and wakes. */
#include "kernel_test.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long futex(uint32_t *at, int op, uint32_t value)
{
	long got = syscall(SYS_futex, at, op, value, NULL, NULL, 0);

	return got < 0 ? -errno : got;
}

static uint32_t *make(uint32_t value)
{
	uint32_t *at = kt_shared(sizeof(*at));

	*at = value;
	return at;
}

/* Forks a child that waits at `at` with this operation (and these bits), expects 0, and is blocked
 * in it when we return. */
static pid_t fork_waiter(uint32_t *at, int op, uint32_t bits)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(syscall(SYS_futex, at, op, *at, NULL, NULL, bits) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	return pid;
}

START_TEST(another_value_gives_eagain_at_once)
{
	ck_assert_int_eq(futex(make(1), FUTEX_WAIT, 2), -EAGAIN);
}
END_TEST

START_TEST(a_wake_is_not_remembered)
{
	uint32_t *at = make(1);
	long n_woken = futex(at, FUTEX_WAKE, 1);
	pid_t pid;

	ck_assert_int_eq(n_woken, 0);
	pid = fork_waiter(at, FUTEX_WAIT, 0);
	kt_measured("%ld woken, and the next one waits", n_woken);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 1), 1);
	kt_join(pid);
}
END_TEST

START_TEST(a_new_value_wakes_nobody)
{
	uint32_t *at = make(1);
	pid_t pid = fork_waiter(at, FUTEX_WAIT, 0);

	*at = 2;
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("changed from 1 to %u, the waiter still waits", *at);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 1), 1);
	kt_join(pid);
}
END_TEST

START_TEST(the_one_that_waits_longest_is_woken_first)
{
	uint32_t *at = make(1);
	pid_t pids[4];

	for (int i = 0; i < 4; i++)
		pids[i] = fork_waiter(at, FUTEX_WAIT, 0);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 1), 1);
	kt_join(pids[0]);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 2), 2);
	kt_join(pids[1]);
	kt_join(pids[2]);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 5), 1);
	kt_join(pids[3]);
}
END_TEST

START_TEST(bits_choose_who_is_woken)
{
	uint32_t *at = make(1);
	pid_t first = fork_waiter(at, FUTEX_WAIT_BITSET, 1);
	pid_t second = fork_waiter(at, FUTEX_WAIT_BITSET, 2);

	ck_assert_int_eq(syscall(SYS_futex, at, FUTEX_WAKE_BITSET, 9, NULL, NULL, 2), 1);
	kt_join(second);
	ck_assert_int_eq(syscall(SYS_futex, at, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4), 0);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 9), 1);
	kt_join(first);
}
END_TEST

START_TEST(times)
{
	const struct timespec soon = { .tv_nsec = 1 };
	const struct timespec bad = { .tv_nsec = 1000000000 };
	uint32_t *at = make(1);

	/* FUTEX_WAIT wants a duration, FUTEX_WAIT_BITSET a moment. */
	ck_assert_int_eq(syscall(SYS_futex, at, FUTEX_WAIT, 1, &soon, NULL, 0), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(syscall(SYS_futex, at, FUTEX_WAIT_BITSET, 1, &soon, NULL, 1), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(syscall(SYS_futex, at, FUTEX_WAIT, 1, &bad, NULL, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(addresses)
{
	uint32_t *at = make(0);
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(futex((uint32_t *)((char *)at + 1), FUTEX_WAIT, 0), -EINVAL);
	ck_assert_int_eq(futex(none, FUTEX_WAIT, 0), -EFAULT);
	ck_assert_int_eq(futex(at, 99, 0), -ENOSYS);
}
END_TEST

START_TEST(it_is_the_memory_that_counts_and_not_the_address)
{
	int fd = memfd_create("ipcjam", MFD_CLOEXEC);
	uint32_t *first, *second;
	pid_t pid;

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	first = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	second = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(first, second);
	pid = fork_waiter(first, FUTEX_WAIT, 0);
	ck_assert_int_eq(futex(second, FUTEX_WAKE, 1), 1);
	kt_join(pid);
}
END_TEST

START_TEST(with_the_private_flag_another_process_is_not_found)
{
	uint32_t *at = make(0);
	pid_t pid = fork_waiter(at, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0);

	ck_assert_int_eq(futex(at, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1), 0);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 1), 0);
	kt_kill(pid);
}
END_TEST

START_TEST(requeue_moves_waiters_without_waking_them)
{
	uint32_t *from = make(7), *to = make(0);
	pid_t pids[3];

	for (int i = 0; i < 3; i++)
		pids[i] = fork_waiter(from, FUTEX_WAIT, 0);
	ck_assert_int_eq(syscall(SYS_futex, from, FUTEX_CMP_REQUEUE, 1, 9L, to, 8), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* One woken, two moved. */
	ck_assert_int_eq(syscall(SYS_futex, from, FUTEX_CMP_REQUEUE, 1, 9L, to, 7), 3);
	kt_join(pids[0]);
	ck_assert_int_eq(futex(from, FUTEX_WAKE, 9), 0);
	ck_assert_int_eq(futex(to, FUTEX_WAKE, 9), 2);
	kt_join(pids[1]);
	kt_join(pids[2]);
}
END_TEST

START_TEST(the_death_of_a_waiter_takes_no_wake)
{
	uint32_t *at = make(0);
	pid_t dead = fork_waiter(at, FUTEX_WAIT, 0);
	pid_t pid = fork_waiter(at, FUTEX_WAIT, 0);

	kt_kill(dead);
	ck_assert_int_eq(futex(at, FUTEX_WAKE, 1), 1);
	kt_join(pid);
}
END_TEST

struct robust_lock {
	struct robust_list list;
	uint32_t word;
};

START_TEST(the_robust_list_is_followed_at_death)
{
	struct robust_lock *lock = kt_shared(sizeof(*lock));
	struct robust_list_head head;
	struct kt_gate held;
	pid_t pid, waiter;

	kt_gate_make(&held);
	pid = kt_fork();
	if (!pid) {
		head.list.next = &lock->list;
		lock->list.next = &head.list;
		head.futex_offset = offsetof(struct robust_lock, word);
		head.list_op_pending = NULL;
		lock->word = (uint32_t)gettid() | FUTEX_WAITERS;
		KT_CHILD(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
		kt_gate_post(&held);
		for (;;)
			pause();
	}
	kt_gate_await(&held);
	waiter = fork_waiter(&lock->word, FUTEX_WAIT, 0);
	kt_kill(pid);
	/* The owner's number is gone, the mark is there, and one that waits is woken. */
	kt_join(waiter);
	ck_assert_uint_eq(lock->word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
}
END_TEST

START_TEST(an_inheriting_lock_knows_its_owner)
{
	uint32_t *at = make(0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(futex(at, FUTEX_LOCK_PI, 0) == 0);
		KT_CHILD(*at == (uint32_t)gettid());
		KT_CHILD(futex(at, FUTEX_LOCK_PI, 0) == -EDEADLK);
		_exit(0);
	}
	kt_join(pid);
	/* Nobody of that number is left. */
	ck_assert_int_eq(futex(at, FUTEX_LOCK_PI, 0), -ESRCH);
	ck_assert_int_eq(futex(at, FUTEX_UNLOCK_PI, 0), -EPERM);
}
END_TEST

Suite *futex_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(another_value_gives_eagain_at_once),
		KT_CLAIM(
			a_wake_is_not_remembered, "FUTEX_WAKE before FUTEX_WAIT is kept for it.",
			"The value in memory is what is kept; the call that waits compares it first."),
		KT_CLAIM(a_new_value_wakes_nobody, "FUTEX_WAIT waits until the value changes.",
			 "Until somebody wakes it. It looks at the value once, at the start."),
		KT_TEST(the_one_that_waits_longest_is_woken_first),
		KT_TEST(bits_choose_who_is_woken),
		KT_TEST(times),
		KT_TEST(addresses),
		KT_TEST(it_is_the_memory_that_counts_and_not_the_address),
		KT_TEST(with_the_private_flag_another_process_is_not_found),
		KT_TEST(requeue_moves_waiters_without_waking_them),
		KT_TEST(the_death_of_a_waiter_takes_no_wake),
		KT_TEST(the_robust_list_is_followed_at_death),
		KT_TEST(an_inheriting_lock_knows_its_owner),
	};

	return kt_suite("futex", tests, SUITE_COUNT(tests));
}
