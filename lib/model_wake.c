/* SPDX-License-Identifier: Apache-2.0 */
/* model_wake.c - who has ever done what could end another's wait: the deadlock watch asks that. */
#include "model_private.h"

static uint64_t wake_key(uint64_t what, uint32_t process)
{
	return mark_mix(what, process);
}

bool wake_note(struct model *model, uint64_t what, uint32_t process, enum wake_bit bit)
{
	uint64_t key = wake_key(what, process);
	uintptr_t bits = (uintptr_t)table_get(&model->woken, key);

	if (!(bits & bit))
		table_put(&model->woken, key, (void *)(bits | bit));
	return bits == 0;
}

void wake_forget(struct model *model, uint64_t what, uint32_t process)
{
	table_remove(&model->woken, wake_key(what, process));
}

static bool has_bit(struct model *model, uint64_t what, uint32_t process, enum wake_bit bit)
{
	return (uintptr_t)table_get(&model->woken, wake_key(what, process)) & bit;
}

bool model_has_woken(struct model *model, uint32_t process, uint64_t ref, enum wake_role role)
{
	const struct object *object = object_find(model, ref);
	const struct sem_user *user;

	if (object_kind_of(ref) == OBJECT_PROCESS)
		return has_bit(model, ref, process, WOKEN_SIGNAL);
	if (!object)
		return false;
	if (object_kind_of(ref) == OBJECT_MSG)
		return has_bit(model, object->serial, process,
			       role == WAKES_RECEIVER ? WOKEN_RECEIVER : WOKEN_SENDER);
	if (object_kind_of(ref) != OBJECT_SEM)
		return false;
	user = sem_user_find(model, (const struct sem_set *)object, process);
	return user && (user->has_woken || (user->has_made_zero && user->set->zero_seen));
}
