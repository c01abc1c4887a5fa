/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_fd.c - wrappers of what opens, closes, copies and replaces descriptors: besides the gate
 * they keep the table of known descriptors right. A descriptor is forgotten both before the call
 * (nobody may look it up half closed) and, where the call made it, after.
 */
#define _GNU_SOURCE
#include "wrap.h"

EXPORT int close(int fd)
{
	long a[6] = { fd };
	uint64_t object = arena ? fd_object(fd) : 0;
	struct fd_probe probe;
	struct gate g;
	long result;

	if (!object || !gate_enter(&g, CALL_close, a, object, CALLER, FRAME)) {
		fd_forget(fd);
		return (int)real_call(CALL_close, a);
	}
	if (g.perform) {
		fd_probe(fd, &probe);
		fd_forget(fd);
	}
	result = gate_perform(&g);
	if (g.perform)
		g.event->arg[4] = fd_probe_lost(&probe);
	return (int)gate_leave(&g, result);
}

/* dup and fcntl(F_DUPFD): a new descriptor appears. */
static int copy(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t object = arena ? fd_object((int)a[0]) : 0;
	struct gate g;
	long result;

	if (!object || !gate_enter(&g, id, a, object, caller, frame)) {
		result = real_call(id, a);
		fd_forget((int)result);
		return (int)result;
	}
	result = gate_perform(&g);
	fd_forget((int)result);
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
	uint64_t target = arena ? fd_object((int)a[1]) : 0;
	struct fd_probe probe = { 0, -1 };
	uint32_t n_lost;
	int result;

	if (target && a[0] != a[1])
		fd_probe((int)a[1], &probe);
	result = copy(id, a, caller, frame);
	n_lost = fd_probe_lost(&probe);
	if (result >= 0 && n_lost)
		gate_note(CALL_close, target, a[1], n_lost);
	return result;
}

EXPORT int dup2(int fd, int fd2)
{
	long a[6] = { fd, fd2 };

	return replace(CALL_dup2, a, CALLER, FRAME);
}

EXPORT int dup3(int fd, int fd2, int flags)
{
	long a[6] = { fd, fd2, flags };

	return replace(CALL_dup3, a, CALLER, FRAME);
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
		if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) \
			return copy(CALL_##name, a, CALLER, FRAME); \
		return (int)gate(CALL_##name, a, CALLER, FRAME); \
	}
FCNTL(fcntl)
FCNTL(fcntl64)

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	long a[6] = { first, last, flags };

	fd_forget_range(first, last);
	return (int)real_call(CALL_close_range, a);
}

EXPORT void closefrom(int first)
{
	long a[6] = { first };

	fd_forget_range((unsigned int)first, UINT32_MAX);
	real_call(CALL_closefrom, a);
}

/* fileno() and dirfd() set errno for streams that have no descriptor. */
static void forget_stream(FILE *stream)
{
	int saved = errno;

	fd_forget(fileno(stream));
	errno = saved;
}

/* What closes a descriptor inside libc, where no wrapper sees it. */
EXPORT int fclose(FILE *stream)
{
	long a[6] = { (long)stream };

	if (stream)
		forget_stream(stream);
	return (int)real_call(CALL_fclose, a);
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
			forget_stream(stream); \
		result = (FILE *)real_call(CALL_##name, a); \
		if (result) \
			forget_stream(result); \
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

/* Raw system calls by number pass through; those that close descriptors are noted. */
EXPORT long syscall(long number, ...)
{
	va_list list;
	long a[6], result;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (UNLIKELY(self.unwinding) && number == SYS_write && site_emulate(CALL_write, a, &result))
		return result;
	if (number == SYS_close)
		fd_forget((int)a[0]);
	else if (number == SYS_dup2 || number == SYS_dup3)
		fd_forget((int)a[1]);
	else if (number == SYS_close_range)
		fd_forget_range((unsigned int)a[0], (unsigned int)a[1]);
	result = raw6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (raw_failed(result)) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
