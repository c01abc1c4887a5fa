/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_event.c - the event of a call: begun when it is entered, shown in the thread's slot while
 * it is in progress, written into the ring when its result is known.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "tracer_record.h"

#define SMALLEST_INT UINT64_C(0xffff0000)

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
void call_show(struct task *task, struct passage *p)
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

void call_show_no_more(struct task *task, const struct passage *p)
{
	atomic_store(&task->slot->depth, p->depth < ARENA_DEPTH ? p->depth : ARENA_DEPTH);
	atomic_store(&task->slot->leaving, 0);
}

/* clone3's flags are in memory, where no condition of a row sees them. */
static enum call_id call_of(const struct task *task, const struct syscall_row *row)
{
	if (row->nr != SYS_clone3)
		return (enum call_id)row->call;
	if (task->clone_flags & CLONE_THREAD)
		return CALL_pthread_create;
	return task->clone_flags & CLONE_VFORK ? CALL_vfork : CALL_fork;
}

/* False: no IPC object has to do with it. */
bool call_begin(struct tracer *t, struct task *task, const struct syscall_row *row,
		const uint64_t a[6])
{
	struct passage *p = &task->now;

	memset(p, 0, sizeof(*p));
	p->row = row;
	p->canonical = call_of(task, row);
	p->call = &calls[p->canonical];
	p->perform = true;
	p->probe_fd = -1;
	memcpy(p->given, a, sizeof(p->given));
	p->sp = t->regs.rsp;
	p->pc = t->regs.rip;
	map_arguments(task, p, a);
	if (row->role == ROLE_PATH)
		name_find(task, p);
	else
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
	call_show(task, p);
	return true;
}

/* What was decided, for those who look at it in progress, and for a shim that ends an exec. */
void call_show_decision(struct task *task, const struct passage *p)
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
	call_show_no_more(task, p);
}
