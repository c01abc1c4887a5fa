/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that block for ever, for interrupt.c: pipes, System V, children, time, signals. */
#include "interrupt.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

const struct timespec interrupt_long = { .tv_sec = INTERRUPT_LONG_S };

struct timespec interrupt_never(void)
{
	struct timespec moment;

	KT_CHILD(clock_gettime(CLOCK_REALTIME, &moment) == 0);
	moment.tv_sec += INTERRUPT_LONG_S;
	return moment;
}

/* The full pipe's write end. */
static int full_pipe(void)
{
	static char page[INTERRUPT_PAGE];
	int fd[2];

	KT_CHILD(pipe(fd) == 0);
	KT_CHILD(fcntl(fd[1], F_SETPIPE_SZ, INTERRUPT_PAGE) == INTERRUPT_PAGE);
	KT_CHILD(write(fd[1], page, INTERRUPT_PAGE) == INTERRUPT_PAGE);
	return fd[1];
}

static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	KT_CHILD(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	return pid;
}

long block_read(void)
{
	int fd[2];
	char c;

	KT_CHILD(pipe(fd) == 0);
	return read(fd[0], &c, 1);
}

long block_write(void)
{
	return write(full_pipe(), "x", 1);
}

static long open_fifo(int flags)
{
	const char *path = kt_path("fifo");

	KT_CHILD(mkfifo(path, 0600) == 0);
	return open(path, flags);
}

long block_open(void)
{
	return open_fifo(O_RDONLY);
}

long block_open_to_write(void)
{
	return open_fifo(O_WRONLY);
}

long block_splice(void)
{
	int from[2], to[2];

	KT_CHILD(pipe(from) == 0 && pipe(to) == 0);
	return splice(from[0], NULL, to[1], NULL, 1, 0);
}

long block_tee(void)
{
	int from[2], to[2];

	KT_CHILD(pipe(from) == 0 && pipe(to) == 0);
	return tee(from[0], to[1], 1, 0);
}

long block_vmsplice(void)
{
	struct iovec bytes = { "x", 1 };

	return vmsplice(full_pipe(), &bytes, 1, 0);
}

long block_wait(void)
{
	return waitpid(fork_sleeper(), NULL, 0);
}

long block_waitid(void)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)fork_sleeper(), &info, WEXITED);
}

long block_waitid_pidfd(void)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd_open(fork_sleeper(), 0), &info, WEXITED);
}

/* A command that ends with its standard input, and that with this process. */
static const char *command(void)
{
	int fd[2];

	KT_CHILD(pipe2(fd, O_CLOEXEC) == 0);
	KT_CHILD(dup2(fd[0], 0) == 0);
	return "read x";
}

long block_pclose(void)
{
	return pclose(popen(command(), "r"));
}

long block_system(void)
{
	return system(command());
}

long block_semop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semop(kt_sem(1, 0), &take, 1);
}

long block_semtimedop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semtimedop(kt_sem(1, 0), &take, 1, &interrupt_long);
}

long block_msgrcv(void)
{
	struct kt_message m;

	return msgrcv(kt_msgq(), &m, sizeof(m.text), 0, 0);
}

long block_msgsnd(void)
{
	struct kt_message m = { .type = 1 };
	struct msqid_ds ds;
	int id = kt_msgq();

	KT_CHILD(msgctl(id, IPC_STAT, &ds) == 0);
	ds.msg_qbytes = 1;
	KT_CHILD(msgctl(id, IPC_SET, &ds) == 0);
	return msgsnd(id, &m, 2, 0);
}

long block_poll(void)
{
	return poll(NULL, 0, INTERRUPT_LONG_S * 1000);
}

long block_ppoll(void)
{
	return ppoll(NULL, 0, &interrupt_long, NULL);
}

long block_select(void)
{
	struct timeval time = { .tv_sec = INTERRUPT_LONG_S };

	return select(0, NULL, NULL, NULL, &time);
}

long block_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &interrupt_long, NULL);
}

long block_epoll(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, INTERRUPT_LONG_S * 1000);
}

long block_nanosleep(void)
{
	return nanosleep(&interrupt_long, NULL);
}

/* It returns the error. */
long block_clock_nanosleep(void)
{
	struct timespec moment = interrupt_never();

	errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL);
	return -1;
}

long block_pause(void)
{
	return pause();
}

long block_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static sigset_t usr2(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return set;
}

long block_sigwaitinfo(void)
{
	sigset_t set = usr2();

	return sigwaitinfo(&set, NULL);
}

long block_sigtimedwait(void)
{
	sigset_t set = usr2();

	return sigtimedwait(&set, NULL, &interrupt_long);
}

long block_sigwait(void)
{
	sigset_t set = usr2();
	int signo;

	errno = sigwait(&set, &signo);
	return -1;
}
