/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - the four steps of every intercepted call: enter, decide, perform, leave. The event of a
 * call in progress stands in the thread's slot (cur[depth]), where the supervisor sees who waits
 * for what; when the call returns, it is copied into the thread's ring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "shape.h"
#include "shim.h"

#define RELAXED memory_order_relaxed
#define RELEASE memory_order_release
#define SPINS 1000000 /* 10 to 100 ms */
#define PATIENCE 100  /* waits of 50 ms for a supervisor that drains nothing: then it is dead */

static bool reads_tsc;
static _Atomic uint64_t blind_last;

/* Before this is over: it grows with each call, and follows the supervisor from afar. */
static uint64_t blind_now(void)
{
	uint64_t last = atomic_fetch_add(&blind_last, 1) + 1, seen = atomic_load(&arena->now);

	while (last < seen && !atomic_compare_exchange_weak(&blind_last, &last, seen))
		;
	return last < seen ? seen : last;
}

/* Before the time cannot be asked for any more, or when it can be again. */
void gate_time(bool blind)
{
	if (blind && !blind_last)
		blind_last = gate_now();
	reads_tsc = arena->has_tsc && !blind;
}

uint64_t gate_now(void)
{
	struct timespec now;

	if (__builtin_expect(reads_tsc, 1))
		return __rdtsc();
	if (seal.blind)
		return blind_now();
	raw2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void gate_bell(void)
{
	atomic_fetch_add(&arena->bell, 1);
	raw3(SYS_futex, &arena->bell, FUTEX_WAKE, INT_MAX);
}

/* Until the supervisor has taken something out, or 50 ms have passed. */
static void wait_for_tail(struct arena_thread *t, uint32_t seq)
{
	struct timespec wait = { .tv_nsec = 50 * 1000 * 1000 };

	if (raw4(SYS_futex, &t->tail_seq, FUTEX_WAIT, seq, &wait) != -ENOSYS)
		return;
	for (int i = 0; i < SPINS && atomic_load_explicit(&t->tail_seq, RELAXED) == seq; i++)
		_mm_pause();
}

/* Waits until entry `last` of the ring is free again. False: nobody drains, the event is given up.
 */
static bool wait_for_room(struct arena_thread *t, uint64_t last)
{
	int patience = PATIENCE;

	for (;;) {
		uint32_t seq = atomic_load(&t->tail_seq);
		uint64_t tail = atomic_load(&t->tail);

		if (last < tail + ARENA_RING)
			return true;
		if (atomic_load(&arena->closing) || patience-- == 0)
			return false;
		gate_bell();
		wait_for_tail(t, seq);
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
	if (UNLIKELY(seal.blind))
		e->flags |= EVENT_OPEN;
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
		self.siting = self.unwinding = 0; /* a handler may have jumped out of either */
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
			      shape_wait_flags(&shapes[g->canonical], g->a) |
			      shape_socket_flags(&shapes[g->canonical], object, g->a));
	e->n_more = e->rule = e->fault = 0;
	e->depth = (uint8_t)g->depth;
	site_find(caller, e);
	atomic_store_explicit(&t->n_calls, atomic_load_explicit(&t->n_calls, RELAXED) + 1, RELAXED);
	atomic_store_explicit(&t->depth, self.depth < ARENA_DEPTH ? self.depth : ARENA_DEPTH,
			      RELEASE);
}

bool gate_nested(enum call_id canonical, const long a[6])
{
	const struct call *call = &calls[canonical];
	const struct event *e;

	if (!self.thread || self.depth == 0 || self.depth > ARENA_DEPTH)
		return false;
	e = &self.thread->cur[self.depth - 1];
	for (unsigned int i = 0; i < call->n_args && i < 3; i++)
		if (e->arg[i] != a[i])
			return false;
	return e->call == canonical;
}

bool gate_enter(struct gate *g, enum call_id id, long a[6], uint64_t object, const void *caller,
		const void *frame)
{
	int saved;

	if (!attach_ready())
		return false;
	g->id = id;
	g->canonical = (enum call_id)calls[id].canonical_id;
	if (UNLIKELY(self.depth) && id != g->canonical && gate_nested(g->canonical, a))
		return false;
	g->call = &calls[g->canonical];
	g->a = a;
	g->fault = FAULT_NONE;
	g->perform = true;
	g->kill_after = g->late = false;
	g->err = 0;
	g->more = NULL;
	g->n_more_bytes = 0;
	g->header = NULL;
	g->raw.row = NULL;
	if (UNLIKELY(self.raw.row != NULL))
		syscall_take(g->canonical, a, &g->raw);
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
	long result;

	if (UNLIKELY(!g->perform))
		return gate_failure(g);
	result = UNLIKELY(g->raw.row != NULL) ? syscall_perform(&g->raw, g->a)
					      : real_call(g->id, g->a);
	if (UNLIKELY(g->header != NULL))
		fault_give_back(g);
	return UNLIKELY(g->late) && !failed(g->call, result) ? gate_failure(g) : result;
}

long gate(enum call_id id, long a[6], const void *caller, const void *frame)
{
	uint64_t object;
	struct gate g;

	if (UNLIKELY(!arena))
		return real_call(id, a);
	object = shape_object(&shapes[id], a);
	if ((!object && !shapes[id].traced) || !gate_enter(&g, id, a, object, caller, frame))
		return real_call(id, a);
	if (shapes[id].before)
		record_before(&g);
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
