/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_graph.c - among the stuck tasks, edges lead from each to those that it waits for. A circle
 * of them is a cause by itself.
 */
#include <string.h>

#include "watch.h"

#define HOLDERS 64

/* Does that task hold the lock that `waiter` waits for? */
bool holds_lock(struct supervisor *s, const struct scene *scene, const struct task *t,
		const struct task *waiter)
{
	struct lock_holder holder[HOLDERS];
	unsigned int n;

	if (!waits_for_lock(s, waiter))
		return false;
	if (waiter->kind == WAIT_FILE_LOCK)
		return has_file_lock(scene, t->proc, waiter);
	if (waiter->memory.owner)
		return is_owner(t, waiter);
	n = model_lock_holders(s->model, waiter->object, waiter->kind == WAIT_SEM ? waiter->num : 0,
			       holder, HOLDERS);
	for (unsigned int i = 0; i < n && i < HOLDERS; i++)
		if (is_holder(s, scene, t, &holder[i]))
			return true;
	return false;
}

static bool same_wait(const struct task *a, const struct task *b)
{
	return a->kind == b->kind && a->object == b->object && a->num == b->num;
}

/*
 * A semaphore that is no lock has no holder: whoever has raised it before may do so again, and so
 * may whom the waiter itself keeps from going on.
 */
static uint8_t sem_edge(struct supervisor *s, const struct scene *scene, const struct task *from,
			const struct task *to)
{
	int32_t process = scene->proc[to->proc].process;

	if (waits_for_lock(s, from))
		return holds_lock(s, scene, to, from) ? EDGE_STRONG : 0;
	if (process < 0 || from == to || same_wait(from, to))
		return 0;
	return model_has_woken(s->model, (uint32_t)process, from->object, WAKES_SEM) ||
			       holds_lock(s, scene, from, to)
		       ? EDGE_WEAK
		       : 0;
}

/* Somebody who waits for the same can not be meant to end the wait. */
static bool same_target(const struct scene *scene, const struct task *to,
			const struct target *target)
{
	const struct target *other = task_target(scene, to, 0);

	return to->n_targets == 1 && other->file.kind == target->file.kind &&
	       other->file.ino == target->file.ino && other->file.dev == target->file.dev &&
	       other->writes == target->writes;
}

/*
 * That a queue or an eventfd is open promises nothing: they know no end of the file. Nor do threads
 * keep ends open for one another.
 */
static uint8_t target_edge(const struct scene *scene, const struct task *from,
			   const struct task *to)
{
	for (unsigned int i = 0; i < from->n_targets; i++) {
		const struct target *target = task_target(scene, from, i);
		enum file_kind kind = target->file.kind;

		if (target->crowd || same_target(scene, to, target))
			continue;
		if (kind == FILE_PROCESS && scene->proc[to->proc].pid == (pid_t)target->file.ino)
			return EDGE_CHILD;
		if (has_end(scene, to->proc, target))
			return from->proc == to->proc || kind == FILE_QUEUE || kind == FILE_EVENT
				       ? EDGE_WEAK
				       : EDGE_STRONG;
	}
	return 0;
}

/*
 * By what was done to the object before. Two that wait for room in two queues, from which nobody
 * has taken anything yet, wait for one another: each would receive later.
 */
static uint8_t history_edge(struct supervisor *s, const struct scene *scene,
			    const struct task *from, const struct task *to)
{
	int32_t process = scene->proc[to->proc].process;

	if (process < 0 || from == to || same_wait(from, to))
		return 0;
	if (model_has_woken(s->model, (uint32_t)process, woken_object(from), role_of(from)))
		return EDGE_WEAK;
	return from->kind == WAIT_SEND && to->kind == WAIT_SEND && from->object != to->object
		       ? EDGE_WEAK
		       : 0;
}

/* Who has not come to the barrier yet. */
static uint8_t barrier_edge(const struct scene *scene, const struct task *from,
			    const struct task *to)
{
	return from != to && !same_wait(from, to) && has_memory(scene, to->proc, from) ? EDGE_WEAK
										       : 0;
}

static uint8_t edge(struct supervisor *s, const struct scene *scene, const struct task *from,
		    const struct task *to)
{
	uint8_t found = from == to ? 0 : target_edge(scene, from, to);

	if (found)
		return found;
	switch (from->kind) {
	case WAIT_SEM:
	case WAIT_PSEM:
		return sem_edge(s, scene, from, to);
	case WAIT_MUTEX:
	case WAIT_RWLOCK:
	case WAIT_FILE_LOCK:
		return holds_lock(s, scene, to, from) ? EDGE_STRONG : 0;
	case WAIT_RECEIVE:
	case WAIT_SEND:
	case WAIT_SIGNAL:
	case WAIT_COND:
		return history_edge(s, scene, from, to);
	case WAIT_BARRIER:
		return barrier_edge(scene, from, to);
	case WAIT_JOIN:
		return to->tid == from->memory.owner ? EDGE_CHILD : 0;
	case WAIT_CHILD:
		return child_matches(scene, from, &scene->proc[to->proc]) ? EDGE_CHILD : 0;
	case WAIT_OPEN:
		return to->kind == WAIT_OPEN && to != from && to->object != from->object
			       ? EDGE_STRONG
			       : 0;
	default:
		return 0;
	}
}

static void join(struct graph *g, uint32_t a, uint32_t b)
{
	uint32_t from = g->component[b], to = g->component[a];

	for (uint32_t i = 0; i < g->n; i++)
		if (g->component[i] == from)
			g->component[i] = to;
}

void graph_make(struct supervisor *s, struct scene *scene, struct graph *g)
{
	g->n = 0;
	for (uint32_t i = 0; i < scene->n_tasks && g->n < GRAPH_TASKS; i++)
		if (!scene->task[i].live)
			g->task[g->n++] = i;
	for (uint32_t i = 0; i < g->n; i++)
		g->component[i] = i;
	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			const struct task *a = &scene->task[g->task[i]],
					  *b = &scene->task[g->task[j]];

			g->edge[i][j] = edge(s, scene, a, b);
			if (g->edge[i][j] || (a->object && a->object == b->object))
				join(g, i, j);
		}
}

/* The shortest way from a node back to itself over such edges. */
static uint32_t cycle_from(const struct graph *g, uint32_t start, unsigned int mask,
			   uint32_t *cycle)
{
	uint32_t before[GRAPH_TASKS], queue[GRAPH_TASKS], n_queue = 0, length = 0;

	memset(before, 0xff, sizeof(before));
	queue[n_queue++] = start;
	for (uint32_t q = 0; q < n_queue; q++)
		for (uint32_t j = 0; j < g->n; j++) {
			uint32_t at = queue[q];

			if (!(g->edge[at][j] & mask))
				continue;
			if (j == start) {
				for (; at != start; at = before[at])
					cycle[length++] = at;
				cycle[length++] = start;
				for (uint32_t i = 0; i < length / 2; i++) {
					uint32_t swap = cycle[i];

					cycle[i] = cycle[length - 1 - i];
					cycle[length - 1 - i] = swap;
				}
				return length;
			}
			if (before[j] == UINT32_MAX) {
				before[j] = at;
				queue[n_queue++] = j;
			}
		}
	return 0;
}

uint32_t graph_cycle(const struct graph *g, uint32_t component, uint32_t *cycle)
{
	/* A wait for a child and mere history make no cycle together: the child just waits in vain.
	 */
	static const unsigned int mask[] = { EDGE_STRONG | EDGE_CHILD, EDGE_STRONG | EDGE_WEAK };
	uint32_t found[GRAPH_TASKS], best = 0;

	for (unsigned int m = 0; m < 2 && best == 0; m++)
		for (uint32_t i = 0; i < g->n; i++) {
			uint32_t n;

			if (component != ALL_COMPONENTS && g->component[i] != component)
				continue;
			n = cycle_from(g, i, mask[m], found);
			if (n && (best == 0 || n < best)) {
				best = n;
				memcpy(cycle, found, n * sizeof(*cycle));
			}
		}
	return best;
}
