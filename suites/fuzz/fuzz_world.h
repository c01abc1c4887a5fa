/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_world.h - the kernel and the subject's processes as fuzz_arena.c wants them to be. The
 * supervisor's files are linked against these instead of the real calls: nothing is signalled,
 * waited for, removed or started.
 */
#ifndef SUITES_FUZZ_FUZZ_WORLD_H
#define SUITES_FUZZ_FUZZ_WORLD_H

#include "fuzz.h"
#include "supervise.h"

#define WORLD_RECIPE 64

struct world {
	uint64_t now_ns;
	struct {
		pid_t pid;
		int status;
	} ended[16]; /* what wait() is about to tell */
	unsigned int n_ended;
	uint8_t recipe[WORLD_RECIPE]; /* what /proc and semctl() answer is made of these */
	unsigned int n_recipe, n_read;
};
extern struct world world;

uint8_t world_byte(void);

#endif
