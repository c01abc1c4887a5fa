/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - when to look for a deadlock, and what becomes of one. The arena tells cheaply which
 * threads sit in a call and have not moved since the last tick; only when that changes is the
 * kernel asked, twice. If everybody is stuck, the trial is over. If a part is, that is kept, and
 * forgotten should one of its threads move on after all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch.h"

#define STABLE_NS (8 * NS_PER_MS)
#define FIRST_LOOKS 3
#define BACKOFF_NS (15 * NS_PER_MS)
#define BACKOFF_MAX_NS (60 * NS_PER_MS)
#define SHARE 40 /* the time between two looks, in looks, unless everybody may be stuck */
#define PARTS 16
#define MEMBERS 64

struct member {
	uint32_t process;
	int32_t slot;
	pid_t pid, tid;
	enum wait_kind kind;
	uint64_t enter_tsc;
	struct context context;
	bool settled; /* ended by a death or a removal: it will not move on */
};

struct part {
	struct finding *finding;
	bool weak; /* nothing says that its members wait in vain but that nobody woke them so far */
	struct member member[MEMBERS];
	uint32_t n;
};

struct watch {
	uint64_t signature, next_ns;
	uint64_t earliest_ns; /* before that, looks would take too large a share of the time */
	unsigned int n_looks;
	uint64_t last_tick_ns;
	struct scene scene;
	struct graph graph;
	struct part part[PARTS];
	uint32_t n_parts;
};

struct watch *watch_new(void)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w)
		w->last_tick_ns = now_ns();
	return w;
}

static void part_drop(struct watch *w, uint32_t i)
{
	free(w->part[i].finding);
	w->part[i] = w->part[--w->n_parts];
	memset(&w->part[w->n_parts], 0, sizeof(w->part[0]));
}

/* Which threads have sat in the same call since the last tick? Two equal answers: nothing has
 * changed. `all`: every thread that is followed has. */
static uint64_t signature(struct supervisor *s, bool *all)
{
	uint64_t sum = s->n_live + ((uint64_t)s->n_unfollowed << 32);
	uint32_t n_moving = 0;

	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		const struct arena_thread *t = &s->arena->thread[i];
		uint32_t depth = atomic_load(&t->depth);
		uint64_t n_calls = atomic_load(&t->n_calls);
		bool moved = n_calls != s->thread[i].seen_calls;
		unsigned int call;

		if (!s->thread[i].used)
			continue;
		s->thread[i].seen_calls = n_calls;
		n_moving++;
		if (moved || depth == 0 || depth > ARENA_DEPTH)
			continue;
		call = t->cur[depth - 1].call;
		if (call >= CALL_N || !(calls[call].flags & CALL_BLOCKS) ||
		    t->cur[depth - 1].flags & (EVENT_TIMED | EVENT_NONBLOCK))
			continue;
		sum += arena_mix((uint64_t)i << 48 ^ n_calls);
		n_moving--;
	}
	*all = n_moving == 0;
	return sum;
}

/* Has any of these moved since the first look? */
static bool still_there(struct supervisor *s, const struct task *t)
{
	struct context now;

	return context_read(s, t->pid, t->tid, t->slot, &now) && context_same(&t->context, &now) &&
	       memory_same(s, t);
}

/* Who holds what is told by events: all that have been written must have been read, and everybody
 * that was born be known, before anything is said of those that wait. False: there was something
 * new. */
static bool caught_up(struct supervisor *s)
{
	uint64_t n_events = s->n_events;
	uint32_t n_live = s->n_live;

	processes_births(s);
	threads_update(s);
	drain(s);
	return s->n_events == n_events && s->n_live == n_live && drained(s);
}

static bool confirm_part(struct supervisor *s, const struct scene *scene, const struct graph *g,
			 uint32_t component)
{
	for (uint32_t i = 0; i < g->n; i++) {
		const struct task *t = &scene->task[g->task[i]];

		if (g->component[i] != component)
			continue;
		if (!still_there(s, t) || (t->slot >= 0 && !thread_drained(s, (uint32_t)t->slot)))
			return false;
	}
	return true;
}

/* All the same, and nobody new. */
static bool confirm_all(struct supervisor *s, const struct scene *scene)
{
	static pid_t pid[PROCESS_LIST];
	unsigned int n;

	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (!still_there(s, &scene->task[i]))
			return false;
	process_list(s, pid, PROCESS_LIST, &n);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t p = 0;

		while (p < scene->n_procs && scene->proc[p].pid != pid[i])
			p++;
		if (p == scene->n_procs)
			return false;
	}
	return true;
}

static void member_fill(struct supervisor *s, const struct scene *scene, const struct task *t,
			struct member *m)
{
	int32_t process = scene->proc[t->proc].process;

	*m = (struct member){ .process = process < 0 ? UINT32_MAX : (uint32_t)process,
			      .slot = t->slot,
			      .pid = t->pid,
			      .tid = t->tid,
			      .kind = t->kind,
			      .context = t->context };
	if (t->slot >= 0) {
		uint32_t depth = atomic_load(&s->arena->thread[t->slot].depth);

		if (depth > 0 && depth <= ARENA_DEPTH)
			m->enter_tsc = s->arena->thread[t->slot].cur[depth - 1].enter_tsc;
	}
}

static bool part_has(const struct part *part, pid_t tid)
{
	for (uint32_t i = 0; i < part->n; i++)
		if (part->member[i].tid == tid && !part->member[i].settled)
			return true;
	return false;
}

/* Is every member of a known part in this component, and is the component bigger than it? */
static bool covered(const struct scene *scene, const struct graph *g, uint32_t component,
		    const struct part *part, bool *same)
{
	uint32_t n = 0, n_common = 0, n_left = 0;

	for (uint32_t i = 0; i < part->n; i++)
		n_left += !part->member[i].settled;
	for (uint32_t i = 0; i < g->n; i++) {
		if (g->component[i] != component)
			continue;
		n++;
		n_common += part_has(part, scene->task[g->task[i]].tid);
	}
	*same = n == n_common;
	return n_left > 0 && n_common == n_left;
}

static void part_found(struct supervisor *s, uint32_t component)
{
	struct watch *w = s->watch;
	struct part *part;

	for (uint32_t i = 0; i < w->n_parts;) {
		bool same;

		if (!covered(&w->scene, &w->graph, component, &w->part[i], &same)) {
			i++;
			continue;
		}
		if (same)
			return;
		part_drop(w, i);
	}
	if (w->n_parts == PARTS)
		return;
	part = &w->part[w->n_parts];
	part->n = 0;
	part->finding = watch_report(s, &w->scene, &w->graph, component);
	if (!part->finding)
		return;
	part->weak = strcmp(part->finding->cause, "missing partner") == 0;
	for (uint32_t i = 0; i < w->graph.n && part->n < MEMBERS; i++)
		if (w->graph.component[i] == component)
			member_fill(s, &w->scene, &w->scene.task[w->graph.task[i]],
				    &part->member[part->n++]);
	w->n_parts++;
}

static void parts_find(struct supervisor *s)
{
	struct watch *w = s->watch;

	for (uint32_t i = 0; i < w->graph.n; i++) {
		bool first = true;

		for (uint32_t j = 0; j < i; j++)
			first = first && w->graph.component[j] != w->graph.component[i];
		if (first && confirm_part(s, &w->scene, &w->graph, w->graph.component[i]))
			part_found(s, w->graph.component[i]);
	}
}

/* Threads that no shim follows tell nothing when they move on: look at them. */
static void parts_check(struct watch *w)
{
	for (uint32_t i = w->n_parts; i-- > 0;)
		for (uint32_t m = 0; m < w->part[i].n; m++) {
			const struct member *member = &w->part[i].member[m];
			const struct task *t = scene_task(&w->scene, member->tid);

			if (t && member->slot < 0 && !context_same(&t->context, &member->context)) {
				part_drop(w, i);
				break;
			}
		}
}

/* Looks at everybody. True: all are stuck, for good. */
static bool look_closely(struct supervisor *s)
{
	struct watch *w = s->watch;
	bool stuck;

	caught_up(s); /* as far as others let us */
	scene_read(s, &w->scene);
	stuck = scene_solve(s, &w->scene);
	parts_check(w);
	if (!stuck || w->scene.overflow)
		return false;
	graph_make(s, &w->scene, &w->graph);
	if (scene_all_stuck(&w->scene) && confirm_all(s, &w->scene)) {
		struct finding *f;

		if (!caught_up(s)) {
			w->signature = 0; /* look again at the next tick */
			return false;
		}
		f = watch_report(s, &w->scene, &w->graph, ALL_COMPONENTS);

		if (!f)
			return false;
		while (w->n_parts)
			part_drop(w, 0);
		findings_add(&s->findings, f);
		return true;
	}
	if (!scene_all_stuck(&w->scene))
		parts_find(s);
	return false;
}

/* When to look again, after a look that took from `time_ns` until now. */
static void next_look(struct watch *w, uint64_t time_ns, bool all)
{
	uint64_t now = now_ns(), wait_ns = BACKOFF_NS;

	w->earliest_ns = now + SHARE * (now - time_ns);
	/* A thread that has entered its call may not sleep yet: the first looks follow quickly. */
	for (unsigned int i = FIRST_LOOKS; i < w->n_looks && wait_ns < BACKOFF_MAX_NS; i++)
		wait_ns *= 2;
	w->next_ns = now + (w->n_looks < FIRST_LOOKS   ? 0
			    : wait_ns < BACKOFF_MAX_NS ? wait_ns
						       : BACKOFF_MAX_NS);
	if (w->next_ns < w->earliest_ns && !(all && w->n_looks < FIRST_LOOKS))
		w->next_ns = w->earliest_ns;
	w->n_looks++;
}

bool watch_tick(struct supervisor *s, bool now)
{
	struct watch *w = s->watch;
	uint64_t time_ns = now_ns(), sum;
	bool all, stuck;

	if (now)
		return look_closely(s);
	if (time_ns - w->last_tick_ns < STABLE_NS)
		return false;
	w->last_tick_ns = time_ns;
	sum = signature(s, &all);
	if (sum != w->signature) {
		w->signature = sum;
		w->n_looks = 0;
		/* While some move, there is no hurry, and others need the time more. */
		w->next_ns = all ? time_ns : w->earliest_ns;
	}
	if (time_ns < w->next_ns)
		return false;
	stuck = look_closely(s);
	next_look(w, time_ns, all);
	return stuck;
}

/* A thread has returned from the call in which it was thought to be stuck. */
void watch_event(struct supervisor *s, uint32_t slot, const struct event *event)
{
	struct watch *w = s->watch;
	bool died = (event->flags & EVENT_ABANDONED) && s->process[s->thread[slot].process].ended;
	bool removed =
		(event->flags & EVENT_FAILED) && (event->err == EIDRM || event->err == EINVAL);

	for (uint32_t i = w->n_parts; i-- > 0;)
		for (uint32_t m = 0; m < w->part[i].n; m++) {
			struct member *member = &w->part[i].member[m];

			if (member->slot != (int32_t)slot ||
			    member->process != s->thread[slot].process ||
			    member->enter_tsc != event->enter_tsc)
				continue;
			member->settled = true;
			if (died || removed)
				continue;
			part_drop(w, i);
			break;
		}
}

/*
 * To be ended by a signal is one of the ways in which a wait for signals ends as it was meant to.
 * And who waits for work until its process ends, or until somebody ends it, has not waited in vain.
 */
static bool is_meant(const struct part *part, const struct member *member,
		     const struct process_end *end)
{
	if (end->by_runner)
		return false;
	return part->weak || (member->kind == WAIT_SIGNAL && end->kind == END_SIGNAL);
}

void watch_death(struct supervisor *s, uint32_t process, const struct process_end *end)
{
	struct watch *w = s->watch;

	for (uint32_t i = w->n_parts; i-- > 0;)
		for (uint32_t m = 0; m < w->part[i].n; m++) {
			struct member *member = &w->part[i].member[m];

			if (member->process != process)
				continue;
			member->settled = true;
			if (is_meant(&w->part[i], member, end)) {
				part_drop(w, i);
				break;
			}
		}
}

/* The trial is over: the parts that are still stuck stay so. True if there are any. */
bool watch_finish(struct supervisor *s)
{
	struct watch *w = s->watch;
	bool any = w->n_parts > 0;

	for (uint32_t i = 0; i < w->n_parts; i++)
		findings_add(&s->findings, w->part[i].finding);
	w->n_parts = 0;
	return any;
}
