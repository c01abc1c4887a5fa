/* SPDX-License-Identifier: Apache-2.0 */
/* flock(): a lock belongs to the open file description, so fork and dup share it. */
#include "kernel_lock.h"
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Forks a child that locks it by a description of its own, and is blocked in that when we return.
 */
static pid_t fork_waiter(int operation)
{
	pid_t pid;

	kt_dir();
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_flock(kt_lock_open(), operation) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_flock);
	return pid;
}

START_TEST(exclusive_is_alone_and_shared_are_together)
{
	int first = kt_lock_open(), second = kt_lock_open();

	ck_assert_int_eq(kt_flock(first, LOCK_SH), 0);
	ck_assert_int_eq(kt_flock(second, LOCK_SH | LOCK_NB), 0);
	ck_assert_int_eq(kt_flock(second, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	ck_assert_int_eq(kt_flock(first, LOCK_UN), 0);
	ck_assert_int_eq(kt_flock(second, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(kt_flock(first, LOCK_SH | LOCK_NB), -EWOULDBLOCK);
}
END_TEST

START_TEST(a_process_can_lock_itself_out)
{
	int first = kt_lock_open(), second = kt_lock_open();
	int error;

	ck_assert_int_eq(kt_flock(first, LOCK_EX), 0);
	error = kt_flock(second, LOCK_EX | LOCK_NB);
	kt_measured("by a second open() of the same process: %s", kt_errno(error));
	ck_assert_int_eq(error, -EWOULDBLOCK);
	/* But a dup is the same lock. */
	ck_assert_int_eq(kt_flock(dup(first), LOCK_EX | LOCK_NB), 0);
}
END_TEST

START_TEST(the_exit_of_a_child_leaves_it)
{
	int fd = kt_lock_open();
	pid_t pid;
	int error;

	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	pid = kt_fork();
	if (!pid)
		_exit(0);
	kt_join(pid);
	error = kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB);
	kt_measured("after the child's exit another gets %s", kt_errno(error));
	ck_assert_int_eq(error, -EWOULDBLOCK);
}
END_TEST

START_TEST(a_child_holds_it_when_its_parent_has_closed_it)
{
	struct kt_gate end;
	int fd = kt_lock_open();
	pid_t pid;
	int error;

	kt_gate_make(&end);
	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	pid = kt_fork();
	if (!pid) {
		kt_gate_await(&end);
		_exit(0);
	}
	close(fd);
	error = kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB);
	kt_measured("while a child has it open: %s", kt_errno(error));
	ck_assert_int_eq(error, -EWOULDBLOCK);
	kt_gate_post(&end);
	kt_join(pid);
	ck_assert_int_eq(kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB), 0);
}
END_TEST

START_TEST(a_child_can_unlock_its_parents)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_flock(fd, LOCK_UN) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB), 0);
}
END_TEST

START_TEST(death_releases_it_and_wakes_a_waiter)
{
	struct kt_gate held;
	pid_t pid, waiter;

	kt_dir();
	kt_gate_make(&held);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_flock(kt_lock_open(), LOCK_EX) == 0);
		kt_gate_post(&held);
		for (;;)
			pause();
	}
	kt_gate_await(&held);
	waiter = fork_waiter(LOCK_EX);
	kt_kill(pid);
	kt_join(waiter);
}
END_TEST

START_TEST(closing_another_description_leaves_it)
{
	int fd = kt_lock_open();

	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	close(kt_lock_open());
	ck_assert_int_eq(kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	close(fd);
	ck_assert_int_eq(kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB), 0);
}
END_TEST

START_TEST(a_change_that_fails_loses_the_old_lock)
{
	int first = kt_lock_open(), second = kt_lock_open(), third = kt_lock_open();

	ck_assert_int_eq(kt_flock(first, LOCK_SH), 0);
	ck_assert_int_eq(kt_flock(second, LOCK_SH), 0);
	ck_assert_int_eq(kt_flock(second, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	ck_assert_int_eq(kt_flock(first, LOCK_UN), 0);
	/* If the second one still had its shared lock, this would fail. */
	ck_assert_int_eq(kt_flock(third, LOCK_EX | LOCK_NB), 0);
	kt_measured("after the failed change another got it exclusively");
}
END_TEST

/* Locks one file, says so, and when told locks the other. */
static pid_t fork_crossing(const char *mine, const char *theirs, struct kt_gate *held,
			   struct kt_gate *go)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(kt_flock(open(mine, O_RDWR | O_CREAT, 0600), LOCK_EX) == 0);
		kt_gate_post(held);
		kt_gate_await(go);
		kt_flock(open(theirs, O_RDWR), LOCK_EX);
		_exit(0);
	}
	kt_gate_await(held);
	return pid;
}

START_TEST(nobody_sees_a_deadlock)
{
	const char *first = kt_path("first"), *second = kt_path("second");
	struct kt_gate held, go;
	pid_t pids[2];

	kt_gate_make(&held);
	kt_gate_make(&go);
	pids[0] = fork_crossing(first, second, &held, &go);
	pids[1] = fork_crossing(second, first, &held, &go);
	for (int i = 0; i < 2; i++)
		kt_gate_post(&go);
	for (int i = 0; i < 2; i++)
		kt_wait_blocked(pids[i], SYS_flock);
	kt_measured("both wait");
	for (int i = 0; i < 2; i++)
		kt_kill(pids[i]);
}
END_TEST

START_TEST(a_lock_of_fcntl_is_another_thing)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	pid = kt_fork();
	if (!pid) {
		int error = kt_lock(kt_lock_open(), F_SETLK, F_WRLCK, 0, 0);

		kt_measured("fcntl() while another has flock(): %s", kt_errno(error));
		KT_CHILD(error == 0);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(a_read_only_descriptor_may_lock_exclusively)
{
	int fd;

	close(kt_lock_open());
	fd = open(kt_path("locked"), O_RDONLY);
	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	/* Unlike fcntl's. */
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0), -EBADF);
}
END_TEST

Suite *lock_flock_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(exclusive_is_alone_and_shared_are_together),
		KT_CLAIM(
			a_process_can_lock_itself_out,
			"A process cannot be in the way of its own flock().",
			"The lock is the open file description's: another open() of the same file is another one."),
		KT_CLAIM(
			the_exit_of_a_child_leaves_it, "flock() is released when a child exits.",
			"When the last copy of the descriptor is closed. (If a child calls LOCK_UN, its parent's is gone too.)"),
		KT_CLAIM(
			a_child_holds_it_when_its_parent_has_closed_it,
			"flock() ends when the process that locked closes the file or dies.",
			"Not while a child, or a daemon that it started, has inherited the descriptor."),
		KT_TEST(a_child_can_unlock_its_parents),
		KT_TEST(death_releases_it_and_wakes_a_waiter),
		KT_TEST(closing_another_description_leaves_it),
		KT_CLAIM(a_change_that_fails_loses_the_old_lock,
			 "Who fails to raise its shared lock still has it.",
			 "flock() gives the old one up first."),
		KT_CLAIM(
			nobody_sees_a_deadlock, "The kernel finds deadlocks of file locks.",
			"Those of fcntl's process locks (EDEADLK). Not flock's, nor those of open file descriptions."),
		KT_CLAIM(a_lock_of_fcntl_is_another_thing,
			 "flock() keeps out those who use fcntl() or lockf().",
			 "On Linux the two do not know of each other, on a local file system."),
		KT_TEST(a_read_only_descriptor_may_lock_exclusively),
	};

	return kt_suite("lock_flock", tests, SUITE_COUNT(tests));
}
