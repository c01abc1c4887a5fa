/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock_hold.c - who has which lock: each entry is in the list of its lock and in that of its
 * thread. Entries are used again and again, since locks are taken millions of times a second.
 */
#include "model_lock.h"

#include <stdlib.h>
#include <string.h>

#define DEAD_MAX 64

struct lock_hold *hold_find(const struct lock *lock, const struct actor *actor)
{
	if (lock->n_holds <= actor->n_holds) {
		for (struct lock_hold *hold = lock->holds; hold; hold = hold->older_of_lock)
			if (hold->actor == actor)
				return hold;
		return NULL;
	}
	for (struct lock_hold *hold = actor->holds; hold; hold = hold->older_of_actor)
		if (hold->lock == lock)
			return hold;
	return NULL;
}

static void enter_actor(struct lock_hold *hold, struct actor *actor)
{
	hold->actor = actor;
	hold->newer_of_actor = NULL;
	hold->older_of_actor = actor->holds;
	if (actor->holds)
		actor->holds->newer_of_actor = hold;
	actor->holds = hold;
	actor->n_holds++;
}

static void leave_actor(struct lock_hold *hold)
{
	struct actor *actor = hold->actor;

	if (!actor)
		return;
	*(hold->newer_of_actor ? &hold->newer_of_actor->older_of_actor : &actor->holds) =
		hold->older_of_actor;
	if (hold->older_of_actor)
		hold->older_of_actor->newer_of_actor = hold->newer_of_actor;
	actor->n_holds--;
	hold->actor = NULL;
}

static void enter_lock(struct lock_hold *hold, struct lock *lock)
{
	hold->lock = lock;
	hold->newer_of_lock = NULL;
	hold->older_of_lock = lock->holds;
	if (lock->holds)
		lock->holds->newer_of_lock = hold;
	lock->holds = hold;
	lock->n_holds++;
}

static void leave_lock(struct lock_hold *hold)
{
	struct lock *lock = hold->lock;

	*(hold->newer_of_lock ? &hold->newer_of_lock->older_of_lock : &lock->holds) =
		hold->older_of_lock;
	if (hold->older_of_lock)
		hold->older_of_lock->newer_of_lock = hold->newer_of_lock;
	lock->n_holds--;
}

struct lock_hold *hold_new(struct model *model, struct lock *lock, struct actor *actor,
			   const struct event *event, const struct lock_part *part)
{
	struct lock_hold *hold = model->spare_holds;

	if (hold)
		model->spare_holds = hold->older_of_lock;
	else
		hold = model_alloc(sizeof(*hold));
	*hold = (struct lock_hold){
		.process = actor->process,
		.thread = actor->thread,
		.part = *part,
		.stack = event->stack,
		.site = event->site,
		.taken_exit = event->exit_tsc,
		.sure_exit = event->exit_tsc,
	};
	enter_actor(hold, actor);
	enter_lock(hold, lock);
	return hold;
}

void hold_drop(struct model *model, struct lock_hold *hold)
{
	if (!hold->actor)
		hold->lock->n_dead--;
	leave_actor(hold);
	leave_lock(hold);
	hold->older_of_lock = model->spare_holds;
	model->spare_holds = hold;
}

void hold_give_to(struct lock_hold *hold, struct actor *actor)
{
	leave_actor(hold);
	enter_actor(hold, actor);
}

bool hold_is_restored(const struct lock_hold *hold)
{
	return object_kind_of(hold->lock->object.ref) == OBJECT_FILE ||
	       hold->lock->bits & MUTEX_ROBUST;
}

static void forget_oldest_dead(struct model *model, const struct lock *lock)
{
	struct lock_hold *oldest = NULL;

	for (struct lock_hold *hold = lock->holds; hold; hold = hold->older_of_lock)
		if (!hold->actor)
			oldest = hold;
	if (oldest)
		hold_drop(model, oldest);
}

/* What the kernel gives back is free again; a lock in private memory goes with its process. */
void hold_bury(struct model *model, struct lock_hold *hold, bool with_process)
{
	struct lock *lock = hold->lock;

	if (hold_is_restored(hold) ||
	    (with_process && (hold->uncertain || !lock_in_shared_memory(&lock->object)))) {
		hold_drop(model, hold);
		return;
	}
	leave_actor(hold);
	if (++lock->n_dead > DEAD_MAX)
		forget_oldest_dead(model, lock);
}

void holds_free(struct model *model)
{
	while (model->spare_holds) {
		struct lock_hold *hold = model->spare_holds;

		model->spare_holds = hold->older_of_lock;
		free(hold);
	}
}
