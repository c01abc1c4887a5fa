/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock-order: all take locks, of whatever kinds, in the same order. Each taking of one lock while
 * another is held is an edge; a cycle of edges, each by a thread of its own, is a deadlock that did
 * not happen yet, unless a common third lock keeps them apart.
 */
#include <stdio.h>
#include <string.h>

#include "invariants.h"
#include "lock_graph.h"

/* The locks that were taken before this one and are still held: they may keep others out. */
static void add_gates(const struct lock_taken *held, unsigned int n_held, unsigned int at,
		      struct lock_user *user)
{
	for (unsigned int i = 0; i < n_held && user->n_gates < LOCK_GATES; i++)
		if (i != at && held[i].taken_exit < held[at].taken_exit)
			user->gate[user->n_gates++] = (struct lock_gate){
				.object = held[i].node.object,
				.num = held[i].node.num,
				.shared = held[i].node.part.shared,
			};
}

static void note_taken(struct model *model, struct lock_graph *graph, struct actor *actor,
		       const struct event *event, const struct lock_taken *held,
		       unsigned int n_held, const struct lock_node *wanted)
{
	for (unsigned int i = 0; i < n_held; i++) {
		struct lock_user user = {
			.actor = actor,
			.segment = actor->n_segments,
			.held_stack = held[i].stack,
			.wanted_stack = event->stack,
			.held = held[i].node.part,
			.wanted = wanted->part,
			.first_enter = event->enter_tsc,
			.last_exit = event->exit_tsc,
		};

		if (lock_same(&held[i].node, wanted))
			continue;
		add_gates(held, n_held, i, &user);
		lock_graph_add(model, graph, &held[i].node, wanted, &user);
	}
}

/* What would not have been waited for for ever orders nothing; neither do several at once. */
static void lock_order_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			     const struct event *event, const uint8_t *more)
{
	struct lock_taken held[LOCKS_TAKEN];
	struct lock_node wanted[LOCKS_TAKEN];
	unsigned int n_held, n;

	if (!locks_any_held(model, process, thread))
		return;
	n = locks_waited_for(model, process, thread, event, more, wanted);
	n_held = n ? locks_held(model, process, thread, held) : 0;
	for (unsigned int i = 0; i < n && n_held; i++)
		note_taken(model, data, actor_see(model, process, thread, event), event, held,
			   n_held, &wanted[i]);
}

static void report(struct model *model, const struct lock_cycle *cycle)
{
	struct finding *f = finding_new("lock-order", "");
	size_t n = 0;

	for (unsigned int i = 0; i < cycle->n; i++) {
		const struct lock_edge *edge = cycle->edge[i];
		const struct lock_user *user = cycle->user[i];
		const struct actor *actor = user->actor;
		char held[100], wanted[100], title[120], label[160];

		lock_name(model, &edge->held, held, sizeof(held));
		lock_name(model, &edge->wanted, wanted, sizeof(wanted));
		actor_title(model, actor->process, actor->thread, title, sizeof(title));
		finding_add_lock(model, f, &edge->held);
		finding_detail(f, "%s takes %s, then %s", title, held, wanted);
		snprintf(label, sizeof(label), "took %s here", held);
		finding_add_thread_stack(model, f, actor->process, actor->thread, user->held_stack,
					 label);
		snprintf(label, sizeof(label), "and then %s here", wanted);
		finding_add_thread_stack(model, f, actor->process, actor->thread,
					 user->wanted_stack, label);
		if (n < sizeof(f->message))
			n += (size_t)snprintf(f->message + n, sizeof(f->message) - n,
					      "%s%s takes %s, then %s", i ? "; " : "", title, held,
					      wanted);
	}
	findings_add(model->findings, f);
}

static bool has_deadlock(const struct finding_list *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (!strcmp(list->item[i]->kind, "deadlock"))
			return true;
	return false;
}

static void lock_order_finish(struct model *model, void *data, enum trial_end how,
			      const struct leftover *left, unsigned int n_left)
{
	struct lock_graph *graph = data;

	(void)left, (void)n_left;
	if (how == TRIAL_ENDED && !has_deadlock(model->findings))
		lock_graph_cycles(model, graph, report);
	lock_graph_clear(model, graph);
}

static void lock_order_release(void *data)
{
	lock_graph_free(data);
}

const struct invariant lock_order_invariant = {
	.name = "lock-order",
	.about = "Locks, of all kinds, are taken in the same order by all.",
	.n_state_bytes = sizeof(struct lock_graph),
	.event = lock_order_event,
	.finish = lock_order_finish,
	.release = lock_order_release,
};
