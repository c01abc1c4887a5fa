/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h - places in the arena for processes and threads, claimed by compare-and-swap: by the shim
 * for its own process, by the tracer for those that have no shim. Async-signal-safe.
 */
#ifndef IPCJAM_SLOTS_H
#define IPCJAM_SLOTS_H

#include "arena.h"

/* Slots below these have been in use. */
uint32_t slots_procs(const struct arena *arena);
uint32_t slots_threads(const struct arena *arena);
static inline uint32_t slot_of(const struct arena *arena, const struct arena_proc *proc)
{
	return (uint32_t)(proc - arena->proc);
}

/* Reserves a slot for a child of `parent` (NULL: none is known), whose process is `ppid`: its
 * lineage is given now. NULL: there is none left. */
struct arena_proc *slot_reserve(struct arena *arena, struct arena_proc *parent, int32_t ppid,
				int32_t pid);
/* A slot that is live or reserved for this pid, or one that libc's child of `ppid` is to adopt. */
struct arena_proc *slot_find(struct arena *arena, int32_t pid, int32_t ppid);
struct arena_proc *slot_find_live(struct arena *arena, int32_t pid);

/* A live slot for a thread of `proc`; NULL: there is none left. */
struct arena_thread *slot_thread(struct arena *arena, struct arena_proc *proc, uint32_t number,
				 int32_t tid);
/* The live one that this thread has, or NULL. */
struct arena_thread *slot_thread_find(struct arena *arena, const struct arena_proc *proc,
				      int32_t tid);

/* exec or one of its relatives */
bool slot_call_execs(uint32_t call);
/* After exec the other threads are gone; the one that called it goes on as the first. NULL: it had
 * no slot. */
struct arena_thread *slot_take_over(struct arena *arena, struct arena_proc *proc, int32_t tid);
/* The call that a thread is in, innermost, or NULL. */
const struct event *slot_current(const struct arena_thread *thread);

/* The program's base name. */
void slot_name(struct arena_proc *proc, const char *path);

#endif
