/* SPDX-License-Identifier: Apache-2.0 */
/* model_sem_query.c - which semaphores are locks, and who holds them. */
#include "model_private.h"

bool sem_is_lock(const struct sem *sem)
{
	return sem->has_initial && sem->initial >= 1 && !sem->posted && sem->n_foreign == 0;
}

bool sem_is_proven_lock(const struct sem *sem)
{
	return sem_is_lock(sem) && (sem->initial == 1 || sem->n_pairs > 0);
}

bool model_sem_is_lock(struct model *model, int semid, unsigned int num)
{
	const struct sem_set *set = sem_set_find(model, semid);

	return set && num < set->n_sems && sem_is_proven_lock(&set->sem[num]);
}

bool model_sem_agrees(struct model *model, int semid, const uint16_t *value, unsigned int n_values)
{
	const struct sem_set *set = sem_set_find(model, semid);

	for (unsigned int i = 0; set && i < set->n_sems && i < n_values; i++) {
		const struct sem *sem = &set->sem[i];

		if (sem->known && sem->value + sem->clamped != value[i])
			return false;
	}
	return true;
}

unsigned int model_sem_holders(struct model *model, int semid, unsigned int num,
			       struct sem_holder *holder, unsigned int n_max)
{
	const struct sem_set *set = sem_set_find(model, semid);
	unsigned int n = 0;

	for (const struct sem_user *user = set ? set->users : NULL; user;
	     user = user->next_of_set) {
		const struct sem_touch *touch = sem_user_touch(user, num);

		if (touch_held(touch) <= 0)
			continue;
		if (n < n_max)
			holder[n] = (struct sem_holder){
				.process = user->process,
				.thread = touch->thread,
				.units = touch_held(touch),
				.undo = touch->held_undo > 0,
				.alive = !touch->is_dead,
				.stack = touch->stack,
				.site = touch->site,
				.tsc = touch->taken_exit,
			};
		n++;
	}
	return n;
}
