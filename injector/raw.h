/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - system calls without libc: they leave errno alone, are no cancellation points, and work
 * before libc is ready. The result is the kernel's: -errno on failure.
 */
#ifndef IPCJAM_RAW_H
#define IPCJAM_RAW_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The sixth register may hold the cookie, see below. It does not stay there: what libc does next
 * must not look like a call of ours. */
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall\n\txorl %%r9d, %%r9d"
			 : "=a"(result), "+r"(r9)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

/* Also of calls that give addresses, which may be negative as numbers: only these are -errno. */
static inline bool raw_failed(long result)
{
	return result < 0 && result >= -4095;
}

/*
 * By a cookie the seccomp filter of --reach=all knows calls that are the shim's own. It goes where
 * a call with fewer than six arguments has nothing, or beside the first one: of a descriptor or pid
 * the kernel looks at the lower half only.
 */
#ifndef RAW_COOKIE
#define RAW_COOKIE 0
#endif

/* Calls of the shim's own, by whatever macro, are made only where the program's filters allow it
 * (seal.h). */
#ifndef RAW_PERMITS
#define RAW_PERMITS(nr) true
#endif

static inline long own6(long nr, long a, long b, long c, long d, long e, long f)
{
	return RAW_PERMITS(nr) ? raw6(nr, a, b, c, d, e, f) : -ENOSYS;
}

#define RAW_ARG(x) ((long)(x))
#define RAW_MARKED(x) ((long)((uint64_t)RAW_COOKIE << 32 | (uint32_t)(x)))
#define raw0(nr) own6(nr, 0, 0, 0, 0, 0, RAW_COOKIE)
#define raw1(nr, a) own6(nr, RAW_ARG(a), 0, 0, 0, 0, RAW_COOKIE)
#define raw2(nr, a, b) own6(nr, RAW_ARG(a), RAW_ARG(b), 0, 0, 0, RAW_COOKIE)
#define raw3(nr, a, b, c) own6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), 0, 0, RAW_COOKIE)
#define raw4(nr, a, b, c, d) own6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), 0, RAW_COOKIE)
#define raw5(nr, a, b, c, d, e) \
	own6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), RAW_COOKIE)

#endif
