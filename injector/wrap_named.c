/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_named.c - named semaphores and shared memory: files in /dev/shm. The name goes into the
 * event, read only after libc has followed it itself.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "place.h"
#include "shape.h"
#include "text.h"
#include "wrap.h"

#define SEM_PREFIX "sem."

static uint64_t file_at(const char *path)
{
	struct stat st;

	return raw4(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0
		       ? 0
		       : place_file(st.st_dev, st.st_ino);
}

/* The file that a name stands for now, or 0. libc lets the slashes before it go. */
static uint64_t file_named(const char *prefix, const char *name)
{
	char path[sizeof("/dev/shm/") + NAME_MAX];
	struct text t;

	while (*name == '/')
		name++;
	text_begin(&t, path, sizeof(path));
	text_str(&t, "/dev/shm/");
	text_str(&t, prefix);
	text_bytes(&t, name, strnlen(name, NAME_MAX));
	return *name && t.n_bytes < sizeof(path) ? file_at(path) : 0;
}

static uint64_t memory_of(uint64_t file)
{
	return file ? OBJECT_REF(OBJECT_MEMORY, file) : 0;
}

/* libc puts it at the beginning of its file. */
static uint64_t sem_of(uint64_t file)
{
	return file ? OBJECT_REF(OBJECT_PSEM, place_shared(place_key(file, 0, 0), 0)) : 0;
}

static uint64_t memory_named(const char *name)
{
	return arena ? memory_of(file_named("", name)) : 0;
}

static uint64_t sem_named(const char *name)
{
	return arena ? sem_of(file_named(SEM_PREFIX, name)) : 0;
}

uint64_t memory_path_object(const struct point *p, const char *path)
{
	uint64_t file = file_at(path), object = p->event->object;
	int at = shapes[p->canonical].object_at;

	if (!file && object_kind_of(object) == OBJECT_PSEM)
		return sem_named(path);
	file = file ? file : file_named("", path);
	if (object_kind_of(object) == OBJECT_MEMORY)
		return memory_of(file);
	if (sem_of(file) == object)
		return object;
	return file && at >= 0 && place_memory((uintptr_t)p->a[at]) == memory_of(file) ? object : 0;
}

static void keep_name(struct gate *g, const char *name)
{
	g->more = (const uint8_t *)name;
	g->n_more_bytes = (uint32_t)strnlen(name, NAME_MAX);
}

/* The object of what was opened: the file behind the new descriptor. */
static void opened(struct gate *g, long fd)
{
	struct stat st;

	fd_forget((int)fd);
	if (fd >= 0 && raw2(SYS_fstat, fd, &st) == 0)
		g->event->object = OBJECT_REF(OBJECT_MEMORY, place_file(st.st_dev, st.st_ino));
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
	long a[6] = A3(name, flags, mode);
	struct gate g;
	long result;

	if (!arena || !gate_enter(&g, CALL_shm_open, a, memory_named(name), CALLER, FRAME)) {
		result = real_call(CALL_shm_open, a);
		fd_forget((int)result);
		return (int)result;
	}
	keep_name(&g, name);
	result = gate_perform(&g);
	opened(&g, result);
	return (int)gate_leave(&g, result);
}

/* Its name is for people only: no file bears it. */
EXPORT int memfd_create(const char *name, unsigned int flags)
{
	long a[6] = A2(name, flags);
	struct gate g;
	long result;

	if (!arena || !gate_enter(&g, CALL_memfd_create, a, 0, CALLER, FRAME)) {
		result = real_call(CALL_memfd_create, a);
		fd_forget((int)result);
		return (int)result;
	}
	result = gate_perform(&g);
	opened(&g, result);
	if (result >= 0)
		keep_name(&g, name);
	return (int)gate_leave(&g, result);
}

static int unlinked(enum call_id id, const char *name, uint64_t object, const void *caller,
		    const void *frame)
{
	long a[6] = A1(name);
	struct gate g;

	if (!arena || !gate_enter(&g, id, a, object, caller, frame))
		return (int)real_call(id, a);
	keep_name(&g, name);
	return (int)gate_leave(&g, gate_perform(&g));
}

EXPORT int shm_unlink(const char *name)
{
	return unlinked(CALL_shm_unlink, name, memory_named(name), CALLER, FRAME);
}

EXPORT int sem_unlink(const char *name)
{
	return unlinked(CALL_sem_unlink, name, sem_named(name), CALLER, FRAME);
}

/* libc maps the file without a wrapper; what was known of the address is void. */
static void sem_opened(struct gate *g, long sem)
{
	if (!sem)
		return;
	place_forget((uintptr_t)sem, sizeof(sem_t));
	place_look((uintptr_t)sem, false);
	if (g)
		g->event->object = place_object(OBJECT_PSEM, (uintptr_t)sem, true);
}

EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
	long a[6] = A2(name, flags);
	struct gate g;
	va_list list;
	long result;

	va_start(list, flags);
	if (flags & O_CREAT) {
		a[2] = (long)va_arg(list, mode_t);
		a[3] = (long)va_arg(list, unsigned int);
	}
	va_end(list);
	if (!arena || !gate_enter(&g, CALL_sem_open, a, sem_named(name), CALLER, FRAME)) {
		result = real_call(CALL_sem_open, a);
		sem_opened(NULL, result);
		return (sem_t *)result;
	}
	keep_name(&g, name);
	result = gate_perform(&g);
	sem_opened(&g, result);
	return (sem_t *)gate_leave(&g, result);
}

/* libc unmaps it when it was the last opening of it: if not, the semaphore tells by itself that it
 * is shared. */
EXPORT int sem_close(sem_t *sem)
{
	long a[6] = A1(sem);
	struct gate g;

	if (!arena ||
	    !gate_enter(&g, CALL_sem_close, a, place_object(OBJECT_PSEM, (uintptr_t)sem, false),
			CALLER, FRAME)) {
		place_forget((uintptr_t)sem, sizeof(*sem));
		return (int)real_call(CALL_sem_close, a);
	}
	if (g.perform)
		place_forget((uintptr_t)sem, sizeof(*sem));
	return (int)gate_leave(&g, gate_perform(&g));
}
