/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.c - slots of processes and threads. Lineages are given by the parent before the child
 * exists, so that they depend on no pid and on no race between children.
 */
#define _GNU_SOURCE
#include "slots.h"

#include <string.h>

#define RELAXED memory_order_relaxed

uint32_t slots_procs(const struct arena *arena)
{
	uint32_t n = atomic_load(&arena->procs_used);

	return n < ARENA_PROCS ? n : ARENA_PROCS;
}

uint32_t slots_threads(const struct arena *arena)
{
	uint32_t n = atomic_load(&arena->threads_used);

	return n < ARENA_THREADS ? n : ARENA_THREADS;
}

/* "1.2" + child 3 -> "1.2.3"; a chain too deep for the field is folded to its hash. */
static void make_lineage(char *to, const char *parent, uint32_t child_no)
{
	char digits[12];
	size_t n = strnlen(parent, ARENA_LINEAGE), n_digits = 0;

	do {
		digits[n_digits++] = (char)('0' + child_no % 10);
		child_no /= 10;
	} while (child_no);
	if (n + n_digits + 2 > ARENA_LINEAGE) {
		uint64_t hash = arena_hash(parent, n, ARENA_HASH_START);

		to[0] = '?';
		for (n = 1; n < 17; n++, hash >>= 4)
			to[n] = (char)('0' + hash % 10);
	} else {
		memcpy(to, parent, n);
	}
	to[n++] = '.';
	while (n_digits)
		to[n++] = digits[--n_digits];
	to[n] = 0;
}

/* Raised before the slot is claimed, so that whoever sees a claimed slot also sees that it counts.
 */
static void raise_to(_Atomic uint32_t *used, uint32_t n)
{
	uint32_t old = atomic_load_explicit(used, RELAXED);

	while (old < n && !atomic_compare_exchange_weak(used, &old, n))
		;
}

static void fill(struct arena *arena, struct arena_proc *p, struct arena_proc *parent, int32_t ppid)
{
	p->flags = 0;
	p->n_children = p->n_threads = 0;
	p->timer_ns = 0;
	memset((void *)p->counted, 0, sizeof(p->counted));
	p->ppid = ppid;
	p->parent = parent ? slot_of(arena, parent) + 1 : 0;
	p->parent_generation = parent ? parent->generation : 0;
	p->child_no = parent ? atomic_fetch_add(&parent->n_children, 1) + 1 : 1;
	if (parent || slot_of(arena, p))
		make_lineage(p->lineage, parent ? parent->lineage : "?", p->child_no);
	else
		memcpy(p->lineage, "1", 2);
	memcpy(p->name, parent ? parent->name : "?", parent ? ARENA_NAME : 2);
}

struct arena_proc *slot_reserve(struct arena *arena, struct arena_proc *parent, int32_t ppid,
				int32_t pid)
{
	for (uint32_t i = 0; i < ARENA_PROCS; i++) {
		struct arena_proc *p = &arena->proc[i];
		uint32_t expected = PROC_FREE;

		if (atomic_load_explicit(&p->state, RELAXED) != PROC_FREE)
			continue;
		raise_to(&arena->procs_used, i + 1);
		if (!atomic_compare_exchange_strong(&p->state, &expected, PROC_RESERVED))
			continue;
		fill(arena, p, parent, ppid);
		atomic_fetch_add(&p->generation, 1);
		atomic_store(&p->pid, pid);
		return p;
	}
	atomic_fetch_add(&arena->n_overflow, 1);
	return NULL;
}

struct arena_proc *slot_find(struct arena *arena, int32_t pid, int32_t ppid)
{
	for (uint32_t i = 0; i < slots_procs(arena); i++) {
		uint32_t state = atomic_load_explicit(&arena->proc[i].state, RELAXED);

		if ((state == PROC_LIVE || state == PROC_RESERVED) && arena->proc[i].pid == pid)
			return &arena->proc[i];
	}
	for (uint32_t i = 0; i < slots_procs(arena); i++) {
		struct arena_proc *p = &arena->proc[i];
		int32_t expected = -1;

		if (p->state == PROC_RESERVED && p->ppid == ppid &&
		    atomic_compare_exchange_strong(&p->pid, &expected, pid))
			return p;
	}
	return NULL;
}

struct arena_proc *slot_find_live(struct arena *arena, int32_t pid)
{
	for (uint32_t i = 0; i < slots_procs(arena); i++)
		if (arena->proc[i].state == PROC_LIVE && arena->proc[i].pid == pid)
			return &arena->proc[i];
	return NULL;
}

struct arena_thread *slot_thread(struct arena *arena, struct arena_proc *proc, uint32_t number,
				 int32_t tid)
{
	for (uint32_t i = 0; i < ARENA_THREADS; i++) {
		struct arena_thread *t = &arena->thread[i];
		uint32_t expected = THREAD_FREE;

		if (atomic_load_explicit(&t->state, RELAXED) != THREAD_FREE)
			continue;
		raise_to(&arena->threads_used, i + 1);
		if (!atomic_compare_exchange_strong(&t->state, &expected, THREAD_CLAIMED))
			continue;
		t->proc = slot_of(arena, proc);
		t->proc_generation = proc->generation;
		t->number = number;
		t->tid = tid;
		t->pthread = 0;
		t->depth = t->leaving = t->unwinding = 0;
		t->n_calls = 0;
		t->stop_ns = 0;
		t->settled = t->head;
		atomic_fetch_add(&t->generation, 1);
		atomic_store(&t->state, THREAD_LIVE);
		return t;
	}
	atomic_fetch_add(&arena->n_overflow, 1);
	atomic_fetch_or(&proc->flags, PROC_PARTIAL);
	return NULL;
}

struct arena_thread *slot_thread_find(struct arena *arena, const struct arena_proc *proc,
				      int32_t tid)
{
	for (uint32_t i = 0; i < slots_threads(arena); i++) {
		struct arena_thread *t = &arena->thread[i];

		if (t->state == THREAD_LIVE && t->tid == tid && t->proc == slot_of(arena, proc) &&
		    t->proc_generation == proc->generation)
			return t;
	}
	return NULL;
}

bool slot_call_execs(uint32_t call)
{
	return call >= CALL_execve && call <= CALL_execveat;
}

const struct event *slot_current(const struct arena_thread *thread)
{
	uint32_t depth = atomic_load(&thread->depth);

	return depth && depth <= ARENA_DEPTH ? &thread->cur[depth - 1] : NULL;
}

struct arena_thread *slot_take_over(struct arena *arena, struct arena_proc *proc, int32_t tid)
{
	struct arena_thread *own = NULL;

	for (uint32_t i = 0; i < slots_threads(arena); i++) {
		struct arena_thread *t = &arena->thread[i];
		const struct event *e = slot_current(t);

		if (t->state != THREAD_LIVE || t->proc != slot_of(arena, proc))
			continue;
		if (!own && e && slot_call_execs(e->call)) {
			own = t;
			continue;
		}
		atomic_store(&t->settled, atomic_load(&t->head));
		atomic_store(&t->leaving, 0);
		atomic_store(&t->state, THREAD_ENDED);
	}
	if (own) {
		own->number = 0;
		own->tid = tid;
	}
	return own;
}

void slot_name(struct arena_proc *proc, const char *path)
{
	size_t n = strlen(path), base = n;

	while (base && path[base - 1] != '/')
		base--;
	memset(proc->name, 0, ARENA_NAME);
	memcpy(proc->name, path + base, n - base < ARENA_NAME ? n - base : ARENA_NAME - 1);
}
