/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_note.c - whose a system call is that has stopped: one that a wrapper of the shim stands
 * for, or one for the tracer. And what has to be known of some calls whoever serves them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tracer.h"

/* Handlers decide which EINTR is possible, and only here all of them pass. */
static void note_handler(struct task *task, const uint64_t a[6])
{
	struct {
		uint64_t handler, flags;
	} action;
	uint8_t is = 0;

	if (a[0] == 0 || a[0] >= SIGNALS || !a[1] ||
	    !peek(task->tid, a[1], &action, sizeof(action)))
		return;
	if (action.handler != (uint64_t)(uintptr_t)SIG_DFL &&
	    action.handler != (uint64_t)(uintptr_t)SIG_IGN)
		is = POINT_HANDLED | (action.flags & SA_RESTART ? POINT_RESTARTS : 0);
	task->program->handler[a[0]] = is;
}

/* CLONE_UNTRACED is for kernel threads, but the kernel does not mind others. The child would be
 * under the filter, with nobody to let its calls go on. */
static void note_fork(struct tracer *t, struct task *task, long nr, const uint64_t a[6])
{
	uint64_t flags = 0;

	if (nr == SYS_clone)
		flags = a[0];
	else if (nr == SYS_vfork)
		flags = CLONE_VM | CLONE_VFORK;
	else if (nr == SYS_clone3 && !peek(task->tid, a[0], &flags, sizeof(flags)))
		flags = 0;
	task->clone_flags = flags;
	if (!(flags & CLONE_UNTRACED))
		return;
	if (nr == SYS_clone3) {
		poke(task->tid, a[0], flags & ~(uint64_t)CLONE_UNTRACED);
	} else {
		t->regs.rdi = flags & ~(uint64_t)CLONE_UNTRACED;
		set_regs(t, task);
	}
}

/* A handler returns: only now can the call that it has interrupted come again. */
static void note_return(struct tracer *t, struct task *task)
{
	for (unsigned int i = 0; i < task->n_suspended; i++)
		if (task->suspended[i].frame == t->regs.rsp - sizeof(void *))
			task->suspended[i].frame = 0;
}

static void note_ptrace(struct tracer *t, struct task *task, const uint64_t a[6])
{
	struct arena_proc *slot = program_slot(t, task->program);

	if (slot && (a[0] == PTRACE_TRACEME || a[0] == PTRACE_ATTACH || a[0] == PTRACE_SEIZE))
		atomic_fetch_or(&slot->flags, PROC_TRACES);
}

/* What has to be known of calls whoever serves them. */
void call_note(struct tracer *t, struct task *task, const struct syscall_row *row,
	       const uint64_t a[6])
{
	if (row->nr == SYS_rt_sigaction)
		note_handler(task, a);
	else if (row->role == ROLE_FORK)
		note_fork(t, task, row->nr, a);
	else if (row->role == ROLE_PTRACE)
		note_ptrace(t, task, a);
	else if (row->role == ROLE_RETURN)
		note_return(t, task);
}

/* In a served process: made by a wrapper that stands for it, or past all wrappers? */
static bool comes_past_shim(struct tracer *t, struct task *task, const struct syscall_row *row)
{
	const struct arena_proc *slot = program_slot(t, task->program);
	const struct event *e;

	if (row->role == ROLE_LOCAL || !task_slot(t, task))
		return false;
	if (row->role == ROLE_PROCESS_END && slot && atomic_load(&slot->flags) & PROC_ENDING)
		return false;
	e = slot_current(task->slot);
	return !e || !syscall_serves(e->call, row->nr);
}

bool call_is_ours(struct tracer *t, struct task *task, const struct syscall_row *row)
{
	if (row->call == CALL_N || row->role == ROLE_THREAD_END)
		return false;
	if (row->role == ROLE_LOCAL && task->program->is_go)
		return false;
	program_refresh(t, task->program);
	switch (task->program->mode) {
	case MODE_SHIM:
		return comes_past_shim(t, task, row);
	case MODE_TRACED:
		return task_slot(t, task);
	default:
		return false;
	}
}
