/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends a blocked call: a handler without SA_RESTART ends each system call; with SA_RESTART,
 * and by stop and continue without any handler, it depends on the call. Library functions may go on
 * all the same. One row a call; the calls themselves are in interrupt_*.c.
 */
#include "interrupt.h"
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * ANY_HANDLER: a handler ends it, also one with SA_RESTART. RESTARTS: one without it. GOES_ON: no
 * handler does. STOP_ENDS: stop and continue end it without any handler.
 */
enum { ANY_HANDLER = 0, RESTARTS = 1, GOES_ON = 2, STOP_ENDS = 4 };

struct call_row {
	const char *name;
	long nr;
	long (*block)(void);
	int how;
};

static const struct call_row call_rows[] = {
	{ "read_pipe", SYS_read, block_read, RESTARTS },
	{ "write_pipe", SYS_write, block_write, RESTARTS },
	{ "open_fifo", SYS_open, block_open, RESTARTS },
	{ "open_fifo_to_write", SYS_open, block_open_to_write, RESTARTS },
	{ "splice", SYS_splice, block_splice, RESTARTS },
	{ "tee", SYS_tee, block_tee, RESTARTS },
	{ "vmsplice", SYS_vmsplice, block_vmsplice, RESTARTS },
	{ "waitpid", SYS_wait4, block_wait, RESTARTS },
	{ "waitid", SYS_waitid, block_waitid, RESTARTS },
	{ "waitid_pidfd", SYS_waitid, block_waitid_pidfd, RESTARTS },
	{ "pclose", SYS_wait4, block_pclose, GOES_ON },
	{ "system", SYS_wait4, block_system, GOES_ON },
	{ "semop", SYS_semop, block_semop, STOP_ENDS },
	{ "semtimedop", SYS_semtimedop, block_semtimedop, STOP_ENDS },
	{ "msgrcv", SYS_msgrcv, block_msgrcv, ANY_HANDLER },
	{ "msgsnd", SYS_msgsnd, block_msgsnd, ANY_HANDLER },
	{ "poll", SYS_poll, block_poll, ANY_HANDLER },
	{ "ppoll", SYS_ppoll, block_ppoll, ANY_HANDLER },
	{ "select", SYS_select, block_select, ANY_HANDLER },
	{ "pselect", SYS_pselect6, block_pselect, ANY_HANDLER },
	{ "epoll_wait", SYS_epoll_wait, block_epoll, STOP_ENDS },
	{ "nanosleep", SYS_nanosleep, block_nanosleep, ANY_HANDLER },
	{ "clock_nanosleep", SYS_clock_nanosleep, block_clock_nanosleep, ANY_HANDLER },
	{ "pause", SYS_pause, block_pause, ANY_HANDLER },
	{ "sigsuspend", SYS_rt_sigsuspend, block_sigsuspend, ANY_HANDLER },
	{ "sigwaitinfo", SYS_rt_sigtimedwait, block_sigwaitinfo, STOP_ENDS },
	{ "sigtimedwait", SYS_rt_sigtimedwait, block_sigtimedwait, STOP_ENDS },
	{ "sigwait", SYS_rt_sigtimedwait, block_sigwait, GOES_ON },
	{ "mq_receive", SYS_mq_timedreceive, block_mq_receive, RESTARTS },
	{ "mq_timedreceive", SYS_mq_timedreceive, block_mq_timedreceive, RESTARTS },
	{ "mq_send", SYS_mq_timedsend, block_mq_send, RESTARTS },
	{ "mq_timedsend", SYS_mq_timedsend, block_mq_timedsend, RESTARTS },
	{ "accept", SYS_accept, block_accept, RESTARTS },
	{ "accept_with_timeout", SYS_accept, block_accept_timeout, STOP_ENDS },
	{ "connect", SYS_connect, block_connect, RESTARTS },
	{ "connect_with_timeout", SYS_connect, block_connect_timeout, STOP_ENDS },
	{ "connect_tcp", SYS_connect, block_connect_tcp, RESTARTS },
	{ "recv", SYS_recvfrom, block_recv, RESTARTS },
	{ "recv_with_timeout", SYS_recvfrom, block_recv_timeout, STOP_ENDS },
	{ "recvmsg", SYS_recvmsg, block_recvmsg, RESTARTS },
	{ "recvmmsg", SYS_recvmmsg, block_recvmmsg, RESTARTS },
	{ "recv_tcp", SYS_recvfrom, block_recv_tcp, RESTARTS },
	{ "send", SYS_sendto, block_send, RESTARTS },
	{ "send_with_timeout", SYS_sendto, block_send_timeout, STOP_ENDS },
	{ "sendto_datagram", SYS_sendto, block_sendto, RESTARTS },
	{ "sendmsg", SYS_sendmsg, block_sendmsg, RESTARTS },
	{ "sendfile", SYS_sendfile, block_sendfile, RESTARTS },
	{ "read_eventfd", SYS_read, block_eventfd_read, RESTARTS },
	{ "write_eventfd", SYS_write, block_eventfd_write, RESTARTS },
	{ "read_timerfd", SYS_read, block_timerfd, RESTARTS },
	{ "read_signalfd", SYS_read, block_signalfd, RESTARTS },
	{ "read_inotify", SYS_read, block_inotify, RESTARTS },
	{ "io_uring_enter", SYS_io_uring_enter, block_io_uring, STOP_ENDS },
	{ "sem_wait", SYS_futex, block_sem_wait, RESTARTS },
	{ "sem_timedwait", SYS_futex, block_sem_timedwait, ANY_HANDLER },
	{ "sem_clockwait", SYS_futex, block_sem_clockwait, ANY_HANDLER },
	{ "futex_wait", SYS_futex, block_futex, RESTARTS },
	{ "futex_wait_with_timeout", SYS_futex, block_futex_timeout, ANY_HANDLER },
	{ "futex_lock_pi", SYS_futex, block_futex_lock_pi, GOES_ON },
	{ "futex_waitv", SYS_futex_waitv, block_futex_waitv, RESTARTS },
	{ "pthread_mutex_lock", SYS_futex, block_mutex, GOES_ON },
	{ "pthread_mutex_timedlock", SYS_futex, block_mutex_timed, GOES_ON },
	{ "pthread_mutex_lock_robust", SYS_futex, block_mutex_robust, GOES_ON },
	{ "pthread_mutex_lock_inherit", SYS_futex, block_mutex_inherit, GOES_ON },
	{ "pthread_cond_wait", SYS_futex, block_cond, GOES_ON },
	{ "pthread_cond_timedwait", SYS_futex, block_cond_timed, GOES_ON },
	{ "pthread_rwlock_rdlock", SYS_futex, block_rwlock_read, GOES_ON },
	{ "pthread_rwlock_wrlock", SYS_futex, block_rwlock_write, GOES_ON },
	{ "pthread_barrier_wait", SYS_futex, block_barrier, GOES_ON },
	{ "pthread_join", SYS_futex, block_join, GOES_ON },
	{ "flock", SYS_flock, block_flock, RESTARTS },
	{ "fcntl_setlkw", SYS_fcntl, block_setlkw, RESTARTS },
	{ "fcntl_ofd_setlkw", SYS_fcntl, block_ofd_setlkw, RESTARTS },
	{ "lockf", SYS_fcntl, block_lockf, RESTARTS },
};

static struct kt_gate handled;

static void post_handled(int signo)
{
	(void)signo;
	kt_gate_post(&handled);
}

/* Forks a child blocked in the row's call; if the call comes back it must be by EINTR. */
static pid_t fork_blocked(const struct call_row *row, int handler_flags)
{
	pid_t pid;

	kt_gate_make(&handled);
	/* These are made here, so that all of the children have the same. */
	kt_dir();
	kt_name(0);
	pid = kt_fork();
	if (!pid) {
		struct sigaction action = { .sa_handler = post_handled, .sa_flags = handler_flags };

		KT_CHILD(sigaction(SIGUSR1, &action, NULL) == 0);
		KT_CHILD(row->block() == -1 && errno == EINTR);
		_exit(0);
	}
	kt_wait_blocked(pid, row->nr);
	return pid;
}

static void expect(pid_t pid, const struct call_row *row, bool ends)
{
	if (ends) {
		kt_join(pid);
		return;
	}
	kt_wait_blocked(pid, row->nr);
	kt_kill(pid);
}

START_TEST(a_handler_ends)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid = fork_blocked(row, 0);

	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_gate_await(&handled);
	expect(pid, row, !(row->how & GOES_ON));
	if (row->how & GOES_ON)
		kt_measured("%s", row->name);
}
END_TEST

START_TEST(sa_restart)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid = fork_blocked(row, SA_RESTART);

	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_gate_await(&handled);
	expect(pid, row, !(row->how & (RESTARTS | GOES_ON)));
	if (!(row->how & (RESTARTS | GOES_ON)))
		kt_measured("%s", row->name);
}
END_TEST

START_TEST(stop_and_continue)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid = fork_blocked(row, 0);

	kt_stop_and_continue(pid);
	expect(pid, row, row->how & STOP_ENDS);
	if (row->how & STOP_ENDS)
		kt_measured("%s", row->name);
}
END_TEST

START_TEST(an_ignored_signal_ends_nothing)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid;

	signal(SIGUSR2, SIG_IGN);
	pid = fork_blocked(row, 0);
	ck_assert_int_eq(kill(pid, SIGUSR2), 0);
	expect(pid, row, false);
}
END_TEST

Suite *interrupt_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM_ROWS(
			a_handler_ends, call_rows, "A signal ends any wait with EINTR.",
			"Any system call's but futex(FUTEX_LOCK_PI). These functions wait again by themselves."),
		KT_CLAIM_ROWS(
			sa_restart, call_rows, "SA_RESTART restarts every call.",
			"Not these. Of the calls with a time only mq_timedreceive() and mq_timedsend() are restarted."),
		KT_CLAIM_ROWS(
			stop_and_continue, call_rows, "EINTR needs a handler.",
			"Not in these, after SIGSTOP and SIGCONT (or when a debugger attaches). All others go on, also those that SA_RESTART spares. (signal(7) has older kernels: msgrcv and msgsnd up to Linux 2.6.8, nanosleep up to 2.4.)"),
		KT_ROWS(an_ignored_signal_ends_nothing, call_rows),
	};

	return kt_suite("interrupt", tests, SUITE_COUNT(tests));
}
