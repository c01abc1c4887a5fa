/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: which queue and in which order, what fork and exec keep, and the window that
 * sigsuspend() closes. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

static int queue_signal(int signo, int value)
{
	union sigval v = { .sival_int = value };

	return sigqueue(getpid(), signo, v) < 0 ? -errno : 0;
}

/* Takes the next pending one of all: its number, or -EAGAIN. */
static int take(siginfo_t *info)
{
	static const struct timespec now;
	sigset_t all;
	int signo;

	sigfillset(&all);
	signo = sigtimedwait(&all, info, &now);
	return signo < 0 ? -errno : signo;
}

static bool is_pending(int signo)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, signo) == 1;
}

START_TEST(standard_signals_do_not_queue)
{
	siginfo_t info;
	int next;

	block(SIGUSR1);
	for (int i = 1; i <= 3; i++)
		ck_assert_int_eq(queue_signal(SIGUSR1, i), 0);
	ck_assert_int_eq(take(&info), SIGUSR1);
	/* The first stays; the later ones are lost, value and all. */
	ck_assert_int_eq(info.si_value.sival_int, 1);
	next = take(&info);
	kt_measured("3 sent, with values 1 2 3: value %d came, then %s", info.si_value.sival_int,
		    kt_errno(next));
	ck_assert_int_eq(next, -EAGAIN);
}
END_TEST

START_TEST(real_time_signals_queue_in_order)
{
	siginfo_t info;

	block(SIGRTMIN);
	for (int i = 1; i <= 3; i++)
		ck_assert_int_eq(queue_signal(SIGRTMIN, i), 0);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(take(&info), SIGRTMIN);
		ck_assert_int_eq(info.si_value.sival_int, i);
	}
	ck_assert_int_eq(take(&info), -EAGAIN);
}
END_TEST

START_TEST(the_lowest_number_comes_first)
{
	siginfo_t info;

	block(SIGRTMIN + 2);
	block(SIGRTMIN + 1);
	block(SIGUSR2);
	ck_assert_int_eq(queue_signal(SIGRTMIN + 2, 0), 0);
	ck_assert_int_eq(queue_signal(SIGRTMIN + 1, 0), 0);
	ck_assert_int_eq(queue_signal(SIGUSR2, 0), 0);
	ck_assert_int_eq(take(&info), SIGUSR2);
	ck_assert_int_eq(take(&info), SIGRTMIN + 1);
	ck_assert_int_eq(take(&info), SIGRTMIN + 2);
}
END_TEST

START_TEST(a_full_queue_gives_eagain_to_sigqueue_and_not_to_kill)
{
	pid_t pid;

	block(SIGRTMIN);
	pid = kt_fork();
	if (!pid) {
		struct rlimit none = { 0, 0 };

		KT_CHILD(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
		KT_CHILD(kt_drop_rights());
		KT_CHILD(queue_signal(SIGRTMIN, 1) == -EAGAIN);
		/* kill() is delivered, if only once. */
		KT_CHILD(kill(getpid(), SIGRTMIN) == 0 && is_pending(SIGRTMIN));
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(ignoring_throws_pending_ones_away)
{
	block(SIGUSR1);
	raise(SIGUSR1);
	ck_assert(is_pending(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	ck_assert(!is_pending(SIGUSR1));
}
END_TEST

START_TEST(fork_keeps_the_mask_and_drops_pending_ones)
{
	pid_t pid;

	block(SIGUSR1);
	raise(SIGUSR1);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(!is_pending(SIGUSR1));
		raise(SIGUSR1);
		KT_CHILD(is_pending(SIGUSR1));
		_exit(0);
	}
	kt_join(pid);
	ck_assert(is_pending(SIGUSR1));
}
END_TEST

START_TEST(exec_resets_handlers_and_keeps_what_is_ignored)
{
	int status;
	pid_t pid = kt_fork();

	if (!pid) {
		kt_handle(SIGUSR1, 0);
		signal(SIGUSR2, SIG_IGN);
		execlp("sh", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; exit 5", (char *)NULL);
		KT_CHILD(!"exec of sh");
	}
	status = kt_wait(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}
END_TEST

START_TEST(sigsuspend_takes_what_was_pending_at_once)
{
	sigset_t none;

	kt_handle(SIGUSR1, 0);
	block(SIGUSR1);
	raise(SIGUSR1);
	ck_assert_int_eq(kt_n_handled, 0);
	sigemptyset(&none);
	ck_assert_int_eq(sigsuspend(&none), -1);
	ck_assert_int_eq(errno, EINTR);
	ck_assert_int_eq(kt_n_handled, 1);
	/* And the mask is as before. */
	raise(SIGUSR1);
	ck_assert_int_eq(kt_n_handled, 1);
	ck_assert(is_pending(SIGUSR1));
}
END_TEST

START_TEST(unblock_and_then_pause_loses_the_signal)
{
	pid_t pid = kt_fork();

	if (!pid) {
		sigset_t none;

		kt_handle(SIGUSR1, 0);
		block(SIGUSR1);
		raise(SIGUSR1);
		sigemptyset(&none);
		/* The handler runs here, before pause(): that is what sigsuspend() is for. */
		sigprocmask(SIG_SETMASK, &none, NULL);
		KT_CHILD(kt_n_handled == 1);
		pause();
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_pause);
	kt_measured("pause() waits");
	kt_kill(pid);
}
END_TEST

START_TEST(signalfd_reads_pending_ones_and_a_handler_does_not_run)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	kt_handle(SIGUSR1, 0);
	block(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, &info, sizeof(info)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	raise(SIGUSR1);
	ck_assert_int_eq(read(fd, &info, sizeof(info)), sizeof(info));
	ck_assert_uint_eq(info.ssi_signo, SIGUSR1);
	ck_assert_int_eq(kt_n_handled, 0);
}
END_TEST

START_TEST(a_zombie_takes_signals_without_an_error)
{
	pid_t pid = kt_fork();

	if (!pid)
		_exit(0);
	kt_await_zombie(pid);
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	kt_measured("SIGKILL to a zombie: success");
	kt_join(pid);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(several_children_may_give_one_sigchld)
{
	enum { N_CHILDREN = 3 };
	siginfo_t info;

	block(SIGCHLD);
	for (int i = 0; i < N_CHILDREN; i++) {
		pid_t pid = kt_fork();

		if (!pid)
			_exit(0);
		kt_await_zombie(pid);
	}
	ck_assert_int_eq(take(&info), SIGCHLD);
	ck_assert_int_eq(take(&info), -EAGAIN);
	kt_measured("1 for %d children", N_CHILDREN);
	for (int i = 0; i < N_CHILDREN; i++)
		ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
}
END_TEST

Suite *signal_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			standard_signals_do_not_queue, "Signals are counted.",
			"Standard ones are not: the first stays, with its value. Real-time ones queue, in order."),
		KT_TEST(real_time_signals_queue_in_order),
		KT_TEST(the_lowest_number_comes_first),
		KT_TEST(a_full_queue_gives_eagain_to_sigqueue_and_not_to_kill),
		KT_TEST(ignoring_throws_pending_ones_away),
		KT_TEST(fork_keeps_the_mask_and_drops_pending_ones),
		KT_TEST(exec_resets_handlers_and_keeps_what_is_ignored),
		KT_TEST(sigsuspend_takes_what_was_pending_at_once),
		KT_CLAIM(
			unblock_and_then_pause_loses_the_signal, "Unblock, then pause().",
			"The signal comes in between, and pause() waits for ever. sigsuspend() does both at once."),
		KT_TEST(signalfd_reads_pending_ones_and_a_handler_does_not_run),
		KT_CLAIM(a_zombie_takes_signals_without_an_error,
			 "kill() fails for a dead process.", "Not for a zombie."),
		KT_CLAIM(several_children_may_give_one_sigchld, "One SIGCHLD a child.",
			 "Several children can give one."),
	};

	return kt_suite("signal", tests, SUITE_COUNT(tests));
}
