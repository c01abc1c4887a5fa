/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_syscall.c - system calls by their number: each goes through the gate of the row that it is
 * (lib/syscalls.def). Where a wrapper by hand keeps books, that wrapper does it; else the system
 * call is made here, since syscall() is no cancellation point, and libc's functions are.
 */
#define _GNU_SOURCE
#include <linux/futex.h>

#include "shape.h"
#include "syscalls.h"
#include "wrap.h"

#define NUMBERS 512

typedef long (*wrapper)(long, long, long, long, long, long);

#define CALL(...)
#define ALIAS(...)
#define HAND_ALIAS(...)
#define RAW_CALL(...)
#define HAND_CALL(ret, name, ...) [CALL_##name] = (any_function)name,
static const any_function by_hand[CALL_N] = {
#include "calls.def"
};

/* Private futexes are of no interest between processes, but they are between threads. */
static const struct syscall_row private_futex = { .nr = SYS_futex,
						  .call = CALL_futex,
						  .from = { 0, 1, 2, 3, 4, 5 } };

static bool is_ours[NUMBERS];

void syscall_init(void)
{
	for (unsigned int i = 0; i < n_syscall_rows; i++)
		if (syscall_rows[i].nr < NUMBERS && syscall_rows[i].call != CALL_N)
			is_ours[syscall_rows[i].nr] = true;
}

static long finish(long result)
{
	if (!raw_failed(result))
		return result;
	errno = (int)-result;
	return -1;
}

static const struct syscall_row *row_of(long number, const long a[6])
{
	const struct syscall_row *row;

	if (number < 0 || number >= NUMBERS || !is_ours[number])
		return NULL;
	row = syscall_find(number, (const uint64_t *)a);
	return !row && number == SYS_futex ? &private_futex : row;
}

/* Are the names and structures that it takes others than those of libc's function? */
static bool differs(const struct syscall_row *row)
{
	return row->call == CALL_mq_open || row->call == CALL_mq_unlink;
}

/* Most operations on futexes take six arguments. */
static bool uses_last(const struct syscall_row *row, const long a[6])
{
	int operation = (int)a[1] & FUTEX_CMD_MASK;

	return row->nr == SYS_futex && operation != FUTEX_WAIT && operation != FUTEX_WAKE;
}

/* So that the filter of --reach=all lets it through. */
static void mark(const struct syscall_row *row, long a[6])
{
	uint64_t high = (uint64_t)raw_cookie << 32;

	if (row->cookie == COOKIE_LAST && !uses_last(row, a))
		a[5] = raw_cookie;
	else if (row->cookie == COOKIE_HIGH0)
		a[0] = (long)(high | (uint32_t)a[0]);
	else if (row->cookie == COOKIE_HIGH2)
		a[2] = (long)(high | (uint32_t)a[2]);
}

static long argument(const struct raw_call *raw, int i)
{
	uint8_t from = raw->row->from[i];

	return from == SYSCALL_NONE ? 0 : raw->a[from];
}

bool syscall_take(enum call_id canonical, const long a[6], struct raw_call *raw)
{
	/* a handler's calls that come between are others */
	if (self.raw.row->call != canonical || argument(&self.raw, 0) != a[0] ||
	    argument(&self.raw, 1) != a[1])
		return false;
	*raw = self.raw;
	self.raw.row = NULL;
	return true;
}

long syscall_perform(const struct raw_call *raw, const long a[6])
{
	long passed[6], result;

	/* a rule or a wrapper may have changed the arguments of the call that the row describes */
	for (int i = 0; i < 6; i++)
		passed[i] = raw->a[i];
	for (int i = 0; i < 6; i++)
		if (raw->row->from[i] != SYSCALL_NONE)
			passed[raw->row->from[i]] = a[i];
	if (raw_cookie)
		mark(raw->row, passed);
	result =
		raw6(raw->number, passed[0], passed[1], passed[2], passed[3], passed[4], passed[5]);
	if (calls[raw->row->call].result == RESULT_ERRNO)
		return raw_failed(result) ? -result : 0;
	return finish(result);
}

static long through_gate(const struct raw_call *raw, long a[6], const void *caller,
			 const void *frame)
{
	enum call_id id = (enum call_id)raw->row->call;
	uint64_t object = shape_object(&shapes[id], a);
	struct gate g;
	long result;

	if ((!object && !shapes[id].traced) || !gate_enter(&g, id, a, object, caller, frame)) {
		result = syscall_perform(raw, a);
	} else {
		g.raw = *raw;
		if (shapes[id].before)
			record_before(&g);
		result = gate_leave(&g, gate_perform(&g));
	}
	return calls[id].result == RESULT_ERRNO ? finish(-result) : result;
}

/* The wrapper keeps the books, but no function of libc's is called: it might be somebody's who
 * calls us again. */
static long through_wrapper(const struct raw_call *raw, const long a[6], const void *caller)
{
	enum call_id id = (enum call_id)raw->row->call;
	const void *outer = self.caller;
	long result;

	self.caller = caller;
	self.raw = *raw;
	result = ((wrapper)by_hand[id])(a[0], a[1], a[2], a[3], a[4], a[5]);
	self.raw.row = NULL;
	self.caller = outer;
	return calls[id].result == RESULT_INT ? (int)result : result;
}

/* Only those that make a call of their caller's: what makes and ends threads and processes goes
 * past libc too, and the shim finds out by itself. */
static bool is_plain(const struct syscall_row *row)
{
	return row->role == ROLE_CALL || row->role == ROLE_PATH || row->role == ROLE_EXEC ||
	       row->role == ROLE_PROCESS_END || row->call == CALL_nanosleep ||
	       row->call == CALL_clock_nanosleep || row->call == CALL_sched_yield;
}

/* What the tables of descriptors and places must know of it all the same. */
static long passed(long number, const long a[6])
{
	long result;

	if (number == SYS_exit && self.thread && self.thread->number)
		attach_thread_end();
	if (number == SYS_seccomp || number == SYS_prctl)
		return seal_syscall(number, a);
	if (number == SYS_close_range)
		fd_forget_range((unsigned int)a[0], (unsigned int)a[1]);
	result = raw6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_mmap && !raw_failed(result))
		place_forget((uintptr_t)result, (size_t)a[1]);
	return finish(result);
}

static long routed(long number, const long a[6], const void *caller, const void *frame)
{
	struct raw_call raw = { row_of(number, a), number, { a[0], a[1], a[2], a[3], a[4], a[5] } };
	long mapped[6];

	if (!raw.row || !is_plain(raw.row))
		return passed(number, a);
	for (int i = 0; i < 6; i++)
		mapped[i] = argument(&raw, i);
	if (UNLIKELY(self.depth) && gate_nested((enum call_id)raw.row->call, mapped))
		return passed(number, a);
	if (by_hand[raw.row->call] && !differs(raw.row))
		return through_wrapper(&raw, mapped, caller);
	return through_gate(&raw, mapped, caller, frame);
}

EXPORT long syscall(long number, ...)
{
	va_list list;
	long a[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!arena)
		return finish(raw6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
	return routed(number, a, CALLER, FRAME);
}
