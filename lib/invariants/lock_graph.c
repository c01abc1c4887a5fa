/* SPDX-License-Identifier: Apache-2.0 */
/* lock_graph.c - the edges that lock-order collects, and the search for cycles. */
#include "lock_graph.h"

#include <stdlib.h>

#define EDGES_MAX 2048
#define STEPS_MAX 200000

static bool same_node(const struct lock_node *a, const struct lock_node *b)
{
	return a->set == b->set && a->num == b->num;
}

static uint64_t node_id(const struct lock_node *node)
{
	return node->set->object.serial << 16 | node->num;
}

/* Gates are what it held every time. */
static void keep_common_gates(struct lock_user *old, const struct lock_user *now)
{
	for (unsigned int i = old->n_gates; i-- > 0;) {
		bool found = false;

		for (unsigned int k = 0; k < now->n_gates; k++)
			found |= same_node(&old->gate[i], &now->gate[k]);
		if (!found)
			old->gate[i] = old->gate[--old->n_gates];
	}
}

static struct lock_edge *edge_see(struct lock_graph *graph, struct lock_node held,
				  struct lock_node wanted)
{
	uint64_t key = mark_mix(node_id(&held), node_id(&wanted));
	struct lock_edge *edge = table_get(&graph->table, key);

	if (edge || graph->n == EDGES_MAX)
		return edge;
	edge = model_alloc(sizeof(*edge));
	edge->held = held;
	edge->wanted = wanted;
	object_keep(&held.set->object);
	object_keep(&wanted.set->object);
	graph->edge = model_grow(graph->edge, &graph->room, graph->n + 1, sizeof(graph->edge[0]));
	graph->edge[graph->n++] = edge;
	table_put(&graph->table, key, edge);
	return edge;
}

void lock_graph_add(struct lock_graph *graph, struct lock_node held, struct lock_node wanted,
		    const struct lock_user *user)
{
	struct lock_edge *edge = edge_see(graph, held, wanted);

	for (unsigned int i = 0; edge && i < edge->n_users; i++) {
		if (edge->user[i].process != user->process)
			continue;
		keep_common_gates(&edge->user[i], user);
		edge->user[i].tsc = user->tsc;
		return;
	}
	if (edge && edge->n_users < LOCK_USERS)
		edge->user[edge->n_users++] = *user;
}

/* The search for cycles. */
struct search {
	struct model *model;
	const struct lock_graph *graph;
	struct lock_cycle cycle;
	unsigned int n_steps;
	void (*found)(struct model *model, const struct lock_cycle *cycle);
};

static bool is_lock(const struct lock_node *node)
{
	return sem_is_proven_lock(&node->set->sem[node->num]);
}

static bool holds_gate(const struct lock_user *user, const struct lock_node *gate)
{
	for (unsigned int i = 0; i < user->n_gates; i++)
		if (same_node(&user->gate[i], gate))
			return true;
	return false;
}

/* A third lock that all of them hold, and that lets in fewer than they are. */
static bool is_gated(const struct lock_cycle *cycle)
{
	for (unsigned int i = 0; i < cycle->user[0]->n_gates; i++) {
		const struct lock_node *gate = &cycle->user[0]->gate[i];
		unsigned int n_holders = 0;

		for (unsigned int k = 0; k < cycle->n; k++)
			n_holders += holds_gate(cycle->user[k], gate);
		if (n_holders == cycle->n && is_lock(gate) &&
		    gate->set->sem[gate->num].initial < (int32_t)cycle->n)
			return true;
	}
	return false;
}

/* Can both have been at it at the same time? Not the parent before the fork, and the child after.
 */
static bool can_meet(const struct model *model, const struct lock_user *a,
		     const struct lock_user *b)
{
	if (a->process == b->process)
		return false;
	if (process_descends(model, b->process, a->process))
		return a->tsc > process_get(model, b->process)->begin_tsc;
	if (process_descends(model, a->process, b->process))
		return b->tsc > process_get(model, a->process)->begin_tsc;
	return true;
}

static bool fits(const struct search *search, const struct lock_user *user)
{
	for (unsigned int i = 0; i < search->cycle.n; i++)
		if (!can_meet(search->model, search->cycle.user[i], user))
			return false;
	return true;
}

static bool visits(const struct lock_cycle *cycle, const struct lock_node *node)
{
	for (unsigned int i = 0; i < cycle->n; i++)
		if (same_node(&cycle->edge[i]->held, node))
			return true;
	return false;
}

static bool extend(struct search *search, const struct lock_node *from);

/* Goes on over this edge with each of its users; true when a cycle was told. */
static bool try_edge(struct search *search, const struct lock_edge *edge)
{
	const struct lock_node *start =
		search->cycle.n ? &search->cycle.edge[0]->held : &edge->held;
	bool closes = same_node(&edge->wanted, start);
	struct lock_cycle *cycle = &search->cycle;
	bool told = false;

	for (unsigned int i = 0; i < edge->n_users && !told; i++) {
		if (++search->n_steps > STEPS_MAX || !fits(search, &edge->user[i]))
			continue;
		cycle->edge[cycle->n] = edge;
		cycle->user[cycle->n++] = &edge->user[i];
		if (!closes) {
			told = extend(search, &edge->wanted);
		} else if (!is_gated(cycle)) {
			search->found(search->model, cycle);
			told = true;
		}
		cycle->n--;
	}
	return told;
}

static bool extend(struct search *search, const struct lock_node *from)
{
	const struct lock_cycle *cycle = &search->cycle;
	uint64_t least = node_id(&cycle->edge[0]->held);
	bool told = false;

	for (unsigned int i = 0; i < search->graph->n && cycle->n < LOCK_CYCLE; i++) {
		const struct lock_edge *edge = search->graph->edge[i];

		if (!same_node(&edge->held, from) || !is_lock(&edge->wanted))
			continue;
		/* Each cycle is found from its first node only. */
		if (same_node(&edge->wanted, &cycle->edge[0]->held) ||
		    (node_id(&edge->wanted) > least && !visits(cycle, &edge->wanted)))
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

		if (node_id(&edge->wanted) > node_id(&edge->held) && is_lock(&edge->held) &&
		    is_lock(&edge->wanted))
			try_edge(&search, edge);
	}
}

void lock_graph_clear(struct model *model, struct lock_graph *graph)
{
	for (unsigned int i = 0; i < graph->n; i++) {
		object_release(model, &graph->edge[i]->held.set->object);
		object_release(model, &graph->edge[i]->wanted.set->object);
		free(graph->edge[i]);
	}
	graph->n = 0;
	table_free(&graph->table);
}

void lock_graph_free(struct lock_graph *graph)
{
	for (unsigned int i = 0; i < graph->n; i++)
		free(graph->edge[i]);
	free(graph->edge);
	table_free(&graph->table);
}
