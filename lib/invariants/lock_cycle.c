/* SPDX-License-Identifier: Apache-2.0 */
/* lock_cycle.c - the search for cycles in what lock-order has collected. */
#include "lock_graph.h"

#define STEPS_MAX 200000

struct search {
	struct model *model;
	const struct lock_graph *graph;
	unsigned int first; /* edge of the cycle: the others come after it in the graph */
	struct lock_cycle cycle;
	unsigned int n_steps;
	void (*found)(struct model *model, const struct lock_cycle *cycle);
};

static bool holds_gate(const struct lock_user *user, const struct lock_gate *gate, bool *shared)
{
	for (unsigned int i = 0; i < user->n_gates; i++)
		if (user->gate[i].object == gate->object && user->gate[i].num == gate->num) {
			*shared = user->gate[i].shared;
			return true;
		}
	return false;
}

/* Do all of them hold it, and does it not let them all in? */
static bool keeps_apart(const struct lock_cycle *cycle, const struct lock_gate *gate)
{
	struct lock_node node = { .object = gate->object, .num = gate->num };
	unsigned int n_holders = 0, n_shared = 0;

	for (unsigned int i = 0; i < cycle->n; i++) {
		bool shared = false;

		n_holders += holds_gate(cycle->user[i], gate, &shared);
		n_shared += shared;
	}
	return n_holders == cycle->n && n_shared < cycle->n && lock_is_proven(&node) &&
	       lock_places(&node) < (int)cycle->n;
}

/* A third lock that all of them hold, and that lets in fewer than they are. */
static bool is_gated(const struct lock_cycle *cycle)
{
	for (unsigned int i = 0; i < cycle->user[0]->n_gates; i++)
		if (keeps_apart(cycle, &cycle->user[0]->gate[i]))
			return true;
	return false;
}

static uint64_t begin_of(const struct model *model, const struct lock_user *user, bool of_process)
{
	const struct process *p = process_get(model, user->actor->process);

	if (!of_process)
		return user->actor->begin;
	return p->born_enter ? p->born_enter : p->begin_tsc;
}

/* It was over and waited for by its maker. 0: not known. */
static uint64_t end_of(const struct model *model, const struct lock_user *user,
		       const struct lock_user *maker, bool of_process)
{
	const struct process *p = process_get(model, user->actor->process);

	if (of_process)
		return p->parent == (int32_t)maker->actor->process ? p->reaped_exit : 0;
	return user->actor->joiner == maker->actor->thread ? user->actor->joined_exit : 0;
}

/* The child, or the thread, was not there yet, or not any more. */
static bool lives_with(const struct model *model, const struct lock_user *child,
		       const struct lock_user *maker)
{
	bool of_process = child->actor->process != maker->actor->process;
	uint64_t end = end_of(model, child, maker, of_process);

	return maker->last_exit > begin_of(model, child, of_process) &&
	       (!end || maker->first_enter < end);
}

/* Where it came from is not known: then only what it did at the same time as others counts. */
static bool is_foundling(const struct lock_user *user)
{
	return user->actor->thread && !user->actor->creator;
}

/*
 * Can both have been at it at the same time? Not a maker before it made the other, or after it has
 * waited for its end. That one who was waited for before the other was made is no excuse: workers
 * that are started in turn today may be started together tomorrow.
 */
static bool can_meet(const struct model *model, const struct lock_user *a,
		     const struct lock_user *b)
{
	if (a->actor == b->actor)
		return false;
	if (actor_descends(model, b->actor, a->actor))
		return lives_with(model, b, a);
	if (actor_descends(model, a->actor, b->actor))
		return lives_with(model, a, b);
	if (a->actor->process == b->actor->process && (is_foundling(a) || is_foundling(b)))
		return a->last_exit > b->first_enter && b->last_exit > a->first_enter;
	return true;
}

static bool fits(const struct search *search, const struct lock_user *user)
{
	for (unsigned int i = 0; i < search->cycle.n; i++)
		if (!can_meet(search->model, search->cycle.user[i], user))
			return false;
	return true;
}

/* The one that wants it has to wait for the one that has it: not if both share it, nor if it is
 * theirs in common. */
static bool is_kept_out(const struct lock_user *wants, const struct lock_user *has)
{
	const struct lock_part *wanted = &wants->wanted, *held = &has->held;

	if (wanted->shared && held->shared)
		return false;
	if (wants->actor->process != has->actor->process || wanted->owner != held->owner)
		return true;
	return wanted->owner == OWNED_BY_THREAD ||
	       (wanted->owner == OWNED_BY_FILE && wanted->fd != held->fd);
}

/* The kernel refuses to close a circle of record locks that belong to processes. */
static bool is_refused(const struct lock_cycle *cycle)
{
	for (unsigned int i = 0; i < cycle->n; i++)
		if (cycle->user[i]->wanted.owner != OWNED_BY_PROCESS)
			return false;
	return true;
}

static bool visits(const struct lock_cycle *cycle, const struct lock_node *node)
{
	for (unsigned int i = 0; i < cycle->n; i++)
		if (lock_same(&cycle->edge[i]->held, node))
			return true;
	return false;
}

static bool extend(struct search *search, const struct lock_edge *last);

static bool closes(const struct lock_cycle *cycle)
{
	return lock_same(&cycle->edge[cycle->n - 1]->wanted, &cycle->edge[0]->held) &&
	       is_kept_out(cycle->user[cycle->n - 1], cycle->user[0]);
}

/* Goes on over this edge with each of its users, until a cycle was told. */
static bool try_edge(struct search *search, const struct lock_edge *edge)
{
	struct lock_cycle *cycle = &search->cycle;
	bool told = false;

	for (unsigned int i = 0; i < edge->n_users && !told; i++) {
		const struct lock_user *user = &edge->user[i];

		if (++search->n_steps > STEPS_MAX || !fits(search, user) ||
		    (cycle->n && !is_kept_out(cycle->user[cycle->n - 1], user)))
			continue;
		cycle->edge[cycle->n] = edge;
		cycle->user[cycle->n++] = user;
		if (!closes(cycle)) {
			told = extend(search, edge);
		} else if (!is_gated(cycle) && !is_refused(cycle)) {
			search->found(search->model, cycle);
			told = true;
		}
		cycle->n--;
	}
	return told;
}

static bool extend(struct search *search, const struct lock_edge *last)
{
	const struct lock_cycle *cycle = &search->cycle;
	bool told = false;

	if (cycle->n == LOCK_CYCLE || visits(cycle, &last->wanted))
		return false;
	for (unsigned int i = search->first + 1; i < search->graph->n; i++) {
		const struct lock_edge *edge = search->graph->edge[i];

		if (lock_same(&edge->held, &last->wanted) && lock_is_proven(&edge->held) &&
		    lock_is_proven(&edge->wanted) && search->n_steps <= STEPS_MAX)
			told |= try_edge(search, edge);
	}
	return told;
}

void lock_graph_cycles(struct model *model, const struct lock_graph *graph,
		       void (*found)(struct model *model, const struct lock_cycle *cycle))
{
	struct search search = { .model = model, .graph = graph, .found = found };

	for (unsigned int i = 0; i < graph->n; i++) {
		const struct lock_edge *edge = graph->edge[i];

		search.first = i;
		if (lock_is_proven(&edge->held) && lock_is_proven(&edge->wanted))
			try_edge(&search, edge);
	}
}
