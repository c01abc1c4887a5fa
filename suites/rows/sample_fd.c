/* SPDX-License-Identifier: Apache-2.0 */
/* sample_fd.c - opening FIFOs; closing, copying and asking descriptors. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TARGET = 60 };

static int flags(void)
{
	return O_RDWR | O_CLOEXEC | (stage->nowait ? O_NONBLOCK : 0);
}

/* The descriptor that the call gave: which file, and how open? */
static void data_opened(void)
{
	int fd = (int)stage->result;
	struct stat st = { 0 };

	raw2(SYS_fstat, fd, &st);
	print(" fifo=%d flags=%lx", S_ISFIFO(st.st_mode), raw3(SYS_fcntl, fd, F_GETFL, 0));
	print_open(fd);
}

#define OPENS(name, holding) \
	SAMPLE(name, .prepare = prepare_fifo, .fail = fail_##name, .fault = fault_##name, \
	       .data = data_opened, .state = state_paths, .shape = SHAPE_FD, .holds = (holding))

CALLS(__open, __open("f", flags()))
FAILS(__open, __open("none", O_RDWR))
FAULTS(__open, __open(nowhere, O_RDWR))
OPENS(__open, 0);

CALLS(open, open("f", flags()))
FAILS(open, open("none", O_RDWR))
FAULTS(open, open(nowhere, O_RDWR))
OPENS(open, 0);

CALLS(__open64, __open64("f", flags()))
FAILS(__open64, __open64("none", O_RDWR))
FAULTS(__open64, __open64(nowhere, O_RDWR))
OPENS(__open64, 0);

CALLS(open64, open64("f", flags()))
FAILS(open64, open64("none", O_RDWR))
FAULTS(open64, open64(nowhere, O_RDWR))
OPENS(open64, 0);

CALLS(__open_2, __open_2("f", flags()))
FAILS(__open_2, __open_2("none", O_RDWR))
FAULTS(__open_2, __open_2(nowhere, O_RDWR))
OPENS(__open_2, 0);

CALLS(__open64_2, __open64_2("f", flags()))
FAILS(__open64_2, __open64_2("none", O_RDWR))
FAULTS(__open64_2, __open64_2(nowhere, O_RDWR))
OPENS(__open64_2, 0);

CALLS(openat, openat(stage->extra, "f", flags() | O_CREAT, 0644))
FAILS(openat, openat(bad, "f", O_RDWR))
FAULTS(openat, openat(stage->extra, nowhere, O_RDWR))
OPENS(openat, HOLDS(CREATE));

CALLS(openat64, openat64(stage->extra, "f", flags()))
FAILS(openat64, openat64(bad, "f", O_RDWR))
FAULTS(openat64, openat64(stage->extra, nowhere, O_RDWR))
OPENS(openat64, 0);

CALLS(__openat_2, __openat_2(stage->extra, "f", flags()))
FAILS(__openat_2, __openat_2(bad, "f", O_RDWR))
FAULTS(__openat_2, __openat_2(stage->extra, nowhere, O_RDWR))
OPENS(__openat_2, 0);

CALLS(__openat64_2, __openat64_2(stage->extra, "f", flags()))
FAILS(__openat64_2, __openat64_2(bad, "f", O_RDWR))
FAULTS(__openat64_2, __openat64_2(stage->extra, nowhere, O_RDWR))
OPENS(__openat64_2, 0);

CALLS(creat, creat("f", 0600))
FAILS(creat, creat("none/f", 0600))
FAULTS(creat, creat(nowhere, 0600))
OPENS(creat, HOLDS(CREATE));

CALLS(creat64, creat64("f", 0600))
FAILS(creat64, creat64("none/f", 0600))
FAULTS(creat64, creat64(nowhere, 0600))
OPENS(creat64, HOLDS(CREATE));

CALLS(__close, __close(stage->fd[0]))
FAILS(__close, __close(bad))
SAMPLE(__close, .prepare = prepare_filled, .fail = fail___close, .data = data_fd);

CALLS(close, close(stage->fd[0]))
FAILS(close, close(bad))
SAMPLE(close, .prepare = prepare_filled, .fail = fail_close, .data = data_fd);

/* A copy leads to the same pipe. */
static void print_copy(int fd)
{
	struct stat mine = { 0 }, copied = { 0 };

	raw2(SYS_fstat, stage->fd[1], &mine);
	raw2(SYS_fstat, fd, &copied);
	print(" same=%d", mine.st_ino == copied.st_ino);
	print_open(fd);
}

static void data_copy(void)
{
	print_copy((int)stage->result);
}

static void data_target(void)
{
	print_copy(TARGET);
}

CALLS(dup, dup(stage->fd[1]))
FAILS(dup, dup(bad))
SAMPLE(dup, .prepare = prepare_pipe, .fail = fail_dup, .data = data_copy, .shape = SHAPE_FD);

CALLS(__dup2, __dup2(stage->fd[1], TARGET))
FAILS(__dup2, __dup2(bad, TARGET))
SAMPLE(__dup2, .prepare = prepare_pipe, .fail = fail___dup2, .data = data_target);

CALLS(dup2, dup2(stage->fd[1], TARGET))
FAILS(dup2, dup2(bad, TARGET))
SAMPLE(dup2, .prepare = prepare_pipe, .fail = fail_dup2, .data = data_target);

CALLS(dup3, dup3(stage->fd[1], TARGET, O_CLOEXEC))
FAILS(dup3, dup3(stage->fd[1], stage->fd[1], 0))
SAMPLE(dup3, .prepare = prepare_pipe, .fail = fail_dup3, .data = data_target);

CALLS(__fcntl, __fcntl(stage->fd[1], F_DUPFD_CLOEXEC, TARGET))
FAILS(__fcntl, __fcntl(bad, F_GETFD))
SAMPLE(__fcntl, .prepare = prepare_pipe, .fail = fail___fcntl, .data = data_target,
       .refuses = { EAGAIN, EINTR, ENOLCK });

CALLS(fcntl, fcntl(stage->fd[1], F_DUPFD_CLOEXEC, TARGET))
FAILS(fcntl, fcntl(bad, F_GETFD))
SAMPLE(fcntl, .prepare = prepare_pipe, .fail = fail_fcntl, .data = data_target,
       .refuses = { EAGAIN, EINTR, ENOLCK });

static void state_capacity(void)
{
	print(" capacity=%ld", raw3(SYS_fcntl, stage->fd[0], F_GETPIPE_SZ, 0));
}

CALLS(fcntl64, fcntl64(stage->fd[1], F_SETPIPE_SZ, 8192))
FAILS(fcntl64, fcntl64(stage->fd[1], F_SETPIPE_SZ, bad))
FAULTS(fcntl64, fcntl64(stage->fd[1], F_GETLK, nowhere))
SAMPLE(fcntl64, .prepare = prepare_pipe, .fail = fail_fcntl64, .fault = fault_fcntl64,
       .state = state_capacity, .refuses = { EMFILE, EAGAIN, EINTR, ENOLCK });
