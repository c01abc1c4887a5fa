/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - the arena's header and the hashes that both sides use. */
#include "arena.h"

void arena_init(struct arena *arena, enum arena_mode mode, uint64_t seed)
{
	arena->version = ARENA_VERSION;
	arena->mode = mode;
	arena->bytes = sizeof(*arena);
	arena->seed = seed;
	arena->stacks = 1;
	arena->has_tsc = 1;
	arena->magic = ARENA_MAGIC;
}

const char *arena_check(const struct arena *arena)
{
	if (arena->magic != ARENA_MAGIC)
		return "not an arena";
	if (arena->version != ARENA_VERSION)
		return "an arena of another version of ipcjam";
	if (arena->bytes != sizeof(*arena))
		return "an arena of another size";
	if (arena->plan.n_rules > PLAN_RULES)
		return "a plan with too many rules";
	return NULL;
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
uint64_t arena_hash(const void *data, uint64_t n_bytes, uint64_t start)
{
	const unsigned char *byte = data;
	uint64_t hash = start;

	for (uint64_t i = 0; i < n_bytes; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

/* splitmix64's finaliser: Steele, Lea, Flood: Fast splittable pseudorandom number generators,
 * OOPSLA 2014. */
uint64_t arena_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}
