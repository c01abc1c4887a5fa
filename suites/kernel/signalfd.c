/* SPDX-License-Identifier: Apache-2.0 */
/* signalfd: whose signals a read gets, and what has to be blocked. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Both, blocked. */
static sigset_t block_usr(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	return set;
}

static int make(int flags)
{
	sigset_t set = block_usr();
	int fd = signalfd(-1, &set, flags);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The signal, or -errno. */
static int take(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) < 0 ? -errno : (int)info.ssi_signo;
}

START_TEST(a_read_gets_the_readers_signals_and_not_the_makers)
{
	int fd = make(SFD_NONBLOCK);
	pid_t pid;

	raise(SIGUSR1);
	pid = kt_fork();
	if (!pid) {
		/* Our parent made it, and has one pending. */
		KT_CHILD(take(fd) == -EAGAIN);
		raise(SIGUSR2);
		KT_CHILD(take(fd) == SIGUSR2);
		kt_measured("a child read its own SIGUSR2, not its parent's pending SIGUSR1");
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(take(fd), SIGUSR1);
}
END_TEST

START_TEST(it_cannot_take_what_is_not_blocked)
{
	sigset_t set;
	int fd;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	kt_handle(SIGUSR1, 0);
	raise(SIGUSR1);
	ck_assert_int_eq(kt_n_handled, 1);
	got = take(fd);
	kt_measured("the handler ran, read gave %s", kt_errno(got));
	ck_assert_int_eq(got, -EAGAIN);
}
END_TEST

START_TEST(a_read_takes_several)
{
	struct signalfd_siginfo infos[4];
	int fd = make(SFD_NONBLOCK);

	raise(SIGUSR2);
	raise(SIGUSR1);
	/* Pending twice is once. */
	raise(SIGUSR1);
	ck_assert_int_eq(read(fd, infos, sizeof(infos)), 2 * (ssize_t)sizeof(infos[0]));
	ck_assert_uint_eq(infos[0].ssi_signo, SIGUSR1);
	ck_assert_uint_eq(infos[1].ssi_signo, SIGUSR2);
	ck_assert_int_eq((pid_t)infos[0].ssi_pid, getpid());
	ck_assert(read(fd, infos, sizeof(infos[0]) - 1) == -1 && errno == EINVAL);
}
END_TEST

START_TEST(the_mask_can_be_changed_and_kill_is_not_taken)
{
	int fd = make(SFD_NONBLOCK);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGKILL);
	ck_assert_int_eq(signalfd(fd, &set, 0), fd);
	raise(SIGUSR1);
	ck_assert_int_eq(take(fd), -EAGAIN);
	raise(SIGUSR2);
	ck_assert_int_eq(take(fd), SIGUSR2);
}
END_TEST

START_TEST(a_blocked_reader_is_woken)
{
	int fd = make(0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(take(fd) == SIGUSR1);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_read);
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_join(pid);
}
END_TEST

START_TEST(exec_keeps_it)
{
	int fd = make(0);

	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(fcntl(make(SFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
}
END_TEST

Suite *signalfd_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_read_gets_the_readers_signals_and_not_the_makers,
			"A signalfd reads the signals of the process that made it.",
			"Of the one that reads. After fork() each reads its own by the same descriptor."),
		KT_CLAIM(it_cannot_take_what_is_not_blocked,
			 "With a signalfd the handler no longer runs.",
			 "Only while the signal is blocked."),
		KT_TEST(a_read_takes_several),
		KT_TEST(the_mask_can_be_changed_and_kill_is_not_taken),
		KT_TEST(a_blocked_reader_is_woken),
		KT_TEST(exec_keeps_it),
	};

	return kt_suite("signalfd", tests, SUITE_COUNT(tests));
}
