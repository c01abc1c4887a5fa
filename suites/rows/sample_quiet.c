/* SPDX-License-Identifier: Apache-2.0 */
/* sample_quiet.c - what closes descriptors where no other wrapper sees it. */
#include "sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST = 60 };

static void prepare_stream(void)
{
	prepare_pipe();
	stage->pointer = fdopen(stage->fd[0], "r");
	need(stage->pointer ? 0 : -1, "fdopen");
}

static void prepare_directory(void)
{
	stage->pointer = opendir(".");
	need(stage->pointer ? 0 : -1, "opendir");
	stage->fd[0] = dirfd(stage->pointer);
}

static void prepare_high(void)
{
	prepare_pipe();
	need(raw2(SYS_dup2, stage->fd[1], FIRST), "dup2");
	stage->fd[0] = FIRST;
}

CALLS(fclose, fclose(stage->pointer))
SAMPLE(fclose, .prepare = prepare_stream, .data = data_fd);

CALLS(freopen, freopen("/dev/null", "r", stage->pointer))
FAILS(freopen, freopen("none/none", "r", stage->pointer))
SAMPLE(freopen, .prepare = prepare_stream, .fail = fail_freopen, .data = data_fd,
       .shape = SHAPE_POINTER);

CALLS(freopen64, freopen64("/dev/null", "r", stage->pointer))
FAILS(freopen64, freopen64("none/none", "r", stage->pointer))
SAMPLE(freopen64, .prepare = prepare_stream, .fail = fail_freopen64, .data = data_fd,
       .shape = SHAPE_POINTER);

CALLS(closedir, closedir(stage->pointer))
FAILS(closedir, closedir(no_pointer))
SAMPLE(closedir, .prepare = prepare_directory, .fail = fail_closedir, .data = data_fd);

CALLS(close_range, close_range(FIRST, FIRST + 5, 0))
FAILS(close_range, close_range(FIRST, FIRST - 1, 0))
SAMPLE(close_range, .prepare = prepare_high, .fail = fail_close_range, .data = data_fd);

CALLS(closefrom, (closefrom(FIRST), 0))
SAMPLE(closefrom, .prepare = prepare_high, .data = data_fd);

/* A number without a row: one that has a row is that row's call. */
CALLS(syscall, syscall(SYS_umask, 022))
FAILS(syscall, syscall(bad))
SAMPLE(syscall, .fail = fail_syscall);
