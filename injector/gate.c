/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - the four steps of every intercepted call: enter, decide, perform, leave. The event of a
 * call in progress stands in the thread's slot (cur[depth]), where the supervisor sees who waits
 * for what; when the call returns, it is copied into the thread's ring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/wait.h>
#include <time.h>
#include <x86intrin.h>

#include "shim.h"

#define RELAXED memory_order_relaxed
#define RELEASE memory_order_release
#define PATIENCE 100 /* waits of 50 ms for a supervisor that drains nothing: then it is dead */

uint64_t gate_now(void)
{
	struct timespec now;

	if (arena->has_tsc)
		return __rdtsc();
	raw2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void gate_bell(void)
{
	atomic_fetch_add(&arena->bell, 1);
	raw3(SYS_futex, &arena->bell, FUTEX_WAKE, INT_MAX);
}

/* Waits until entry `last` of the ring is free again. False: nobody drains, the event is given up.
 */
static bool wait_for_room(struct arena_thread *t, uint64_t last)
{
	struct timespec wait = { .tv_nsec = 50 * 1000 * 1000 };
	int patience = PATIENCE;

	for (;;) {
		uint32_t seq = atomic_load(&t->tail_seq);
		uint64_t tail = atomic_load(&t->tail);

		if (last < tail + ARENA_RING)
			return true;
		if (atomic_load(&arena->closing) || patience-- == 0)
			return false;
		gate_bell();
		raw4(SYS_futex, &t->tail_seq, FUTEX_WAIT, seq, &wait);
	}
}

/* One instruction, so that a signal handler of this thread comes before or after it, never between.
 */
static uint64_t reserve(struct arena_thread *t, uint64_t n)
{
	uint64_t first = n;

	__asm__ volatile("xaddq %0, %1" : "+r"(first), "+m"(t->head) : : "memory", "cc");
	return first;
}

static void put(struct event *slot, uint64_t commit, const void *entry)
{
	memcpy((char *)slot + sizeof(slot->commit), (const char *)entry + sizeof(slot->commit),
	       sizeof(*slot) - sizeof(slot->commit));
	atomic_store_explicit((_Atomic uint64_t *)&slot->commit, commit, RELEASE);
}

static void publish(struct event *e, const uint8_t *more, uint32_t n_more_bytes)
{
	struct arena_thread *t = self.thread;
	uint32_t n_more = (n_more_bytes + EVENT_MORE_BYTES - 1) / EVENT_MORE_BYTES;
	uint64_t first;

	e->n_more = (uint8_t)(n_more < EVENT_MORE_MAX ? n_more : EVENT_MORE_MAX);
	if (UNLIKELY(arena->mode == ARENA_ALONE)) {
		alone_event(e, more);
		return;
	}
	first = reserve(t, 1u + e->n_more);
	if (UNLIKELY(first + e->n_more >=
		     atomic_load_explicit(&t->tail, memory_order_acquire) + ARENA_RING) &&
	    !wait_for_room(t, first + e->n_more)) {
		atomic_store(&t->settled, first + e->n_more + 1);
		return;
	}
	for (uint32_t i = 0; UNLIKELY(i < e->n_more); i++) {
		struct event_more m = { 0 };
		uint32_t at = i * EVENT_MORE_BYTES, left = n_more_bytes - at;

		memcpy(m.data, more + at, left < EVENT_MORE_BYTES ? left : EVENT_MORE_BYTES);
		put(&self.ring[(first + 1 + i) & (ARENA_RING - 1)],
		    (first + 2 + i) | EVENT_MORE_MARK, &m);
	}
	put(&self.ring[first & (ARENA_RING - 1)], first + 1, e);
	if (UNLIKELY((first & (ARENA_RING / 2 - 1)) + e->n_more + 1 >= ARENA_RING / 2) &&
	    !atomic_load_explicit(&arena->awake, RELAXED))
		gate_bell();
}

/* Is this address on the alternate signal stack? */
static bool on_altstack(const stack_t *alt, uintptr_t at)
{
	return !(alt->ss_flags & SS_DISABLE) && at >= (uintptr_t)alt->ss_sp &&
	       at < (uintptr_t)alt->ss_sp + alt->ss_size;
}

/*
 * The calls below this one that can still return: those whose gates the unwinder finds on the
 * stack. Without it, by addresses: a gate whose frame lies below ours (the stack grows down) was
 * left by longjmp; one on the alternate stack was too, if we are not on it.
 */
static uint32_t live_depth(uintptr_t frame)
{
	uint32_t depth = self.depth, below_us = site_gates_below();
	stack_t alt = { .ss_flags = SS_DISABLE };

	if (below_us != UINT32_MAX)
		return below_us < depth ? below_us : depth;
	raw2(SYS_sigaltstack, NULL, &alt);
	while (depth > 0 && depth <= ARENA_DEPTH) {
		uintptr_t below = self.frame[depth - 1];
		bool here = on_altstack(&alt, frame), there = on_altstack(&alt, below);

		if (here == there ? below > frame : here)
			break;
		depth--;
	}
	return depth;
}

/* Calls that were left without returning: their result will never be known. */
void gate_abandon(uint32_t depth)
{
	while (self.depth > depth) {
		struct event *e;

		self.depth--;
		if (self.depth >= ARENA_DEPTH)
			continue;
		e = &self.thread->cur[self.depth];
		e->flags |= EVENT_ABANDONED;
		e->exit_tsc = gate_now();
		publish(e, NULL, 0);
	}
	atomic_store_explicit(&self.thread->depth, depth, RELEASE);
}

/* What the gate asks of every call, taken out of the table once: a loop over the roles of the
 * arguments at each call would be a third of its cost. */
static struct shape {
	uint8_t object; /* enum object_kind of an id argument, or OBJECT_NONE */
	int8_t object_at, fd_at, fd2_at, wait_at;
	uint8_t wait_kind;  /* enum arg_kind */
	uint8_t wait_flags; /* of the call whatever its arguments */
	bool blocks, traced;
} shapes[CALL_N];

static uint8_t id_kind(enum arg_kind kind)
{
	switch (kind) {
	case ARG_SEMID:
		return OBJECT_SEM;
	case ARG_MSQID:
		return OBJECT_MSG;
	case ARG_SHMID:
		return OBJECT_SHM;
	default:
		return OBJECT_NONE;
	}
}

static bool says_wait(enum arg_kind kind)
{
	return kind == ARG_TIMEOUT || kind == ARG_TIMEVAL || kind == ARG_MSEC ||
	       kind == ARG_OP_FLAGS || kind == ARG_WAIT_FLAGS || kind == ARG_OPEN_FLAGS;
}

static void shape_of(struct shape *s, const struct call *call)
{
	s->object_at = s->wait_at = -1;
	s->fd_at = (int8_t)call_arg(call, ARG_FD);
	s->fd2_at = (int8_t)call_arg(call, ARG_FD2);
	s->blocks = call->flags & CALL_BLOCKS;
	s->traced = call->flags & CALL_TRACED;
	s->wait_flags = call->classes & CLASS_TIME ? EVENT_TIMED >> EVENT_WAIT_SHIFT : 0;
	for (unsigned int i = 0; i < call->n_args; i++) {
		enum arg_kind kind = (enum arg_kind)call->arg[i];

		if (id_kind(kind) != OBJECT_NONE) {
			s->object = id_kind(kind);
			s->object_at = (int8_t)i;
		} else if (says_wait(kind)) {
			s->wait_kind = (uint8_t)kind;
			s->wait_at = (int8_t)i;
		}
	}
}

void gate_init(void)
{
	for (int i = 0; i < CALL_N; i++)
		shape_of(&shapes[i], &calls[calls[i].canonical_id]);
}

/* What the arguments say of waiting. A descriptor's O_NONBLOCK is not asked for: the kernel tells
 * later. */
static unsigned int wait_flags(const struct shape *shape, const long a[6])
{
	unsigned int flags = (unsigned int)shape->wait_flags << EVENT_WAIT_SHIFT;
	long value;

	if (!shape->blocks || shape->wait_at < 0)
		return shape->blocks ? flags : 0;
	value = a[shape->wait_at];
	switch (shape->wait_kind) {
	case ARG_MSEC:
		return flags | ((int)value > 0    ? EVENT_TIMED
				: (int)value == 0 ? EVENT_NONBLOCK
						  : 0);
	case ARG_OP_FLAGS:
		return flags | (value & IPC_NOWAIT ? EVENT_NONBLOCK : 0);
	case ARG_WAIT_FLAGS:
		return flags | (value & WNOHANG ? EVENT_NONBLOCK : 0);
	case ARG_OPEN_FLAGS:
		return flags | (value & O_NONBLOCK ? EVENT_NONBLOCK : 0);
	default:
		return flags | (value ? EVENT_TIMED : 0);
	}
}

static void begin(struct gate *g, uint64_t object, const void *caller, const void *frame)
{
	struct arena_thread *t = self.thread;
	struct event *e;

	if (UNLIKELY(self.depth)) {
		uint32_t depth = live_depth((uintptr_t)frame);

		if (depth < self.depth)
			gate_abandon(depth);
	}
	g->depth = self.depth;
	/* claimed before anything is written: a handler that comes now takes the next one */
	if (g->depth < ARENA_DEPTH)
		self.frame[g->depth] = (uintptr_t)frame;
	self.depth = g->depth + 1;
	atomic_signal_fence(memory_order_seq_cst);
	if (g->depth == 0) {
		atomic_store_explicit(&t->settled, atomic_load_explicit(&t->head, RELAXED),
				      RELAXED);
		atomic_store_explicit(&t->leaving, 0, RELAXED);
		self.siting = 0;
	}
	e = g->event = g->depth < ARENA_DEPTH ? &t->cur[g->depth] : &g->deep;
	e->enter_tsc = gate_now();
	e->exit_tsc = 0;
	e->result = 0;
	e->digest = 0;
	e->object = object;
	memcpy(e->arg, g->a, sizeof(e->arg));
	e->length = 0;
	e->err = 0;
	e->call = (uint16_t)g->canonical;
	e->flags = (uint16_t)((g->depth ? EVENT_IN_HANDLER : 0) |
			      (self.vforks ? EVENT_VFORK_CHILD : 0) |
			      wait_flags(&shapes[g->canonical], g->a));
	e->n_more = e->rule = e->fault = 0;
	e->depth = (uint8_t)g->depth;
	site_find(caller, e);
	atomic_store_explicit(&t->n_calls, atomic_load_explicit(&t->n_calls, RELAXED) + 1, RELAXED);
	atomic_store_explicit(&t->depth, self.depth < ARENA_DEPTH ? self.depth : ARENA_DEPTH,
			      RELEASE);
}

bool gate_enter(struct gate *g, enum call_id id, long a[6], uint64_t object, const void *caller,
		const void *frame)
{
	int saved;

	if (UNLIKELY(self.unwinding) && site_is_unwinder(caller))
		return false;
	if (!attach_ready())
		return false;
	g->id = id;
	g->canonical = (enum call_id)calls[id].canonical_id;
	g->call = &calls[g->canonical];
	g->a = a;
	g->fault = FAULT_NONE;
	g->perform = true;
	g->kill_after = false;
	g->err = 0;
	g->more = NULL;
	g->n_more_bytes = 0;
	saved = errno;
	begin(g, object, caller, frame);
	errno = saved; /* the unwinder's slow path sets it */
	if (arena->plan.n_rules)
		decide(g);
	return true;
}

long gate_failure(const struct gate *g)
{
	if (g->call->result == RESULT_ERRNO)
		return g->err;
	errno = g->err;
	return g->call->result == RESULT_PTR0 ? 0 : -1;
}

static bool failed(const struct call *call, long result)
{
	switch (call->result) {
	case RESULT_PTR0:
		return result == 0;
	case RESULT_ERRNO:
		return result != 0;
	case RESULT_UINT:
	case RESULT_NEVER:
		return false;
	default:
		return result == -1;
	}
}

static void finish(struct gate *g, long result)
{
	struct event *e = g->event;

	e->exit_tsc = gate_now();
	e->result = result;
	if (failed(g->call, result)) {
		e->flags |= EVENT_FAILED;
		e->err = g->call->result == RESULT_ERRNO ? (int)result : errno;
	}
	if (!g->perform)
		e->flags |= EVENT_NOT_PERFORMED;
	if (g->kill_after)
		e->flags |= EVENT_KILL_AFTER;
	if (record_wanted(g, result)) {
		if (g->perform)
			record_result(g, result);
		publish(e, g->more, g->n_more_bytes);
	}
}

long gate_leave(struct gate *g, long result)
{
	struct arena_thread *t = self.thread;
	int saved = errno;
	uint32_t outer;

	if (UNLIKELY(!t || self.off))
		return result;
	/* entered before a fork in a handler that interrupted it: it is the parent's */
	if (UNLIKELY(g->event != &g->deep &&
		     (g->depth >= ARENA_DEPTH || g->event != &t->cur[g->depth])))
		return result;
	outer = atomic_load_explicit(&t->leaving, RELAXED);
	atomic_store_explicit(&t->leaving, g->depth + 1, RELAXED);
	finish(g, result);
	if (UNLIKELY(g->kill_after))
		fault_kill();
	self.depth = g->depth;
	atomic_store_explicit(&t->depth, g->depth < ARENA_DEPTH ? g->depth : ARENA_DEPTH, RELEASE);
	atomic_store_explicit(&t->leaving, outer <= g->depth ? outer : 0, RELEASE);
	errno = saved;
	return result;
}

long gate_perform(struct gate *g)
{
	return g->perform ? real_call(g->id, g->a) : gate_failure(g);
}

static uint64_t object_of(const struct shape *shape, const long a[6])
{
	uint64_t object = 0;

	if (shape->object_at >= 0)
		return OBJECT_REF(shape->object, a[shape->object_at]);
	if (shape->fd_at >= 0)
		object = fd_object((int)a[shape->fd_at]);
	if (!object && shape->fd2_at >= 0)
		object = fd_object((int)a[shape->fd2_at]);
	return object;
}

long gate(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t object;
	struct gate g;
	long result;

	if (UNLIKELY(!arena))
		return real_call(id, a);
	if (UNLIKELY(self.unwinding) && site_emulate(id, a, &result))
		return result;
	object = object_of(&shapes[id], a);
	if ((!object && !shapes[id].traced) || !gate_enter(&g, id, a, object, caller, frame))
		return real_call(id, a);
	if (g.canonical == CALL_write && UNLIKELY((size_t)a[2] > PIPE_BUF))
		record_before_write(&g, (size_t)a[2]);
	else if (g.canonical == CALL_writev)
		record_before_write(&g, fault_vector_bytes(&g, 1));
	return gate_leave(&g, gate_perform(&g));
}

void gate_note(enum call_id id, uint64_t object, long arg0, long arg4)
{
	struct event e = { .call = (uint16_t)id, .object = object, .arg = { arg0, 0, 0, 0, arg4 } };

	if (!attach_ready())
		return;
	e.enter_tsc = e.exit_tsc = gate_now();
	publish(&e, NULL, 0);
}
