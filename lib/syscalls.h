/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls.h - which system calls carry IPC, as data (rows: syscalls.def), and which row of the
 * call table each of them is. The seccomp filter, the tracer and the shim ask here: for calls that
 * come past the wrappers (raw system calls, calls inside libc, static and Go programs).
 */
#ifndef IPCJAM_SYSCALLS_H
#define IPCJAM_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "calls.h"

#define SYSCALL_NONE 7 /* in from[]: the system call does not have that argument; it is 0 */

/*
 * Where the shim tells that a system call is its own: by the trial's cookie in an argument register
 * that the kernel does not look at. With six arguments all registers are taken, but of an int the
 * kernel looks at the lower half only.
 */
enum syscall_cookie {
	COOKIE_LAST,  /* the sixth register */
	COOKIE_HIGH0, /* the upper half of the first argument */
	COOKIE_HIGH2,
	COOKIE_NEVER, /* the tracer wants to see it even if it is the shim's */
};

/* What the tracer does besides recording the call. */
enum syscall_role {
	ROLE_CALL,
	ROLE_LOCAL, /* concerns the caller only: of interest where no wrapper can tell */
	ROLE_FORK,
	ROLE_EXEC,
	ROLE_THREAD_END,
	ROLE_PROCESS_END,
	ROLE_PATH, /* ours when a path leads to IPC */
	ROLE_PTRACE,
	ROLE_RESTART, /* the call that a signal interrupted goes on */
	ROLE_RETURN,  /* from a signal handler */
};

struct syscall_row {
	uint16_t nr;
	uint16_t call; /* enum call_id; CALL_N: none */
	uint8_t from[6];
	uint8_t cookie; /* enum syscall_cookie */
	uint8_t role;   /* enum syscall_role */
	uint8_t at;     /* the condition: (argument `at` & mask) == value; mask 0: always */
	uint64_t mask, value;
};

extern const struct syscall_row syscall_rows[];
extern const unsigned int n_syscall_rows;

/* The row that describes this system call with these arguments, or NULL: it is none of ours. */
const struct syscall_row *syscall_find(long nr, const uint64_t a[6]);

/* Could this call of the table, which is being performed, make that system call? */
bool syscall_serves(unsigned int call, long nr);

/* Puts the cookie where the filter looks for it in a call of the shim's. */
void syscall_mark(unsigned int call, unsigned int n_args, long a[6], uint32_t cookie);

#endif
