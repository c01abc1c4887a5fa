/* SPDX-License-Identifier: Apache-2.0 */
/* lock_graph.c - the edges that lock-order collects. */
#include "lock_graph.h"

#include <stdlib.h>

#define EDGES_MAX 2048
#define SEGMENTS 3 /* of one thread */

static uint64_t node_id(const struct lock_node *node)
{
	uint64_t id = mark_mix(node->object->serial, node->num);

	id = mark_mix(id, (uint64_t)node->part.start ^ (uint64_t)node->part.last << 1);
	return mark_mix(id, (uint64_t)node->part.shared << 1 | node->part.fcntl);
}

static bool has_gate(const struct lock_user *user, const struct lock_gate *gate)
{
	for (unsigned int i = 0; i < user->n_gates; i++)
		if (user->gate[i].object == gate->object && user->gate[i].num == gate->num)
			return true;
	return false;
}

static void drop_gate(struct model *model, struct lock_user *user, unsigned int i)
{
	object_release(model, user->gate[i].object);
	user->gate[i] = user->gate[--user->n_gates];
}

/* Gates are what it held every time. */
static void keep_common_gates(struct model *model, struct lock_user *old,
			      const struct lock_user *now)
{
	for (unsigned int i = old->n_gates; i-- > 0;)
		if (!has_gate(now, &old->gate[i]))
			drop_gate(model, old, i);
}

static struct lock_edge *edge_see(struct lock_graph *graph, const struct lock_node *held,
				  const struct lock_node *wanted)
{
	uint64_t key = mark_mix(node_id(held), node_id(wanted));
	struct lock_edge *edge = table_get(&graph->table, key);

	if (edge || graph->n == EDGES_MAX)
		return edge;
	edge = model_alloc(sizeof(*edge));
	edge->held = *held;
	edge->wanted = *wanted;
	object_keep(held->object);
	object_keep(wanted->object);
	graph->edge = model_grow(graph->edge, &graph->room, graph->n + 1, sizeof(graph->edge[0]));
	graph->edge[graph->n++] = edge;
	table_put(&graph->table, key, edge);
	return edge;
}

static void drop_user(struct model *model, struct lock_edge *edge, unsigned int at)
{
	struct lock_user *user = &edge->user[at];

	while (user->n_gates)
		drop_gate(model, user, user->n_gates - 1);
	actor_release(user->actor);
	edge->n_users--;
	for (; at < edge->n_users; at++)
		edge->user[at] = edge->user[at + 1];
}

/* The user's entry for this part of its life; of many parts the first ones are forgotten. */
static struct lock_user *find_user(struct model *model, struct lock_edge *edge,
				   const struct lock_user *wanted)
{
	unsigned int n = 0, oldest = 0;

	for (unsigned int i = 0; i < edge->n_users; i++) {
		if (edge->user[i].actor != wanted->actor)
			continue;
		if (edge->user[i].segment == wanted->segment)
			return &edge->user[i];
		if (n++ == 0)
			oldest = i;
	}
	if (n == SEGMENTS)
		drop_user(model, edge, oldest);
	return NULL;
}

void lock_graph_add(struct model *model, struct lock_graph *graph, const struct lock_node *held,
		    const struct lock_node *wanted, const struct lock_user *user)
{
	struct lock_edge *edge = edge_see(graph, held, wanted);
	struct lock_user *old = edge ? find_user(model, edge, user) : NULL;

	if (old) {
		keep_common_gates(model, old, user);
		old->last_exit = user->last_exit;
		return;
	}
	if (!edge || edge->n_users == LOCK_USERS)
		return;
	actor_keep(user->actor);
	for (unsigned int i = 0; i < user->n_gates; i++)
		object_keep(user->gate[i].object);
	edge->user[edge->n_users++] = *user;
}

void lock_graph_clear(struct model *model, struct lock_graph *graph)
{
	for (unsigned int i = 0; i < graph->n; i++) {
		struct lock_edge *edge = graph->edge[i];

		while (edge->n_users)
			drop_user(model, edge, edge->n_users - 1);
		object_release(model, edge->held.object);
		object_release(model, edge->wanted.object);
		free(edge);
	}
	graph->n = 0;
	table_free(&graph->table);
}

void lock_graph_free(struct lock_graph *graph)
{
	for (unsigned int i = 0; i < graph->n; i++) {
		for (unsigned int k = 0; k < graph->edge[i]->n_users; k++)
			actor_release(graph->edge[i]->user[k].actor);
		free(graph->edge[i]);
	}
	free(graph->edge);
	table_free(&graph->table);
}
