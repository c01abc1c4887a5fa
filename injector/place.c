/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - which object an address stands for: a lock in shared memory is the same one wherever
 * each process has mapped it, one in private memory belongs to its process.
 *
 * Known shared mappings stand in a table, which the wrappers of mmap and its kin keep right. It
 * lives in private memory, so fork hands it on, and exec, which unmaps everything, drops it. In
 * front of it is a cache, by page: one word an entry, so that a signal handler or another thread
 * sees an entry or none. A generation in each word makes all of them void at once. What the table
 * does not know is private, unless the lock itself says that it is shared: then /proc/self/maps is
 * read.
 */
#define _GNU_SOURCE
#include <string.h>

#include "lock_layout.h"
#include "maps.h"
#include "place.h"
#include "shim.h"

#define RELAXED memory_order_relaxed
#define RANGES 256
#define BUSY 1 /* as a start: the entry is being written */

#define PAGE_SHIFT 12
#define CACHE 256
#define INDEX_BITS 9
#define GENERATION_BITS 20
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)
#define ADDRESS_BITS (64 - INDEX_BITS - GENERATION_BITS + PAGE_SHIFT)
#define INDEX_PRIVATE 0                /* looked up */
#define INDEX_ASSUMED INDEX_MASK       /* private, as nothing is known */
#define INDEX_OF(range) ((range) + 1u) /* a known range */

_Static_assert(RANGES < INDEX_MASK, "an index has room");

static struct range {
	_Atomic uintptr_t start; /* 0: free */
	uintptr_t end;
	uint64_t key;    /* see place_key() */
	uint64_t object; /* OBJECT_MEMORY, or 0: a System V segment, a named semaphore */
} ranges[RANGES];
static _Atomic uint32_t n_ranges; /* slots that were in use at some time */
static _Atomic uint32_t generation;
static _Atomic uint64_t cache[CACHE];
static uint64_t private_key;

void place_process(const struct arena_proc *proc)
{
	private_key = place_private_key(point_lineage_hash(proc, 0));
}

static void changed(void)
{
	uint32_t now = atomic_fetch_add(&generation, 1) + 1;

	/* a word of long ago must not look like one of now */
	if ((now & GENERATION_MASK) == 0)
		memset((void *)cache, 0, sizeof(cache));
}

/* The known range around an address, or -1. */
static int find(uintptr_t address)
{
	uint32_t n = atomic_load_explicit(&n_ranges, memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		uintptr_t start = atomic_load_explicit(&ranges[i].start, memory_order_acquire);

		if (start > BUSY && address >= start && address < ranges[i].end)
			return (int)i;
	}
	return -1;
}

/* Makes a slot that nobody looks at, or -1. */
static int claim(void)
{
	for (uint32_t i = 0; i < RANGES; i++) {
		uintptr_t none = 0;
		uint32_t n = atomic_load(&n_ranges);

		if (atomic_load_explicit(&ranges[i].start, RELAXED) ||
		    !atomic_compare_exchange_strong(&ranges[i].start, &none, BUSY))
			continue;
		while (n <= i && !atomic_compare_exchange_weak(&n_ranges, &n, i + 1))
			;
		return (int)i;
	}
	return -1;
}

static void release(struct range *r)
{
	atomic_store(&r->start, 0);
	changed();
}

/* A range that had to go is found again in /proc by the locks in it that say they are shared. */
static int evict(void)
{
	struct range *r = &ranges[atomic_load(&generation) % RANGES];
	uintptr_t start = atomic_load(&r->start);

	if (start > BUSY && atomic_compare_exchange_strong(&r->start, &start, BUSY))
		release(r);
	return claim();
}

static void add(uintptr_t start, uintptr_t end, uint64_t key, uint64_t object)
{
	int at = claim();

	if (at < 0)
		at = evict();
	if (at < 0)
		return;
	ranges[at].end = end;
	ranges[at].key = key;
	ranges[at].object = object;
	atomic_store_explicit(&ranges[at].start, start, memory_order_release);
	changed();
}

static void cut(struct range *r, uintptr_t from, uintptr_t to)
{
	uintptr_t start = atomic_load(&r->start), end = r->end;
	uint64_t key = r->key, object = r->object;

	if (start <= BUSY || from >= end || to <= start ||
	    !atomic_compare_exchange_strong(&r->start, &start, BUSY))
		return;
	release(r);
	if (from > start)
		add(start, from, key, object);
	if (to < end)
		add(to, end, key, object);
}

void place_forget(uintptr_t start, size_t n_bytes)
{
	uint32_t n = atomic_load_explicit(&n_ranges, RELAXED);
	uintptr_t page = (1u << PAGE_SHIFT) - 1, end = (start + n_bytes + page) & ~page;

	for (uint32_t i = 0; i < n; i++)
		cut(&ranges[i], start, end);
}

void place_add(uintptr_t start, size_t n_bytes, uint64_t file, uint64_t offset, bool is_memory)
{
	uintptr_t page = (1u << PAGE_SHIFT) - 1, end = (start + n_bytes + page) & ~page;

	place_forget(start, n_bytes);
	add(start, end, place_key(file, start, offset),
	    is_memory ? OBJECT_REF(OBJECT_MEMORY, file) : 0);
}

void place_move(uintptr_t from, uintptr_t to, size_t n_bytes)
{
	int at = find(from);
	uint64_t key, object;
	uintptr_t page = (1u << PAGE_SHIFT) - 1, end = (to + n_bytes + page) & ~page;

	if (at < 0)
		return;
	key = ranges[at].key + from - to;
	object = ranges[at].object;
	place_forget(to, n_bytes);
	add(to, end, key, object);
}

void place_detach(uintptr_t start)
{
	int at = find(start);

	if (at >= 0)
		cut(&ranges[at], atomic_load(&ranges[at].start), ranges[at].end);
}

uint64_t place_memory(uintptr_t address)
{
	int at = find(address);

	return at < 0 ? 0 : ranges[at].object;
}

bool place_look(uintptr_t address, bool is_memory)
{
	struct maps_line line;

	if (!maps_find(address, &line) || !line.shared)
		return false;
	place_add(line.start, line.end - line.start, place_file(line.dev, line.ino), line.offset,
		  is_memory);
	return true;
}

/* A futex has no memory of its own to ask: its operation says it. */
static bool says_shared(enum object_kind kind, uintptr_t address)
{
	return kind == OBJECT_FUTEX || lock_says_shared(kind, (const void *)address);
}

static uint64_t value(uint32_t index, uintptr_t address)
{
	if (index == INDEX_PRIVATE || index == INDEX_ASSUMED)
		return place_private(private_key, address);
	return place_shared(ranges[index - 1].key, address);
}

static uint64_t slowly(enum object_kind kind, uintptr_t address, bool asks, _Atomic uint64_t *slot,
		       uint64_t tag)
{
	int at = find(address);
	uint32_t index = at < 0 ? INDEX_ASSUMED : INDEX_OF((uint32_t)at);

	if (at < 0 && asks && says_shared(kind, address)) {
		if (!place_look(address, true))
			index = INDEX_PRIVATE;
		else if ((at = find(address)) >= 0)
			return OBJECT_REF(kind, value(INDEX_OF((uint32_t)at), address));
	}
	if (address >> ADDRESS_BITS == 0)
		atomic_store_explicit(slot, tag << INDEX_BITS | index, RELAXED);
	return OBJECT_REF(kind, value(index, address));
}

uint64_t place_object(enum object_kind kind, uintptr_t address, bool asks)
{
	uint64_t page = address >> PAGE_SHIFT, word, tag;
	_Atomic uint64_t *slot = &cache[(page ^ page >> 8) % CACHE];
	uint32_t index;

	tag = page << GENERATION_BITS |
	      (atomic_load_explicit(&generation, memory_order_acquire) & GENERATION_MASK);
	word = atomic_load_explicit(slot, RELAXED);
	index = (uint32_t)word & INDEX_MASK;
	if (UNLIKELY(word >> INDEX_BITS != tag ||
		     (index == INDEX_ASSUMED && asks && says_shared(kind, address))))
		return slowly(kind, address, asks, slot, tag);
	return OBJECT_REF(kind, value(index, address));
}
