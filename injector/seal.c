/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - the program puts a seccomp filter on itself: prctl, or seccomp by its number, as
 * libseccomp does. Before the kernel learns of it, what the filter allows is worked out, and what
 * cannot be asked for any more is looked up. A filter binds one thread, unless it is put on all;
 * the shim keeps to it in the whole process, and in its children.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>

#include "bpf.h"
#include "resolve.h"
#include "wrap.h"

#define TCB_TID 0x2d0 /* of glibc's struct pthread, which %fs points to */
#define KNOWN_FDS 1024

struct seal seal;

/* Where libc keeps the thread's id; right in a forked child too, as the kernel writes it there. */
static int32_t tcb_tid(void)
{
	int32_t tid;

	__asm__("movl %%fs:%c1, %0" : "=r"(tid) : "i"(TCB_TID));
	return tid;
}

int32_t own_pid(void)
{
	return seal_permits(SYS_getpid) ? (int32_t)raw0(SYS_getpid) : seal.pid;
}

int32_t own_tid(void)
{
	return seal_permits(SYS_gettid) ? (int32_t)raw0(SYS_gettid) : tcb_tid();
}

void seal_forked(void)
{
	if (!seal_permits(SYS_getpid))
		seal.pid = tcb_tid();
}

static void permit(struct seal *s, long number)
{
	s->permitted[number / 64] |= UINT64_C(1) << number % 64;
}

/* "b" for blind or "s", and a bit for each system call. */
void seal_format(char text[SEAL_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	text[0] = 0;
	if (!seal.on && !seal.blind)
		return;
	text[0] = seal.blind ? 'b' : 's';
	for (size_t i = 0; i < SEAL_TEXT - 2; i++)
		text[i + 1] = seal.on ? digits[seal.permitted[i / 16] >> i % 16 * 4 & 15] : 'f';
	text[SEAL_TEXT - 1] = 0;
}

/* Of the program that this one was before exec. */
void seal_parse(const char *text)
{
	if (!text[0])
		return;
	seal.blind = text[0] == 'b';
	for (size_t i = 0; i < SEAL_TEXT - 2 && text[i + 1]; i++) {
		unsigned int c = (unsigned char)text[i + 1],
			     digit = c <= '9' ? c - '0' : c - 'a' + 10;

		seal.permitted[i / 16] |= (uint64_t)(digit & 15) << i % 16 * 4;
	}
	seal.on = true;
	seal_forked();
}

/* SECCOMP_MODE_STRICT: the kernel makes the TSC fault too. */
static void strict(struct seal *s)
{
	s->blind = true;
	memset(s->permitted, 0, sizeof(s->permitted));
	permit(s, SYS_read);
	permit(s, SYS_write);
	permit(s, SYS_exit);
	permit(s, SYS_rt_sigreturn);
}

/* The program's memory is copied before it is looked at. Nothing is permitted by a filter that
 * cannot be, for instance since two threads come at once. */
static void filtered(struct seal *s, const struct sock_fprog *from)
{
	static struct sock_filter code[BPF_MAXINSNS];
	static _Atomic bool taken;
	struct sock_fprog program;
	struct seal narrowed = *s;
	bool known = false;

	memset(narrowed.permitted, 0, sizeof(narrowed.permitted));
	if (!atomic_exchange(&taken, true)) {
		known = safe_read(from, &program, sizeof(program)) && program.len <= BPF_MAXINSNS &&
			safe_read(program.filter, code, program.len * sizeof(code[0]));
		for (long number = 0; known && number < SEAL_NUMBERS; number++)
			if (seal_permits(number) && bpf_allows(code, program.len, number))
				permit(&narrowed, number);
		atomic_store(&taken, false);
	}
	*s = narrowed;
}

/* What will not be found out any more. */
static void look_ahead(const struct seal *next)
{
	struct seal before = seal;
	bool asks;

	if (!attach_ready())
		return;
	attach_scratch();
	site_prepare();
	seal = *next;
	asks = seal_permits(SYS_fstat);
	seal = before;
	for (int fd = 0; !asks && fd < KNOWN_FDS; fd++)
		fd_object(fd);
}

void seal_put_on(const struct seal *next)
{
	gate_time(next->blind);
	seal = *next;
	init_options_sealed();
	bind_sealed();
}

/* Is a filter asked for, and what will it leave? `from`: where the program has it. Without one the
 * kernel refuses: so libseccomp asks what it can do. */
static bool narrows(struct seal *next, bool is_strict, const struct sock_fprog *from)
{
	if (!is_strict && !from)
		return false;
	next->pid = own_pid();
	if (is_strict)
		strict(next);
	else
		filtered(next, from);
	next->on = true;
	if (!arena->has_tsc &&
	    !(next->permitted[SYS_clock_gettime / 64] >> SYS_clock_gettime % 64 & 1))
		next->blind = true;
	look_ahead(next);
	return true;
}

/* What this call makes of `next`. False: nothing. */
static bool changes(struct seal *next, long number, const long a[6])
{
	const struct sock_fprog *from = (const struct sock_fprog *)a[2];

	if (number == SYS_seccomp)
		return (a[0] == SECCOMP_SET_MODE_STRICT || a[0] == SECCOMP_SET_MODE_FILTER) &&
		       narrows(next, a[0] == SECCOMP_SET_MODE_STRICT, from);
	if (a[0] == PR_SET_SECCOMP)
		return narrows(next, a[1] == SECCOMP_MODE_STRICT, from);
	next->blind = a[1] == PR_TSC_SIGSEGV;
	return a[0] == PR_SET_TSC;
}

static long finish(long result)
{
	if (!raw_failed(result))
		return result;
	errno = (int)-result;
	return -1;
}

/* The kernel learns of it last: what the shim does meanwhile is still allowed. */
long seal_syscall(long number, const long a[6])
{
	struct seal before = seal, next = seal;
	bool changed = changes(&next, number, a);
	long result;

	if (changed)
		seal_put_on(&next);
	result = raw6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (changed && result < 0)
		seal_put_on(&before);
	return finish(result);
}

EXPORT int prctl(int option, ...)
{
	static int (*real)(int, ...);
	long a[6] = { option };
	va_list list;

	va_start(list, option);
	for (int i = 1; i < 5; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (arena && (option == PR_SET_SECCOMP || option == PR_SET_TSC))
		return (int)seal_syscall(SYS_prctl, a);
	if (!real)
		*(void **)&real = resolve_next("prctl");
	return real(option, a[1], a[2], a[3], a[4]);
}
