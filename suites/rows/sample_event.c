/* SPDX-License-Identifier: Apache-2.0 */
/* sample_event.c - descriptors that stand for events and processes, and locks on files. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static eventfd_t value;
static const struct itimerspec soon = { .it_value = { 1000, 0 } };
static struct itimerspec before;
static struct io_uring_params ring;
static char copied[16];

static void data_opened(void)
{
	print_open((int)stage->result);
}

static void prepare_eventfd(void)
{
	stage->fd[0] = (int)raw2(SYS_eventfd2, 3, stage->nowait ? EFD_NONBLOCK : 0);
	need(stage->fd[0], "eventfd2");
}

static void state_eventfd(void)
{
	uint64_t left = 0;

	raw3(SYS_fcntl, stage->fd[0], F_SETFL, O_NONBLOCK);
	raw3(SYS_read, stage->fd[0], &left, sizeof(left));
	print(" left=%llu", (unsigned long long)left);
}

static void data_value(void)
{
	print(" value=%llu", (unsigned long long)value);
}

static void prepare_timerfd(void)
{
	stage->fd[0] = (int)raw2(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	need(stage->fd[0], "timerfd_create");
}

static void state_timerfd(void)
{
	struct itimerspec now = { 0 };

	raw2(SYS_timerfd_gettime, stage->fd[0], &now);
	print(" armed=%d", now.it_value.tv_sec > 0);
}

static const sigset_t *some_signals(void)
{
	static sigset_t set;

	set.__val[0] = 1u << (SIGUSR1 - 1);
	return &set;
}

static void prepare_inotify(void)
{
	prepare_dir();
	stage->fd[0] = (int)raw1(SYS_inotify_init1, 0);
	need(stage->fd[0], "inotify_init1");
}

static void prepare_watched(void)
{
	prepare_inotify();
	stage->id = (int)raw3(SYS_inotify_add_watch, stage->fd[0], ".", IN_CREATE);
	need(stage->id, "inotify_add_watch");
}

/* Does a new file here make an event? */
static void state_inotify(void)
{
	char room[512];
	long n;

	raw1(SYS_close, raw4(SYS_openat, AT_FDCWD, "f", O_CREAT | O_RDWR, 0600));
	raw3(SYS_fcntl, stage->fd[0], F_SETFL, O_NONBLOCK);
	n = raw3(SYS_read, stage->fd[0], room, sizeof(room));
	print(" event=%d", n > 0);
}

static void prepare_pidfd(void)
{
	pid_t pid;

	need(raw2(SYS_pipe2, stage->fd2, 0), "pipe2");
	/* the stage is shared: only one may write to it */
	pid = raw_fork();
	if (pid == 0) {
		handle(SIGUSR1, 0);
		raw3(SYS_write, stage->fd2[1], "x", 1);
		for (;;)
			raw0(SYS_pause);
	}
	need(raw3(SYS_read, stage->fd2[0], copied, 1), "read");
	stage->pid = pid;
	stage->fd[0] = (int)raw2(SYS_pidfd_open, stage->pid, 0);
	need(stage->fd[0], "pidfd_open");
	memcpy(copied, stage->in, SHORT_TEXT);
}

static void state_ended(void)
{
	raw2(SYS_kill, stage->pid, SIGKILL);
	print(" ended=0x%x", raw_reap(stage->pid));
}

static struct iovec local = { copied, SHORT_TEXT }, remote = { copied, SHORT_TEXT };

CALLS(eventfd, eventfd(3, EFD_CLOEXEC))
FAILS(eventfd, eventfd(3, bad))
SAMPLE(eventfd, .fail = fail_eventfd, .data = data_opened, .shape = SHAPE_FD);

CALLS(eventfd_read, eventfd_read(stage->fd[0], &value))
FAILS(eventfd_read, eventfd_read(bad, &value))
FAULTS(eventfd_read, eventfd_read(stage->fd[0], nowhere))
SAMPLE(eventfd_read, .prepare = prepare_eventfd, .fail = fail_eventfd_read,
       .fault = fault_eventfd_read, .data = data_value, .state = state_eventfd);

CALLS(eventfd_write, eventfd_write(stage->fd[0], 4))
FAILS(eventfd_write, eventfd_write(bad, 4))
SAMPLE(eventfd_write, .prepare = prepare_eventfd, .fail = fail_eventfd_write,
       .state = state_eventfd);

CALLS(timerfd_create, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC))
FAILS(timerfd_create, timerfd_create(99, 0))
SAMPLE(timerfd_create, .fail = fail_timerfd_create, .data = data_opened, .shape = SHAPE_FD);

CALLS(timerfd_settime, timerfd_settime(stage->fd[0], 0, &soon, &before))
FAILS(timerfd_settime, timerfd_settime(bad, 0, &soon, &before))
FAULTS(timerfd_settime, timerfd_settime(stage->fd[0], 0, nowhere, NULL))
SAMPLE(timerfd_settime, .prepare = prepare_timerfd, .fail = fail_timerfd_settime,
       .fault = fault_timerfd_settime, .state = state_timerfd);

CALLS(signalfd, signalfd(-1, some_signals(), SFD_CLOEXEC))
FAILS(signalfd, signalfd(-1, some_signals(), bad))
FAULTS(signalfd, signalfd(-1, nowhere, 0))
SAMPLE(signalfd, .fail = fail_signalfd, .fault = fault_signalfd, .data = data_opened,
       .shape = SHAPE_FD);

CALLS(inotify_init, inotify_init())
SAMPLE(inotify_init, .data = data_opened, .shape = SHAPE_FD);

CALLS(inotify_init1, inotify_init1(IN_CLOEXEC))
FAILS(inotify_init1, inotify_init1(bad))
SAMPLE(inotify_init1, .fail = fail_inotify_init1, .data = data_opened, .shape = SHAPE_FD);

CALLS(inotify_add_watch, inotify_add_watch(stage->fd[0], ".", IN_CREATE))
FAILS(inotify_add_watch, inotify_add_watch(stage->fd[0], "none", IN_CREATE))
FAULTS(inotify_add_watch, inotify_add_watch(stage->fd[0], nowhere, IN_CREATE))
SAMPLE(inotify_add_watch, .prepare = prepare_inotify, .fail = fail_inotify_add_watch,
       .fault = fault_inotify_add_watch, .state = state_inotify, .shape = SHAPE_ID);

CALLS(inotify_rm_watch, inotify_rm_watch(stage->fd[0], stage->id))
FAILS(inotify_rm_watch, inotify_rm_watch(stage->fd[0], bad))
SAMPLE(inotify_rm_watch, .prepare = prepare_watched, .fail = fail_inotify_rm_watch,
       .data = data_fd);

CALLS(pidfd_open, pidfd_open((pid_t)raw0(SYS_getpid), 0))
FAILS(pidfd_open, pidfd_open(bad, 0))
SAMPLE(pidfd_open, .fail = fail_pidfd_open, .data = data_opened, .shape = SHAPE_FD);

CALLS(pidfd_getfd, pidfd_getfd(stage->fd[0], stage->fd2[1], 0))
FAILS(pidfd_getfd, pidfd_getfd(bad, 0, 0))
SAMPLE(pidfd_getfd, .prepare = prepare_pidfd, .fail = fail_pidfd_getfd, .data = data_opened,
       .state = state_ended, .shape = SHAPE_FD);

CALLS(pidfd_send_signal, pidfd_send_signal(stage->fd[0], SIGUSR1, NULL, 0))
FAILS(pidfd_send_signal, pidfd_send_signal(bad, SIGUSR1, NULL, 0))
FAULTS(pidfd_send_signal, pidfd_send_signal(stage->fd[0], SIGUSR1, nowhere, 0))
SAMPLE(pidfd_send_signal, .prepare = prepare_pidfd, .fail = fail_pidfd_send_signal,
       .fault = fault_pidfd_send_signal, .state = state_ended);

CALLS(process_vm_readv, process_vm_readv(stage->pid, &local, 1, &remote, 1, 0))
FAILS(process_vm_readv, process_vm_readv(bad, &local, 1, &remote, 1, 0))
FAULTS(process_vm_readv, process_vm_readv(stage->pid, nowhere, 1, &remote, 1, 0))
SAMPLE(process_vm_readv, .prepare = prepare_pidfd, .fail = fail_process_vm_readv,
       .fault = fault_process_vm_readv, .state = state_ended);

CALLS(process_vm_writev, process_vm_writev(stage->pid, &local, 1, &remote, 1, 0))
FAILS(process_vm_writev, process_vm_writev(bad, &local, 1, &remote, 1, 0))
FAULTS(process_vm_writev, process_vm_writev(stage->pid, nowhere, 1, &remote, 1, 0))
SAMPLE(process_vm_writev, .prepare = prepare_pidfd, .fail = fail_process_vm_writev,
       .fault = fault_process_vm_writev, .state = state_ended);

/* No libc has functions for these two. Where the kernel has io_uring switched off they fail. */
CALLS(io_uring_setup, syscall(SYS_io_uring_setup, 4, &ring))
FAILS(io_uring_setup, syscall(SYS_io_uring_setup, 0, &ring))
FAULTS(io_uring_setup, syscall(SYS_io_uring_setup, 4, nowhere))
SAMPLE(io_uring_setup, .fail = fail_io_uring_setup, .fault = fault_io_uring_setup,
       .data = data_opened, .shape = SHAPE_FD);

static void prepare_ring(void)
{
	stage->fd[0] = (int)raw2(SYS_io_uring_setup, 4, &ring);
}

CALLS(io_uring_enter, syscall(SYS_io_uring_enter, stage->fd[0], 0, 0, 0, NULL, 0))
FAILS(io_uring_enter, syscall(SYS_io_uring_enter, bad, 0, 0, 0, NULL, 0))
SAMPLE(io_uring_enter, .prepare = prepare_ring, .fail = fail_io_uring_enter);

/* File locks: seen by another open file. */
static void state_locked(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	long fd = raw4(SYS_openat, AT_FDCWD, "r", O_RDWR, 0);

	need(fd, "openat");
	need(raw3(SYS_fcntl, fd, F_OFD_GETLK, &lock), "fcntl");
	print(" flock=%d lock=%d", raw2(SYS_flock, fd, LOCK_EX | LOCK_NB) == 0,
	      lock.l_type != F_UNLCK);
}

CALLS(flock, flock(stage->extra, LOCK_EX | (stage->nowait ? LOCK_NB : 0)))
FAILS(flock, flock(bad, LOCK_EX))
SAMPLE(flock, .prepare = prepare_file, .fail = fail_flock, .state = state_locked);

CALLS(lockf, lockf(stage->extra, stage->nowait ? F_TLOCK : F_LOCK, 0))
FAILS(lockf, lockf(bad, F_LOCK, 0))
SAMPLE(lockf, .prepare = prepare_file, .fail = fail_lockf, .state = state_locked,
       .refuses = { EACCES });

CALLS(lockf64, lockf64(stage->extra, stage->nowait ? F_TLOCK : F_LOCK, 0))
FAILS(lockf64, lockf64(bad, F_LOCK, 0))
SAMPLE(lockf64, .prepare = prepare_file, .fail = fail_lockf64, .state = state_locked,
       .refuses = { EACCES });
