/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - which system calls the shim may make. A program that puts a seccomp filter on itself
 * means its own calls: it must not die of ours. From then on only those of ours are made that all
 * of its filters allow whatever the arguments are; the others fail at once with ENOSYS, and whoever
 * makes them can do without. Recording goes on: the arena needs no system call. Strict mode, and
 * prctl(PR_SET_TSC), take the time away too.
 */
#ifndef IPCJAM_SEAL_H
#define IPCJAM_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#define SEAL_NUMBERS 512
#define SEAL_TEXT (SEAL_NUMBERS / 4 + 2)

struct seal {
	bool on;
	bool blind;                            /* nobody may ask for the time */
	uint64_t permitted[SEAL_NUMBERS / 64]; /* bit: the number of a system call */
	int32_t pid;                           /* of this process, since it may not be asked */
};

extern struct seal seal __attribute__((visibility("hidden")));

static inline bool seal_permits(long number)
{
	if (__builtin_expect(!seal.on, 1))
		return true;
	return (unsigned long)number < SEAL_NUMBERS &&
	       seal.permitted[number / 64] >> number % 64 & 1;
}

#endif
