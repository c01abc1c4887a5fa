/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends a blocked call: a handler without SA_RESTART ends each; with SA_RESTART, and by stop
 * and continue without any handler, it depends on the call. One row a call.
 */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONG_S = 1000, PAGE = 4096 };

static const struct timespec long_time = { .tv_sec = LONG_S };

/* Each of these runs in a child, sets up what it needs, blocks, and returns what the call returned.
 */

static long block_read(void)
{
	int fd[2];
	char c;

	KT_CHILD(pipe(fd) == 0);
	return read(fd[0], &c, 1);
}

static long block_write(void)
{
	static char page[PAGE];
	int fd[2];

	KT_CHILD(pipe(fd) == 0);
	KT_CHILD(fcntl(fd[1], F_SETPIPE_SZ, PAGE) == PAGE);
	KT_CHILD(write(fd[1], page, PAGE) == PAGE);
	return write(fd[1], page, PAGE);
}

static long block_open(void)
{
	char path[PAGE];

	snprintf(path, sizeof(path), "%s/fifo", kt_dir());
	KT_CHILD(mkfifo(path, 0600) == 0);
	return open(path, O_RDONLY);
}

static long block_wait(void)
{
	pid_t pid = fork();

	KT_CHILD(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	return waitpid(pid, NULL, 0);
}

static long block_semop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semop(kt_sem(1, 0), &take, 1);
}

static long block_semtimedop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semtimedop(kt_sem(1, 0), &take, 1, &long_time);
}

static long block_msgrcv(void)
{
	struct kt_message m;

	return msgrcv(kt_msgq(), &m, sizeof(m.text), 0, 0);
}

static long block_msgsnd(void)
{
	struct kt_message m = { .type = 1 };
	struct msqid_ds ds;
	int id = kt_msgq();

	KT_CHILD(msgctl(id, IPC_STAT, &ds) == 0);
	ds.msg_qbytes = 1;
	KT_CHILD(msgctl(id, IPC_SET, &ds) == 0);
	return msgsnd(id, &m, 2, 0);
}

static long block_poll(void)
{
	return poll(NULL, 0, LONG_S * 1000);
}

static long block_select(void)
{
	struct timeval time = { .tv_sec = LONG_S };

	return select(0, NULL, NULL, NULL, &time);
}

static long block_epoll(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, LONG_S * 1000);
}

static long block_nanosleep(void)
{
	return nanosleep(&long_time, NULL);
}

static long block_pause(void)
{
	return pause();
}

static long block_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static long block_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &long_time);
}

static long block_flock(void)
{
	char path[PAGE];
	int first, second;

	snprintf(path, sizeof(path), "%s/file", kt_dir());
	first = open(path, O_RDWR | O_CREAT, 0600);
	second = open(path, O_RDWR);
	KT_CHILD(flock(first, LOCK_EX) == 0);
	return flock(second, LOCK_EX);
}

static long block_sem_wait(void)
{
	sem_t sem;

	KT_CHILD(sem_init(&sem, 1, 0) == 0);
	return sem_wait(&sem);
}

static long block_recv(void)
{
	int fd[2];
	char c;

	KT_CHILD(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	return recv(fd[0], &c, 1, 0);
}

static long block_recv_timeout(void)
{
	struct timeval time = { .tv_sec = LONG_S };
	int fd[2];
	char c;

	KT_CHILD(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	KT_CHILD(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
	return recv(fd[0], &c, 1, 0);
}

/* `sa_restart`: that flag makes it go on; `stop_ends`: stop and continue end it without any
 * handler. */
struct call_row {
	const char *name;
	long nr;
	long (*block)(void);
	bool sa_restart;
	bool stop_ends;
};

static const struct call_row call_rows[] = {
	{ "read_pipe", SYS_read, block_read, .sa_restart = true },
	{ "write_pipe", SYS_write, block_write, .sa_restart = true },
	{ "open_fifo", SYS_open, block_open, .sa_restart = true },
	{ "waitpid", SYS_wait4, block_wait, .sa_restart = true },
	{ "flock", SYS_flock, block_flock, .sa_restart = true },
	{ "sem_wait", SYS_futex, block_sem_wait, .sa_restart = true },
	{ "recv", SYS_recvfrom, block_recv, .sa_restart = true },
	{ "recv_with_timeout", SYS_recvfrom, block_recv_timeout, .stop_ends = true },
	{ "semop", SYS_semop, block_semop, .stop_ends = true },
	{ "semtimedop", SYS_semtimedop, block_semtimedop, .stop_ends = true },
	{ "epoll_wait", SYS_epoll_wait, block_epoll, .stop_ends = true },
	{ "sigtimedwait", SYS_rt_sigtimedwait, block_sigtimedwait, .stop_ends = true },
	{ "msgrcv", SYS_msgrcv, block_msgrcv, .stop_ends = false },
	{ "msgsnd", SYS_msgsnd, block_msgsnd, .stop_ends = false },
	{ "poll", SYS_poll, block_poll, .stop_ends = false },
	{ "select", SYS_select, block_select, .stop_ends = false },
	{ "nanosleep", SYS_nanosleep, block_nanosleep, .stop_ends = false },
	{ "pause", SYS_pause, block_pause, .stop_ends = false },
	{ "sigsuspend", SYS_rt_sigsuspend, block_sigsuspend, .stop_ends = false },
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
	/* The directory is made here, so that all of the children have the same. */
	kt_dir();
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
	expect(pid, row, true);
}
END_TEST

START_TEST(sa_restart)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid = fork_blocked(row, SA_RESTART);

	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	kt_gate_await(&handled);
	expect(pid, row, !row->sa_restart);
}
END_TEST

START_TEST(stop_and_continue)
{
	const struct call_row *row = &call_rows[_i];
	pid_t pid = fork_blocked(row, 0);

	kt_stop_and_continue(pid);
	expect(pid, row, row->stop_ends);
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
		KT_ROWS(a_handler_ends, call_rows),
		KT_ROWS(sa_restart, call_rows),
		KT_ROWS(stop_and_continue, call_rows),
		KT_ROWS(an_ignored_signal_ends_nothing, call_rows),
	};

	return kt_suite("interrupt", tests, SUITE_COUNT(tests));
}
