/* SPDX-License-Identifier: Apache-2.0 */
/* stacks.c - modules and stacks in the arena, found by their hashes. */
#include "stacks.h"

#include <string.h>

#define PROBES 64

uint16_t stacks_module(struct arena *arena, const char *path)
{
	size_t n = strnlen(path, sizeof(arena->module[0].path) - 1);
	uint64_t hash = arena_hash(path, n, ARENA_HASH_START);

	for (uint32_t i = 0; i < ARENA_MODULES; i++) {
		uint32_t at = (uint32_t)((hash + i) % ARENA_MODULES);
		struct arena_module *m = &arena->module[at];
		uint64_t free_slot = 0;

		if (m->hash != hash &&
		    !(m->hash == 0 && atomic_compare_exchange_strong(&m->hash, &free_slot, hash)) &&
		    m->hash != hash)
			continue;
		if (!atomic_load(&m->ready)) {
			memcpy(m->path, path, n);
			atomic_store(&m->ready, 1);
		}
		return (uint16_t)at;
	}
	return ARENA_NO_MODULE;
}

/* A module counts by its file's name: not by its index in this arena, nor by where it is installed.
 */
static uint64_t module_name_hash(const struct arena_module *m)
{
	size_t n = strnlen(m->path, sizeof(m->path)), base = n;

	while (base && m->path[base - 1] != '/')
		base--;
	return arena_hash(m->path + base, n - base, ARENA_HASH_START);
}

uint64_t stacks_site(const struct arena *arena, const uint64_t *frame, uint32_t n_frames)
{
	uint64_t hash = ARENA_HASH_START;

	for (uint32_t i = 0; i < n_frames; i++) {
		unsigned int module = ARENA_FRAME_MODULE(frame[i]);
		uint64_t part = ARENA_FRAME_OFFSET(frame[i]);

		if (module < ARENA_MODULES)
			part ^= module_name_hash(&arena->module[module]);
		hash = arena_hash(&part, sizeof(part), hash);
	}
	return hash;
}

uint32_t stacks_keep(struct arena *arena, uint64_t site, const uint64_t *frame, uint32_t n_frames)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t at = (uint32_t)((site + i) & (ARENA_STACKS - 1));
		struct arena_stack *s = &arena->stack[at];
		uint64_t none = 0;

		if (s->site != site &&
		    !(s->site == 0 && atomic_compare_exchange_strong(&s->site, &none, site)) &&
		    s->site != site)
			continue;
		if (!atomic_load(&s->ready)) {
			memcpy(s->frame, frame, n_frames * sizeof(frame[0]));
			s->n_frames = n_frames;
			atomic_store(&s->ready, 1);
		}
		return at + 1;
	}
	return 0;
}
