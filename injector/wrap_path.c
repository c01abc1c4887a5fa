/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_path.c - calls that take a path, which are ours when the path is a FIFO or is to become one.
 * The path goes into the event, read only after the kernel has followed it itself.
 */
#define _GNU_SOURCE
#include <string.h>

#include "wrap.h"

/* A FIFO's open is worth a look only if there is a FIFO: one newfstatat for each open. */
static int opened(enum call_id id, long a[6], int dir, const char *path, int flags,
		  const void *caller, const void *frame)
{
	int saved = errno;
	uint64_t object = arena && !(flags & O_PATH) ? fd_stat_object(dir, path, 0) : 0;
	struct gate g;
	long result;

	errno = saved;
	if (!object || !gate_enter(&g, id, a, object, caller, frame)) {
		result = real_call(id, a);
		fd_forget((int)result);
		return (int)result;
	}
	g.more = (const uint8_t *)path;
	g.n_more_bytes = (uint32_t)strnlen(path, EVENT_MORE_BYTES * 2);
	result = gate_perform(&g);
	fd_forget((int)result);
	return (int)gate_leave(&g, result);
}

static long mode_argument(int flags, va_list list)
{
	return flags & (O_CREAT | __O_TMPFILE) ? (long)va_arg(list, mode_t) : 0;
}

#define OPEN(name) \
	EXPORT int name(const char *path, int flags, ...) \
	{ \
		long a[6] = { (long)path, flags }; \
		va_list list; \
\
		va_start(list, flags); \
		a[2] = mode_argument(flags, list); \
		va_end(list); \
		return opened(CALL_##name, a, AT_FDCWD, path, flags, CALLER, FRAME); \
	}
#define OPENAT(name) \
	EXPORT int name(int dir, const char *path, int flags, ...) \
	{ \
		long a[6] = { dir, (long)path, flags }; \
		va_list list; \
\
		va_start(list, flags); \
		a[3] = mode_argument(flags, list); \
		va_end(list); \
		return opened(CALL_##name, a, dir, path, flags, CALLER, FRAME); \
	}
OPEN(open)
OPEN(open64)
OPEN(__open)
OPEN(__open64)
OPENAT(openat)
OPENAT(openat64)

#define OPEN_2(name) \
	EXPORT int name(const char *path, int flags) \
	{ \
		long a[6] = { (long)path, flags }; \
\
		return opened(CALL_##name, a, AT_FDCWD, path, flags, CALLER, FRAME); \
	}
#define OPENAT_2(name) \
	EXPORT int name(int dir, const char *path, int flags) \
	{ \
		long a[6] = { dir, (long)path, flags }; \
\
		return opened(CALL_##name, a, dir, path, flags, CALLER, FRAME); \
	}
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

#define CREAT(name) \
	EXPORT int name(const char *path, mode_t mode) \
	{ \
		long a[6] = { (long)path, mode }; \
\
		return opened(CALL_##name, a, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, \
			      CALLER, FRAME); \
	}
CREAT(creat)
CREAT(creat64)

/* Makes a FIFO: the object is known when it is there. */
static int made(enum call_id id, long a[6], int dir, const char *path, const void *caller,
		const void *frame)
{
	struct gate g;
	long result;

	if (!arena || !gate_enter(&g, id, a, 0, caller, frame))
		return (int)real_call(id, a);
	result = gate_perform(&g);
	if (result == 0) {
		g.event->object = fd_stat_object(dir, path, AT_SYMLINK_NOFOLLOW);
		g.more = (const uint8_t *)path;
		g.n_more_bytes = (uint32_t)strnlen(path, EVENT_MORE_BYTES * 2);
	}
	return (int)gate_leave(&g, result);
}

EXPORT int mkfifo(const char *path, mode_t mode)
{
	long a[6] = { (long)path, mode };

	return made(CALL_mkfifo, a, AT_FDCWD, path, CALLER, FRAME);
}

EXPORT int mkfifoat(int dir, const char *path, mode_t mode)
{
	long a[6] = { dir, (long)path, mode };

	return made(CALL_mkfifoat, a, dir, path, CALLER, FRAME);
}

static int node(enum call_id id, long a[6], int dir, const char *path, mode_t mode,
		const void *caller, const void *frame)
{
	if (!S_ISFIFO(mode))
		return (int)real_call(id, a);
	return made(id, a, dir, path, caller, frame);
}

EXPORT int mknod(const char *path, mode_t mode, dev_t device)
{
	long a[6] = { (long)path, mode, (long)device };

	return node(CALL_mknod, a, AT_FDCWD, path, mode, CALLER, FRAME);
}

EXPORT int mknodat(int dir, const char *path, mode_t mode, dev_t device)
{
	long a[6] = { dir, (long)path, mode, (long)device };

	return node(CALL_mknodat, a, dir, path, mode, CALLER, FRAME);
}

/* What programs call that were linked before glibc 2.33. */
EXPORT int __xmknod(int version, const char *path, mode_t mode, dev_t *device)
{
	long a[6] = { (long)path, mode, (long)*device };

	(void)version;
	return node(CALL_mknod, a, AT_FDCWD, path, mode, CALLER, FRAME);
}

EXPORT int __xmknodat(int version, int dir, const char *path, mode_t mode, dev_t *device)
{
	long a[6] = { dir, (long)path, mode, (long)*device };

	(void)version;
	return node(CALL_mknodat, a, dir, path, mode, CALLER, FRAME);
}

#define BOTH_PATHS ((size_t)EVENT_MORE_BYTES * 4)

static size_t append(uint8_t *to, size_t n, const char *path)
{
	size_t length = strnlen(path, BOTH_PATHS / 2 - 1);

	memcpy(to + n, path, length);
	to[n + length] = 0;
	return n + length + 1;
}

/* Names of a FIFO come and go: other paths cost one look-up. The second path is read only after the
 * kernel has done so. */
static int named(enum call_id id, long a[6], int dir, const char *path, const char *new_path,
		 const void *caller, const void *frame)
{
	int saved = errno;
	uint64_t object = arena ? fd_stat_object(dir, path, AT_SYMLINK_NOFOLLOW) : 0;
	uint8_t both[BOTH_PATHS];
	struct gate g;
	long result;
	size_t n;

	errno = saved;
	if (!object || !gate_enter(&g, id, a, object, caller, frame))
		return (int)real_call(id, a);
	result = gate_perform(&g);
	n = append(both, 0, path);
	if (new_path && result == 0)
		n = append(both, n, new_path);
	g.more = both;
	g.n_more_bytes = (uint32_t)n;
	return (int)gate_leave(&g, result);
}

EXPORT int unlink(const char *path)
{
	long a[6] = { (long)path };

	return named(CALL_unlink, a, AT_FDCWD, path, NULL, CALLER, FRAME);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	long a[6] = { dir, (long)path, flags };

	return named(CALL_unlinkat, a, dir, path, NULL, CALLER, FRAME);
}

EXPORT int remove(const char *path)
{
	long a[6] = { (long)path };

	return named(CALL_remove, a, AT_FDCWD, path, NULL, CALLER, FRAME);
}

EXPORT int rename(const char *from, const char *to)
{
	long a[6] = { (long)from, (long)to };

	return named(CALL_rename, a, AT_FDCWD, from, to, CALLER, FRAME);
}

EXPORT int renameat(int dir, const char *from, int dir2, const char *to)
{
	long a[6] = { dir, (long)from, dir2, (long)to };

	return named(CALL_renameat, a, dir, from, to, CALLER, FRAME);
}

EXPORT int renameat2(int dir, const char *from, int dir2, const char *to, unsigned int flags)
{
	long a[6] = { dir, (long)from, dir2, (long)to, flags };

	return named(CALL_renameat2, a, dir, from, to, CALLER, FRAME);
}

EXPORT int link(const char *from, const char *to)
{
	long a[6] = { (long)from, (long)to };

	return named(CALL_link, a, AT_FDCWD, from, to, CALLER, FRAME);
}

EXPORT int linkat(int dir, const char *from, int dir2, const char *to, int flags)
{
	long a[6] = { dir, (long)from, dir2, (long)to, flags };

	return named(CALL_linkat, a, dir, from, to, CALLER, FRAME);
}
