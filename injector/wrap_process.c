/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_process.c - fork, vfork, clone, exit, and the programs that libc starts itself. The
 * parent reserves the child's slot, and so its lineage, before the child exists.
 */
#define _GNU_SOURCE
#include <string.h>

#include "wrap.h"

static pid_t forked(enum call_id id, const void *caller, const void *frame)
{
	long a[6] = { 0 };
	struct gate g;
	int64_t slot;
	long pid;

	if (!arena || !gate_enter(&g, id, a, 0, caller, frame))
		return (pid_t)real_call(id, a);
	slot = g.perform ? attach_reserve(0) : -1;
	self.child = (uint32_t)(slot + 1);
	site_before_fork();
	pid = gate_perform(&g);
	if (pid == 0 && g.perform) {
		if (UNLIKELY(!attach_guarded))
			*attached = 0;
		attach_forked();
		return 0;
	}
	site_after_fork();
	self.child = 0;
	if (pid > 0) {
		int32_t expected = 0;

		if (slot >= 0)
			atomic_compare_exchange_strong(&arena->proc[slot].pid, &expected,
						       (int32_t)pid);
		g.event->object = OBJECT_REF(OBJECT_PROCESS, pid);
	} else {
		attach_cancel(slot);
	}
	return (pid_t)gate_leave(&g, pid);
}

EXPORT pid_t fork(void)
{
	return forked(CALL_fork, CALLER, FRAME);
}

EXPORT pid_t __fork(void)
{
	return forked(CALL___fork, CALLER, FRAME);
}

EXPORT pid_t _Fork(void)
{
	return forked(CALL__Fork, CALLER, FRAME);
}

/*
 * vfork returns twice into one stack frame, so no C function may stand around it. The two halves
 * below are called by the assembly in vfork.S; the gate of the call in progress is kept here
 * meanwhile, and what the thread knows of itself is put aside, since the child goes on in the same
 * memory.
 */
static __thread struct vfork_frame {
	struct self parent;
	struct seal seal;
	struct gate gate;
	long a[6];
	int64_t slot;
	bool entered;
} vforked[SELF_VFORKS] __attribute__((tls_model("initial-exec")));

__attribute__((visibility("hidden"))) int shim_vfork_before(const void *frame, const void *caller)
{
	struct vfork_frame *v = &vforked[self.vforks % SELF_VFORKS];

	memset(v->a, 0, sizeof(v->a));
	v->slot = -1;
	v->entered = arena && gate_enter(&v->gate, CALL_vfork, v->a, 0, caller, frame);
	if (v->entered && v->gate.perform)
		v->slot = attach_reserve(0);
	v->parent = self;
	v->seal = seal;
	if (v->entered && !v->gate.perform) {
		gate_leave(&v->gate, gate_failure(&v->gate));
		return -1;
	}
	return 0;
}

static void vfork_child(struct vfork_frame *v)
{
	struct arena_proc *parent = self.proc;
	uint32_t depth = self.vforks;

	if (v->slot >= 0) {
		/* the slot stays RESERVED if no thread slot is free: the child is then not followed
		 */
		struct arena_proc *own = &arena->proc[v->slot];

		atomic_store(&own->pid, seal_permits(SYS_getpid) ? own_pid() : 0);
		attach_vforked(own);
	} else {
		self.off = 1;
		self.proc = parent;
	}
	self.vforks = depth + 1;
}

__attribute__((visibility("hidden"))) long shim_vfork_after(long result)
{
	struct vfork_frame *v;

	if (result == 0) {
		vfork_child(&vforked[self.vforks % SELF_VFORKS]);
		return 0;
	}
	/* the child left its own view of the thread behind, or never came to be */
	v = &vforked[(self.vforks ? self.vforks - 1 : 0) % SELF_VFORKS];
	if (result < 0)
		v = &vforked[self.vforks % SELF_VFORKS];
	if (self.sites != v->parent.sites)
		site_thread_end();
	self = v->parent;
	if (UNLIKELY(memcmp(&seal, &v->seal, sizeof(seal)) != 0))
		seal_put_on(&v->seal); /* the child's own filter */
	if (result < 0) {
		errno = (int)-result;
		attach_cancel(v->slot);
		result = -1;
	} else if (v->entered) {
		v->gate.event->object = OBJECT_REF(OBJECT_PROCESS, result);
	}
	return v->entered ? gate_leave(&v->gate, result) : result;
}

/* clone: a child with memory of its own attaches by itself (the wiped page tells it). One that
 * shares our memory without thread-local storage of its own cannot be told apart from us: neither
 * is followed. */
EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	va_list list;
	long parent_tid, tls, child_tid, a[6];
	struct gate g;
	int result;
	int (*real)(int (*)(void *), void *, int, void *, ...) =
		(int (*)(int (*)(void *), void *, int, void *, ...))real_function(CALL_clone);

	va_start(list, arg);
	parent_tid = va_arg(list, long);
	tls = va_arg(list, long);
	child_tid = va_arg(list, long);
	va_end(list);
	memcpy(a, (long[6]){ (long)fn, (long)stack, flags, (long)arg }, sizeof(a));
	if (!arena || !gate_enter(&g, CALL_clone, a, 0, CALLER, FRAME))
		return real(fn, stack, flags, arg, parent_tid, tls, child_tid);
	if (flags & CLONE_VM && !(flags & CLONE_SETTLS) && !(flags & CLONE_VFORK)) {
		gate_leave(&g, 0);
		atomic_fetch_or(&self.proc->flags, PROC_PARTIAL);
		self.off = 1;
		return real(fn, stack, flags, arg, parent_tid, tls, child_tid);
	}
	if (!g.perform)
		return (int)gate_leave(&g, gate_failure(&g));
	/* a child that shares our memory until it execs runs on what we know of ourselves */
	self.off = flags & CLONE_VM && !(flags & CLONE_SETTLS);
	result = real(fn, stack, flags, arg, parent_tid, tls, child_tid);
	self.off = 0;
	if (result > 0)
		g.event->object = OBJECT_REF(OBJECT_PROCESS, result);
	return (int)gate_leave(&g, result);
}

/* An exit is recorded before it is done: nothing comes after. */
static void leave_process(enum call_id id, int status, const void *caller, const void *frame)
{
	long a[6] = { status };
	struct gate g;

	if (arena && gate_enter(&g, id, a, 0, caller, frame))
		gate_leave(&g, status);
}

EXPORT void exit(int status)
{
	leave_process(CALL_exit, status, CALLER, FRAME);
	((void (*)(int))real_function(CALL_exit))(status);
	__builtin_unreachable();
}

#define NOW_EXIT(name) \
	EXPORT void name(int status) \
	{ \
		if (arena) \
			shim_end(); \
		leave_process(CALL_##name, status, CALLER, FRAME); \
		((void (*)(int))real_function(CALL_##name))(status); \
		__builtin_unreachable(); \
	}
NOW_EXIT(_exit)
NOW_EXIT(_Exit)

EXPORT void quick_exit(int status)
{
	leave_process(CALL_quick_exit, status, CALLER, FRAME);
	((void (*)(int))real_function(CALL_quick_exit))(status);
	__builtin_unreachable();
}
