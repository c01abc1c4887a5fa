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
#include <signal.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tracer.h"

/* What the kernel says inside of itself when a signal has come: the call is made again, or not. */
#define RESTART_FIRST 512 /* ERESTARTSYS */
#define RESTART_LAST 516  /* ERESTART_RESTARTBLOCK */
#define SYSCALL_BYTES 2   /* of the instruction */
#define SMALLEST_INT UINT64_C(0xffff0000)

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

static void set_regs(struct tracer *t, struct task *task)
{
	ptrace(PTRACE_SETREGS, task->tid, NULL, &t->regs);
}

/* Handlers decide which EINTR is possible, and only here all of them pass. */
static void note_handler(struct task *task, const uint64_t a[6])
{
	struct {
		uint64_t handler, flags;
	} action;

	if (a[0] == 0 || a[0] >= SIGNALS || !a[1] ||
	    !peek(task->tid, a[1], &action, sizeof(action)))
		return;
	task->program->handler[a[0]] =
		action.handler == (uint64_t)(uintptr_t)SIG_DFL ||
				action.handler == (uint64_t)(uintptr_t)SIG_IGN
			? 0
		: action.flags & SA_RESTART ? HANDLED | HANDLED_RESTART
					    : HANDLED;
}

static void note_fork(struct task *task, long nr, const uint64_t a[6])
{
	uint64_t flags = 0;

	if (nr == SYS_clone)
		flags = a[0];
	else if (nr == SYS_vfork)
		flags = CLONE_VM | CLONE_VFORK;
	else if (nr == SYS_clone3 && !peek(task->tid, a[0], &flags, sizeof(flags)))
		flags = 0;
	task->clone_flags = flags;
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
static void note(struct tracer *t, struct task *task, const struct syscall_row *row,
		 const uint64_t a[6])
{
	if (row->nr == SYS_rt_sigaction)
		note_handler(task, a);
	else if (row->role == ROLE_FORK)
		note_fork(task, row->nr, a);
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

static bool is_ours(struct tracer *t, struct task *task, const struct syscall_row *row)
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

/* The kernel looks at the lower half of an int; libc's caller has it as a negative number. What may
 * also be a size is one only if that makes a small number of it. */
static long as_number(enum arg_kind kind, uint64_t value)
{
	switch (kind) {
	case ARG_SEMID:
	case ARG_MSQID:
	case ARG_SHMID:
	case ARG_KEY:
	case ARG_FD:
	case ARG_FD2:
	case ARG_LOCKFD:
	case ARG_IPC_FLAGS:
	case ARG_OP_FLAGS:
	case ARG_IPC_CMD:
	case ARG_OPEN_FLAGS:
	case ARG_WAIT_FLAGS:
	case ARG_PID:
	case ARG_SIGNAL:
	case ARG_MSEC:
		return (int)value;
	case ARG_INT:
		return value >= SMALLEST_INT && value <= UINT32_MAX ? (int)value : (long)value;
	default:
		return (long)value;
	}
}

/* The arguments as the call table has them. */
static void map_arguments(struct task *task, struct passage *p, const uint64_t a[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		enum arg_kind kind = i < p->call->n_args ? (enum arg_kind)p->call->arg[i] : ARG_PTR;

		if (p->row->from[i] != SYSCALL_NONE)
			p->a[i] = as_number(kind, a[p->row->from[i]]);
	}
	/* the sixth argument of pselect6 points to the mask and its size */
	if (p->canonical == CALL_pselect && !peek(task->tid, a[5], &p->a[5], sizeof(p->a[5])))
		p->a[5] = 0;
}

/* Shows the call in the thread's slot, as one in progress. */
static void show(struct task *task, struct passage *p)
{
	struct arena_thread *slot = task->slot;
	size_t skip = sizeof(p->event.commit);

	p->depth = atomic_load(&slot->depth);
	if (p->depth == 0) {
		atomic_store(&slot->settled, atomic_load(&slot->head));
		atomic_store(&slot->leaving, 0);
	}
	p->event.depth = (uint8_t)p->depth;
	if (p->depth < ARENA_DEPTH)
		memcpy((char *)&slot->cur[p->depth] + skip, (char *)&p->event + skip,
		       sizeof(p->event) - skip);
	atomic_fetch_add(&slot->n_calls, 1);
	atomic_store(&slot->depth, p->depth < ARENA_DEPTH ? p->depth + 1 : ARENA_DEPTH);
}

static void show_no_more(struct task *task, const struct passage *p)
{
	atomic_store(&task->slot->depth, p->depth < ARENA_DEPTH ? p->depth : ARENA_DEPTH);
	atomic_store(&task->slot->leaving, 0);
}

/* False: no IPC object has to do with it. */
static bool begin(struct tracer *t, struct task *task, const struct syscall_row *row,
		  const uint64_t a[6])
{
	struct passage *p = &task->now;

	memset(p, 0, sizeof(*p));
	p->row = row;
	p->canonical = (enum call_id)row->call;
	p->call = &calls[p->canonical];
	p->perform = true;
	p->probe_fd = -1;
	memcpy(p->given, a, sizeof(p->given));
	p->sp = t->regs.rsp;
	p->pc = t->regs.rip;
	map_arguments(task, p, a);
	p->event.object = object_of_call(t, task, p);
	if (!p->event.object && !tracer_concerns(t, task, p))
		return false;
	p->active = true;
	p->event.enter_tsc = tracer_now(t);
	p->event.call = (uint16_t)p->canonical;
	memcpy(p->event.arg, p->a, sizeof(p->event.arg));
	p->event.flags = (uint16_t)(wait_flags_of(p) | object_flags_of(task, p));
	if (atomic_load(&task->slot->depth))
		p->event.flags |= EVENT_IN_HANDLER;
	stack_find(t, task, &p->event);
	show(task, p);
	return true;
}

/* What was decided, for those who look at it in progress, and for a shim that ends an exec. */
static void show_decision(struct task *task, const struct passage *p)
{
	struct event *e = &task->slot->cur[p->depth < ARENA_DEPTH ? p->depth : 0];

	if (p->depth >= ARENA_DEPTH)
		return;
	e->flags = p->event.flags;
	e->rule = p->event.rule;
	e->fault = p->event.fault;
}

static bool has_failed(const struct call *call, long result)
{
	if (call->result == RESULT_UINT || call->result == RESULT_NEVER)
		return false;
	return result < 0 && result >= -4095;
}

/* The result as libc's function would give it. */
static void set_result(struct passage *p, long result)
{
	struct event *e = &p->event;
	bool failed = has_failed(p->call, result);

	e->result = result;
	if (!failed)
		return;
	e->flags |= EVENT_FAILED;
	e->err = (int32_t)-result;
	e->result = p->call->result == RESULT_ERRNO  ? -result
		    : p->call->result == RESULT_PTR0 ? 0
						     : -1;
}

void call_finish(struct tracer *t, struct task *task, struct passage *p, long result)
{
	struct event *e = &p->event;

	atomic_store(&task->slot->leaving, p->depth < ARENA_DEPTH ? p->depth + 1 : 0);
	e->exit_tsc = tracer_now(t);
	set_result(p, result);
	e->flags |= (uint16_t)((p->perform ? 0 : EVENT_NOT_PERFORMED) |
			       (p->kill_after ? EVENT_KILL_AFTER : 0));
	t->n_more = 0;
	if (tracer_wanted(t, task, p, result)) {
		if (p->perform)
			tracer_record(t, task, p, result);
		ring_write(t, task->slot, e, t->more, t->n_more);
	}
	if (p->probe_fd >= 0)
		close_probe_lost(p);
	p->active = false;
	if (p->kill_after)
		tracer_kill(t, task);
	show_no_more(task, p);
}

/* It will come again, or never. */
static void suspend(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;

	show_no_more(task, p);
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
	if (p->patched_at)
		poke(task->tid, p->patched_at, p->patch);
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
			show(task, &task->now);
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
	note(t, task, row, a);
	if (task->n_suspended && row->role != ROLE_RETURN && task_slot(t, task) &&
	    comes_again(t, task, (long)t->regs.orig_rax)) {
		proceed(t, task);
		return;
	}
	if (row->role == ROLE_THREAD_END)
		task_slot_end(task);
	if (!is_ours(t, task, row) || !begin(t, task, row, a)) {
		task_go_on(t, task);
		return;
	}
	if (t->s->options->plan->n_rules) {
		tracer_decide(t, task);
		show_decision(task, &task->now);
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
	if (p->patched_at)
		poke(task->tid, p->patched_at, p->patched);
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
