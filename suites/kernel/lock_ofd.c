/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of open file descriptions (F_OFD_SETLK): ranges like fcntl's, owners like flock's. */
#include "kernel_lock.h"
#include "kernel_test.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

START_TEST(two_descriptions_of_a_process_exclude_each_other)
{
	int first = kt_lock_open(), second = kt_lock_open();

	ck_assert_int_eq(kt_lock(first, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	ck_assert_int_eq(kt_lock(second, F_OFD_SETLK, F_WRLCK, 9, 1), -EAGAIN);
	ck_assert_int_eq(kt_lock(second, F_OFD_SETLK, F_WRLCK, 10, 1), 0);
	/* A dup is the same one. */
	ck_assert_int_eq(kt_lock(dup(first), F_OFD_SETLK, F_WRLCK, 0, 10), 0);
}
END_TEST

START_TEST(only_the_last_close_of_its_own_releases_it)
{
	int first = kt_lock_open(), second = kt_lock_open();
	int copy = dup(first);

	ck_assert_int_eq(kt_lock(first, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	close(kt_lock_open());
	close(first);
	ck_assert_int_eq(kt_lock(second, F_OFD_SETLK, F_WRLCK, 0, 0), -EAGAIN);
	close(copy);
	ck_assert_int_eq(kt_lock(second, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
}
END_TEST

START_TEST(fork_inherits_it)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
		KT_CHILD(kt_lock(kt_lock_open(), F_OFD_SETLK, F_WRLCK, 0, 0) == -EAGAIN);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_lock(kt_lock_open(), F_OFD_SETLK, F_WRLCK, 0, 0), -EAGAIN);
}
END_TEST

START_TEST(its_holder_has_no_pid)
{
	int first = kt_lock_open(), second = kt_lock_open();
	struct flock met;

	ck_assert_int_eq(kt_lock(first, F_OFD_SETLK, F_WRLCK, 3, 4), 0);
	met = kt_lock_met(second, F_OFD_GETLK, 0, 0);
	ck_assert_int_eq(met.l_type, F_WRLCK);
	ck_assert_int_eq(met.l_pid, -1);
	ck_assert_int_eq(met.l_start, 3);
	met = kt_lock_met(second, F_GETLK, 0, 0);
	kt_measured("F_GETLK: pid %d", met.l_pid);
	ck_assert_int_eq(met.l_pid, -1);
	/* And it must be asked for with pid 0. */
	met.l_pid = getpid();
	ck_assert(fcntl(first, F_OFD_SETLK, &met) == -1 && errno == EINVAL);
}
END_TEST

START_TEST(it_and_a_process_lock_exclude_each_other)
{
	int first = kt_lock_open(), second = kt_lock_open();

	ck_assert_int_eq(kt_lock(first, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	/* Even of the same process and by the same descriptor. */
	ck_assert_int_eq(kt_lock(second, F_SETLK, F_WRLCK, 0, 0), -EAGAIN);
	ck_assert_int_eq(kt_lock(first, F_SETLK, F_WRLCK, 0, 0), -EAGAIN);
}
END_TEST

START_TEST(nobody_sees_a_deadlock)
{
	int first = kt_lock_open(), second = kt_lock_open();
	struct kt_gate held;
	pid_t pids[2];

	kt_gate_make(&held);
	ck_assert_int_eq(kt_lock(first, F_OFD_SETLK, F_WRLCK, 0, 1), 0);
	ck_assert_int_eq(kt_lock(second, F_OFD_SETLK, F_WRLCK, 1, 1), 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = kt_fork();
		if (!pids[i]) {
			kt_lock(i ? second : first, F_OFD_SETLKW, F_WRLCK, !i, 1);
			_exit(0);
		}
		kt_wait_blocked(pids[i], SYS_fcntl);
	}
	kt_wait_blocked(pids[0], SYS_fcntl);
	for (int i = 0; i < 2; i++)
		kt_kill(pids[i]);
}
END_TEST

START_TEST(a_waiter_gets_it_at_the_last_close)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0), 0);
	pid = kt_fork();
	if (!pid) {
		close(fd);
		KT_CHILD(kt_lock(kt_lock_open(), F_OFD_SETLKW, F_WRLCK, 0, 0) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_fcntl);
	close(fd);
	kt_join(pid);
}
END_TEST

Suite *lock_ofd_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(two_descriptions_of_a_process_exclude_each_other),
		KT_TEST(only_the_last_close_of_its_own_releases_it),
		KT_TEST(fork_inherits_it),
		KT_CLAIM(
			its_holder_has_no_pid, "F_GETLK tells which process has the lock.",
			"Not if it is an open file description's: several processes may have that."),
		KT_TEST(it_and_a_process_lock_exclude_each_other),
		KT_TEST(nobody_sees_a_deadlock),
		KT_TEST(a_waiter_gets_it_at_the_last_close),
	};

	return kt_suite("lock_ofd", tests, SUITE_COUNT(tests));
}
