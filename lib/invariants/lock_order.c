/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock-order: different processes take semaphores that are locks in the same order. Each P on one
 * lock while another is held is an edge; a cycle of edges, each by a process of its own, is a
 * deadlock that did not happen yet, unless a common third lock keeps them apart.
 */
#include <stdio.h>
#include <string.h>
#include <sys/sem.h>

#include "invariants.h"
#include "lock_graph.h"

static bool holds_now(const struct model *model, const struct sem_hold *hold, uint32_t thread)
{
	const struct sem_touch *touch = sem_user_touch(hold->user, hold->num);

	(void)model;
	return touch_held(touch) > 0 && touch->thread == thread && !touch->uncertain &&
	       sem_is_lock(&hold->user->set->sem[hold->num]);
}

static struct lock_node node_of(const struct sem_hold *hold)
{
	return (struct lock_node){ .set = hold->user->set, .num = hold->num };
}

/* The locks that were taken before this one and are still held: they may keep others out. */
static void add_gates(const struct model *model, const struct process *p, unsigned int held,
		      uint32_t thread, struct lock_user *user)
{
	const struct sem_touch *touch = sem_user_touch(p->hold[held].user, p->hold[held].num);

	for (unsigned int i = 0; i < p->n_holds && user->n_gates < LOCK_GATES; i++) {
		const struct sem_touch *other = sem_user_touch(p->hold[i].user, p->hold[i].num);

		if (i != held && holds_now(model, &p->hold[i], thread) &&
		    other->taken_exit < touch->taken_exit)
			user->gate[user->n_gates++] = node_of(&p->hold[i]);
	}
}

static void note_taken(struct model *model, struct lock_graph *graph, uint32_t process,
		       uint32_t thread, const struct event *event, struct lock_node wanted)
{
	const struct process *p = process_get(model, process);

	for (unsigned int i = 0; i < p->n_holds; i++) {
		struct lock_node held = node_of(&p->hold[i]);
		const struct sem_touch *touch = sem_user_touch(p->hold[i].user, p->hold[i].num);
		struct lock_user user = {
			.process = process,
			.held_stack = touch->stack,
			.wanted_stack = event->stack,
			.tsc = event->exit_tsc,
		};

		if ((held.set == wanted.set && held.num == wanted.num) ||
		    !holds_now(model, &p->hold[i], thread))
			continue;
		add_gates(model, p, i, thread, &user);
		lock_graph_add(graph, held, wanted, &user);
	}
}

/* A P that would not have waited for ever orders nothing; neither do several at once. */
static void lock_order_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			     const struct event *event, const uint8_t *more)
{
	unsigned int call = calls[event->call].canonical_id;
	struct sem_op ops[SEM_OPS_MAX];
	struct sem_set *set;
	unsigned int n_ops;

	if ((call != CALL_semop && call != CALL_semtimedop) ||
	    !process_get(model, process)->n_holds || event->flags & EVENT_TIMED ||
	    !event_took_effect(event))
		return;
	set = sem_event_set(model, event);
	n_ops = set ? sem_event_ops(event, more, ops, SEM_OPS_MAX) : 0;
	for (unsigned int i = 0; i < n_ops; i++)
		if (ops[i].op < 0 && !(ops[i].flg & IPC_NOWAIT) &&
		    sem_is_lock(sem_get(set, ops[i].num)))
			note_taken(model, data, process, thread, event,
				   (struct lock_node){ .set = set, .num = ops[i].num });
}

static void report(struct model *model, const struct lock_cycle *cycle)
{
	struct finding *f = finding_new("lock-order", "");
	size_t n = 0;

	for (unsigned int i = 0; i < cycle->n; i++) {
		const struct lock_edge *edge = cycle->edge[i];
		const struct lock_user *user = cycle->user[i];
		char held[100], wanted[100], title[120], label[160];

		sem_name(model, edge->held.set, edge->held.num, held, sizeof(held));
		sem_name(model, edge->wanted.set, edge->wanted.num, wanted, sizeof(wanted));
		process_title(model, user->process, title, sizeof(title));
		finding_add_sem(model, f, edge->held.set, edge->held.num);
		finding_detail(f, "%s takes %s, then %s", title, held, wanted);
		snprintf(label, sizeof(label), "took %s here", held);
		finding_add_stack(model, f, user->process, user->held_stack, label);
		snprintf(label, sizeof(label), "and then %s here", wanted);
		finding_add_stack(model, f, user->process, user->wanted_stack, label);
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
	.about = "Semaphores used as locks are taken in the same order by all.",
	.n_state_bytes = sizeof(struct lock_graph),
	.event = lock_order_event,
	.finish = lock_order_finish,
	.release = lock_order_release,
};
