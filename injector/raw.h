/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - system calls without libc: they leave errno alone, are no cancellation points, and work
 * before libc is ready. The result is the kernel's: -errno on failure.
 */
#ifndef IPCJAM_RAW_H
#define IPCJAM_RAW_H

#include <stdbool.h>
#include <sys/syscall.h>

static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Also of calls that give addresses, which may be negative as numbers: only these are -errno. */
static inline bool raw_failed(long result)
{
	return result < 0 && result >= -4095;
}

#define RAW_ARG(x) ((long)(x))
#define raw0(nr) raw6(nr, 0, 0, 0, 0, 0, 0)
#define raw1(nr, a) raw6(nr, RAW_ARG(a), 0, 0, 0, 0, 0)
#define raw2(nr, a, b) raw6(nr, RAW_ARG(a), RAW_ARG(b), 0, 0, 0, 0)
#define raw3(nr, a, b, c) raw6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), 0, 0, 0)
#define raw4(nr, a, b, c, d) raw6(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), 0, 0)

#endif
