/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_threads.c - the subject's threads in the arena, and what they ask of the supervisor: to
 * be continued after stop=, and whether a function is on a stack (in=).
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervise.h"

#define STALE_NS NS_PER_S /* a slot whose process does not exist is taken back after that */
#define ENDED_NS (20 * NS_PER_MS)
#define STOP_WAIT_NS NS_PER_S /* a thread that asked to be stopped has to be by then */
#define STOP_POLL_NS (NS_PER_MS / 2)

static void thread_free(struct supervisor *s, uint32_t slot)
{
	struct arena_thread *t = &s->arena->thread[slot];

	memset(&s->thread[slot], 0, sizeof(s->thread[slot]));
	atomic_store(&t->tail, atomic_load(&t->head));
	atomic_store(&t->depth, 0);
	atomic_store(&t->leaving, 0);
	atomic_store(&t->stop_ns, 0);
	atomic_store(&t->state, THREAD_FREE);
}

/* The number of the process that a thread's slot belongs to, or -1. */
static int32_t owner(const struct supervisor *s, const struct arena_thread *t)
{
	uint32_t slot = t->proc;

	if (slot >= ARENA_PROCS || s->slot_process[slot] < 0)
		return -1;
	if (t->proc_generation != atomic_load(&s->arena->proc[slot].generation))
		return -1;
	return s->slot_process[slot];
}

static void thread_adopt(struct supervisor *s, uint32_t slot)
{
	struct arena_thread *t = &s->arena->thread[slot];
	struct thread *mine = &s->thread[slot];
	int32_t process = owner(s, t);

	if (process < 0) {
		/* Its process may be about to report; if it never does, it is dead. */
		if (!mine->stale_ns)
			mine->stale_ns = now_ns();
		else if (now_ns() - mine->stale_ns > STALE_NS)
			thread_free(s, slot);
		return;
	}
	memset(mine, 0, sizeof(*mine));
	mine->used = true;
	mine->process = (uint32_t)process;
	mine->number = t->number;
}

/* Slots that were in use at some time: the pages of the rest are never made. */
static uint32_t slots_used(struct supervisor *s)
{
	uint32_t used = atomic_load(&s->arena->threads_used);

	if (used > s->n_slots_threads)
		s->n_slots_threads = used < ARENA_THREADS ? used : ARENA_THREADS;
	return s->n_slots_threads;
}

/* drain() hands on what it has left, in the order of all threads. What is only half written then
 * stays so. */
static void thread_ended(struct supervisor *s, uint32_t slot)
{
	struct thread *mine = &s->thread[slot];
	uint64_t now = now_ns();

	if (!mine->ended_ns)
		mine->ended_ns = now;
	if (!thread_drained(s, slot) && now - mine->ended_ns < ENDED_NS)
		return;
	drain_thread(s, slot);
	model_thread_end(s->model, mine->process, mine->number);
	thread_free(s, slot);
}

void threads_update(struct supervisor *s)
{
	uint32_t used = slots_used(s);

	for (uint32_t i = 0; i < used; i++) {
		struct arena_thread *t = &s->arena->thread[i];
		uint32_t state = atomic_load(&t->state);

		if (!s->thread[i].used && (state == THREAD_LIVE || state == THREAD_ENDED))
			thread_adopt(s, i);
		if (s->thread[i].used && state == THREAD_ENDED)
			thread_ended(s, i);
	}
	if (s->arena->plan.n_in)
		answer_in(s);
}

/* Calls that were in progress at the death, innermost first, unless their event was written
 * already. */
static void feed_current(struct supervisor *s, uint32_t slot)
{
	struct arena_thread *t = &s->arena->thread[slot];
	uint32_t depth = atomic_load(&t->depth);
	uint64_t now = ticks_now(s);

	if (depth > ARENA_DEPTH)
		depth = ARENA_DEPTH;
	while (depth-- > 0) {
		struct event event = t->cur[depth];
		bool seen = false;

		for (unsigned int i = 0; i < LAST_ENTERS; i++)
			seen = seen || s->thread[slot].last_enter[i] == event.enter_tsc;
		if (seen || event.enter_tsc == 0)
			continue;
		event.flags |= EVENT_ABANDONED;
		event.exit_tsc = now;
		event.n_more = 0;
		drain_deliver(s, slot, &event, NULL);
	}
}

void threads_end(struct supervisor *s, uint32_t process)
{
	int32_t proc = s->process[process].slot;

	for (uint32_t i = 0; proc >= 0 && i < slots_used(s); i++) {
		struct arena_thread *t = &s->arena->thread[i];

		if (atomic_load(&t->state) == THREAD_FREE || t->proc != (uint32_t)proc)
			continue;
		if (!s->thread[i].used)
			thread_adopt(s, i);
		if (!s->thread[i].used || s->thread[i].process != process)
			continue;
		drain_thread(s, i);
		feed_current(s, i);
		thread_free(s, i);
	}
}

/* One that is traced looks stopped at each of its calls: the tracer tells. */
static bool is_stopped(const struct supervisor *s, const struct process *p)
{
	char state = 0;
	pid_t ppid;
	int code;

	if (s->tracer && p->slot >= 0)
		return atomic_load(&s->arena->proc[p->slot].flags) & PROC_STOPPED;
	return proc_start_time(p->pid, &state, &code, &ppid) && state == 'T';
}

/* Continues one process when its time has come. A SIGCONT before it is really stopped would be
 * lost. */
static void stop_update(struct supervisor *s, uint32_t slot, uint64_t stop_ns, uint64_t now)
{
	struct thread *mine = &s->thread[slot];
	const struct process *p = &s->process[mine->process];

	if (!mine->stop_asked_ns)
		mine->stop_asked_ns = now;
	if (!mine->stop_until_ns) {
		if (is_stopped(s, p))
			mine->stop_until_ns =
				now + (stop_ns < INT64_MAX / 2 ? stop_ns : INT64_MAX / 2);
		else if (now - mine->stop_asked_ns < STOP_WAIT_NS)
			mine->stop_until_ns = 0;
		else
			mine->stop_until_ns = now;
	}
	if (mine->stop_until_ns && mine->stop_until_ns <= now) {
		mine->stop_until_ns = mine->stop_asked_ns = 0;
		atomic_store(&s->arena->thread[slot].stop_ns, 0);
		kill(p->pid, SIGCONT);
		return;
	}
	now = mine->stop_until_ns ? mine->stop_until_ns : now + STOP_POLL_NS;
	if (!s->next_stop_ns || now < s->next_stop_ns)
		s->next_stop_ns = now;
}

void stops_update(struct supervisor *s, uint64_t now)
{
	s->next_stop_ns = 0;
	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		uint64_t stop_ns;

		if (!s->thread[i].used)
			continue;
		stop_ns = atomic_load(&s->arena->thread[i].stop_ns);
		if (stop_ns)
			stop_update(s, i, stop_ns, now);
	}
}

/* Is one of the rules' functions on this stack? */
static uint64_t in_mask(struct supervisor *s, const struct arena_stack *stack)
{
	uint32_t n_frames = stack->n_frames < ARENA_FRAMES ? stack->n_frames : ARENA_FRAMES;
	uint64_t mask = 0;

	for (uint32_t i = 0; i < n_frames; i++) {
		uint64_t frame = stack->frame[i];
		struct symbol symbol;
		char path[240];

		if (ARENA_FRAME_MODULE(frame) >= ARENA_MODULES)
			continue;
		text_put(path, sizeof(path), s->arena->module[ARENA_FRAME_MODULE(frame)].path);
		if (symbols_find(s->symbols, path, ARENA_FRAME_OFFSET(frame), &symbol) < 0)
			continue;
		for (uint32_t r = 0; r < s->options->plan->n_rules; r++)
			if (s->options->plan->rule[r].in[0] &&
			    strcmp(s->options->plan->rule[r].in, symbol.function) == 0)
				mask |= UINT64_C(1) << r;
	}
	return mask;
}

void answer_in(struct supervisor *s)
{
	for (uint32_t i = 0; i < ARENA_STACKS; i++) {
		struct arena_stack *stack = &s->arena->stack[i];

		if (atomic_load(&stack->in_state) != IN_ASKED)
			continue;
		atomic_store(&stack->in_mask, in_mask(s, stack));
		atomic_store(&stack->in_state, IN_ANSWERED);
		syscall(SYS_futex, &stack->in_state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
}
