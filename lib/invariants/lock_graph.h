/* SPDX-License-Identifier: Apache-2.0 */
/* lock_graph.h - which semaphore was taken while which other was held, and cycles in that. */
#ifndef IPCJAM_LOCK_GRAPH_H
#define IPCJAM_LOCK_GRAPH_H

#include "../model_private.h"

#define LOCK_GATES 8
#define LOCK_USERS 4
#define LOCK_CYCLE 8

struct lock_node {
	struct sem_set *set;
	unsigned int num;
};

/* A process that took both. */
struct lock_user {
	uint32_t process;
	uint32_t held_stack, wanted_stack;
	uint64_t tsc;                      /* when it last did */
	struct lock_node gate[LOCK_GATES]; /* what it held besides, each time */
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

void lock_graph_add(struct lock_graph *graph, struct lock_node held, struct lock_node wanted,
		    const struct lock_user *user);
/* Tells of each cycle that different processes could close. */
void lock_graph_cycles(struct model *model, const struct lock_graph *graph,
		       void (*found)(struct model *model, const struct lock_cycle *cycle));
void lock_graph_clear(struct model *model, struct lock_graph *graph);
void lock_graph_free(struct lock_graph *graph);

#endif
