/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_slot.c - places in the arena for processes and threads that have no shim, or whose shim
 * does not know of them. Who comes first claims a place, and the other finds it: by pid, by tid.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tracer.h"

struct arena_proc *program_slot(struct tracer *t, struct program *program)
{
	struct arena_proc *slot = program->slot;

	if (slot && atomic_load(&slot->generation) == program->generation &&
	    atomic_load(&slot->pid) == program->pid)
		return slot;
	slot = slot_find(t->arena, program->pid, 0);
	program->slot = slot;
	program->generation = slot ? atomic_load(&slot->generation) : 0;
	return slot;
}

bool program_refresh(struct tracer *t, struct program *program)
{
	struct arena_proc *slot;

	if (program->mode != MODE_LOADING && program->mode != MODE_TRACED)
		return program->mode == MODE_SHIM;
	slot = program_slot(t, program);
	if (!slot || !(atomic_load(&slot->flags) & PROC_SHIM))
		return false;
	/* a static program can be a loader, too: ld.so PROGRAM */
	atomic_fetch_and(&slot->flags, ~(uint32_t)PROC_TRACED);
	program->mode = MODE_SHIM;
	return true;
}

static void begin(struct tracer *t, struct program *program, struct arena_proc *proc)
{
	atomic_store(&proc->pid, program->pid);
	proc->born_tsc = tracer_now(t);
	atomic_store(&proc->state, PROC_LIVE);
	atomic_fetch_add(&t->arena->n_hello, 1);
	tracer_bell(t);
}

static bool slot_holds(const struct arena_thread *slot, const struct task *task)
{
	return slot && atomic_load(&slot->generation) == task->generation &&
	       atomic_load(&slot->state) == THREAD_LIVE && atomic_load(&slot->tid) == task->tid;
}

static void slot_take(struct task *task, const struct arena_proc *proc, struct arena_thread *slot)
{
	task->slot = slot;
	if (!slot)
		return;
	task->generation = atomic_load(&slot->generation);
	task->lineage_hash = point_lineage_hash(proc, slot->number);
}

bool task_slot(struct tracer *t, struct task *task)
{
	struct program *program = task->program;
	struct arena_thread *slot;
	struct arena_proc *proc;

	if (slot_holds(task->slot, task))
		return true;
	task->slot = NULL;
	proc = program_slot(t, program);
	if (!proc || task->ended)
		return false;
	if (atomic_load(&proc->state) == PROC_RESERVED) {
		/* a wrapper's child will report in itself */
		if (!program->reserved)
			return false;
		begin(t, program, proc);
	}
	slot = slot_thread_find(t->arena, proc, task->tid);
	if (!slot && !task->by_shim)
		slot = slot_thread(
			t->arena, proc,
			task->tid == program->pid ? 0 : atomic_fetch_add(&proc->n_threads, 1) + 1,
			task->tid);
	slot_take(task, proc, slot);
	return slot != NULL;
}

void task_slot_end(struct task *task)
{
	uint32_t live = THREAD_LIVE;

	task->ended = true;
	if (!slot_holds(task->slot, task))
		return;
	atomic_store(&task->slot->settled, atomic_load(&task->slot->head));
	atomic_store(&task->slot->leaving, 0);
	atomic_store(&task->slot->depth, 0);
	atomic_compare_exchange_strong(&task->slot->state, &live, THREAD_ENDED);
	task->slot = NULL;
}

static pid_t parent_of(pid_t pid)
{
	char state = 0;
	pid_t ppid = 0;
	int code;

	proc_start_time(pid, &state, &code, &ppid);
	return ppid;
}

/* The place that it had before exec, that its parent's wrapper has made for it, or a new one. */
static struct arena_proc *find_place(struct tracer *t, struct program *program)
{
	struct arena_proc *proc = program_slot(t, program), *parent;
	pid_t ppid;

	if (proc)
		return proc;
	ppid = parent_of(program->pid);
	proc = slot_find(t->arena, program->pid, ppid);
	if (!proc) {
		parent = slot_find_live(t->arena, ppid);
		proc = slot_reserve(t->arena, parent ? parent : &t->arena->proc[0], ppid,
				    program->pid);
	}
	program->slot = proc;
	program->generation = proc ? atomic_load(&proc->generation) : 0;
	return proc;
}

/* The exec has succeeded, and what a signal handler had interrupted below it will never return. */
static void finish_exec(struct tracer *t, struct task *task)
{
	struct arena_thread *slot = task->slot;
	uint32_t innermost = atomic_load(&slot->depth);
	bool kills = false;

	innermost = innermost < ARENA_DEPTH ? innermost : ARENA_DEPTH;
	for (uint32_t depth = innermost; depth-- > 0;) {
		struct event e = slot->cur[depth];

		if (depth + 1 < innermost || !slot_call_execs(e.call))
			e.flags |= EVENT_ABANDONED;
		else if (e.fault == FAULT_KILL_AFTER)
			kills = true;
		e.flags |= kills ? EVENT_KILL_AFTER : 0;
		e.exit_tsc = tracer_now(t);
		e.result = 0;
		ring_write(t, slot, &e, NULL, 0);
		if (kills)
			break;
	}
	atomic_store(&slot->depth, 0);
	if (kills)
		tracer_kill(t, task);
}

static void take_over(struct tracer *t, struct task *task, struct arena_proc *proc)
{
	struct arena_thread *slot = slot_take_over(t->arena, proc, task->tid);

	if (slot) {
		slot_take(task, proc, slot);
		finish_exec(t, task);
	} else {
		task->slot = NULL;
		task_slot(t, task);
	}
	atomic_fetch_or(&proc->flags, PROC_EXECED);
}

static void name(const struct program *program, struct arena_proc *proc)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)program->pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return;
	path[n] = '\0';
	slot_name(proc, path);
}

void program_serve(struct tracer *t, struct task *task, const char *why)
{
	struct program *program = task->program;
	struct arena_proc *proc = find_place(t, program);
	bool was_live = proc && atomic_load(&proc->state) == PROC_LIVE;

	program->mode = proc ? MODE_TRACED : MODE_NONE;
	if (!proc)
		return;
	program->reserved = true;
	atomic_store(&t->why[slot_of(t->arena, proc)], why);
	atomic_fetch_or(&proc->flags, PROC_TRACED);
	name(program, proc);
	if (was_live)
		take_over(t, task, proc);
	else
		task_slot(t, task);
}
