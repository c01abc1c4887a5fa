/* SPDX-License-Identifier: Apache-2.0 */
/* stacks.h - modules and stacks in the arena: each kept once, whoever comes first.
 * Async-signal-safe.
 */
#ifndef IPCJAM_STACKS_H
#define IPCJAM_STACKS_H

#include "arena.h"

/* Index of the module with that path, or ARENA_NO_MODULE: there is no room. */
uint16_t stacks_module(struct arena *arena, const char *path);

/* The site of a stack: it counts modules by their files' names, not by where they are installed. */
uint64_t stacks_site(const struct arena *arena, const uint64_t *frame, uint32_t n_frames);

/* Index of the stack + 1, or 0: there is no room. */
uint32_t stacks_keep(struct arena *arena, uint64_t site, const uint64_t *frame, uint32_t n_frames);

#endif
