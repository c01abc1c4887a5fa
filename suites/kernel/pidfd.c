/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd: a process that cannot be mistaken for a later one of its number; and its memory. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t fork_sleeper(void)
{
	pid_t pid = kt_fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static int open_pid(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* 0 or -errno. */
static int send_signal(int fd, int signo)
{
	return pidfd_send_signal(fd, signo, NULL, 0) < 0 ? -errno : 0;
}

START_TEST(it_becomes_readable_at_exit)
{
	pid_t pid = fork_sleeper();
	int fd = open_pid(pid);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	siginfo_t info;

	ck_assert_int_eq(kt_poll(fd, POLLIN), 0);
	ck_assert_int_eq(send_signal(fd, SIGKILL), 0);
	/* At the death and not at the wait. */
	ck_assert_int_eq(poll(&p, 1, -1), 1);
	ck_assert_int_eq(p.revents & POLLIN, POLLIN);
	ck_assert_int_eq(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_pid, pid);
	ck_assert_int_eq(info.si_status, SIGKILL);
}
END_TEST

START_TEST(after_the_wait_a_signal_gives_esrch)
{
	pid_t pid = fork_sleeper();
	int fd = open_pid(pid);
	int error;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	kt_await_zombie(pid);
	ck_assert_int_eq(send_signal(fd, 0), 0);
	kt_wait(pid);
	error = send_signal(fd, 0);
	kt_measured("after the wait: %s, whoever has that pid now", kt_errno(error));
	ck_assert_int_eq(error, -ESRCH);
	/* There is nobody left to open. */
	ck_assert(pidfd_open(pid, 0) == -1 && errno == ESRCH);
}
END_TEST

START_TEST(a_process_that_is_no_child_can_be_polled_but_not_waited_for)
{
	pid_t pid = kt_fork();

	if (!pid) {
		struct pollfd p = { .fd = pidfd_open(getppid(), 0), .events = POLLIN };
		siginfo_t info;

		KT_CHILD(p.fd >= 0);
		KT_CHILD(poll(&p, 1, 0) == 0);
		KT_CHILD(waitid(P_PIDFD, (id_t)p.fd, &info, WEXITED | WNOHANG) == -1);
		KT_CHILD(errno == ECHILD);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(getfd_takes_a_descriptor_out_of_another_process)
{
	struct kt_gate made;
	pid_t pid;
	char c;
	int got;

	kt_gate_make(&made);
	pid = kt_fork();
	if (!pid) {
		int mine[2];

		KT_CHILD(pipe(mine) == 0);
		KT_CHILD(dup2(mine[1], 100) == 100);
		kt_gate_post(&made);
		KT_CHILD(read(mine[0], &c, 1) == 1 && c == 'p');
		_exit(0);
	}
	kt_gate_await(&made);
	got = pidfd_getfd(open_pid(pid), 100, 0);
	if (got < 0 && errno == EPERM) {
		kt_kill(pid);
		suite_skip("ptrace is restricted here");
	}
	ck_assert_int_ge(got, 0);
	ck_assert_int_eq(write(got, "p", 1), 1);
	kt_measured("wrote into a pipe that only the other one had");
	kt_join(pid);
}
END_TEST

START_TEST(exec_closes_it)
{
	ck_assert_int_eq(fcntl(open_pid(getpid()), F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(a_bad_pid_or_flag_gives_einval)
{
	ck_assert(pidfd_open(-1, 0) == -1 && errno == EINVAL);
	ck_assert(pidfd_open(getpid(), 12345) == -1 && errno == EINVAL);
}
END_TEST

/* What is read of another's memory, or -errno. */
static ssize_t read_of(pid_t pid, void *to, const void *from, size_t n_bytes)
{
	struct iovec local = { to, n_bytes };
	struct iovec remote = { (void *)from, n_bytes };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

START_TEST(process_vm_readv_and_writev_reach_private_memory)
{
	static char text[16] = "ours";
	struct kt_gate made, go;
	char got[16] = "";
	struct iovec local = { "new", 4 };
	struct iovec remote = { text, 4 };
	pid_t pid;
	ssize_t n;

	kt_gate_make(&made);
	kt_gate_make(&go);
	pid = kt_fork();
	if (!pid) {
		strcpy(text, "theirs");
		kt_gate_post(&made);
		kt_gate_await(&go);
		KT_CHILD(!strcmp(text, "new"));
		_exit(0);
	}
	kt_gate_await(&made);
	n = read_of(pid, got, text, 7);
	if (n == -EPERM) {
		kt_kill(pid);
		suite_skip("ptrace is restricted here");
	}
	ck_assert_int_eq(n, 7);
	ck_assert_str_eq(got, "theirs");
	kt_measured("read \"%s\" from a private page of another process", got);
	ck_assert_int_eq(process_vm_writev(pid, &local, 1, &remote, 1, 0), 4);
	kt_gate_post(&go);
	kt_join(pid);
	ck_assert_str_eq(text, "ours");
}
END_TEST

START_TEST(process_vm_readv_stops_at_what_is_not_there)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = kt_shared(2 * (size_t)page);
	char got[16];

	ck_assert_int_eq(munmap(at + page, (size_t)page), 0);
	/* A short count, and EFAULT only when nothing could be read. */
	ck_assert_int_eq(read_of(getpid(), got, at + page - 4, 8), 4);
	ck_assert_int_eq(read_of(getpid(), got, at + page, 8), -EFAULT);
}
END_TEST

Suite *pidfd_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(it_becomes_readable_at_exit),
		KT_CLAIM(
			after_the_wait_a_signal_gives_esrch,
			"A pid names a process for as long as one remembers it.",
			"Until its parent has waited; then it may be another's. A pidfd never means another one."),
		KT_TEST(a_process_that_is_no_child_can_be_polled_but_not_waited_for),
		KT_CLAIM(getfd_takes_a_descriptor_out_of_another_process,
			 "A process's descriptors are its own.",
			 "Who may trace it can copy them out (pidfd_getfd, /proc/PID/fd)."),
		KT_TEST(exec_closes_it),
		KT_TEST(a_bad_pid_or_flag_gives_einval),
		KT_CLAIM(
			process_vm_readv_and_writev_reach_private_memory,
			"Processes exchange data only through IPC that both agreed to.",
			"Who may trace another can read and write its memory, without its doing anything."),
		KT_TEST(process_vm_readv_stops_at_what_is_not_there),
	};

	return kt_suite("pidfd", tests, SUITE_COUNT(tests));
}
