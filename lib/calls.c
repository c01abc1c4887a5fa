/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - the call table as data, its look-ups, and the check of each row against libc's
 * prototypes. */
#define _GNU_SOURCE
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fortify.h"

/* Each row's prototype must be libc's. __typeof__ drops what attributes a header adds. */
#define CALL(ret, name, params, ...) \
	_Static_assert(__builtin_types_compatible_p(__typeof__(name), ret params), \
		       #name ": not libc's prototype");
#define ALIAS(ret, name, params, ...) CALL(ret, name, params, )
#define RAW_CALL(...)
#include "calls.def"
#undef CALL
#undef ALIAS

/* clang-format off */
#define E(err, when) { err, WHEN_##when }
#define CALL(ret, name, params, args, kinds, result, classes, flags, sys, ...) \
	static const struct call_error errors_##name[] = { __VA_ARGS__, { 0, WHEN_ANY } };
#define ALIAS(...)
#include "calls.def"
#undef CALL
#undef ALIAS

#define K0 0, { 0 }
#define K1(a) 1, { ARG_##a }
#define K2(a, b) 2, { ARG_##a, ARG_##b }
#define K3(a, b, c) 3, { ARG_##a, ARG_##b, ARG_##c }
#define K4(a, b, c, d) 4, { ARG_##a, ARG_##b, ARG_##c, ARG_##d }
#define K5(a, b, c, d, e) 5, { ARG_##a, ARG_##b, ARG_##c, ARG_##d, ARG_##e }
#define K6(a, b, c, d, e, f) 6, { ARG_##a, ARG_##b, ARG_##c, ARG_##d, ARG_##e, ARG_##f }
/* clang-format on */

/* The fields of a row are kept as one macro each, so that an alias can repeat its canonical row's.
 */
#define CALL(ret, name, params, args, kinds, result, classes, flags, sys, ...) \
	[CALL_##name] = { #name,           #name, CALL_##name, classes,      flags, \
			  RESULT_##result, sys,   kinds,       errors_##name },
#define ALIAS(ret, name, params, args, canonical, flags) \
	[CALL_##name] = { #name, #canonical, CALL_##canonical, 0, flags, RESULT_INT, -1, 0, \
			  { 0 }, NULL },
const struct call calls[CALL_N] = {
#include "calls.def"
};
#undef CALL
#undef ALIAS

static const struct {
	const char *name;
	unsigned int mask;
	const char *about;
} classes[] = {
	{ "sem", CLASS_SEM, "System V and POSIX semaphores" },
	{ "msg", CLASS_MSG, "System V messages" },
	{ "shm", CLASS_SHM, "shared memory" },
	{ "mq", CLASS_MQ, "POSIX message queues" },
	{ "pipe", CLASS_PIPE, "pipes and FIFOs" },
	{ "socket", CLASS_SOCKET, "sockets" },
	{ "signal", CLASS_SIGNAL, "signals" },
	{ "process", CLASS_PROCESS, "fork, exec, wait, exit, threads" },
	{ "lock", CLASS_LOCK, "locks in shared memory and file locks" },
	{ "desc", CLASS_DESC, "descriptors: close, dup, fcntl" },
	{ "poll", CLASS_POLL, "poll, select, epoll" },
	{ "time", CLASS_TIME, "sleeps and alarms" },
	{ "all", ~0u, "every call" },
};

static int same(const char *name, size_t n_bytes, const char *other)
{
	return strlen(other) == n_bytes && memcmp(name, other, n_bytes) == 0;
}

int call_find(const char *name, size_t n_bytes)
{
	for (int i = 0; i < CALL_N; i++)
		if (same(name, n_bytes, calls[i].name))
			return i;
	return -1;
}

unsigned int class_find(const char *name, size_t n_bytes)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (same(name, n_bytes, classes[i].name))
			return classes[i].mask;
	return 0;
}

const char *class_name(unsigned int i, unsigned int *mask, const char **about)
{
	if (i >= sizeof(classes) / sizeof(classes[0]))
		return NULL;
	*mask = classes[i].mask;
	*about = classes[i].about;
	return classes[i].name;
}

/* What moves bytes does so over pipes, sockets and others; fcntl locks files, too. */
bool call_depends(unsigned int call)
{
	return (calls[call].classes & CLASS_MOVE) == CLASS_MOVE || call == CALL_fcntl;
}

int call_arg(const struct call *call, enum arg_kind kind)
{
	for (unsigned int i = 0; i < call->n_args; i++)
		if (call->arg[i] == kind)
			return (int)i;
	return -1;
}

const struct call_error *call_error_find(const struct call *call, int err)
{
	for (const struct call_error *e = call->errors; e && e->err; e++)
		if (e->err == err)
			return e;
	return NULL;
}

const char *when_text(enum error_when when)
{
	static const char *const text[] = {
		[WHEN_ANY] = "at any time",
		[WHEN_CREATE] = "when the flags create an object",
		[WHEN_EXCL] = "when the flags say create and exclusive",
		[WHEN_LOOKUP] = "when the flags do not create",
		[WHEN_NOWAIT] = "when the call must not wait",
		[WHEN_TIMEOUT] = "when a time-out is given",
		[WHEN_SIGNAL] = "when a handler without SA_RESTART is installed",
		[WHEN_HANDLER] = "when any handler is installed",
		[WHEN_STOP] = "when a handler is installed, or by a stop and continue",
		[WHEN_REMOVE] = "by a real removal of the object",
		[WHEN_ENV] = "when permissions, limits or files differ",
		[WHEN_ARGS] = "by wrong arguments only: needs error!=",
		[WHEN_STATE] = "by the object's state only: needs error!=",
	};

	return text[when];
}
