/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_exec.c - exec and its relatives, and the programs that libc itself starts (posix_spawn,
 * system, popen). Whatever environment the subject passes on, the shim goes with it.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <string.h>

#include "wrap.h"

extern char **environ;

/* An environment that carries the shim, on this function's caller's stack. */
#define WITH_SHIM(envp) \
	init_environment((envp), alloca((count((char *const *)(envp)) + 5) * sizeof(char *)), \
			 alloca(init_environment_room(envp)))

/* 0 for a vector that is passed on as it is. */
static size_t count(char *const vector[])
{
	size_t n = 0;

	if (!vector || !init_environment_readable(vector))
		return 0;
	while (vector[n])
		n++;
	return n;
}

/* a[] holds the arguments of `real`, which does the work of `id`, with the environment already
 * replaced. */
static int replaced(enum call_id id, enum call_id real, long a[6], const void *caller,
		    const void *frame)
{
	struct gate g;

	if (!arena || !gate_enter(&g, id, a, 0, caller, frame))
		return (int)real_call(real, a);
	g.id = real;
	return (int)gate_leave(&g, gate_perform(&g));
}

/* execv and execvp take the environment from `environ`: their forms with one are called instead. */
static int replaced_by_path(enum call_id id, const char *path, char *const argv[],
			    char *const envp[], const void *caller, const void *frame)
{
	long a[6] = { (long)path, (long)argv, (long)WITH_SHIM(envp) };

	return replaced(id, CALL_execve, a, caller, frame);
}

static int replaced_by_name(enum call_id id, const char *name, char *const argv[],
			    char *const envp[], const void *caller, const void *frame)
{
	long a[6] = { (long)name, (long)argv, (long)WITH_SHIM(envp) };

	return replaced(id, CALL_execvpe, a, caller, frame);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return replaced_by_path(CALL_execve, path, argv, envp, CALLER, FRAME);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return replaced_by_path(CALL_execv, path, argv, environ, CALLER, FRAME);
}

EXPORT int execvpe(const char *name, char *const argv[], char *const envp[])
{
	return replaced_by_name(CALL_execvpe, name, argv, envp, CALLER, FRAME);
}

EXPORT int execvp(const char *name, char *const argv[])
{
	return replaced_by_name(CALL_execvp, name, argv, environ, CALLER, FRAME);
}

/* The arguments of the variadic forms, counted first, then gathered. */
#define GATHER(first, list, argv) \
	do { \
		va_list counting; \
		size_t n = 1; \
\
		va_copy(counting, list); \
		while (va_arg(counting, char *)) \
			n++; \
		va_end(counting); \
		(argv) = alloca((n + 1) * sizeof(char *)); \
		(argv)[0] = (char *)(uintptr_t)(first); \
		for (size_t i = 1; i <= n; i++) \
			(argv)[i] = va_arg(list, char *); \
	} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	char **argv;
	va_list list;

	va_start(list, arg);
	GATHER(arg, list, argv);
	va_end(list);
	return replaced_by_path(CALL_execl, path, argv, environ, CALLER, FRAME);
}

EXPORT int execlp(const char *path, const char *arg, ...)
{
	char **argv;
	va_list list;

	va_start(list, arg);
	GATHER(arg, list, argv);
	va_end(list);
	return replaced_by_name(CALL_execlp, path, argv, environ, CALLER, FRAME);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char **argv, **envp;
	va_list list;

	va_start(list, arg);
	GATHER(arg, list, argv);
	envp = va_arg(list, char **);
	va_end(list);
	return replaced_by_path(CALL_execle, path, argv, envp, CALLER, FRAME);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	long a[6] = { fd, (long)argv, (long)WITH_SHIM(envp) };

	return replaced(CALL_fexecve, CALL_fexecve, a, CALLER, FRAME);
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	long a[6] = { dir, (long)path, (long)argv, (long)WITH_SHIM(envp), flags };

	return replaced(CALL_execveat, CALL_execveat, a, CALLER, FRAME);
}

static int spawned(enum call_id id, long a[6], const void *caller, const void *frame)
{
	struct gate g;
	int64_t slot;
	pid_t own = 0, *pid = a[0] ? (pid_t *)a[0] : &own;
	long result;

	if (!arena || !gate_enter(&g, id, a, 0, caller, frame))
		return (int)real_call(id, a);
	a[0] = (long)pid;
	slot = g.perform ? attach_reserve(-1) : -1;
	result = gate_perform(&g);
	if (result == 0 && g.perform) {
		int32_t expected = -1;

		if (slot >= 0)
			atomic_compare_exchange_strong(&arena->proc[slot].pid, &expected, *pid);
		g.event->object = OBJECT_REF(OBJECT_PROCESS, *pid);
	} else {
		attach_cancel(slot);
	}
	return (int)gate_leave(&g, result);
}

#define SPAWN(name) \
	EXPORT int name(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, \
			const posix_spawnattr_t *attributes, char *const argv[], \
			char *const envp[]) \
	{ \
		char **with = WITH_SHIM(envp); \
		long a[6] = { (long)pid,        (long)path, (long)actions, \
			      (long)attributes, (long)argv, (long)with }; \
\
		return spawned(CALL_##name, a, CALLER, FRAME); \
	}
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

/* The child of system or popen: its pid once its shim has adopted the slot, else 0. */
static int32_t adopted(int64_t slot)
{
	int32_t pid = slot >= 0 ? atomic_load(&arena->proc[slot].pid) : 0;

	return pid > 0 ? pid : 0;
}

EXPORT int system(const char *command)
{
	long a[6] = { (long)command };
	struct gate g;
	int64_t slot;
	long result;

	if (!arena || !command || !gate_enter(&g, CALL_system, a, 0, CALLER, FRAME))
		return (int)real_call(CALL_system, a);
	slot = g.perform ? attach_reserve(-1) : -1;
	result = gate_perform(&g);
	g.event->arg[4] = result;
	g.event->arg[5] = adopted(slot);
	if (slot >= 0 && !g.event->arg[5])
		attach_cancel(slot);
	return (int)gate_leave(&g, result);
}

/* Which slot belongs to which stream, for pclose. */
static struct {
	_Atomic uintptr_t stream;
	int64_t slot;
} popened[64];

static void popen_remember(FILE *stream, int64_t slot)
{
	for (size_t i = 0; i < sizeof(popened) / sizeof(popened[0]); i++) {
		uintptr_t none = 0;

		if (!atomic_compare_exchange_strong(&popened[i].stream, &none, (uintptr_t)stream))
			continue;
		popened[i].slot = slot;
		return;
	}
}

static int64_t popen_forget(FILE *stream)
{
	for (size_t i = 0; i < sizeof(popened) / sizeof(popened[0]); i++) {
		uintptr_t key = (uintptr_t)stream;
		int64_t slot = popened[i].slot;

		if (atomic_compare_exchange_strong(&popened[i].stream, &key, 0))
			return slot;
	}
	return -1;
}

EXPORT FILE *popen(const char *command, const char *type)
{
	long a[6] = { (long)command, (long)type };
	struct gate g;
	int64_t slot;
	FILE *stream;

	if (!arena || !gate_enter(&g, CALL_popen, a, 0, CALLER, FRAME))
		return (FILE *)real_call(CALL_popen, a);
	slot = g.perform ? attach_reserve(-1) : -1;
	stream = (FILE *)gate_perform(&g);
	if (stream) {
		fd_forget(fileno(stream));
		g.event->object = fd_object(fileno(stream));
		popen_remember(stream, slot);
	} else {
		attach_cancel(slot);
	}
	return (FILE *)gate_leave(&g, (long)stream);
}

EXPORT int pclose(FILE *stream)
{
	long a[6] = { (long)stream };
	uint64_t object = arena ? fd_object(fileno(stream)) : 0;
	int64_t slot = popen_forget(stream);
	struct gate g;
	long result;

	fd_forget(fileno(stream));
	if (!arena || !gate_enter(&g, CALL_pclose, a, object, CALLER, FRAME))
		return (int)real_call(CALL_pclose, a);
	result = gate_perform(&g);
	g.event->arg[4] = result;
	g.event->arg[5] = adopted(slot);
	if (slot >= 0 && !g.event->arg[5])
		attach_cancel(slot);
	return (int)gate_leave(&g, result);
}
