/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.c - in=FUNCTION: a subject's shim cannot name static functions, the runner can. Each new stack
 * is asked for once, so that the answer costs nothing at the calls that follow.
 */
#define _GNU_SOURCE
#include "functions.h"

#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t rules_for(const char *function, const struct plan *plan)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < plan->n_rules; i++)
		if (plan->rule[i].in[0] && strcmp(plan->rule[i].in, function) == 0)
			mask |= UINT64_C(1) << i;
	return mask;
}

/* Everything here was written by the subject: copied and checked before it is used. */
static uint64_t mask_of(const struct arena *arena, const struct arena_stack *stack, const struct plan *plan,
			struct symbols *symbols)
{
	uint32_t n = stack->n_frames < ARENA_FRAMES ? stack->n_frames : ARENA_FRAMES;
	uint64_t mask = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t frame = stack->frame[i];
		unsigned int module = ARENA_FRAME_MODULE(frame);
		char path[sizeof(arena->module[0].path) + 1] = "";
		struct symbol symbol;

		if (module >= ARENA_MODULES)
			continue;
		memcpy(path, arena->module[module].path, sizeof(arena->module[0].path));
		if (symbols_find(symbols, path, ARENA_FRAME_OFFSET(frame), &symbol) == 0)
			mask |= rules_for(symbol.function, plan);
	}
	return mask;
}

void functions_answer(struct arena *arena, const struct plan *plan, struct symbols *symbols)
{
	if (plan->n_in == 0)
		return;
	for (uint32_t i = 0; i < ARENA_STACKS; i++) {
		struct arena_stack *s = &arena->stack[i];

		if (atomic_load(&s->in_state) != IN_ASKED || !atomic_load(&s->ready))
			continue;
		atomic_store(&s->in_mask, mask_of(arena, s, plan, symbols));
		atomic_store(&s->in_state, IN_ANSWERED);
		syscall(SYS_futex, &s->in_state, FUTEX_WAKE, INT_MAX);
	}
}
