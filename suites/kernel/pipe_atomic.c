/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: what stays whole. PIPE_BUF, torn writes, and blocking writes that come back short. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPACITY = 65536, LARGE = 2 * CAPACITY };

static char buffer[LARGE];

static void make_pipe(int fd[2])
{
	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(fcntl(fd[1], F_SETPIPE_SZ, CAPACITY), CAPACITY);
}

static void read_fully(int fd, char *to, size_t n_bytes)
{
	while (n_bytes) {
		ssize_t n = read(fd, to, n_bytes);

		ck_assert_int_gt(n, 0);
		to += n;
		n_bytes -= (size_t)n;
	}
}

START_TEST(writes_of_pipe_buf_are_never_torn)
{
	enum { N_WRITERS = 3, N_WRITES = 100 };
	int fd[2];

	make_pipe(fd);
	for (int i = 0; i < N_WRITERS; i++) {
		if (kt_fork())
			continue;
		memset(buffer, 'a' + i, PIPE_BUF);
		for (int n = 0; n < N_WRITES; n++)
			KT_CHILD(write(fd[1], buffer, PIPE_BUF) == PIPE_BUF);
		_exit(0);
	}
	for (int i = 0; i < N_WRITERS * N_WRITES; i++) {
		read_fully(fd[0], buffer, PIPE_BUF);
		for (int n = 1; n < PIPE_BUF; n++)
			ck_assert_int_eq(buffer[n], buffer[0]);
	}
}
END_TEST

/* Whether our page got into the large write of a child that had to wait for space. */
static bool tore_one(void)
{
	char path[64];
	int other;
	int fd[2];
	bool torn;
	pid_t pid;

	make_pipe(fd);
	/* A description of our own: O_NONBLOCK must not reach the child's. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[1]);
	other = open(path, O_WRONLY | O_NONBLOCK);
	ck_assert_int_ge(other, 0);
	pid = kt_fork();
	if (!pid) {
		struct sched_param none = { 0 };

		/* Of this kind none pushes us from the CPU at the moment that we make room. */
		KT_CHILD(sched_setscheduler(0, SCHED_BATCH, &none) == 0);
		memset(buffer, 'L', LARGE);
		KT_CHILD(write(fd[1], buffer, LARGE) == LARGE);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	read_fully(fd[0], buffer, PIPE_BUF);
	memset(buffer, 's', PIPE_BUF);
	torn = write(other, buffer, PIPE_BUF) == PIPE_BUF;
	close(other);
	read_fully(fd[0], buffer, CAPACITY - PIPE_BUF);
	ck_assert_ptr_null(memchr(buffer, 's', CAPACITY - PIPE_BUF));
	read_fully(fd[0], buffer, (size_t)LARGE - CAPACITY + (torn ? PIPE_BUF : 0));
	if (torn) {
		ck_assert_int_eq(buffer[0], 's');
		ck_assert_int_eq(buffer[PIPE_BUF], 'L');
	}
	kt_join(pid);
	close(fd[0]);
	close(fd[1]);
	return torn;
}

START_TEST(a_larger_write_that_waits_is_torn_by_another)
{
	enum { MAX_TRIES = 200 };

	kt_pin();
	for (int i = 0; i < MAX_TRIES; i++) {
		if (tore_one()) {
			kt_measured("a write of %d bytes had another's %d in it", LARGE, PIPE_BUF);
			return;
		}
	}
	ck_abort_msg("in %d tries nobody's write got into the large one", MAX_TRIES);
}
END_TEST

/* Forks a child that writes LARGE bytes, blocks after CAPACITY of them, and must come back with
 * `result`. */
static pid_t fork_large_writer(int fd[2], int handler_flags, ssize_t result)
{
	pid_t pid;

	make_pipe(fd);
	pid = kt_fork();
	if (!pid) {
		kt_handle(SIGUSR1, handler_flags);
		KT_CHILD(write(fd[1], buffer, LARGE) == result);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	return pid;
}

START_TEST(a_large_write_is_cut_short_by_a_handler)
{
	int fd[2];
	pid_t pid = fork_large_writer(fd, 0, CAPACITY);

	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_large_write_is_cut_short_even_with_sa_restart)
{
	int fd[2];
	pid_t pid = fork_large_writer(fd, SA_RESTART, CAPACITY);

	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_join(pid);
	kt_measured("%d of %d bytes", CAPACITY, LARGE);
}
END_TEST

START_TEST(a_large_write_is_cut_short_by_stop_and_continue)
{
	int fd[2];
	pid_t pid = fork_large_writer(fd, 0, CAPACITY);

	kt_stop_and_continue(pid);
	kt_join(pid);
}
END_TEST

START_TEST(a_large_write_without_a_signal_is_never_short)
{
	int fd[2];
	pid_t pid = fork_large_writer(fd, 0, LARGE);

	read_fully(fd[0], buffer, LARGE);
	kt_join(pid);
}
END_TEST

START_TEST(a_write_that_put_in_nothing_yet_gives_eintr)
{
	int fd[2];
	pid_t pid;

	make_pipe(fd);
	ck_assert_int_eq(write(fd[1], buffer, CAPACITY), CAPACITY);
	pid = kt_fork();
	if (!pid) {
		kt_handle(SIGUSR1, 0);
		KT_CHILD(write(fd[1], buffer, LARGE) == -1 && errno == EINTR);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_read_returns_what_is_there)
{
	int fd[2];

	make_pipe(fd);
	ck_assert_int_eq(write(fd[1], "abc", 3), 3);
	/* It does not wait for the rest of what was asked for. */
	ck_assert_int_eq(read(fd[0], buffer, LARGE), 3);
}
END_TEST

Suite *pipe_atomic_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(writes_of_pipe_buf_are_never_torn),
		KT_CLAIM(a_larger_write_that_waits_is_torn_by_another,
			 "Writes to a pipe are atomic.",
			 "Up to `PIPE_BUF`. A larger one that waits for space is torn by another."),
		KT_TEST(a_large_write_is_cut_short_by_a_handler),
		KT_CLAIM(
			a_large_write_is_cut_short_even_with_sa_restart,
			"A blocking write writes all.",
			"Not if a handler runs, even with SA_RESTART, or after stop and continue with no handler at all: it returns what is in."),
		KT_TEST(a_large_write_is_cut_short_by_stop_and_continue),
		KT_TEST(a_large_write_without_a_signal_is_never_short),
		KT_TEST(a_write_that_put_in_nothing_yet_gives_eintr),
		KT_TEST(a_read_returns_what_is_there),
	};

	return kt_suite("pipe_atomic", tests, SUITE_COUNT(tests));
}
