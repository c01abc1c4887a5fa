/* SPDX-License-Identifier: Apache-2.0 */
/* sample_pipe.c - making pipes and FIFOs, and their names. */
#include "sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void prepare_no_pipe(void)
{
	stage->fd[0] = stage->fd[1] = -1;
}

/* Does what is written into one end come out of the other? */
static void data_pipe(void)
{
	char c = 0;

	if (raw3(SYS_write, stage->fd[1], "x", 1) == 1)
		raw3(SYS_read, stage->fd[0], &c, 1);
	print(" through=%d", c == 'x');
	print_open(stage->fd[0]);
}

static void data_stream(void)
{
	long n = 0;

	if (stage->pointer)
		n = raw3(SYS_read, fileno(stage->pointer), stage->out, sizeof(stage->out));
	print(" read=%.*s", n > 0 ? (int)n - 1 : 0, stage->out);
}

static void prepare_stream(void)
{
	stage->pointer = popen("exit 5", "r");
	need(stage->pointer ? 0 : -1, "popen");
}

CALLS(__pipe, __pipe(stage->fd))
FAULTS(__pipe, __pipe(nowhere))
SAMPLE(__pipe, .prepare = prepare_no_pipe, .fault = fault___pipe, .data = data_pipe);

CALLS(pipe, pipe(stage->fd))
FAULTS(pipe, pipe(nowhere))
SAMPLE(pipe, .prepare = prepare_no_pipe, .fault = fault_pipe, .data = data_pipe);

CALLS(pipe2, pipe2(stage->fd, O_CLOEXEC))
FAILS(pipe2, pipe2(stage->fd, 1))
FAULTS(pipe2, pipe2(nowhere, 0))
SAMPLE(pipe2, .prepare = prepare_no_pipe, .fail = fail_pipe2, .fault = fault_pipe2,
       .data = data_pipe);

CALLS(popen, stage->pointer = popen("echo hello", "r"))
FAILS(popen, popen("echo hello", "wrong"))
SAMPLE(popen, .fail = fail_popen, .data = data_stream, .shape = SHAPE_POINTER);

CALLS(pclose, pclose(stage->pointer))
SAMPLE(pclose, .prepare = prepare_stream);

CALLS(mkfifo, mkfifo("f", 0640))
FAILS(mkfifo, mkfifo("none/f", 0640))
FAULTS(mkfifo, mkfifo(nowhere, 0640))
SAMPLE(mkfifo, .prepare = prepare_dir, .fail = fail_mkfifo, .fault = fault_mkfifo,
       .state = state_paths);

CALLS(mkfifoat, mkfifoat(stage->extra, "f", 0644))
FAILS(mkfifoat, mkfifoat(bad, "f", 0640))
FAULTS(mkfifoat, mkfifoat(stage->extra, nowhere, 0640))
SAMPLE(mkfifoat, .prepare = prepare_dir, .fail = fail_mkfifoat, .fault = fault_mkfifoat,
       .state = state_paths);

CALLS(mknod, mknod("f", S_IFIFO | 0604, 0))
FAILS(mknod, mknod("none/f", S_IFIFO | 0604, 0))
FAULTS(mknod, mknod(nowhere, S_IFIFO | 0604, 0))
SAMPLE(mknod, .prepare = prepare_dir, .fail = fail_mknod, .fault = fault_mknod,
       .state = state_paths);

CALLS(mknodat, mknodat(stage->extra, "f", S_IFIFO | 0666, 0))
FAILS(mknodat, mknodat(bad, "f", S_IFIFO | 0604, 0))
FAULTS(mknodat, mknodat(stage->extra, nowhere, S_IFIFO | 0604, 0))
SAMPLE(mknodat, .prepare = prepare_dir, .fail = fail_mknodat, .fault = fault_mknodat,
       .state = state_paths);

/* What programs call that were linked before glibc 2.33: it is there, but not for new ones. */
__asm__(".symver old_xmknod, __xmknod@GLIBC_2.2.5\n"
	".symver old_xmknodat, __xmknodat@GLIBC_2.4\n");
int old_xmknod(int version, const char *path, mode_t mode, dev_t *device);
int old_xmknodat(int version, int dir, const char *path, mode_t mode, dev_t *device);
static dev_t no_device;

CALLS(__xmknod, old_xmknod(0, "f", S_IFIFO | 0604, &no_device))
FAILS(__xmknod, old_xmknod(0, "none/f", S_IFIFO | 0604, &no_device))
SAMPLE(__xmknod, .prepare = prepare_dir, .fail = fail___xmknod, .state = state_paths);

CALLS(__xmknodat, old_xmknodat(0, stage->extra, "f", S_IFIFO | 0666, &no_device))
FAILS(__xmknodat, old_xmknodat(0, bad, "f", S_IFIFO | 0604, &no_device))
SAMPLE(__xmknodat, .prepare = prepare_dir, .fail = fail___xmknodat, .state = state_paths);

CALLS(unlink, unlink("f"))
FAILS(unlink, unlink("none"))
FAULTS(unlink, unlink(nowhere))
SAMPLE(unlink, .prepare = prepare_fifo, .fail = fail_unlink, .fault = fault_unlink,
       .state = state_paths);

CALLS(unlinkat, unlinkat(stage->extra, "f", 0))
FAILS(unlinkat, unlinkat(bad, "f", 0))
FAULTS(unlinkat, unlinkat(stage->extra, nowhere, 0))
SAMPLE(unlinkat, .prepare = prepare_fifo, .fail = fail_unlinkat, .fault = fault_unlinkat,
       .state = state_paths);

CALLS(remove, remove("f"))
FAILS(remove, remove("none"))
FAULTS(remove, remove(nowhere))
SAMPLE(remove, .prepare = prepare_fifo, .fail = fail_remove, .fault = fault_remove,
       .state = state_paths);

CALLS(rename, rename("f", "g"))
FAILS(rename, rename("none", "g"))
FAULTS(rename, rename("f", nowhere))
SAMPLE(rename, .prepare = prepare_fifo, .fail = fail_rename, .fault = fault_rename,
       .state = state_paths);

CALLS(renameat, renameat(stage->extra, "f", stage->extra, "g"))
FAILS(renameat, renameat(bad, "f", bad, "g"))
FAULTS(renameat, renameat(stage->extra, "f", stage->extra, nowhere))
SAMPLE(renameat, .prepare = prepare_fifo, .fail = fail_renameat, .fault = fault_renameat,
       .state = state_paths);

CALLS(renameat2, renameat2(stage->extra, "f", stage->extra, "g", RENAME_NOREPLACE))
FAILS(renameat2, renameat2(bad, "f", bad, "g", 0))
FAULTS(renameat2, renameat2(stage->extra, "f", stage->extra, nowhere, 0))
SAMPLE(renameat2, .prepare = prepare_fifo, .fail = fail_renameat2, .fault = fault_renameat2,
       .state = state_paths);

CALLS(linkat, linkat(stage->extra, "f", stage->extra, "g", 0))
FAILS(linkat, linkat(bad, "f", bad, "g", 0))
FAULTS(linkat, linkat(stage->extra, "f", stage->extra, nowhere, 0))
SAMPLE(linkat, .prepare = prepare_fifo, .fail = fail_linkat, .fault = fault_linkat,
       .state = state_paths);

CALLS(link, link("f", "g"))
FAILS(link, link("none", "g"))
FAULTS(link, link("f", nowhere))
SAMPLE(link, .prepare = prepare_fifo, .fail = fail_link, .fault = fault_link, .state = state_paths);
