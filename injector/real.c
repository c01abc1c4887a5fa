/* SPDX-License-Identifier: Apache-2.0 */
/* real.c - libc's own functions behind the wrappers, and what stands in for them before the
 * constructor. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "resolve.h"
#include "shim.h"
#include "syscalls.h"

typedef long (*function)(long, long, long, long, long, long);

static function found[CALL_N];
static bool resolved;

any_function real_function(enum call_id id)
{
	if (!found[id])
		*(void **)&found[id] = resolve_next(calls[id].name);
	return (any_function)found[id];
}

void real_resolve(void)
{
	for (int i = 0; i < CALL_N; i++)
		real_function((enum call_id)i);
	resolved = true;
}

/* What stands in for libc before the constructor has run (other libraries' constructors, a
 * sanitizer's start-up), and where libc has no function: the system call itself. */
static long system_call(enum call_id id, const long a[6])
{
	long result = raw6(calls[id].syscall_nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (raw_failed(result)) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

/*
 * Every function of the table takes at most six arguments of the integer class, so one call through
 * a common type passes them in the registers where the function looks for them (System V ABI,
 * AMD64).
 */
long real_call(enum call_id id, const long a[6])
{
	const struct call *call = &calls[calls[id].canonical_id];
	long marked[6], result;
	struct raw_call raw;

	if (UNLIKELY(self.raw.row != NULL) && syscall_take(call->canonical_id, a, &raw))
		return syscall_perform(&raw, a);
	if (UNLIKELY(!resolved) && calls[id].flags & CALL_EARLY)
		return system_call(id, a);
	if (UNLIKELY(!found[id]) && !real_function(id))
		return system_call(id, a);
	/* what we do not record the tracer shall see */
	if (raw_cookie && !self.off) {
		memcpy(marked, a, sizeof(marked));
		syscall_mark(calls[id].canonical_id, call->n_args, marked, raw_cookie);
		a = marked;
	}
	result = found[id](a[0], a[1], a[2], a[3], a[4], a[5]);
	/* the cookie may still be there, and what libc does next is not ours */
	__asm__ volatile("xorl %%r9d, %%r9d" : : : "r9", "cc");
	if (call->result == RESULT_INT || call->result == RESULT_ERRNO)
		return (int)result;
	if (call->result == RESULT_UINT)
		return (long)(unsigned int)result;
	return result;
}
