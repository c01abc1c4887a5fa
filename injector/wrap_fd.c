/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_fd.c - wrappers of what opens, closes, copies and replaces descriptors: besides the gate
 * they keep the table of known descriptors right. A descriptor is forgotten both before the call
 * (nobody may look it up half closed) and, where the call made it, after.
 */
#define _GNU_SOURCE
#include <linux/close_range.h>

#include "record.h"
#include "wrap.h"

/* close is a cancellation point, but not while the witness is open: it would stay so. */
static long watched_close(struct gate *g, int fd)
{
	struct fd_probe probe;
	long result;
	int state;

	pthread_testcancel();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	fd_probe(fd, &probe);
	if (probe.witness < 0)
		pthread_setcancelstate(state, NULL);
	fd_forget(fd);
	result = gate_perform(g);
	g->event->arg[4] = fd_probe_lost(&probe);
	if (probe.witness >= 0)
		pthread_setcancelstate(state, NULL);
	return result;
}

static bool has_bytes(uint64_t object)
{
	enum object_kind kind = object_kind_of(object);

	return kind == OBJECT_PIPE || kind == OBJECT_SOCKET;
}

int close_descriptor(enum call_id id, long a[6], const void *caller, const void *frame)
{
	int fd = (int)a[0];
	uint64_t object = arena ? fd_closing(fd) : 0;
	struct gate g;
	long result;

	if (!arena || (!object && !(calls[id].flags & CALL_TRACED)) ||
	    !gate_enter(&g, id, a, object, caller, frame)) {
		fd_forget(fd);
		return (int)real_call(id, a);
	}
	if (g.perform && has_bytes(object))
		return (int)gate_leave(&g, watched_close(&g, fd));
	if (g.perform)
		fd_forget(fd);
	result = gate_perform(&g);
	if (g.perform)
		g.event->arg[4] = 0;
	return (int)gate_leave(&g, result);
}

#define CLOSE(name) \
	EXPORT int name(int fd) \
	{ \
		long a[6] = { fd }; \
\
		return close_descriptor(CALL_##name, a, CALLER, FRAME); \
	}
CLOSE(close)
CLOSE(__close)

/* dup and fcntl(F_DUPFD): a new descriptor appears, behind which is the same. */
static int copy(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t object = arena ? fd_object((int)a[0]) : 0;
	struct gate g;
	long result;

	if (!object || !gate_enter(&g, id, a, object, caller, frame)) {
		result = real_call(id, a);
		fd_copied((int)a[0], (int)result);
		return (int)result;
	}
	result = gate_perform(&g);
	fd_copied((int)a[0], (int)result);
	return (int)gate_leave(&g, result);
}

EXPORT int dup(int fd)
{
	long a[6] = { fd };

	return copy(CALL_dup, a, CALLER, FRAME);
}

/* dup2 and dup3 close their target, perhaps the last read end of a pipe, without saying so. */
static int replace(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t target = arena && a[0] != a[1] ? fd_closing((int)a[1]) : 0;
	struct fd_probe probe = { .witness = -1 };
	uint32_t n_lost;
	int result;

	if (target)
		fd_probe((int)a[1], &probe);
	result = copy(id, a, caller, frame);
	n_lost = fd_probe_lost(&probe);
	if (result >= 0 && (n_lost || object_kind_of(target) == OBJECT_FILE))
		gate_note(CALL_close, target, a[1], n_lost);
	return result;
}

#define DUP2(name) \
	EXPORT int name(int fd, int fd2) \
	{ \
		long a[6] = { fd, fd2 }; \
\
		return replace(CALL_##name, a, CALLER, FRAME); \
	}
DUP2(dup2)
DUP2(__dup2)

EXPORT int dup3(int fd, int fd2, int flags)
{
	long a[6] = { fd, fd2, flags };

	return replace(CALL_dup3, a, CALLER, FRAME);
}

/* Locks on files. What is asked for is told at once: perhaps the call waits. */
static int lock(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t object = arena ? fd_file((int)a[0], OBJECT_FILE) : 0;
	struct gate g;
	long result;

	if (!object || !gate_enter(&g, id, a, object, caller, frame))
		return (int)real_call(id, a);
	record_flock_of(&g);
	result = gate_perform(&g);
	if (result == 0 && g.perform)
		record_file_lock(&g, result);
	return (int)gate_leave(&g, result);
}

static int control(enum call_id id, long a[6], const void *caller, const void *frame)
{
	switch (a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return copy(id, a, caller, frame);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock(id, a, caller, frame);
	default:
		return (int)gate(id, a, caller, frame);
	}
}

#define FCNTL(name) \
	EXPORT int name(int fd, int cmd, ...) \
	{ \
		va_list list; \
		long a[6] = { fd, cmd }; \
\
		va_start(list, cmd); \
		a[2] = va_arg(list, long); \
		va_end(list); \
		return control(CALL_##name, a, CALLER, FRAME); \
	}
FCNTL(fcntl)
FCNTL(fcntl64)
FCNTL(__fcntl)

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	long a[6] = { first, last, flags };

	if (!(flags & CLOSE_RANGE_CLOEXEC))
		fd_forget_range(first, last);
	return (int)real_call(CALL_close_range, a);
}

EXPORT void closefrom(int first)
{
	long a[6] = { first };

	fd_forget_range(first < 0 ? 0 : (unsigned int)first, UINT32_MAX);
	real_call(CALL_closefrom, a);
}

/* fileno() and dirfd() set errno for streams that have no descriptor. */
static int descriptor_of(FILE *stream)
{
	int saved = errno, fd = fileno(stream);

	errno = saved;
	return fd;
}

/* What closes a descriptor inside libc, where no wrapper sees it. */
EXPORT int fclose(FILE *stream)
{
	long a[6] = { (long)stream };
	int fd = stream ? descriptor_of(stream) : -1;
	uint64_t object = arena ? fd_closing(fd) : 0;
	int result;

	fd_forget(fd);
	result = (int)real_call(CALL_fclose, a);
	if (object_kind_of(object) == OBJECT_FILE)
		gate_note(CALL_close, object, fd, 0);
	return result;
}

EXPORT int closedir(DIR *directory)
{
	long a[6] = { (long)directory };
	DIR *opaque = directory;
	int saved = errno;

	/* libc's header promises that it is not NULL, and libc copes when it is */
	__asm__("" : "+r"(opaque));
	if (opaque)
		fd_forget(dirfd(opaque));
	errno = saved;
	return (int)real_call(CALL_closedir, a);
}

#define FREOPEN(name) \
	EXPORT FILE *name(const char *path, const char *mode, FILE *stream) \
	{ \
		long a[6] = { (long)path, (long)mode, (long)stream }; \
		FILE *result; \
\
		if (stream) \
			fd_forget(descriptor_of(stream)); \
		result = (FILE *)real_call(CALL_##name, a); \
		if (result) \
			fd_forget(descriptor_of(result)); \
		return result; \
	}
FREOPEN(freopen)
FREOPEN(freopen64)

EXPORT int daemon(int nochdir, int noclose)
{
	long a[6] = { nochdir, noclose };

	/* libc forks inside; the parent leaves without a wrapper, the child attaches at its next
	 * call */
	fd_forget_range(0, 2);
	return (int)real_call(CALL_daemon, a);
}
