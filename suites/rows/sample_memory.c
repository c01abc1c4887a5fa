/* SPDX-License-Identifier: Apache-2.0 */
/* sample_memory.c - memory that processes share. */
#include "sample.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static void prepare_name(void)
{
	snprintf(stage->out, sizeof(stage->out), "/dev/shm/row-%ld", raw0(SYS_getpid));
}

static const char *name(void)
{
	return stage->out + sizeof("/dev/shm") - 1;
}

static void prepare_object(void)
{
	prepare_name();
	stage->fd[0] =
		(int)raw4(SYS_openat, AT_FDCWD, stage->out, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	need(stage->fd[0], "openat");
	need(raw2(SYS_ftruncate, stage->fd[0], 4 * PAGE), "ftruncate");
	need(raw3(SYS_write, stage->fd[0], stage->in, SHORT_TEXT), "write");
}

static void prepare_mapped(void)
{
	prepare_object();
	/* by libc: the shim has to know that it is shared */
	stage->pointer = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, stage->fd[0], 0);
}

static void state_object(void)
{
	long found = raw4(SYS_openat, AT_FDCWD, stage->out, O_RDWR | O_CLOEXEC, 0);

	print(" object=%d", found >= 0);
	raw3(SYS_unlinkat, AT_FDCWD, stage->out, 0);
}

static bool is_mapped(const void *at)
{
	return raw3(SYS_msync, at, PAGE, MS_ASYNC) == 0;
}

static void data_opened(void)
{
	print_open((int)stage->result);
}

static void data_mapped(void)
{
	if (stage->result != -1)
		print(" text=%.5s", (const char *)stage->result);
}

static void data_unmapped(void)
{
	print(" mapped=%d", is_mapped(stage->pointer));
}

CALLS(shm_open, shm_open(name(), O_CREAT | O_RDWR, 0600))
FAILS(shm_open, shm_open("/row-none", O_RDWR, 0))
SAMPLE(shm_open, .prepare = prepare_name, .fail = fail_shm_open, .data = data_opened,
       .state = state_object, .shape = SHAPE_FD, .holds = HOLDS(CREATE));

CALLS(shm_unlink, shm_unlink(name()))
FAILS(shm_unlink, shm_unlink("/row-none"))
SAMPLE(shm_unlink, .prepare = prepare_object, .fail = fail_shm_unlink, .state = state_object);

CALLS(memfd_create, memfd_create("row", MFD_CLOEXEC))
FAILS(memfd_create, memfd_create("row", 0x8000u))
FAULTS(memfd_create, memfd_create(nowhere, 0))
SAMPLE(memfd_create, .fail = fail_memfd_create, .fault = fault_memfd_create, .data = data_opened,
       .shape = SHAPE_FD);

CALLS(mmap, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, stage->fd[0], 0))
FAILS(mmap, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, bad, 0))
SAMPLE(mmap, .prepare = prepare_object, .fail = fail_mmap, .data = data_mapped,
       .state = state_object, .shape = SHAPE_POINTER);

CALLS(mmap64, mmap64(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, stage->fd[0], 0))
FAILS(mmap64, mmap64(NULL, PAGE, PROT_READ, MAP_SHARED, bad, 0))
SAMPLE(mmap64, .prepare = prepare_object, .fail = fail_mmap64, .data = data_mapped,
       .state = state_object, .shape = SHAPE_POINTER);

CALLS(munmap, munmap(stage->pointer, 2 * PAGE))
FAILS(munmap, munmap((char *)stage->pointer + 1, PAGE))
SAMPLE(munmap, .prepare = prepare_mapped, .fail = fail_munmap, .data = data_unmapped,
       .state = state_object);

CALLS(mremap, mremap(stage->pointer, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE))
FAILS(mremap, mremap((char *)stage->pointer + 1, PAGE, PAGE, 0))
SAMPLE(mremap, .prepare = prepare_mapped, .fail = fail_mremap, .data = data_mapped,
       .state = state_object, .shape = SHAPE_POINTER);

CALLS(msync, msync(stage->pointer, 2 * PAGE, MS_SYNC))
FAILS(msync, msync((char *)stage->pointer + 1, PAGE, MS_SYNC))
SAMPLE(msync, .prepare = prepare_mapped, .fail = fail_msync, .state = state_object);
