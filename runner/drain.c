/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.c - empties the threads' rings and hands the events on in the order of their exit times.
 * The subject can write over all that is read here: each entry is copied, checked, and then used.
 *
 * An event that has left the kernel is recorded a moment later. So events are held back until
 * nobody can come with an earlier one: the watermark is a little before now, and before the entry
 * of each call whose result is being recorded (leaving).
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

#define HOLD_US 20
#define TIME_PROBES 8            /* a full table is not searched from end to end with each event */
#define CROWDED (ARENA_RING / 2) /* fuller than this, a ring is drained beyond the watermark */
#define SKEW_US 2000             /* clocks of two CPUs may differ by less than this */

struct entry {
	uint64_t exit_tsc;
	uint64_t position;
	uint32_t slot;
};

static uint64_t commit_of(const struct event *ring, uint64_t position)
{
	return __atomic_load_n(&ring[position & (ARENA_RING - 1)].commit, __ATOMIC_ACQUIRE);
}

/* Is this what the shim could have written? */
static bool plausible(const struct supervisor *s, const struct event *e)
{
	uint64_t skew = SKEW_US * s->us_ticks;

	return e->call < CALL_N && calls[e->call].canonical_id == e->call &&
	       e->exit_tsc >= e->enter_tsc && e->enter_tsc + skew >= s->start_tsc &&
	       e->exit_tsc <= ticks_now(s) + skew && e->n_more <= EVENT_MORE_MAX &&
	       object_kind_of(e->object) < OBJECT_N && e->flags < EVENT_FLAGS_END &&
	       e->rule <= s->options->plan->n_rules && e->fault < FAULT_N &&
	       e->stack <= ARENA_STACKS;
}

static void close_open(const struct supervisor *s, struct event *e)
{
	if (e->flags & EVENT_OPEN)
		e->exit_tsc = s->drain_tsc > e->enter_tsc ? s->drain_tsc : e->enter_tsc;
}

static void lose(struct supervisor *s, struct arena_thread *t, uint64_t *tail)
{
	s->n_lost++;
	atomic_store_explicit(&t->tail, ++*tail, memory_order_release);
}

/*
 * Finds the next entry of a ring that is complete. `last` says that nothing is written any more:
 * what is not complete now never will be.
 */
static bool ring_peek(struct supervisor *s, uint32_t slot, bool last, struct entry *entry)
{
	struct arena_thread *t = &s->arena->thread[slot];
	const struct event *ring = s->arena->ring[slot];
	uint64_t tail = atomic_load(&t->tail), head = atomic_load(&t->head);
	uint64_t settled = last ? head : atomic_load(&t->settled);
	bool after_loss = false;

	if (head - tail > 2 * ARENA_RING) {
		s->scribbled = true;
		tail = head - ARENA_RING;
		atomic_store(&t->tail, tail);
	}
	for (; tail != head; after_loss = true) {
		const struct event *e = &ring[tail & (ARENA_RING - 1)];
		struct event copy;
		uint64_t n = 0;

		if (commit_of(ring, tail) == tail + 1) {
			copy = *e;
			close_open(s, &copy);
			n = 1u + (copy.n_more <= EVENT_MORE_MAX ? copy.n_more : 0u);
			for (uint64_t i = 1; i < n; i++)
				if (commit_of(ring, tail + i) != ((tail + i + 1) | EVENT_MORE_MARK))
					n = 0;
			if (n && plausible(s, &copy)) {
				*entry = (struct entry){ copy.exit_tsc, tail, slot };
				/* not held back, as its time will never be over */
				if (copy.flags & EVENT_OPEN)
					entry->exit_tsc = s->mark_tsc;
				return true;
			}
			if (n && !after_loss)
				s->scribbled = true;
		}
		if (n == 0 && tail >= settled)
			return false;
		/* what a death cut off was never an event: the call shows as one in progress */
		if (n == 0 && last)
			atomic_store_explicit(&t->tail, ++tail, memory_order_release);
		else
			lose(s, t, &tail);
	}
	return false;
}

static void remember(struct supervisor *s, uint32_t slot, const struct event *event)
{
	struct thread *mine = &s->thread[slot];

	mine->last_enter[mine->n_last++ % LAST_ENTERS] = event->enter_tsc;
}

static void count_time(struct supervisor *s, const struct event *event)
{
	uint64_t at = arena_mix(event->object) % OBJECT_TIMES;

	if (!event->object || event->exit_tsc < event->enter_tsc || event->flags & EVENT_OPEN)
		return;
	for (unsigned int i = 0; i < TIME_PROBES; i++, at = (at + 1) % OBJECT_TIMES) {
		struct object_time *o = &s->time_in[at];

		if (o->object && o->object != event->object)
			continue;
		o->object = event->object;
		o->calls++;
		if (calls[event->call].flags & CALL_BLOCKS)
			o->ticks += event->exit_tsc - event->enter_tsc;
		return;
	}
}

static bool is_wait(unsigned int call)
{
	return call == CALL_wait || call == CALL_waitpid || call == CALL_wait3 ||
	       call == CALL_wait4 || call == CALL_waitid;
}

/* A child's end comes before the event in which its parent learns of it. */
static void end_child(struct supervisor *s, const struct event *event)
{
	struct process *p;

	if (!is_wait(event->call) || (event->flags & (EVENT_FAILED | EVENT_ABANDONED)) ||
	    event->arg[5] <= 0)
		return;
	if (event->arg[4] != -1 && !WIFEXITED((int)event->arg[4]) &&
	    !WIFSIGNALED((int)event->arg[4]))
		return;
	p = process_by_pid(s, (pid_t)event->arg[5]);
	if (!p) {
		/* born, ended and waited for since the last look */
		processes_births(s);
		p = process_by_pid(s, (pid_t)event->arg[5]);
	}
	if (!p || p->ended || p == s->process)
		return;
	if (!p->has_status && event->arg[4] != -1) {
		p->has_status = true;
		p->wait_status = (int)event->arg[4];
	}
	process_finish(s, p, event->exit_tsc);
}

/* One event, copied and checked. */
void drain_deliver(struct supervisor *s, uint32_t slot, const struct event *event,
		   const uint8_t *more)
{
	uint32_t process = s->thread[slot].process, number = s->thread[slot].number;

	if (!plausible(s, event)) {
		s->scribbled = true;
		return;
	}
	remember(s, slot, event);
	end_child(s, event);
	s->n_events++;
	s->n_calls[event->call]++;
	s->drained_something = true;
	count_time(s, event);
	watch_event(s, slot, event);
	model_event(s->model, process, number, event, more);
	observe_event(s, &s->process[process], event, more);
	trace_event(s, process, number, event, more);
}

/* Copies an entry out of the ring, frees its place, and hands it on. */
static void ring_take(struct supervisor *s, const struct entry *entry)
{
	struct arena_thread *t = &s->arena->thread[entry->slot];
	const struct event *ring = s->arena->ring[entry->slot];
	uint8_t more[EVENT_MORE_MAX * EVENT_MORE_BYTES];
	struct event event = ring[entry->position & (ARENA_RING - 1)];
	unsigned int n_more = event.n_more <= EVENT_MORE_MAX ? event.n_more : 0;

	event.n_more = (uint8_t)n_more;
	close_open(s, &event);
	for (unsigned int i = 0; i < n_more; i++) {
		const struct event_more *from =
			(const void *)&ring[(entry->position + 1 + i) & (ARENA_RING - 1)];

		memcpy(more + i * EVENT_MORE_BYTES, from->data, EVENT_MORE_BYTES);
	}
	atomic_store_explicit(&t->tail, entry->position + 1 + n_more, memory_order_release);
	drain_deliver(s, entry->slot, &event, n_more ? more : NULL);
}

/* A binary heap of the first entry of each ring. */
static void heap_push(struct entry *heap, uint32_t *n, struct entry entry)
{
	uint32_t at = (*n)++;

	for (; at > 0 && heap[(at - 1) / 2].exit_tsc > entry.exit_tsc; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = entry;
}

static struct entry heap_pop(struct entry *heap, uint32_t *n)
{
	struct entry top = heap[0], last = heap[--*n];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= *n)
			break;
		if (child + 1 < *n && heap[child + 1].exit_tsc < heap[child].exit_tsc)
			child++;
		if (heap[child].exit_tsc >= last.exit_tsc)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return top;
}

static bool is_dead(const struct supervisor *s, uint32_t slot)
{
	return s->process[s->thread[slot].process].dead;
}

/* Events that ended before this can be handed on. */
static uint64_t watermark(struct supervisor *s)
{
	uint64_t mark = ticks_now(s) - HOLD_US * s->us_ticks;

	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		const struct arena_thread *t = &s->arena->thread[i];
		uint32_t leaving;
		uint64_t enter;

		if (!s->thread[i].used || is_dead(s, i))
			continue;
		leaving = atomic_load(&t->leaving);
		if (leaving == 0 || leaving > ARENA_DEPTH)
			continue;
		enter = t->cur[leaving - 1].enter_tsc;
		if (enter < mark && enter >= s->start_tsc)
			mark = enter;
	}
	return mark;
}

static void wake_writer(struct arena_thread *t, uint64_t old_tail)
{
	atomic_fetch_add(&t->tail_seq, 1);
	if (atomic_load(&t->head) - old_tail + EVENT_MORE_MAX >= ARENA_RING)
		syscall(SYS_futex, &t->tail_seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wake_writers(struct supervisor *s, const uint64_t *old_tail)
{
	for (uint32_t i = 0; i < s->n_slots_threads; i++)
		if (s->thread[i].used && atomic_load(&s->arena->thread[i].tail) != old_tail[i])
			wake_writer(&s->arena->thread[i], old_tail[i]);
}

static bool crowded(const struct supervisor *s, uint32_t slot)
{
	const struct arena_thread *t = &s->arena->thread[slot];

	return atomic_load(&t->head) - atomic_load(&t->tail) > CROWDED;
}

/* One round; returns how many events it handed on. */
static uint64_t drain_round(struct supervisor *s)
{
	static struct entry heap[ARENA_THREADS];
	static uint64_t old_tail[ARENA_THREADS];
	uint64_t before = s->n_events;
	struct entry entry;
	uint32_t n = 0;

	s->us_ticks = ticks_per_us(s);
	s->mark_tsc = watermark(s);
	s->drain_tsc = ticks_now(s);
	atomic_store_explicit(&s->arena->now, s->drain_tsc, memory_order_relaxed);
	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		if (!s->thread[i].used)
			continue;
		old_tail[i] = atomic_load(&s->arena->thread[i].tail);
		if (ring_peek(s, i, is_dead(s, i), &entry))
			heap_push(heap, &n, entry);
	}
	while (n > 0) {
		uint32_t slot;

		entry = heap_pop(heap, &n);
		slot = entry.slot;
		/* A process that ended meanwhile has been drained and its slot given back. */
		if (s->thread[slot].used &&
		    atomic_load(&s->arena->thread[slot].tail) == entry.position) {
			if (entry.exit_tsc > s->mark_tsc && !crowded(s, slot))
				continue;
			ring_take(s, &entry);
		}
		if (s->thread[slot].used && ring_peek(s, slot, is_dead(s, slot), &entry))
			heap_push(heap, &n, entry);
		if (s->n_events - before > 64 * ARENA_RING)
			break;
	}
	wake_writers(s, old_tail);
	return s->n_events - before;
}

void drain(struct supervisor *s)
{
	/* Writers that are faster than we are must not keep us from everything else for ever. */
	for (int round = 0; round < 4; round++)
		if (drain_round(s) < CROWDED)
			return;
	atomic_fetch_add(&s->arena->bell, 1);
}

void drain_thread(struct supervisor *s, uint32_t slot)
{
	struct entry entry;

	s->us_ticks = ticks_per_us(s);
	s->drain_tsc = ticks_now(s);
	while (ring_peek(s, slot, true, &entry))
		ring_take(s, &entry);
}

bool thread_drained(struct supervisor *s, uint32_t slot)
{
	const struct arena_thread *t = &s->arena->thread[slot];

	return atomic_load(&t->head) == atomic_load(&t->tail);
}

/* Has everything been handed on? */
bool drained(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->n_slots_threads; i++)
		if (s->thread[i].used && !thread_drained(s, i))
			return false;
	return true;
}
