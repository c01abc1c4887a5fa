/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock_query.c - what the deadlock watch and the invariants ask about locks of all kinds:
 * System V semaphores (model_sem.c) and the rest (model_lock.c) answer alike.
 */
#include "model_lock.h"

#include <stdio.h>
#include <sys/ipc.h>

static unsigned int sem_holders(struct model *model, uint64_t ref, unsigned int num,
				struct lock_holder *holder, unsigned int n_max)
{
	const struct sem_set *set = (const struct sem_set *)object_find(model, ref);
	unsigned int n = 0;

	for (const struct sem_user *user = set ? set->users : NULL; user;
	     user = user->next_of_set) {
		const struct sem_touch *touch = sem_user_touch(user, num);

		if (touch_held(touch) <= 0)
			continue;
		if (n < n_max)
			holder[n] = (struct lock_holder){
				.process = user->process,
				.thread = touch->thread,
				.units = touch_held(touch),
				.restored = touch->held_undo > 0,
				.alive = !touch->is_dead,
				.stack = touch->stack,
				.site = touch->site,
				.tsc = touch->taken_exit,
			};
		n++;
	}
	return n;
}

unsigned int model_lock_holders(struct model *model, uint64_t ref, unsigned int num,
				struct lock_holder *holder, unsigned int n_max)
{
	const struct object *object;
	unsigned int n = 0;

	if (object_kind_of(ref) == OBJECT_SEM)
		return sem_holders(model, ref, num, holder, n_max);
	object = is_lock_kind(object_kind_of(ref)) ? object_find(model, ref) : NULL;
	if (!object)
		return 0;
	for (const struct lock_hold *hold = ((const struct lock *)object)->holds; hold;
	     hold = hold->older_of_lock, n++)
		if (n < n_max)
			holder[n] = (struct lock_holder){
				.process = hold->process,
				.thread = hold->thread,
				.units = hold->units,
				.restored = hold_is_restored(hold),
				.alive = hold->actor != NULL,
				.shared = hold->part.shared,
				.stack = hold->stack,
				.site = hold->site,
				.tsc = hold->taken_exit,
			};
	return n;
}

static const struct sem *sem_of(const struct lock_node *node)
{
	const struct sem_set *set = (const struct sem_set *)node->object;

	return node->num < set->n_sems ? &set->sem[node->num] : NULL;
}

bool lock_is_proven(const struct lock_node *node)
{
	const struct sem *sem;

	switch (object_kind_of(node->object->ref)) {
	case OBJECT_SEM:
		sem = sem_of(node);
		return sem && sem_is_proven_lock(sem);
	case OBJECT_PSEM:
		return psem_is_proven_lock((const struct psem *)node->object);
	default:
		return !((const struct lock *)node->object)->odd;
	}
}

/* Nothing speaks against it so far. */
static bool may_be_lock(const struct lock *lock)
{
	return object_kind_of(lock->object.ref) == OBJECT_PSEM
		       ? psem_is_lock((const struct psem *)lock)
		       : !lock->odd;
}

/* Somebody waits for it: it is not only tried. */
bool model_is_lock(struct model *model, uint64_t ref, unsigned int num)
{
	struct lock_node node = { .object = object_find(model, ref), .num = num };

	if (!node.object ||
	    (object_kind_of(ref) != OBJECT_SEM && !is_lock_kind(object_kind_of(ref))))
		return false;
	if (object_kind_of(ref) == OBJECT_PSEM)
		((struct psem *)node.object)->waited = true;
	return lock_is_proven(&node);
}

int lock_places(const struct lock_node *node)
{
	switch (object_kind_of(node->object->ref)) {
	case OBJECT_SEM:
		return sem_of(node)->initial;
	case OBJECT_PSEM:
		return ((const struct psem *)node->object)->initial;
	default:
		return 1;
	}
}

/* Bytes of a file that do not overlap are two locks. */
bool lock_same(const struct lock_node *a, const struct lock_node *b)
{
	return a->object == b->object && a->num == b->num && a->part.fcntl == b->part.fcntl &&
	       a->part.start <= b->part.last && b->part.start <= a->part.last;
}

static unsigned int sems_held(const struct process *p, uint32_t thread, struct lock_taken *held)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < p->n_holds && n < LOCKS_TAKEN; i++) {
		const struct sem_hold *hold = &p->hold[i];
		const struct sem_touch *touch = sem_user_touch(hold->user, hold->num);

		if (touch_held(touch) <= 0 || touch->thread != thread || touch->uncertain ||
		    !sem_is_lock(&hold->user->set->sem[hold->num]))
			continue;
		held[n++] = (struct lock_taken){
			.node = { .object = &hold->user->set->object, .num = hold->num },
			.stack = touch->stack,
			.taken_exit = touch->taken_exit,
		};
	}
	return n;
}

unsigned int locks_held(struct model *model, uint32_t process, uint32_t thread,
			struct lock_taken held[LOCKS_TAKEN])
{
	const struct process *p = process_get(model, process);
	const struct actor *actor = actor_find(model, process, thread);
	unsigned int n = sems_held(p, thread, held);

	for (const struct lock_hold *hold = actor ? actor->holds : NULL; hold && n < LOCKS_TAKEN;
	     hold = hold->older_of_actor) {
		if (hold->uncertain || !may_be_lock(hold->lock))
			continue;
		held[n++] = (struct lock_taken){
			.node = { .object = &hold->lock->object, .part = hold->part },
			.stack = hold->stack,
			.taken_exit = hold->taken_exit,
		};
	}
	return n;
}

bool locks_any_held(const struct model *model, uint32_t process, uint32_t thread)
{
	const struct actor *actor;

	if (process_get(model, process)->n_holds)
		return true;
	actor = actor_find(model, process, thread);
	return actor && actor->holds;
}

static unsigned int sems_waited_for(struct model *model, const struct event *event,
				    const uint8_t *more, struct lock_node *wanted)
{
	struct sem_set *set = sem_event_set(model, event);
	struct sem_op ops[SEM_OPS_MAX];
	unsigned int n_ops, n = 0;

	if (!set || event->flags & EVENT_TIMED || !event_took_effect(event))
		return 0;
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	for (unsigned int i = 0; i < n_ops && n < LOCKS_TAKEN; i++)
		if (ops[i].op < 0 && !(ops[i].flg & IPC_NOWAIT) &&
		    sem_is_lock(sem_get(set, ops[i].num)))
			wanted[n++] =
				(struct lock_node){ .object = &set->object, .num = ops[i].num };
	return n;
}

/* To take a lock deeper that one has already, nobody waits. */
static bool has_already(struct model *model, const struct lock *lock, uint32_t process,
			uint32_t thread)
{
	const struct actor *actor = actor_find(model, process, thread);

	return actor && object_kind_of(lock->object.ref) != OBJECT_FILE && hold_find(lock, actor);
}

unsigned int locks_waited_for(struct model *model, uint32_t process, uint32_t thread,
			      const struct event *event, const uint8_t *more,
			      struct lock_node wanted[LOCKS_TAKEN])
{
	struct lock_part part;
	enum lock_act act = lock_act(event, &part);
	struct lock *lock = NULL;

	if (calls[event->call].canonical_id == CALL_semop ||
	    calls[event->call].canonical_id == CALL_semtimedop)
		return sems_waited_for(model, event, more, wanted);
	if (act == LOCK_WAITS) {
		if (!(event->flags & (EVENT_NOT_PERFORMED | EVENT_ABANDONED)) &&
		    event->err != EPERM && event->err != EINVAL && event->err != ENOTRECOVERABLE)
			lock = lock_of_wait(model, event);
	} else if (act == LOCK_TAKES && lock_was_taken(event) &&
		   is_lock_kind(object_kind_of(event->object))) {
		lock = (struct lock *)model->lock;
		if (has_already(model, lock, process, thread))
			lock = NULL;
	}
	if (!lock || !may_be_lock(lock))
		return 0;
	wanted[0] = (struct lock_node){ .object = &lock->object, .part = part };
	return 1;
}

const char *lock_name(struct model *model, const struct lock_node *node, char *buffer,
		      size_t n_bytes)
{
	char name[80];

	if (object_kind_of(node->object->ref) == OBJECT_SEM)
		return sem_name(model, (const struct sem_set *)node->object, node->num, buffer,
				n_bytes);
	object_name(model, node->object, name, sizeof(name));
	if (!node->part.fcntl || (node->part.start == 0 && node->part.last == INT64_MAX))
		snprintf(buffer, n_bytes, "%s", name);
	else if (node->part.last == INT64_MAX)
		snprintf(buffer, n_bytes, "%s from byte %lld", name, (long long)node->part.start);
	else
		snprintf(buffer, n_bytes, "%s bytes %lld to %lld", name,
			 (long long)node->part.start, (long long)node->part.last);
	return buffer;
}
