/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.c - the place of this process and of its threads in the arena: slots are claimed by
 * compare-and-swap, lineages are given by the parent before the child exists, so that they depend
 * on no pid and on no race between children.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "shim.h"

#define RELAXED memory_order_relaxed

__thread struct self self __attribute__((tls_model("initial-exec")));
struct arena *arena;
volatile uint32_t *attached;
static bool own_files = true; /* this process's descriptors are nobody else's */

bool attach_alone_in_files(void)
{
	return own_files && self.proc && !self.vforks && atomic_load(&self.proc->n_threads) == 0;
}

uint64_t attach_lineage_hash(const struct arena_proc *proc, uint32_t number)
{
	uint64_t hash =
		arena_hash(proc->lineage, strnlen(proc->lineage, ARENA_LINEAGE), ARENA_HASH_START);

	return arena_hash(&number, sizeof(number), hash);
}

static uint32_t proc_index(const struct arena_proc *proc)
{
	return (uint32_t)(proc - arena->proc);
}

/* "1.2" + child 3 -> "1.2.3"; a chain too deep for the field is folded to its hash. */
static void make_lineage(char *to, const char *parent, uint32_t child_no)
{
	char digits[12];
	size_t n = strnlen(parent, ARENA_LINEAGE), n_digits = 0;

	do {
		digits[n_digits++] = (char)('0' + child_no % 10);
		child_no /= 10;
	} while (child_no);
	if (n + n_digits + 2 > ARENA_LINEAGE) {
		uint64_t hash = arena_hash(parent, n, ARENA_HASH_START);

		to[0] = '?';
		for (n = 1; n < 17; n++, hash >>= 4)
			to[n] = (char)('0' + hash % 10);
	} else {
		memcpy(to, parent, n);
	}
	to[n++] = '.';
	while (n_digits)
		to[n++] = digits[--n_digits];
	to[n] = 0;
}

/* Raised before the slot is claimed, so that whoever sees a claimed slot also sees that it counts.
 */
static void raise_to(_Atomic uint32_t *used, uint32_t n)
{
	uint32_t old = atomic_load_explicit(used, RELAXED);

	while (old < n && !atomic_compare_exchange_weak(used, &old, n))
		;
}

static uint32_t procs_used(void)
{
	uint32_t n = atomic_load(&arena->procs_used);

	return n < ARENA_PROCS ? n : ARENA_PROCS;
}

static uint32_t threads_used(void)
{
	uint32_t n = atomic_load(&arena->threads_used);

	return n < ARENA_THREADS ? n : ARENA_THREADS;
}

/* Claims a free slot for a child of `parent` (NULL: none is known). Returns its index or -1. */
static int64_t claim_proc(struct arena_proc *parent, int32_t pid)
{
	for (uint32_t i = 0; i < ARENA_PROCS; i++) {
		struct arena_proc *p = &arena->proc[i];
		uint32_t expected = PROC_FREE;

		if (atomic_load_explicit(&p->state, RELAXED) != PROC_FREE)
			continue;
		raise_to(&arena->procs_used, i + 1);
		if (!atomic_compare_exchange_strong(&p->state, &expected, PROC_RESERVED))
			continue;
		p->flags = 0;
		p->n_children = p->n_threads = 0;
		p->timer_ns = 0;
		memset((void *)p->counted, 0, sizeof(p->counted));
		p->ppid = (int32_t)raw0(SYS_getpid);
		p->parent = parent ? proc_index(parent) + 1 : 0;
		p->parent_generation = parent ? parent->generation : 0;
		p->child_no = parent ? atomic_fetch_add(&parent->n_children, 1) + 1 : 1;
		if (parent || proc_index(p))
			make_lineage(p->lineage, parent ? parent->lineage : "?", p->child_no);
		else
			memcpy(p->lineage, "1", 2);
		memcpy(p->name, parent ? parent->name : "?", parent ? ARENA_NAME : 2);
		atomic_fetch_add(&p->generation, 1);
		atomic_store(&p->pid, pid);
		return proc_index(p);
	}
	atomic_fetch_add(&arena->n_overflow, 1);
	return -1;
}

int64_t attach_reserve(int32_t pid)
{
	return claim_proc(self.proc, pid);
}

void attach_cancel(int64_t slot)
{
	if (slot >= 0)
		atomic_store(&arena->proc[slot].state, PROC_FREE);
}

static struct arena_thread *claim_thread(struct arena_proc *proc, uint32_t number)
{
	for (uint32_t i = 0; i < ARENA_THREADS; i++) {
		struct arena_thread *t = &arena->thread[i];
		uint32_t expected = THREAD_FREE;

		if (atomic_load_explicit(&t->state, RELAXED) != THREAD_FREE)
			continue;
		raise_to(&arena->threads_used, i + 1);
		if (!atomic_compare_exchange_strong(&t->state, &expected, THREAD_CLAIMED))
			continue;
		t->proc = proc_index(proc);
		t->proc_generation = proc->generation;
		t->number = number;
		t->tid = (int32_t)raw0(SYS_gettid);
		t->depth = t->leaving = 0;
		t->n_calls = 0;
		t->stop_ns = 0;
		t->settled = t->head;
		atomic_fetch_add(&t->generation, 1);
		atomic_store(&t->state, THREAD_LIVE);
		return t;
	}
	atomic_fetch_add(&arena->n_overflow, 1);
	atomic_fetch_or(&proc->flags, PROC_PARTIAL);
	return NULL;
}

static void set_self(struct arena_proc *proc, struct arena_thread *thread, uint32_t number)
{
	self.proc = proc;
	self.thread = thread;
	self.ring = thread ? arena->ring[thread - arena->thread] : NULL;
	self.off = !thread;
	self.depth = 0;
	self.child = 0;
	self.vforks = 0;
	self.siting = 0;
	self.lineage_hash = attach_lineage_hash(proc, number);
}

static void begin_process(struct arena_proc *proc)
{
	atomic_store(&proc->pid, (int32_t)raw0(SYS_getpid));
	proc->born_tsc = gate_now();
	*attached = 1;
	set_self(proc, claim_thread(proc, 0), 0);
	atomic_store(&proc->state, PROC_LIVE);
	atomic_fetch_add(&arena->n_hello, 1);
	gate_bell();
}

/* The slot that this process had before exec, or that its parent reserved for it. */
static struct arena_proc *find_own(void)
{
	int32_t pid = (int32_t)raw0(SYS_getpid), ppid = (int32_t)raw0(SYS_getppid);

	for (uint32_t i = 0; i < procs_used(); i++) {
		uint32_t state = atomic_load_explicit(&arena->proc[i].state, RELAXED);

		if ((state == PROC_LIVE || state == PROC_RESERVED) && arena->proc[i].pid == pid)
			return &arena->proc[i];
	}
	for (uint32_t i = 0; i < procs_used(); i++) {
		struct arena_proc *p = &arena->proc[i];
		int32_t expected = -1;

		if (p->state == PROC_RESERVED && p->ppid == ppid &&
		    atomic_compare_exchange_strong(&p->pid, &expected, pid))
			return p;
	}
	return NULL;
}

static struct arena_proc *find_parent(void)
{
	int32_t ppid = (int32_t)raw0(SYS_getppid);

	for (uint32_t i = 0; i < procs_used(); i++)
		if (arena->proc[i].state == PROC_LIVE && arena->proc[i].pid == ppid)
			return &arena->proc[i];
	return arena->proc[0].state == PROC_LIVE ? &arena->proc[0] : NULL;
}

bool attach_execs(uint32_t call)
{
	return call >= CALL_execve && call <= CALL_execveat;
}

/* The call that this thread was in, innermost. */
static const struct event *current(const struct arena_thread *t)
{
	uint32_t depth = atomic_load(&t->depth);

	return depth && depth <= ARENA_DEPTH ? &t->cur[depth - 1] : NULL;
}

/* After exec the other threads are gone; the one that called it goes on as the first. */
static struct arena_thread *take_over(struct arena_proc *proc)
{
	struct arena_thread *own = NULL;

	for (uint32_t i = 0; i < threads_used(); i++) {
		struct arena_thread *t = &arena->thread[i];
		const struct event *e = current(t);

		if (t->state != THREAD_LIVE || t->proc != proc_index(proc))
			continue;
		if (!own && e && attach_execs(e->call)) {
			own = t;
			continue;
		}
		atomic_store(&t->settled, atomic_load(&t->head));
		atomic_store(&t->leaving, 0);
		atomic_store(&t->state, THREAD_ENDED);
	}
	if (!own)
		return claim_thread(proc, 0);
	own->number = 0;
	own->tid = (int32_t)raw0(SYS_gettid);
	return own;
}

/* The call that replaced the program has succeeded; what a signal handler had interrupted below it
 * will never return. */
static void finish_exec(struct arena_thread *t)
{
	const struct event *e = t ? current(t) : NULL;
	uint32_t depth = t ? atomic_load(&t->depth) : 0;
	struct gate g = { .perform = true };
	long none[6] = { 0 };

	if (!e || !attach_execs(e->call))
		return;
	g.event = &t->cur[depth - 1];
	g.canonical = g.id = (enum call_id)e->call;
	g.call = &calls[g.canonical];
	g.a = none;
	g.depth = depth - 1;
	g.kill_after = e->fault == FAULT_KILL_AFTER;
	self.depth = depth;
	gate_leave(&g, 0);
	gate_abandon(0);
}

void attach_first(const char *lineage)
{
	struct arena_proc *proc = find_own();
	size_t n = strlen(shim_program), base = n;

	if (proc && proc->state == PROC_LIVE) {
		struct arena_thread *t = take_over(proc);

		*attached = 1;
		set_self(proc, t, 0);
		finish_exec(t);
		atomic_fetch_or(&proc->flags, PROC_EXECED);
		atomic_fetch_add(&arena->n_hello, 1);
	} else if (!proc) {
		int64_t slot = claim_proc(find_parent(), (int32_t)raw0(SYS_getpid));

		if (slot < 0)
			return;
		proc = &arena->proc[slot];
		if (lineage[0])
			memcpy(proc->lineage, lineage, strnlen(lineage, ARENA_LINEAGE - 1) + 1);
	}
	while (base && shim_program[base - 1] != '/')
		base--;
	memset(proc->name, 0, ARENA_NAME);
	memcpy(proc->name, shim_program + base, n - base < ARENA_NAME ? n - base : ARENA_NAME - 1);
	if (proc->state != PROC_LIVE)
		begin_process(proc);
	self.lineage_hash = attach_lineage_hash(proc, 0);
}

bool attach_forked(void)
{
	struct arena_proc *parent = self.proc;
	int64_t slot = (int64_t)self.child - 1;

	if (*attached)
		return true;
	if (slot < 0)
		slot = claim_proc(parent, 0);
	if (slot < 0) {
		*attached = 1;
		self.thread = NULL;
		self.off = 1;
		return false;
	}
	self.unwinding = self.siting = 0;
	own_files = self.child != 0;
	site_forked();
	begin_process(&arena->proc[slot]);
	return self.thread != NULL;
}

void attach_vforked(struct arena_proc *own)
{
	struct arena_thread *t = claim_thread(own, 0);

	own->born_tsc = gate_now();
	set_self(own, t, 0);
	self.sites = NULL;
	if (!t)
		return;
	atomic_store(&own->state, PROC_LIVE);
	atomic_fetch_add(&arena->n_hello, 1);
	gate_bell();
}

uint32_t attach_thread_number(void)
{
	return self.proc ? atomic_fetch_add(&self.proc->n_threads, 1) + 1 : 0;
}

/* self.proc of a new thread is unset: it is found by the pid. */
void attach_thread(uint32_t number)
{
	int32_t pid = (int32_t)raw0(SYS_getpid);

	for (uint32_t i = 0; i < procs_used(); i++) {
		struct arena_proc *p = &arena->proc[i];

		if (p->state != PROC_LIVE || p->pid != pid)
			continue;
		if (number == 0)
			number = atomic_fetch_add(&p->n_threads, 1) + 1;
		set_self(p, claim_thread(p, number), number);
		return;
	}
	self.off = 1;
}

struct scratch *attach_scratch(void)
{
	if (!self.scratch) {
		long at = raw6(SYS_mmap, 0, sizeof(struct scratch), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (raw_failed(at))
			return NULL;
		self.scratch = (struct scratch *)at;
	}
	return self.scratch;
}

void attach_thread_end(void)
{
	if (self.scratch && !self.vforks) {
		raw2(SYS_munmap, self.scratch, sizeof(struct scratch));
		self.scratch = NULL;
	}
	if (self.thread && !self.vforks)
		gate_abandon(0); /* pthread_exit and cancellation come from within calls */
	if (self.thread && !self.vforks)
		atomic_store(&self.thread->state,
			     arena->mode == ARENA_ALONE ? THREAD_FREE : THREAD_ENDED);
	self.thread = NULL;
	self.off = 1;
	site_thread_end();
}

bool attach_slowly(void)
{
	if (!arena || self.off)
		return false;
	if (!*attached)
		return attach_forked();
	if (!self.thread)
		attach_thread(0);
	return self.thread != NULL;
}
