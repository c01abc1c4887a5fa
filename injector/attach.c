/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.c - the place of this process and of its threads in the arena: slots are claimed by
 * compare-and-swap, lineages are given by the parent before the child exists, so that they depend
 * on no pid and on no race between children.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "shim.h"

#define RELAXED memory_order_relaxed

__thread struct self self __attribute__((tls_model("initial-exec")));
struct arena *arena;
volatile uint32_t *attached;
bool attach_guarded;
static bool own_files = true; /* this process's descriptors are nobody else's */
/* Libraries that are begun before us may have threads that make calls meanwhile: not before the
 * process has its place do they get one in it. */
static _Atomic bool begun;

bool attach_alone_in_files(void)
{
	return own_files && self.proc && !self.vforks && atomic_load(&self.proc->n_threads) == 0;
}

int64_t attach_reserve(int32_t pid)
{
	struct arena_proc *proc = slot_reserve(arena, self.proc, own_pid(), pid);

	return proc ? (int64_t)slot_of(arena, proc) : -1;
}

void attach_cancel(int64_t slot)
{
	if (slot >= 0)
		atomic_store(&arena->proc[slot].state, PROC_FREE);
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
	self.lineage_hash = point_lineage_hash(proc, number);
}

/* The tracer, where there is one, may have seen this thread before we did. */
static struct arena_thread *claim_thread(struct arena_proc *proc, uint32_t number)
{
	int32_t tid = own_tid();
	struct arena_thread *t = arena->cookie ? slot_thread_find(arena, proc, tid) : NULL;

	return t ? t : slot_thread(arena, proc, number, tid);
}

static void begin_process(struct arena_proc *proc)
{
	atomic_store(&proc->pid, own_pid());
	proc->born_tsc = gate_now();
	*attached = 1;
	place_process(proc);
	set_self(proc, claim_thread(proc, 0), 0);
	thread_forked();
	atomic_fetch_or(&proc->flags, PROC_SHIM);
	atomic_store(&proc->state, PROC_LIVE);
	atomic_fetch_add(&arena->n_hello, 1);
	gate_bell();
}

static struct arena_proc *find_parent(void)
{
	struct arena_proc *parent = slot_find_live(arena, (int32_t)raw0(SYS_getppid));

	if (parent)
		return parent;
	return arena->proc[0].state == PROC_LIVE ? &arena->proc[0] : NULL;
}

/* The call that replaced the program has succeeded; what a signal handler had interrupted below it
 * will never return. */
static void finish_exec(struct arena_thread *t)
{
	const struct event *e = t ? slot_current(t) : NULL;
	uint32_t depth = t ? atomic_load(&t->depth) : 0;
	struct gate g = { .perform = true };
	long none[6] = { 0 };

	if (!e || !slot_call_execs(e->call))
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
	int32_t pid = own_pid();
	/* what it had before exec, or what its parent reserved for it */
	struct arena_proc *proc = slot_find(arena, pid, (int32_t)raw0(SYS_getppid));

	if (proc && proc->state == PROC_LIVE) {
		struct arena_thread *t = slot_take_over(arena, proc, pid);

		if (!t)
			t = claim_thread(proc, 0);

		*attached = 1;
		place_process(proc);
		set_self(proc, t, 0);
		thread_forked();
		finish_exec(t);
		atomic_fetch_or(&proc->flags, PROC_EXECED | PROC_SHIM);
		atomic_fetch_add(&arena->n_hello, 1);
	} else if (!proc) {
		proc = slot_reserve(arena, find_parent(), pid, pid);
		if (!proc)
			return;
		if (lineage[0])
			memcpy(proc->lineage, lineage, strnlen(lineage, ARENA_LINEAGE - 1) + 1);
	}
	slot_name(proc, shim_program);
	if (proc->state != PROC_LIVE)
		begin_process(proc);
	self.lineage_hash = point_lineage_hash(proc, 0);
	atomic_store(&begun, true);
}

bool attach_forked(void)
{
	struct arena_proc *proc = self.child ? &arena->proc[self.child - 1] : NULL;
	int32_t pid;

	if (*attached)
		return true;
	seal_forked();
	pid = own_pid();
	if (!proc && arena->cookie) /* forked past our wrappers: the tracer has made a place */
		proc = slot_find(arena, pid, 0);
	if (!proc)
		proc = slot_reserve(arena, self.proc, pid, 0);
	if (!proc) {
		*attached = 1;
		self.thread = NULL;
		self.off = 1;
		return false;
	}
	self.unwinding = self.siting = 0;
	own_files = self.child != 0;
	site_forked();
	begin_process(proc);
	return self.thread != NULL;
}

void attach_vforked(struct arena_proc *own)
{
	struct arena_thread *t = claim_thread(own, 0);

	own->born_tsc = gate_now();
	atomic_fetch_or(&own->flags, PROC_SHIM);
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
	struct arena_proc *proc = slot_find_live(arena, own_pid());

	if (!proc) {
		self.off = 1;
		return;
	}
	if (number == 0)
		number = atomic_fetch_add(&proc->n_threads, 1) + 1;
	set_self(proc, claim_thread(proc, number), number);
	thread_begin(number);
}

struct scratch *attach_scratch(void)
{
	if (!self.scratch) {
		long at = own6(SYS_mmap, 0, sizeof(struct scratch), PROT_READ | PROT_WRITE,
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
	if (!arena || self.off || !atomic_load(&begun))
		return false;
	if (!*attached)
		return attach_forked();
	if (!self.thread)
		attach_thread(0);
	return self.thread != NULL;
}
