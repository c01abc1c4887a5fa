/* SPDX-License-Identifier: Apache-2.0 */
/* held_at_death.h - the part of held-at-death that is about locks in shared memory. */
#ifndef IPCJAM_HELD_AT_DEATH_H
#define IPCJAM_HELD_AT_DEATH_H

#include "../model_lock.h"

#define HELD_LOCKS_MAX 256

struct held_lock {
	struct lock *lock; /* kept */
	uint32_t process, thread;
	bool unsure; /* it may have been given back unrecorded */
	uint32_t stack;
	uint64_t site;
	uint64_t end_tsc; /* when the death was known */
	struct process_end end;
};

struct held_locks {
	struct held_lock held[HELD_LOCKS_MAX];
	unsigned int n;
};

void held_locks_note(struct model *model, struct held_locks *state, uint32_t process,
		     const struct process_end *end, uint64_t tsc);
void held_locks_judge(struct model *model, struct held_locks *state);

#endif
