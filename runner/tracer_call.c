/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_call.c - a call from its entry to its end, as the shim's gate does it, from outside:
 * enter, decide, perform, leave. The kernel stops the thread before the call (a seccomp stop) and,
 * if we ask for it, behind it. In between the thread is in the kernel and writes nothing itself.
 *
 * A call that a signal has interrupted may come again: the kernel goes back to the instruction.
 * Until then it is kept aside, since the handler makes calls of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tracer_record.h"

/* What the kernel says inside of itself when a signal has come: the call is made again, or not. */
#define RESTART_FIRST 512 /* ERESTARTSYS */
#define RESTART_LAST 516  /* ERESTART_RESTARTBLOCK */
#define SYSCALL_BYTES 2   /* of the instruction */

static void arguments(const struct user_regs_struct *regs, uint64_t a[6])
{
	a[0] = regs->rdi;
	a[1] = regs->rsi;
	a[2] = regs->rdx;
	a[3] = regs->r10;
	a[4] = regs->r8;
	a[5] = regs->r9;
}

static void set_argument(struct user_regs_struct *regs, unsigned int i, uint64_t value)
{
	unsigned long long *const to[] = { &regs->rdi, &regs->rsi, &regs->rdx,
					   &regs->r10, &regs->r8,  &regs->r9 };

	*to[i] = value;
}

/* It will come again, or never. */
static void suspend(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;

	call_show_no_more(task, p);
	p->active = false;
	if (task->n_suspended < ARENA_DEPTH) {
		task->suspended[task->n_suspended++] = *p;
		return;
	}
	p->event.flags |= EVENT_ABANDONED;
	p->event.exit_tsc = tracer_now(t);
	ring_write(t, task->slot, &p->event, NULL, 0);
}

/* The call that was put aside last was left by longjmp, or by the thread's end. */
static void leave_behind(struct tracer *t, struct task *task)
{
	struct passage *p = &task->suspended[--task->n_suspended];

	p->event.flags |= EVENT_ABANDONED;
	p->event.exit_tsc = tracer_now(t);
	ring_write(t, task->slot, &p->event, NULL, 0);
}

void call_left(struct tracer *t, struct task *task)
{
	if (task->n_suspended && !task_slot(t, task))
		task->n_suspended = 0;
	while (task->n_suspended)
		leave_behind(t, task);
}

/* What a rule has refused never reaches the kernel. */
static void refuse(struct tracer *t, struct task *task)
{
	t->regs.orig_rax = (unsigned long long)-1;
	t->regs.rax = (unsigned long long)-task->now.err;
	set_regs(t, task);
	call_finish(t, task, &task->now, -task->now.err);
	task_go_on(t, task);
}

/* Back to the instruction before: signals that are pending come first, then the call again. */
static void put_off(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;

	t->regs.rax = (unsigned long long)p->row->nr;
	t->regs.orig_rax = (unsigned long long)-1;
	t->regs.rip -= SYSCALL_BYTES;
	set_regs(t, task);
	p->put_off = false;
	suspend(t, task);
	task_go_on(t, task);
}

static void alter(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;
	bool changed = false;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned int to = p->row->from[i];

		if (to == SYSCALL_NONE || p->a[i] == p->event.arg[i])
			continue;
		set_argument(&t->regs, to, (uint64_t)p->a[i]);
		changed = true;
	}
	if (changed)
		set_regs(t, task);
	for (unsigned int i = 0; i < p->n_patches; i++)
		poke(task->tid, p->patch[i].at, p->patch[i].new);
}

static void perform(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;

	tracer_before(t, task, p);
	alter(t, task);
	if (p->call->result == RESULT_NEVER) {
		call_finish(t, task, p, p->a[0]);
		task_go_on(t, task);
	} else {
		task_go_on_to_exit(t, task);
	}
}

/* It was decided what becomes of the call. */
static void proceed(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;

	if (p->kills) {
		p->perform = false;
		call_finish(t, task, p, -1);
		tracer_kill(t, task);
		task_go_on(t, task);
	} else if (p->put_off) {
		put_off(t, task);
	} else if (p->delay_ns) {
		task_hold(t, task, p->delay_ns);
		p->delay_ns = 0;
	} else if (!p->perform) {
		refuse(t, task);
	} else {
		perform(t, task);
	}
}

void call_resume(struct tracer *t, struct task *task)
{
	if (ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) == 0)
		proceed(t, task);
}

/* Is this the call that was put aside last, or does its place on the stack say that it never comes?
 */
static bool comes_again(struct tracer *t, struct task *task, long nr)
{
	while (task->n_suspended) {
		struct passage *p = &task->suspended[task->n_suspended - 1];

		if (!p->frame && p->sp == t->regs.rsp && p->pc == t->regs.rip &&
		    (nr == p->row->nr || nr == SYS_restart_syscall)) {
			task->now = *p;
			task->n_suspended--;
			task->now.active = true;
			call_show(task, &task->now);
			return true;
		}
		if (p->sp > t->regs.rsp)
			return false; /* made by the handler */
		leave_behind(t, task);
	}
	return false;
}

void call_enter(struct tracer *t, struct task *task)
{
	const struct syscall_row *row;
	uint64_t a[6];

	if (ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) < 0)
		return;
	arguments(&t->regs, a);
	row = syscall_find((long)t->regs.orig_rax, a);
	if (!row) {
		task_go_on(t, task);
		return;
	}
	call_note(t, task, row, a);
	if (task->n_suspended && row->role != ROLE_RETURN && task_slot(t, task) &&
	    comes_again(t, task, (long)t->regs.orig_rax)) {
		proceed(t, task);
		return;
	}
	if (row->role == ROLE_THREAD_END)
		task_slot_end(task);
	if (!call_is_ours(t, task, row) || !call_begin(t, task, row, a)) {
		task_go_on(t, task);
		return;
	}
	if (t->s->options->plan->n_rules) {
		tracer_decide(t, task);
		call_show_decision(task, &task->now);
	}
	proceed(t, task);
}

/* The program must not see what was done to its registers and its memory. */
static void alter_back(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;
	bool changed = false;

	for (unsigned int i = 0; i < 6; i++) {
		unsigned int to = p->row->from[i];

		if (to == SYSCALL_NONE || p->a[i] == p->event.arg[i])
			continue;
		set_argument(&t->regs, to, p->given[to]);
		changed = true;
	}
	if (changed)
		set_regs(t, task);
	for (unsigned int i = 0; i < p->n_patches; i++)
		poke(task->tid, p->patch[i].at, p->patch[i].old);
}

static bool restarts(long result)
{
	return result <= -RESTART_FIRST && result >= -RESTART_LAST;
}

void call_leave(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;
	long result;

	if (p->active && ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) == 0) {
		result = (long)t->regs.rax;
		alter_back(t, task);
		if (p->late && result >= 0) {
			result = -p->err;
			t->regs.rax = (unsigned long long)result;
			set_regs(t, task);
		}
		if (restarts(result))
			suspend(t, task);
		else
			call_finish(t, task, p, result);
	}
	task_go_on(t, task);
}

/* A handler begins: the frame below it says whether the interrupted call returns EINTR behind it,
 * or is made again. */
void call_interrupted(struct tracer *t, struct task *task)
{
	struct passage *p;
	ucontext_t frame;

	if (!task->n_suspended || !task_slot(t, task) ||
	    ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) < 0 ||
	    !peek(task->tid, t->regs.rsp + sizeof(void *), &frame,
		  offsetof(ucontext_t, uc_sigmask)))
		return;
	p = &task->suspended[task->n_suspended - 1];
	p->frame = t->regs.rsp;
	if (frame.uc_mcontext.gregs[REG_RAX] != -EINTR ||
	    (uint64_t)frame.uc_mcontext.gregs[REG_RIP] != p->pc)
		return;
	task->n_suspended--;
	task->now = *p;
	call_finish(t, task, &task->now, -EINTR);
}
