/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_memory.c - mappings: what processes can share is an event, and a place (place.c); private
 * memory, which allocators ask for, passes at the cost of a test.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "place.h"
#include "wrap.h"

#define FAILED (-1L)

static bool is_shared(int flags)
{
	return (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
}

/* What a file stands for as memory. 0: /dev/zero and other devices, of which each mapping is
 * something new. */
static uint64_t file_of(int fd)
{
	struct stat st;

	if (raw2(SYS_fstat, fd, &st) < 0 || S_ISCHR(st.st_mode))
		return 0;
	return place_file(st.st_dev, st.st_ino);
}

/* Nothing but the kernel knows what is behind an anonymous shared mapping. */
static void remember(uintptr_t start, size_t n_bytes, uint64_t file, uint64_t offset)
{
	place_forget(start, n_bytes);
	if (file)
		place_add(start, n_bytes, file, offset, true);
	else if (!place_look(start, true))
		place_add(start, n_bytes, place_file(start, self.lineage_hash), 0, true);
}

static void *mapped(enum call_id id, long a[6], const void *caller, const void *frame)
{
	bool shared = is_shared((int)a[3]);
	uint64_t file = shared && !((int)a[3] & MAP_ANONYMOUS) ? file_of((int)a[4]) : 0;
	uint64_t object = file ? OBJECT_REF(OBJECT_MEMORY, file) : 0;
	size_t n_bytes = (size_t)a[1];
	struct gate g;
	long result;

	if (!shared || !arena || !gate_enter(&g, id, a, object, caller, frame)) {
		result = real_call(id, a);
		if (result != FAILED && shared)
			remember((uintptr_t)result, n_bytes, file, (uint64_t)a[5]);
		else if (result != FAILED)
			place_forget((uintptr_t)result, n_bytes);
		return (void *)result;
	}
	result = gate_perform(&g);
	if (result != FAILED) {
		remember((uintptr_t)result, n_bytes, file, (uint64_t)a[5]);
		g.event->object = place_memory((uintptr_t)result);
	}
	return (void *)gate_leave(&g, result);
}

#define MMAP(name, offset_type) \
	EXPORT void *name(void *address, size_t size, int protection, int flags, int fd, \
			  offset_type at) \
	{ \
		long a[6] = A6(address, size, protection, flags, fd, at); \
\
		return mapped(CALL_##name, a, CALLER, FRAME); \
	}
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

/* Forgotten before it is done: once the addresses are free, another thread may map something
 * there. */
EXPORT int munmap(void *address, size_t size)
{
	long a[6] = A2(address, size);
	uint64_t object = place_memory((uintptr_t)address);
	struct gate g;

	if (!object || !arena || !gate_enter(&g, CALL_munmap, a, object, CALLER, FRAME)) {
		place_forget((uintptr_t)address, size);
		return (int)real_call(CALL_munmap, a);
	}
	if (g.perform)
		place_forget((uintptr_t)address, size);
	return (int)gate_leave(&g, gate_perform(&g));
}

/* The old addresses are free when it is done, but for two kinds of copy. */
static void moved(const long a[6], long result)
{
	uintptr_t from = (uintptr_t)a[0], to = (uintptr_t)result;
	size_t old_bytes = (size_t)a[1], new_bytes = (size_t)a[2];

	if (result == FAILED)
		return;
	place_move(from, to, new_bytes);
	if (old_bytes == 0 || a[3] & MREMAP_DONTUNMAP)
		return;
	if (to != from)
		place_forget(from, old_bytes);
	else if (new_bytes < old_bytes)
		place_forget(from + new_bytes, old_bytes - new_bytes);
}

EXPORT void *mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
	long a[6] = A4(address, size, new_size, flags);
	uint64_t object = place_memory((uintptr_t)address);
	struct gate g;
	va_list list;
	long result;

	va_start(list, flags);
	if (flags & MREMAP_FIXED)
		a[4] = va_arg(list, long);
	va_end(list);
	if (!object || !arena || !gate_enter(&g, CALL_mremap, a, object, CALLER, FRAME)) {
		result = real_call(CALL_mremap, a);
		moved(a, result);
		return (void *)result;
	}
	result = gate_perform(&g);
	moved(a, result);
	return (void *)gate_leave(&g, result);
}

EXPORT int msync(void *address, size_t size, int flags)
{
	long a[6] = A3(address, size, flags);
	uint64_t object = place_memory((uintptr_t)address);
	struct gate g;

	if (!object || !arena || !gate_enter(&g, CALL_msync, a, object, CALLER, FRAME))
		return (int)real_call(CALL_msync, a);
	return (int)gate_leave(&g, gate_perform(&g));
}

/* System V segments have the inode numbers of their ids, on the kernel's own tmpfs. */
EXPORT void *shmat(int id, const void *address, int flags)
{
	static const uint64_t kernel_tmpfs = 1;
	long a[6] = A3(id, address, flags);
	struct shmid_ds ds;
	long result = gate(CALL_shmat, a, CALLER, FRAME);

	if (result == FAILED)
		return (void *)result;
	if (raw3(SYS_shmctl, id, IPC_STAT, &ds) == 0)
		place_add((uintptr_t)result, ds.shm_segsz, place_file(kernel_tmpfs, (uint64_t)id),
			  0, false);
	return (void *)result;
}

EXPORT int shmdt(const void *address)
{
	long a[6] = A1(address);

	place_detach((uintptr_t)address);
	return (int)gate(CALL_shmdt, a, CALLER, FRAME);
}
