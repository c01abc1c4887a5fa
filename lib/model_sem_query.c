/* SPDX-License-Identifier: Apache-2.0 */
/* model_sem_query.c - which semaphores are locks, and whether the kernel agrees. */
#include "model_private.h"

bool sem_is_lock(const struct sem *sem)
{
	return sem->has_initial && sem->initial >= 1 && !sem->posted && sem->n_foreign == 0;
}

bool sem_is_proven_lock(const struct sem *sem)
{
	return sem_is_lock(sem) && (sem->initial == 1 || sem->n_pairs > 0);
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
