/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_ring.c - events into the rings of threads that have stopped: the protocol of the shim's
 * own publish(). While a thread has stopped it writes nothing itself.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer.h"

#define WAIT_NS (50 * 1000 * 1000)
#define PATIENCE 100 /* waits for a supervisor that drains nothing */

void tracer_bell(struct tracer *t)
{
	atomic_fetch_add(&t->arena->bell, 1);
	syscall(SYS_futex, &t->arena->bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits until the entry `last` is free again. */
static bool wait_for_room(struct tracer *t, struct arena_thread *slot, uint64_t last)
{
	struct timespec wait = { .tv_nsec = WAIT_NS };

	for (int i = 0; i < PATIENCE && !t->impatient; i++) {
		uint32_t seq = atomic_load(&slot->tail_seq);

		if (last < atomic_load(&slot->tail) + ARENA_RING)
			return true;
		if (atomic_load(&t->arena->closing))
			return false;
		tracer_bell(t);
		syscall(SYS_futex, &slot->tail_seq, FUTEX_WAIT, seq, &wait, NULL, 0);
	}
	t->impatient = true;
	return false;
}

static void put(struct event *to, uint64_t commit, const void *entry)
{
	memcpy((char *)to + sizeof(to->commit), (const char *)entry + sizeof(to->commit),
	       sizeof(*to) - sizeof(to->commit));
	__atomic_store_n(&to->commit, commit, __ATOMIC_RELEASE);
}

static void put_more(struct event *ring, uint64_t first, const uint8_t *more, uint32_t n_bytes)
{
	for (uint32_t at = 0, i = 1; at < n_bytes; at += EVENT_MORE_BYTES, i++) {
		struct event_more entry = { 0 };
		uint32_t left = n_bytes - at;

		memcpy(entry.data, more + at, left < EVENT_MORE_BYTES ? left : EVENT_MORE_BYTES);
		put(&ring[(first + i) & (ARENA_RING - 1)], (first + i + 1) | EVENT_MORE_MARK,
		    &entry);
	}
}

void ring_write(struct tracer *t, struct arena_thread *slot, struct event *event,
		const uint8_t *more, uint32_t n_more_bytes)
{
	struct event *ring = t->arena->ring[slot - t->arena->thread];
	uint64_t first, last;

	if (n_more_bytes > TRACER_MORE)
		n_more_bytes = TRACER_MORE;
	event->n_more = (uint8_t)((n_more_bytes + EVENT_MORE_BYTES - 1) / EVENT_MORE_BYTES);
	first = atomic_fetch_add(&slot->head, 1u + event->n_more);
	last = first + event->n_more;
	if (last >= atomic_load(&slot->tail) + ARENA_RING && !wait_for_room(t, slot, last)) {
		atomic_store(&slot->settled, last + 1);
		return;
	}
	put_more(ring, first, more, n_more_bytes);
	put(&ring[first & (ARENA_RING - 1)], first + 1, event);
	if ((first & (ARENA_RING / 2 - 1)) + event->n_more + 1 >= ARENA_RING / 2 &&
	    !atomic_load(&t->arena->awake))
		tracer_bell(t);
}
