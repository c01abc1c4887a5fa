/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.c - where a call was made: the hash of its return addresses as module + offset, the same in
 * every run, and the stack behind it, kept once in the arena. libunwind is loaded into a scope of
 * its own (RTLD_LOCAL), since its _Unwind_* symbols must not take the place of libgcc's in the
 * subject.
 *
 * unw_backtrace's fast path needs no lock and no memory. What is slow (finding modules, writing the
 * stack to the arena) is done once a distinct stack; the result is found by a hash of the
 * addresses.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "shim.h"
#include "stacks.h"

#define MODULES 256
#define TABLE_FIRST 256
#define SKIP_MAX 6

struct module {
	uintptr_t start, end, base;
	uint16_t index; /* in the arena */
};

/* Sites of one thread: by the hash of the raw addresses; open addressing, grows, never shrinks. */
struct site_entry {
	uint64_t raw; /* 0: free */
	uint64_t site;
	uint32_t stack;
	uint32_t count;
};
struct site_table {
	uint32_t n_room, n_used;
	struct site_entry entry[];
};

static struct module modules[MODULES];
static uint32_t n_modules;
static uintptr_t own_start, own_end;
static int (*backtrace_fn)(void **, int);
/* A fork waits until no other thread is inside libunwind, which takes locks on its slow path, so
 * that no child inherits such a lock. Each thread says so in its own slot: with a counter for all
 * of them, threads on many CPUs would wait for one another at each call. */
static volatile uint32_t forking;
static _Atomic uint32_t unwinding_early; /* of a thread that has no slot yet */
static _Atomic uint32_t overtaking;      /* threads that are inside although a fork goes on */

static void add_module(const struct dl_phdr_info *info, const char *path)
{
	struct module m = { .start = UINTPTR_MAX, .base = info->dlpi_addr };

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type != PT_LOAD)
			continue;
		m.start = from < m.start ? from : m.start;
		m.end = from + ph->p_memsz > m.end ? from + ph->p_memsz : m.end;
	}
	if (n_modules >= MODULES || m.end == 0)
		return;
	m.index = stacks_module(arena, path);
	modules[n_modules++] = m;
}

static const struct module *module_known(uintptr_t address)
{
	for (uint32_t i = 0; i < n_modules; i++)
		if (address >= modules[i].start && address < modules[i].end)
			return &modules[i];
	return NULL;
}

static int visit_module(struct dl_phdr_info *info, size_t size, void *data)
{
	const char *path = info->dlpi_name && info->dlpi_name[0] ? info->dlpi_name : shim_program;

	(void)size;
	(void)data;
	if (info->dlpi_phnum && !module_known(info->dlpi_addr + info->dlpi_phdr[0].p_vaddr))
		add_module(info, path);
	return 0;
}

static const struct module *module_of(uintptr_t address)
{
	const struct module *m = module_known(address);

	if (m)
		return m;
	dl_iterate_phdr(visit_module, NULL);
	return module_known(address);
}

static _Atomic uint32_t *unwinding_flag(void)
{
	return self.thread ? &self.thread->unwinding : &unwinding_early;
}

#define UNWIND_PATIENCE 1000

/* Said first, then asked: a fork that begins now sees it, or we see the fork. That is not waited
 * for without end: pthread_atfork's handlers run in it, and may want a lock that this thread has.
 * Returns whether the fork is overtaken. */
static bool enter_unwinder(void)
{
	for (int i = 0; i < UNWIND_PATIENCE; i++) {
		atomic_store(unwinding_flag(), 1);
		if (!__atomic_load_n(&forking, __ATOMIC_SEQ_CST) || self.child)
			return false;
		atomic_store(unwinding_flag(), 0);
		raw0(SYS_sched_yield);
	}
	atomic_store(unwinding_flag(), 1);
	atomic_fetch_add(&overtaking, 1);
	return true;
}

static void leave_unwinder(bool overtook)
{
	if (UNLIKELY(overtook))
		atomic_fetch_sub(&overtaking, 1);
	atomic_store_explicit(unwinding_flag(), 0, memory_order_release);
}

bool site_hold_fork(void)
{
	bool overtook = enter_unwinder();

	if (overtook)
		leave_unwinder(overtook);
	return !overtook;
}

void site_release_fork(void)
{
	leave_unwinder(false);
}

/* Return addresses without the shim's own frames. */
static uint32_t capture(const void *caller, uintptr_t pc[ARENA_FRAMES + SKIP_MAX], uint32_t *from)
{
	bool overtook;
	int n = 0;

	if (backtrace_fn && !self.unwinding) {
		self.unwinding = 1;
		overtook = enter_unwinder();
		n = backtrace_fn((void **)pc, ARENA_FRAMES + SKIP_MAX);
		leave_unwinder(overtook);
		self.unwinding = 0;
	}
	*from = 0;
	while ((int)*from < n && pc[*from] >= own_start && pc[*from] < own_end)
		++*from;
	if (n <= (int)*from) {
		*from = 0;
		pc[0] = (uintptr_t)caller;
		return 1;
	}
	return (uint32_t)n - *from > ARENA_FRAMES ? ARENA_FRAMES : (uint32_t)n - *from;
}

void site_init(void)
{
	uintptr_t pc[ARENA_FRAMES + SKIP_MAX];
	const struct module *own;
	void *library;
	uint32_t from;

	n_modules = 0;
	own = module_of((uintptr_t)&site_init);
	own_start = own ? own->start : 0;
	own_end = own ? own->end : 0;
	if (!arena->stacks)
		return;
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (!library || !bind_to_libc(library))
		return;
	*(void **)&backtrace_fn = dlsym(library, "unw_backtrace");
	capture(NULL, pc, &from);
}

#define FORK_PATIENCE 1000

static bool others_unwind(void)
{
	uint32_t used = slots_threads(arena), own = slot_of(arena, self.proc);

	for (uint32_t i = 0; i < used; i++) {
		const struct arena_thread *t = &arena->thread[i];

		if (t != self.thread && t->unwinding && t->state == THREAD_LIVE && t->proc == own)
			return true;
	}
	return false;
}

void site_before_fork(void)
{
	__atomic_fetch_add(&forking, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < FORK_PATIENCE && others_unwind(); i++)
		raw0(SYS_sched_yield);
}

void site_after_fork(void)
{
	__atomic_fetch_sub(&forking, 1, __ATOMIC_SEQ_CST);
}

void site_thread_end(void)
{
	struct site_table *t = self.sites;

	self.sites = NULL;
	if (t)
		raw2(SYS_munmap, t, sizeof(*t) + t->n_room * sizeof(t->entry[0]));
}

void site_forked(void)
{
	struct site_table *t = self.sites;

	forking = 0;
	/* our memory is a copy from then: the locks may be held for ever by a thread of the
	 * parent's */
	if (UNLIKELY(atomic_exchange(&overtaking, 0)))
		backtrace_fn = NULL;
	if (t) {
		t->n_used = 0;
		memset(t->entry, 0, t->n_room * sizeof(t->entry[0]));
	}
}

static struct site_table *table_new(uint32_t n_room)
{
	size_t n_bytes = sizeof(struct site_table) + n_room * sizeof(struct site_entry);
	long at = own6(SYS_mmap, 0, (long)n_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct site_table *t;

	if (raw_failed(at))
		return NULL;
	t = (struct site_table *)at;
	t->n_room = n_room;
	return t;
}

static struct site_entry *table_slot(struct site_table *t, uint64_t raw)
{
	for (uint32_t i = 0; i < t->n_room; i++) {
		struct site_entry *e = &t->entry[(raw + i) & (t->n_room - 1)];

		if (e->raw == raw || e->raw == 0)
			return e;
	}
	return NULL;
}

static void table_grow(void)
{
	struct site_table *old = self.sites, *t = table_new(old ? old->n_room * 4 : TABLE_FIRST);

	if (!t)
		return;
	for (uint32_t i = 0; old && i < old->n_room; i++)
		if (old->entry[i].raw)
			*table_slot(t, old->entry[i].raw) = old->entry[i];
	t->n_used = old ? old->n_used : 0;
	self.sites = t;
	if (old)
		raw2(SYS_munmap, old, sizeof(*old) + old->n_room * sizeof(old->entry[0]));
}

void site_prepare(void)
{
	if (!self.sites && !self.siting)
		table_grow();
}

/* Thread starts run through the shim too, but no gate stands there. */
extern const char __start_shim_start[] __attribute__((visibility("hidden")));
extern const char __stop_shim_start[] __attribute__((visibility("hidden")));

static bool in_gate(uintptr_t pc)
{
	return pc >= own_start && pc < own_end &&
	       !(pc >= (uintptr_t)__start_shim_start && pc < (uintptr_t)__stop_shim_start);
}

uint32_t site_gates_below(void)
{
	uintptr_t pc[ARENA_FRAMES + SKIP_MAX];
	uint32_t from, n, gates = 0;

	if (!backtrace_fn || self.unwinding)
		return UINT32_MAX;
	n = capture(NULL, pc, &from);
	if (n >= ARENA_FRAMES)
		return UINT32_MAX;
	for (uint32_t i = from + 1; i < from + n; i++)
		gates += in_gate(pc[i]) && !in_gate(pc[i - 1]);
	return gates;
}

static uint64_t frame_of(uintptr_t pc)
{
	const struct module *m = module_of(pc);

	return m ? ARENA_FRAME(m->index, pc - m->base) : ARENA_FRAME(ARENA_NO_MODULE, 0);
}

/* in=FUNCTION needs names that only the supervisor can look up: asked once a stack. */
static void ask_functions(uint32_t stack)
{
	struct arena_stack *s = &arena->stack[stack - 1];
	struct timespec wait = { .tv_nsec = 50 * 1000 * 1000 };
	uint32_t unknown = IN_UNKNOWN;

	atomic_compare_exchange_strong(&s->in_state, &unknown, IN_ASKED);
	for (int i = 0; i < 100 && s->in_state != IN_ANSWERED && !arena->closing; i++) {
		gate_bell();
		raw4(SYS_futex, &s->in_state, FUTEX_WAIT, IN_ASKED, &wait);
	}
}

static void learn(struct site_entry *e, const uintptr_t *pc, uint32_t n)
{
	uint64_t frame[ARENA_FRAMES];

	for (uint32_t i = 0; i < n; i++)
		frame[i] = frame_of(pc[i]);
	e->site = stacks_site(arena, frame, n);
	e->stack = stacks_keep(arena, e->site, frame, n);
	if (arena->plan.n_in && e->stack && arena->mode == ARENA_SUPERVISED)
		ask_functions(e->stack);
}

struct arena_stack *site_stack(uint32_t stack)
{
	return stack ? &arena->stack[stack - 1] : NULL;
}

static uint64_t mix_address(uint64_t hash, uintptr_t pc)
{
	hash = (hash ^ pc) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static void meet(struct site_entry *e, struct event *event)
{
	event->site = e->site;
	event->stack = e->stack;
	event->count = ++e->count;
}

/* A stack that this thread has not been at, or for which there is no more room. */
static void find_new(uint64_t raw, const uintptr_t *pc, uint32_t n, struct event *event)
{
	struct site_entry *e, spare = { 0 };

	if (self.siting > 1) {
		e = NULL; /* a handler's: the table may be half changed below it */
	} else {
		if (!self.sites || self.sites->n_used * 4 > self.sites->n_room * 3)
			table_grow();
		e = self.sites ? table_slot(self.sites, raw) : NULL;
	}
	if (!e)
		e = &spare;
	if (e->raw == 0) {
		learn(e, pc, n);
		e->raw = raw;
		if (e != &spare)
			self.sites->n_used++;
	}
	meet(e, event);
}

/* The entry is mostly the first one looked at. */
static bool find_known(uint64_t raw, struct event *event)
{
	struct site_table *t = self.sites;
	struct site_entry *e = t ? &t->entry[raw & (t->n_room - 1)] : NULL;

	if (UNLIKELY(!e || e->raw != raw))
		return false;
	meet(e, event);
	return true;
}

void site_find(const void *caller, struct event *event)
{
	uintptr_t pc[ARENA_FRAMES + SKIP_MAX];
	uint64_t raw = ARENA_HASH_START;
	uint32_t from = 0, n = 1;

	if (UNLIKELY(self.caller != NULL) && in_gate((uintptr_t)caller))
		caller = self.caller;
	pc[0] = (uintptr_t)caller;
	if (backtrace_fn)
		n = capture(caller, pc, &from);
	for (uint32_t i = 0; i < n; i++)
		raw = mix_address(raw, pc[from + i]);
	raw |= 1;
	self.siting++;
	if (UNLIKELY(self.siting > 1 || !find_known(raw, event)))
		find_new(raw, pc + from, n, event);
	self.siting--;
}
