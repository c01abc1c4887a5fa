/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_graph.c - who could wake whom. Whoever runs may wake some of those that wait; these may
 * then wake others; who is left when nothing more follows is stuck. Among the stuck ones edges lead
 * from each to those that it waits for.
 */
#include <string.h>
#include <sys/wait.h>

#include "watch.h"

bool has_end(const struct scene *scene, uint32_t proc, const struct pipe_wait *wait)
{
	for (uint32_t i = 0; i < scene->n_ends; i++) {
		const struct pipe_end *e = &scene->end[i];

		if (e->proc == proc && e->dev == wait->dev && e->ino == wait->ino &&
		    (wait->writes ? e->reads : e->writes))
			return true;
	}
	return false;
}

bool child_matches(const struct scene *scene, const struct task *parent,
		   const struct scene_proc *child)
{
	if (child->ppid != parent->pid)
		return false;
	switch (parent->id) {
	case P_ALL:
		return true;
	case P_PID:
		return child->pid == (pid_t)parent->num;
	default:
		return child->pgrp ==
		       (parent->num ? (pid_t)parent->num : scene->proc[parent->proc].pgrp);
	}
}

static bool child_wakes(const struct scene *scene, const struct task *t)
{
	bool any = false;

	for (uint32_t i = 0; i < scene->n_procs; i++) {
		const struct scene_proc *child = &scene->proc[i];

		if (!child_matches(scene, t, child))
			continue;
		if (child->live || child->zombie)
			return true;
		any = true;
	}
	/* Without any such child the call is about to fail. */
	return !any;
}

static bool live_child(const struct scene *scene, const struct task *t)
{
	for (uint32_t i = 0; i < scene->n_procs; i++)
		if (scene->proc[i].ppid == t->pid && scene->proc[i].live)
			return true;
	return false;
}

static enum wake_role role_of(const struct task *t)
{
	return t->kind == WAIT_RECEIVE ? WAKES_RECEIVER
	       : t->kind == WAIT_SEND  ? WAKES_SENDER
				       : WAKES_SEM;
}

static uint64_t woken_object(const struct task *t)
{
	return t->kind == WAIT_SIGNAL ? OBJECT_REF(OBJECT_PROCESS, t->pid) : t->object;
}

/* Has a live process ever ended such a wait? Of one that is not followed nothing is known. */
static bool history_wakes(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	for (uint32_t i = 0; i < scene->n_procs; i++) {
		const struct scene_proc *p = &scene->proc[i];

		if (!p->live)
			continue;
		if (p->process < 0 || scene->any_unfollowed ||
		    model_has_woken(s->model, (uint32_t)p->process, woken_object(t), role_of(t)))
			return true;
	}
	return false;
}

static bool pipe_wakes(const struct scene *scene, const struct pipe_wait *wait)
{
	bool any = false;

	for (uint32_t i = 0; i < scene->n_procs; i++) {
		if (!has_end(scene, i, wait))
			continue;
		if (scene->proc[i].live)
			return true;
		any = true;
	}
	/* It waits, so somebody has the other end: outside of the trial. */
	return !any;
}

static bool any_live(const struct scene *scene)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].live)
			return true;
	return false;
}

static bool can_be_woken(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	if (scene->proc[t->proc].awaits_child && live_child(scene, t))
		return true;
	switch (t->kind) {
	case WAIT_SEM:
	case WAIT_RECEIVE:
	case WAIT_SEND:
	case WAIT_SIGNAL:
		return history_wakes(s, scene, t);
	case WAIT_CHILD:
		return child_wakes(scene, t);
	case WAIT_READ:
	case WAIT_WRITE:
	case WAIT_POLL:
		for (unsigned int i = 0; i < t->n_pipes; i++)
			if (pipe_wakes(scene, &t->pipe[i]))
				return true;
		return false;
	case WAIT_OPEN:
	case WAIT_FUTEX:
		return any_live(scene);
	default:
		return true;
	}
}

bool scene_solve(struct supervisor *s, struct scene *scene)
{
	bool changed = true;
	uint32_t n_stuck = 0;

	ends_read(scene);
	if (scene->overflow)
		return false;
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].live)
			scene->proc[scene->task[i].proc].live = true;
	while (changed) {
		changed = false;
		n_stuck = 0;
		for (uint32_t i = 0; i < scene->n_tasks; i++) {
			struct task *t = &scene->task[i];

			if (t->live)
				continue;
			if (can_be_woken(s, scene, t))
				changed = t->live = scene->proc[t->proc].live = true;
			else
				n_stuck++;
		}
	}
	return n_stuck > 0;
}

bool scene_all_stuck(const struct scene *scene)
{
	return scene->n_tasks > 0 && !any_live(scene);
}

/* Does that task's process hold the lock that `waiter` waits for? */
static bool holds_lock(struct supervisor *s, const struct scene *scene, const struct task *t,
		       const struct task *waiter)
{
	int32_t process = scene->proc[t->proc].process;
	struct sem_holder holder[16];
	unsigned int n;

	if (process < 0 || waiter->kind != WAIT_SEM || waiter->to_zero ||
	    !model_sem_is_lock(s->model, waiter->id, waiter->num))
		return false;
	n = model_sem_holders(s->model, waiter->id, waiter->num, holder, 16);
	for (unsigned int i = 0; i < n && i < 16; i++)
		if (holder[i].alive && holder[i].process == (uint32_t)process &&
		    holder[i].units > 0 &&
		    (t->slot < 0 || s->thread[t->slot].number == holder[i].thread))
			return true;
	return false;
}

/*
 * A semaphore that is no lock has no holder: whoever has raised it before may do so again, and so
 * may whom the waiter itself keeps from going on.
 */
static uint8_t sem_edge(struct supervisor *s, const struct scene *scene, const struct task *from,
			const struct task *to)
{
	int32_t process = scene->proc[to->proc].process;
	bool same = to->kind == WAIT_SEM && to->id == from->id && to->num == from->num;

	if (model_sem_is_lock(s->model, from->id, from->num) && !from->to_zero)
		return holds_lock(s, scene, to, from) ? EDGE_STRONG : 0;
	if (process < 0 || from->proc == to->proc || same)
		return 0;
	return model_has_woken(s->model, (uint32_t)process, from->object, WAKES_SEM) ||
			       holds_lock(s, scene, from, to)
		       ? EDGE_WEAK
		       : 0;
}

static uint8_t pipe_edge(const struct scene *scene, const struct task *from, const struct task *to)
{
	if (from->proc == to->proc)
		return 0;
	for (unsigned int i = 0; i < from->n_pipes; i++) {
		/* Somebody who waits for the same can not be meant to end the wait. */
		bool same = to->n_pipes == 1 && to->pipe[0].ino == from->pipe[i].ino &&
			    to->pipe[0].dev == from->pipe[i].dev &&
			    to->pipe[0].writes == from->pipe[i].writes;

		if (!same && has_end(scene, to->proc, &from->pipe[i]))
			return EDGE_STRONG;
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

	if (process < 0 || from->proc == to->proc)
		return 0;
	if (model_has_woken(s->model, (uint32_t)process, woken_object(from), role_of(from)))
		return EDGE_WEAK;
	return from->kind == WAIT_SEND && to->kind == WAIT_SEND && from->id != to->id ? EDGE_WEAK
										      : 0;
}

static uint8_t edge(struct supervisor *s, const struct scene *scene, const struct task *from,
		    const struct task *to)
{
	switch (from->kind) {
	case WAIT_SEM:
		return sem_edge(s, scene, from, to);
	case WAIT_RECEIVE:
	case WAIT_SEND:
	case WAIT_SIGNAL:
		return history_edge(s, scene, from, to);
	case WAIT_CHILD:
		return child_matches(scene, from, &scene->proc[to->proc]) ? EDGE_CHILD : 0;
	case WAIT_READ:
	case WAIT_WRITE:
	case WAIT_POLL:
		return pipe_edge(scene, from, to);
	case WAIT_OPEN:
		return to->kind == WAIT_OPEN && to->proc != from->proc && to->object != from->object
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
			if (g->edge[i][j] || a->proc == b->proc ||
			    (a->object && a->object == b->object))
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
