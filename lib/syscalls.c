/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls.c - the table of system calls, made from syscalls.def, and look-ups in it. */
#define _GNU_SOURCE
#include "syscalls.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NUMBERS 512 /* of system calls, and more than there are */
#define X SYSCALL_NONE
/* clang-format off */
#define FROM(a, b, c, d, e, f) { a, b, c, d, e, f }
#define ALWAYS 0, 0, 0
#define ZERO(at) at, UINT64_MAX, 0
#define BITS(at, mask, value) at, mask, value
#define SYSCALL(name, call, from, cookie, role, ...) \
	{ SYS_##name, CALL_##call, from, COOKIE_##cookie, ROLE_##role, __VA_ARGS__ },
/* clang-format on */

const struct syscall_row syscall_rows[] = {
#include "syscalls.def"
};
const unsigned int n_syscall_rows = sizeof(syscall_rows) / sizeof(syscall_rows[0]);

/* Where the rows of a system call begin, from 1. Made by whoever comes first: all make the same. */
static const uint16_t *index_of_numbers(void)
{
	static uint16_t first[NUMBERS];
	static _Atomic bool made;

	if (__builtin_expect(atomic_load_explicit(&made, memory_order_acquire), 1))
		return first;
	for (unsigned int i = n_syscall_rows; i-- > 0;)
		first[syscall_rows[i].nr] = (uint16_t)(i + 1);
	atomic_store_explicit(&made, true, memory_order_release);
	return first;
}

const struct syscall_row *syscall_find(long nr, const uint64_t a[6])
{
	unsigned int at = nr >= 0 && nr < NUMBERS ? index_of_numbers()[nr] : 0;

	for (; at && at <= n_syscall_rows && syscall_rows[at - 1].nr == nr; at++) {
		const struct syscall_row *row = &syscall_rows[at - 1];

		if ((a[row->at] & row->mask) == row->value)
			return row;
	}
	return NULL;
}

/* Functions of libc that are made of many system calls. */
static bool is_compound(unsigned int call)
{
	return calls[call].syscall_nr < 0;
}

bool syscall_serves(unsigned int call, long nr)
{
	if (call >= CALL_N || is_compound(call) || calls[call].syscall_nr == nr)
		return true;
	for (unsigned int i = 0; i < n_syscall_rows; i++)
		if (syscall_rows[i].nr == nr && syscall_rows[i].call == call)
			return true;
	return false;
}

static enum syscall_cookie cookie_of(int nr)
{
	/* libc makes others of it, and none of them is ours */
	if (nr < 0)
		return COOKIE_NEVER;
	for (unsigned int i = 0; i < n_syscall_rows; i++)
		if (syscall_rows[i].nr == nr)
			return (enum syscall_cookie)syscall_rows[i].cookie;
	return COOKIE_LAST;
}

void syscall_mark(unsigned int call, unsigned int n_args, long a[6], uint32_t cookie)
{
	static uint8_t known[CALL_N]; /* 1 + where */
	long high = (long)((uint64_t)cookie << 32);

	if (__builtin_expect(!known[call], 0))
		known[call] = (uint8_t)(1 + cookie_of(calls[call].syscall_nr));
	switch (known[call] - 1) {
	case COOKIE_HIGH0:
		a[0] = high | (a[0] & UINT32_MAX);
		break;
	case COOKIE_HIGH2:
		a[2] = high | (a[2] & UINT32_MAX);
		break;
	case COOKIE_LAST:
		if (n_args < 6)
			a[5] = cookie;
		break;
	default:
		if (n_args < 6)
			a[5] = 0;
	}
}
