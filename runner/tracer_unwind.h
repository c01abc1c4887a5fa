/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_unwind.h - unwinding the stack of a task that has stopped, by libdwfl: it finds what it
 * needs in any ELF file, also in static ones, which have no index of their unwind tables. */
#ifndef IPCJAM_TRACER_UNWIND_H
#define IPCJAM_TRACER_UNWIND_H

#include "tracer.h"

struct frame {
	uint64_t pc;
	uint64_t place;   /* where it stands, from the stack pointer on */
	uint64_t encoded; /* ARENA_FRAME() */
};

struct unwinder;
struct unwinder *unwinder_new(struct arena *arena, pid_t pid, const char *shim);
void unwinder_free(struct unwinder *unwinder);

/* Innermost first, without the shim's own frames; at least one. */
uint32_t unwinder_walk(struct unwinder *unwinder, pid_t tid, const struct user_regs_struct *regs,
		       uint32_t n_max, struct frame *frame, bool *all_known);

#endif
