/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl() and lockf(): locks of ranges that belong to the process. */
#include "kernel_lock.h"
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What another process gets that tries to write-lock the range: 0 or -errno. */
static int others_error(off_t start, off_t n_bytes)
{
	pid_t pid;
	int status;

	kt_dir();
	pid = kt_fork();
	if (!pid)
		_exit(-kt_lock(kt_lock_open(), F_SETLK, F_WRLCK, start, n_bytes));
	status = kt_wait(pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

START_TEST(ranges_meet_or_do_not)
{
	int fd = kt_lock_open();

	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 10, 10), 0);
	ck_assert_int_eq(others_error(0, 10), 0);
	ck_assert_int_eq(others_error(19, 1), -EAGAIN);
	ck_assert_int_eq(others_error(20, 0), 0);
	ck_assert_int_eq(others_error(0, 0), -EAGAIN);
}
END_TEST

START_TEST(unlocking_the_middle_leaves_two)
{
	int fd = kt_lock_open();

	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 30), 0);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_UNLCK, 10, 10), 0);
	ck_assert_int_eq(others_error(0, 10), -EAGAIN);
	ck_assert_int_eq(others_error(10, 10), 0);
	ck_assert_int_eq(others_error(20, 10), -EAGAIN);
}
END_TEST

START_TEST(a_process_never_meets_its_own)
{
	int first = kt_lock_open(), second = kt_lock_open();
	int error;

	ck_assert_int_eq(kt_lock(first, F_SETLK, F_WRLCK, 0, 0), 0);
	error = kt_lock(second, F_SETLK, F_WRLCK, 0, 0);
	kt_measured("locked twice, by two descriptors: %s", kt_errno(error));
	ck_assert_int_eq(error, 0);
	/* It is one lock, which the second call took over. */
	ck_assert_int_eq(kt_lock(first, F_SETLK, F_UNLCK, 0, 0), 0);
	ck_assert_int_eq(others_error(0, 0), 0);
}
END_TEST

START_TEST(any_close_of_the_file_releases_all)
{
	int fd = kt_lock_open();
	int error;

	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	ck_assert_int_eq(others_error(0, 0), -EAGAIN);
	/* As a library might, that only reads it. */
	close(open(kt_path("locked"), O_RDONLY));
	error = others_error(0, 0);
	kt_measured("after open() and close() elsewhere in the process another gets it: %s",
		    kt_errno(error));
	ck_assert_int_eq(error, 0);
}
END_TEST

START_TEST(fork_does_not_inherit_it)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	pid = kt_fork();
	if (!pid) {
		/* By the same descriptor. */
		int error = kt_lock(fd, F_SETLK, F_WRLCK, 0, 0);

		kt_measured("the child, by the same descriptor: %s", kt_errno(error));
		KT_CHILD(error == -EAGAIN);
		/* Nor does its unlock or its close do anything to the parent's. */
		KT_CHILD(kt_lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(others_error(0, 0), -EAGAIN);
}
END_TEST

static void lock_all(void *fd)
{
	KT_CHILD(kt_lock(*(int *)fd, F_SETLK, F_WRLCK, 0, 0) == 0);
}

START_TEST(exec_keeps_it)
{
	int fd = kt_lock_open();
	int end;
	pid_t pid = kt_fork_cat(lock_all, &fd, &end);

	ck_assert_int_eq(kt_lock_met(fd, F_GETLK, 0, 0).l_pid, pid);
	close(end);
	kt_join(pid);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
}
END_TEST

/* Forks a child that holds the range and waits to be killed. */
static pid_t fork_holder(off_t start, off_t n_bytes)
{
	struct kt_gate held;
	pid_t pid;

	kt_dir();
	kt_gate_make(&held);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_lock(kt_lock_open(), F_SETLK, F_WRLCK, start, n_bytes) == 0);
		kt_gate_post(&held);
		for (;;)
			pause();
	}
	kt_gate_await(&held);
	return pid;
}

START_TEST(f_getlk_names_the_holder)
{
	pid_t pid = fork_holder(5, 7);
	int fd = kt_lock_open();
	struct flock met = kt_lock_met(fd, F_GETLK, 0, 0);

	ck_assert_int_eq(met.l_type, F_WRLCK);
	ck_assert_int_eq(met.l_pid, pid);
	ck_assert_int_eq(met.l_start, 5);
	ck_assert_int_eq(met.l_len, 7);
	ck_assert_int_eq(kt_lock_met(fd, F_GETLK, 0, 5).l_type, F_UNLCK);
	kt_kill(pid);
}
END_TEST

START_TEST(death_releases_it_and_wakes_a_waiter)
{
	pid_t pid = fork_holder(0, 0);
	pid_t waiter = kt_fork();

	if (!waiter) {
		KT_CHILD(kt_lock(kt_lock_open(), F_SETLKW, F_WRLCK, 0, 0) == 0);
		_exit(0);
	}
	kt_wait_blocked(waiter, SYS_fcntl);
	kt_kill(pid);
	kt_join(waiter);
}
END_TEST

START_TEST(a_circle_of_waiters_gives_edeadlk)
{
	int fd = kt_lock_open();
	struct kt_gate held;
	pid_t pid;
	int error;

	kt_gate_make(&held);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 1), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
		kt_gate_post(&held);
		KT_CHILD(kt_lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
		_exit(0);
	}
	kt_gate_await(&held);
	kt_wait_blocked(pid, SYS_fcntl);
	error = kt_lock(fd, F_SETLKW, F_WRLCK, 1, 1);
	kt_measured("the one that closes the circle: %s", kt_errno(error));
	ck_assert_int_eq(error, -EDEADLK);
	/* The other one waits on until somebody gives way. */
	kt_wait_blocked(pid, SYS_fcntl);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_UNLCK, 0, 1), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_change_that_fails_keeps_the_old_lock)
{
	int fd = kt_lock_open();
	pid_t pid;

	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_RDLCK, 0, 0), 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_lock(fd, F_SETLK, F_RDLCK, 0, 0) == 0);
		KT_CHILD(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0) == -EAGAIN);
		KT_CHILD(kt_lock_met(fd, F_GETLK, 0, 0).l_type == F_RDLCK);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(the_way_it_is_opened_counts)
{
	int reader, writer;

	close(kt_lock_open());
	reader = open(kt_path("locked"), O_RDONLY);
	writer = open(kt_path("locked"), O_WRONLY);
	ck_assert_int_eq(kt_lock(reader, F_SETLK, F_WRLCK, 0, 0), -EBADF);
	ck_assert_int_eq(kt_lock(writer, F_SETLK, F_RDLCK, 0, 0), -EBADF);
	ck_assert_int_eq(kt_lock(reader, F_SETLK, F_RDLCK, 0, 0), 0);
}
END_TEST

START_TEST(it_keeps_nobody_from_reading_and_writing)
{
	int fd = kt_lock_open();
	pid_t pid;

	/* These rights once asked for locks that were enforced; Linux 5.15 gave that up. */
	ck_assert_int_eq(fchmod(fd, 02660), 0);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	pid = kt_fork();
	if (!pid) {
		ssize_t n;

		n = write(open(kt_path("locked"), O_RDWR | O_NONBLOCK), "x", 1);
		kt_measured("another process wrote %zd byte", n);
		KT_CHILD(n == 1);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(lockf_is_the_same_lock_from_the_place_in_the_file)
{
	int fd = kt_lock_open();

	ck_assert_int_eq(lseek(fd, 100, SEEK_SET), 100);
	ck_assert_int_eq(lockf(fd, F_LOCK, 10), 0);
	ck_assert_int_eq(others_error(0, 100), 0);
	ck_assert_int_eq(others_error(100, 10), -EAGAIN);
	/* Back from there. */
	ck_assert_int_eq(lockf(fd, F_TLOCK, -50), 0);
	ck_assert_int_eq(others_error(50, 1), -EAGAIN);
	ck_assert_int_eq(lockf(fd, F_TEST, 10), 0);
	ck_assert_int_eq(kt_lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
	ck_assert_int_eq(others_error(0, 0), 0);
}
END_TEST

START_TEST(a_bad_range_or_descriptor_is_refused)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(kt_lock(fd[1], F_SETLK, F_WRLCK, 0, -1), -EINVAL);
	ck_assert_int_eq(kt_lock(9999, F_SETLK, F_WRLCK, 0, 0), -EBADF);
}
END_TEST

Suite *lock_fcntl_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(ranges_meet_or_do_not),
		KT_TEST(unlocking_the_middle_leaves_two),
		KT_CLAIM(
			a_process_never_meets_its_own, "A file lock excludes threads too.",
			"fcntl's belongs to the process: its threads, and its other descriptors of the file, all have it. Unlocked once it is unlocked."),
		KT_CLAIM(any_close_of_the_file_releases_all,
			 "A lock is held until it is unlocked or its descriptor is closed.",
			 "fcntl's ends when its process closes any descriptor of that file."),
		KT_CLAIM(
			fork_does_not_inherit_it, "A child inherits its parent's file locks.",
			"flock's, with the descriptor. fcntl's not: the parent's keeps its own child out. exec keeps them."),
		KT_TEST(exec_keeps_it),
		KT_TEST(f_getlk_names_the_holder),
		KT_TEST(death_releases_it_and_wakes_a_waiter),
		KT_CLAIM(
			a_circle_of_waiters_gives_edeadlk,
			"Deadlocks are never found by the kernel.",
			"With fcntl's process locks the one that would close the circle gets EDEADLK."),
		KT_TEST(a_change_that_fails_keeps_the_old_lock),
		KT_TEST(the_way_it_is_opened_counts),
		KT_CLAIM(
			it_keeps_nobody_from_reading_and_writing,
			"A locked file cannot be written by others.",
			"Locks are among those who ask for them. Locks that were enforced (set-group-id without the right to execute) went with Linux 5.15."),
		KT_TEST(lockf_is_the_same_lock_from_the_place_in_the_file),
		KT_TEST(a_bad_range_or_descriptor_is_refused),
	};

	return kt_suite("lock_fcntl", tests, SUITE_COUNT(tests));
}
