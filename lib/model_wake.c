/* SPDX-License-Identifier: Apache-2.0 */
/* model_wake.c - who has ever done what could end another's wait: the deadlock watch asks that. */
#include "model_private.h"

#include <linux/futex.h>
#include <stdlib.h>

#define THREAD_BITS 16

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

/* The same, kept for as long as the object is. */
static void object_wake(struct model *model, uint64_t ref, uint32_t process, enum wake_bit bit)
{
	struct object *object = object_see(model, ref);

	if (!wake_note(model, object->serial, process, bit))
		return;
	object->waker = model_grow(object->waker, &object->room_wakers, object->n_wakers + 1,
				   sizeof(object->waker[0]));
	object->waker[object->n_wakers++] = process;
}

void wakers_release(struct model *model, struct object *object)
{
	for (unsigned int i = 0; i < object->n_wakers; i++)
		wake_forget(model, object->serial, object->waker[i]);
	free(object->waker);
}

static bool futex_wakes(int operation)
{
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
	case FUTEX_UNLOCK_PI:
		return true;
	default:
		return false;
	}
}

static void signal_wake(struct model *model, uint32_t process, int64_t pid, int64_t signo)
{
	/* to a group: it could be anybody; signal 0 only asks whether there is somebody */
	if (signo != 0)
		wake_note(model, OBJECT_REF(OBJECT_PROCESS, pid > 0 ? pid : 0), process,
			  WOKEN_SIGNAL);
}

static void object_event_wakes(struct model *model, uint32_t process, const struct event *event,
			       enum object_kind kind)
{
	unsigned int flags = calls[event->call].flags;

	switch (calls[event->call].canonical_id) {
	case CALL_sem_post:
		if (kind == OBJECT_PSEM)
			object_wake(model, event->object, process, WOKEN_SEM);
		return;
	case CALL_pthread_cond_signal:
	case CALL_pthread_cond_broadcast:
	case CALL_pthread_barrier_wait:
		if (kind == OBJECT_COND || kind == OBJECT_BARRIER)
			object_wake(model, event->object, process, WOKEN_WAITER);
		return;
	case CALL_futex:
		if (kind == OBJECT_FUTEX && futex_wakes((int)event->arg[1]))
			object_wake(model, event->object, process, WOKEN_WAITER);
		return;
	default:
		break;
	}
	if (kind == OBJECT_EVENTFD && flags & (CALL_READS | CALL_WRITES))
		object_wake(model, event->object, process,
			    flags & CALL_WRITES ? WOKEN_RECEIVER : WOKEN_SENDER);
}

/* One that arrives at a barrier may let the others go on while it waits itself, or was killed. */
void wake_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event)
{
	(void)thread;
	if (!event_took_effect(event))
		return;
	switch (calls[event->call].canonical_id) {
	case CALL_kill:
	case CALL_sigqueue:
		signal_wake(model, process, event->arg[0], event->arg[1]);
		return;
	case CALL_killpg:
		signal_wake(model, process, 0, event->arg[1]);
		return;
	case CALL_tgkill:
		signal_wake(model, process, event->arg[0], event->arg[2]);
		return;
	case CALL_pthread_kill:
		if (object_kind_of(event->object) == OBJECT_THREAD)
			signal_wake(model, process,
				    (int64_t)(object_value_of(event->object) >> THREAD_BITS),
				    event->arg[1]);
		return;
	case CALL_pidfd_send_signal:
		if (object_kind_of(event->object) == OBJECT_PIDFD)
			signal_wake(model, process, (int64_t)object_value_of(event->object),
				    event->arg[1]);
		return;
	default:
		object_event_wakes(model, process, event, object_kind_of(event->object));
		return;
	}
}

static bool has_bit(struct model *model, uint64_t what, uint32_t process, enum wake_bit bit)
{
	return (uintptr_t)table_get(&model->woken, wake_key(what, process)) & bit;
}

static bool has_signalled(struct model *model, uint32_t process, uint64_t ref)
{
	if (object_kind_of(ref) == OBJECT_THREAD)
		ref = OBJECT_REF(OBJECT_PROCESS, object_value_of(ref) >> THREAD_BITS);
	return has_bit(model, ref, process, WOKEN_SIGNAL) ||
	       has_bit(model, OBJECT_REF(OBJECT_PROCESS, 0), process, WOKEN_SIGNAL);
}

static bool has_raised(struct model *model, const struct object *object, uint32_t process)
{
	const struct sem_user *user;

	if (object_kind_of(object->ref) == OBJECT_PSEM)
		return has_bit(model, object->serial, process, WOKEN_SEM);
	if (object_kind_of(object->ref) != OBJECT_SEM)
		return false;
	user = sem_user_find(model, (const struct sem_set *)object, process);
	return user && (user->has_woken || (user->has_made_zero && user->set->zero_seen));
}

bool model_has_woken(struct model *model, uint32_t process, uint64_t ref, enum wake_role role)
{
	static const enum wake_bit bits[] = {
		[WAKES_SEM] = WOKEN_SEM,
		[WAKES_RECEIVER] = WOKEN_RECEIVER,
		[WAKES_SENDER] = WOKEN_SENDER,
		[WAKES_WAITER] = WOKEN_WAITER,
	};
	const struct object *object = object_find(model, ref);

	if (object_kind_of(ref) == OBJECT_PROCESS || object_kind_of(ref) == OBJECT_THREAD)
		return has_signalled(model, process, ref);
	if (!object)
		return false;
	return role == WAKES_SEM ? has_raised(model, object, process)
				 : has_bit(model, object->serial, process, bits[role]);
}
