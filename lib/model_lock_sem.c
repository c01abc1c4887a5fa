/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock_sem.c - POSIX semaphores that are used as locks: set to 1 or more before they are
 * first used, and posted by those who waited for them only. They are told apart as System V's are.
 */
#include "model_lock.h"

#include <fcntl.h>

bool psem_is_lock(const struct psem *sem)
{
	return sem->has_initial && sem->initial >= 1 && !sem->posted && sem->n_foreign == 0 &&
	       !sem->lock.odd;
}

/* Who only ever tries may be emptying it of what an earlier user has left, as PostgreSQL does. */
bool psem_is_proven_lock(const struct psem *sem)
{
	bool only_tried = sem->tried && !sem->waited;

	return psem_is_lock(sem) && (sem->n_pairs > 0 || (sem->initial == 1 && !only_tried));
}

static struct wake_sent deed_of(const struct actor *actor, const struct event *event)
{
	return (struct wake_sent){
		.process = actor->process,
		.thread = actor->thread,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.exit = event->exit_tsc,
	};
}

static void set(struct psem *sem, const struct actor *actor, const struct event *event,
		int64_t value)
{
	sem->has_initial = value <= INT32_MAX;
	sem->initial = (int32_t)value;
	sem->init = deed_of(actor, event);
}

void psem_renew(struct psem *sem, const struct psem *old)
{
	sem->set_before = old->set_before || old->init.enter;
	for (unsigned int i = 0; i < PSEM_USES; i++)
		sem->early[i] = old->use[i];
}

static void note_use(struct psem *sem, const struct actor *actor, const struct event *event)
{
	if (!sem->first_enter || event->enter_tsc < sem->first_enter)
		sem->first_enter = event->enter_tsc;
	for (unsigned int i = 0; i < PSEM_USES; i++) {
		if (!sem->use[i].enter)
			sem->use[i] = deed_of(actor, event);
		if (sem->use[i].process == actor->process)
			return;
	}
}

/* The value counts only when the name is new. Who uses it at once may be seen before its maker. */
static void opened(struct psem *sem, const struct actor *actor, const struct event *event)
{
	bool was_there = sem->first_enter && sem->first_enter < event->enter_tsc;

	if (event->arg[1] & O_CREAT && !sem->has_initial && (event->arg[1] & O_EXCL || !was_there))
		set(sem, actor, event, event->arg[3] & UINT32_MAX);
}

static void take(struct model *model, struct psem *sem, struct actor *actor,
		 const struct event *event)
{
	static const struct lock_part part;
	struct lock_hold *hold = hold_find(&sem->lock, actor);

	if (!hold)
		hold = hold_new(model, &sem->lock, actor, event, &part);
	hold->units++;
	hold->stack = event->stack;
	hold->site = event->site;
	hold->taken_exit = hold->sure_exit = event->exit_tsc;
	if (actor->process != sem->init.process && event->enter_tsc < sem->init.exit)
		sem->posted = true;
	/* while one has a unit, there are fewer left than at first: it was another value */
	if (event->arg[5] >= sem->initial)
		sem->has_initial = false;
}

static void give(struct model *model, struct psem *sem, struct actor *actor)
{
	struct lock_hold *hold = hold_find(&sem->lock, actor);

	if (!hold) {
		sem->n_foreign++;
		return;
	}
	sem->n_pairs++;
	if (--hold->units == 0)
		hold_drop(model, hold);
}

void psem_event(struct model *model, struct psem *sem, struct actor *actor,
		const struct event *event, enum lock_act act)
{
	if (act == LOCK_INIT) {
		set(sem, actor, event, event->arg[2] & UINT32_MAX);
		return;
	}
	if (calls[event->call].canonical_id == CALL_sem_open) {
		opened(sem, actor, event);
		return;
	}
	if (act != LOCK_TAKES && act != LOCK_TRIES && act != LOCK_GIVES)
		return;
	note_use(sem, actor, event);
	if (event->call == CALL_sem_trywait)
		sem->tried = true;
	else if (act != LOCK_GIVES)
		sem->waited = true;
	if (act == LOCK_GIVES)
		give(model, sem, actor);
	else
		take(model, sem, actor, event);
}
