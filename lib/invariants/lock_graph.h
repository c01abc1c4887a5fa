/* SPDX-License-Identifier: Apache-2.0 */
/* lock_graph.h - which lock was taken while which other was held, and cycles in that. */
#ifndef IPCJAM_LOCK_GRAPH_H
#define IPCJAM_LOCK_GRAPH_H

#include "../model_lock.h"

#define LOCK_GATES 8
#define LOCK_USERS 8
#define LOCK_CYCLE 8

/* What a thread held besides. */
struct lock_gate {
	struct object *object;
	unsigned int num;
	bool shared;
};

/* A thread that took both, for some part of its life. */
struct lock_user {
	struct actor *actor;
	uint32_t segment; /* the part: between two makings or joins of others */
	uint32_t held_stack, wanted_stack;
	struct lock_part held, wanted;
	uint64_t first_enter, last_exit;
	struct lock_gate gate[LOCK_GATES]; /* each time */
	unsigned int n_gates;
};

struct lock_edge {
	struct lock_node held, wanted;
	struct lock_user user[LOCK_USERS];
	unsigned int n_users;
};

struct lock_graph {
	struct model_table table; /* both nodes -> edge */
	struct lock_edge **edge;
	unsigned int n, room;
};

struct lock_cycle {
	const struct lock_edge *edge[LOCK_CYCLE];
	const struct lock_user *user[LOCK_CYCLE];
	unsigned int n;
};

void lock_graph_add(struct model *model, struct lock_graph *graph, const struct lock_node *held,
		    const struct lock_node *wanted, const struct lock_user *user);
void lock_graph_clear(struct model *model, struct lock_graph *graph);
void lock_graph_free(struct lock_graph *graph);

/* lock_cycle.c: tells of each cycle that different threads could close. */
void lock_graph_cycles(struct model *model, const struct lock_graph *graph,
		       void (*found)(struct model *model, const struct lock_cycle *cycle));

#endif
