/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_cause.c - why tasks are stuck: the holder of a lock is dead, a wake-up came too early, an
 * end that nobody uses keeps the end of the file away, they wait in a circle; or else nobody is
 * left who would wake them.
 */
#include <string.h>

#include "watch.h"

#define HOLDERS 64

const struct task *stuck_task(const struct stuck *y, uint32_t node)
{
	return &y->scene->task[y->graph->task[node]];
}

bool stuck_has(const struct stuck *y, uint32_t node)
{
	return y->component == ALL_COMPONENTS || y->graph->component[node] == y->component;
}

/* Who took it and died, as far as the events tell. */
static bool dead_holder(const struct stuck *y, const struct task *t, struct lock_holder *dead)
{
	struct lock_holder holder[HOLDERS];
	unsigned int n = model_lock_holders(y->s->model, t->object,
					    t->kind == WAIT_SEM ? t->num : 0, holder, HOLDERS);

	for (unsigned int h = 0; h < n && h < HOLDERS; h++)
		if (!holder[h].alive && holder[h].units > 0 && !holder[h].restored) {
			*dead = holder[h];
			return true;
		}
	return false;
}

/* The lock's memory names a thread that is no more, or not in this process. */
static bool owner_is_dead(const struct stuck *y, const struct task *t)
{
	const struct task *owner = scene_task(y->scene, t->memory.owner);

	return t->memory.owner && !t->memory.robust && !(owner && is_owner(owner, t));
}

static bool is_orphaned(const struct stuck *y, const struct task *t, struct lock_holder *dead,
			bool *known)
{
	if (!waits_for_lock(y->s, t) || t->kind == WAIT_FILE_LOCK)
		return false;
	*known = dead_holder(y, t, dead);
	/* What memory says is so; what is only counted may be wrong when memory says otherwise. */
	return t->memory.owner ? owner_is_dead(y, t) : *known;
}

/* A lock that is waited for, and whose holder is dead. */
static bool find_orphaned(struct stuck *y)
{
	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++) {
		const struct task *t = stuck_task(y, i);
		const struct task *first = y->n_core ? stuck_task(y, y->core[0]) : NULL;
		struct lock_holder dead = { 0 };
		bool known = false;

		if (!stuck_has(y, i) ||
		    (first && (first->object != t->object || first->num != t->num)) ||
		    !is_orphaned(y, t, &dead, &known))
			continue;
		if (y->n_core == 0) {
			y->dead = dead;
			y->dead_known = known;
		}
		y->core[y->n_core++] = i;
	}
	return y->n_core > 0;
}

/* It was woken after its last wait was over, and before this one began. */
static bool find_lost(struct stuck *y)
{
	struct lost_wake wake;

	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++) {
		const struct task *t = stuck_task(y, i);
		int32_t process = y->scene->proc[t->proc].process;
		struct event event;

		if (!stuck_has(y, i) || (t->kind != WAIT_SIGNAL && t->kind != WAIT_COND) ||
		    process < 0 || !task_call(y->s, t, &event) ||
		    !model_wake_lost(y->s->model, woken_object(t), (uint32_t)process,
				     y->s->thread[t->slot].number, event.enter_tsc, &wake))
			continue;
		if (y->n_core == 0)
			y->wake = wake;
		y->core[y->n_core++] = i;
	}
	return y->n_core > 0;
}

static bool was_ever_written(const struct stuck *y, const struct target *target)
{
	bool pipe = target->file.kind == FILE_PIPE;
	uint64_t object = pipe ? target->object : OBJECT_REF(OBJECT_SOCKET, target->peer);
	unsigned int how = pipe ? USE_WRITTEN : USE_WRITTEN | USE_READ;

	for (uint32_t i = 0; i < y->s->n_processes; i++)
		if (observe_used(y->s, i, object) & how)
			return true;
	return false;
}

/*
 * Those that have the other end never used it: they do not even know that they have it. Either its
 * reader is the only one, or somebody else has written and gone.
 */
static bool never_ends(const struct stuck *y, const struct task *t, const struct target *target)
{
	unsigned int n_others = 0, n = 0;

	if (target->writes || target->crowd ||
	    (target->file.kind != FILE_PIPE && target->file.kind != FILE_SOCKET))
		return false;
	for (uint32_t i = 0; i < y->scene->n_procs; i++) {
		if (!has_end(y->scene, i, target))
			continue;
		if (was_used(y->s, y->scene, i, target))
			return false;
		n++;
		n_others += i != t->proc;
	}
	return n > 0 && (n_others == 0 || was_ever_written(y, target));
}

static bool is_withheld(const struct stuck *y, const struct task *t)
{
	bool one = t->n_targets == 1 && (t->kind == WAIT_READ || t->kind == WAIT_POLL);

	return (one || t->kind == WAIT_MOVE) && never_ends(y, t, task_target(y->scene, t, 0));
}

static bool find_withheld(struct stuck *y)
{
	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++)
		if (stuck_has(y, i) && is_withheld(y, stuck_task(y, i)))
			y->core[y->n_core++] = i;
	return y->n_core > 0;
}

/* Those that wait for children, threads, or nobody knows what, only follow from the others. */
static bool follows(const struct task *t)
{
	return t->kind == WAIT_CHILD || t->kind == WAIT_JOIN ||
	       (t->kind == WAIT_FUTEX && !t->object);
}

static bool find_missing(struct stuck *y)
{
	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++)
		if (stuck_has(y, i) && !follows(stuck_task(y, i)))
			y->core[y->n_core++] = i;
	for (uint32_t i = 0; i < y->graph->n && y->n_core == 0; i++)
		if (stuck_has(y, i))
			y->core[y->n_core++] = i;
	return y->n_core > 0;
}

static bool find_cycle(struct stuck *y)
{
	y->n_core = graph_cycle(y->graph, y->component, y->core);
	return y->n_core > 0;
}

bool cause_find(struct stuck *y)
{
	static const struct {
		enum cause cause;
		bool (*find)(struct stuck *y);
	} causes[] = {
		{ CAUSE_ORPHANED, find_orphaned }, { CAUSE_LOST, find_lost },
		{ CAUSE_WITHHELD, find_withheld }, { CAUSE_CYCLE, find_cycle },
		{ CAUSE_MISSING, find_missing },
	};

	for (unsigned int i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		y->cause = causes[i].cause;
		if (causes[i].find(y))
			return true;
	}
	return false;
}
