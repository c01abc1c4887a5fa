/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock.c - mutexes, read-write locks and spin locks; what each call does with a lock of any
 * kind. What cannot be followed (given back by another thread than the one that took it, taken by a
 * call that nobody saw) makes a lock odd: nothing is said of it then.
 */
#include "model_lock.h"

#include <errno.h>

/* The calls on locks in memory; those on files depend on their arguments. */
static const struct {
	uint8_t act; /* enum lock_act */
	bool shared;
} roles[CALL_N] = {
	[CALL_sem_init] = { LOCK_INIT, false },
	[CALL_sem_destroy] = { LOCK_DESTROYS, false },
	[CALL_sem_open] = { LOCK_LOOKS, false },
	[CALL_sem_getvalue] = { LOCK_LOOKS, false },
	[CALL_sem_wait] = { LOCK_TAKES, false },
	[CALL_sem_trywait] = { LOCK_TRIES, false },
	[CALL_sem_timedwait] = { LOCK_TRIES, false },
	[CALL_sem_clockwait] = { LOCK_TRIES, false },
	[CALL_sem_post] = { LOCK_GIVES, false },
	[CALL_pthread_mutex_init] = { LOCK_INIT, false },
	[CALL_pthread_mutex_destroy] = { LOCK_DESTROYS, false },
	[CALL_pthread_mutex_lock] = { LOCK_TAKES, false },
	[CALL_pthread_mutex_trylock] = { LOCK_TRIES, false },
	[CALL_pthread_mutex_timedlock] = { LOCK_TRIES, false },
	[CALL_pthread_mutex_clocklock] = { LOCK_TRIES, false },
	[CALL_pthread_mutex_unlock] = { LOCK_GIVES, false },
	[CALL_pthread_mutex_consistent] = { LOCK_MENDS, false },
	[CALL_pthread_cond_init] = { LOCK_INIT, false },
	[CALL_pthread_cond_destroy] = { LOCK_DESTROYS, false },
	[CALL_pthread_cond_wait] = { LOCK_WAITS, false },
	[CALL_pthread_cond_timedwait] = { LOCK_WAITS, false },
	[CALL_pthread_cond_clockwait] = { LOCK_WAITS, false },
	[CALL_pthread_rwlock_init] = { LOCK_INIT, false },
	[CALL_pthread_rwlock_destroy] = { LOCK_DESTROYS, false },
	[CALL_pthread_rwlock_rdlock] = { LOCK_TAKES, true },
	[CALL_pthread_rwlock_tryrdlock] = { LOCK_TRIES, true },
	[CALL_pthread_rwlock_timedrdlock] = { LOCK_TRIES, true },
	[CALL_pthread_rwlock_clockrdlock] = { LOCK_TRIES, true },
	[CALL_pthread_rwlock_wrlock] = { LOCK_TAKES, false },
	[CALL_pthread_rwlock_trywrlock] = { LOCK_TRIES, false },
	[CALL_pthread_rwlock_timedwrlock] = { LOCK_TRIES, false },
	[CALL_pthread_rwlock_clockwrlock] = { LOCK_TRIES, false },
	[CALL_pthread_rwlock_unlock] = { LOCK_GIVES, false },
	[CALL_pthread_barrier_init] = { LOCK_INIT, false },
	[CALL_pthread_barrier_destroy] = { LOCK_DESTROYS, false },
	[CALL_pthread_spin_init] = { LOCK_INIT, false },
	[CALL_pthread_spin_destroy] = { LOCK_DESTROYS, false },
	[CALL_pthread_spin_lock] = { LOCK_TAKES, false },
	[CALL_pthread_spin_trylock] = { LOCK_TRIES, false },
	[CALL_pthread_spin_unlock] = { LOCK_GIVES, false },
};

enum lock_act lock_act(const struct event *event, struct lock_part *part)
{
	unsigned int call = calls[event->call].canonical_id;

	*part = (struct lock_part){ .shared = roles[call].shared };
	if (object_kind_of(event->object) == OBJECT_FILE)
		return lock_file_act(event, part);
	return (enum lock_act)roles[call].act;
}

/* In memory that was given to something else, the same place is another lock. */
static bool is_gone(const struct object *object, const struct event *event)
{
	const struct lock *lock = (const struct lock *)object;

	return is_lock_kind(object_kind_of(object->ref)) && lock->destroyed_exit &&
	       event->enter_tsc >= lock->destroyed_exit;
}

static void make_anew(struct model *model, struct object *old, uint32_t process,
		      const struct event *event, bool made)
{
	enum object_kind kind = object_kind_of(event->object);
	struct object *object;

	if (old)
		object_keep(old);
	if (old && is_lock_kind(kind))
		((struct lock *)old)->replaced = true;
	object = object_made(model, process, event, event->object);
	if (!made)
		object_adopt(model, object, process, event);
	else if (event->site)
		object->mark = mark_mix(kind, event->site);
	if (old && kind == OBJECT_PSEM)
		psem_renew((struct psem *)object, (const struct psem *)old);
	if (old)
		object_release(model, old);
	model->lock = object;
}

/* Whoever comes first differs from run to run; the least of all sites does not. */
static void adopt(struct model *model, struct object *object, uint32_t process,
		  const struct event *event)
{
	if (object->maker < 0 && !object->path)
		object_adopt(model, object, process, event);
	if (!object->adopted || !event->site || event->site >= object->maker_site)
		return;
	object->maker_site = event->site;
	object->maker_stack = event->stack;
	object->mark = mark_mix(object_kind_of(object->ref), event->site);
}

void lock_see(struct model *model, uint32_t process, const struct event *event)
{
	bool made = roles[calls[event->call].canonical_id].act == LOCK_INIT &&
		    event_took_effect(event) && object_kind_of(event->object) != OBJECT_FILE;
	struct object *object;

	model->lock = NULL;
	if (!is_memory_kind(object_kind_of(event->object)))
		return;
	object = object_find(model, event->object);
	if (made || (object && is_gone(object, event))) {
		make_anew(model, object, process, event, made);
		return;
	}
	if (object)
		object_touch(model, object);
	else
		object = object_see(model, event->object);
	adopt(model, object, process, event);
	model->lock = object;
}

struct lock *lock_of_wait(struct model *model, const struct event *event)
{
	uint64_t ref = (uint64_t)event->arg[5];

	if (roles[calls[event->call].canonical_id].act != LOCK_WAITS ||
	    object_kind_of(ref) != OBJECT_MUTEX)
		return NULL;
	return (struct lock *)object_see(model, ref);
}

/* Nobody holds it any more, as far as is known; a dead holder's lock may have been freed so. */
static void let_go(struct model *model, struct lock *lock)
{
	while (lock->holds)
		hold_drop(model, lock->holds);
}

/* That somebody died with it stays true. */
static void let_living_go(struct model *model, struct lock *lock)
{
	struct lock_hold *older;

	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		if (hold->actor)
			hold_drop(model, hold);
	}
}

void lock_release(struct model *model, struct lock *lock)
{
	let_go(model, lock);
}

/*
 * This thread had it at that time: those who had it before, and would not have let it in, have it
 * no more. False: by the times, somebody else has had it since.
 */
static bool make_room(struct model *model, struct lock *lock, const struct lock_hold *own,
		      uint64_t exit_tsc, bool shared)
{
	struct lock_hold *older;

	if ((shared ? lock->exclusive_exit : lock->taken_exit) > exit_tsc)
		return false;
	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		/* either all of them share it, or there is one */
		if (shared && hold->part.shared)
			break;
		if (hold != own)
			hold_drop(model, hold);
	}
	lock->taken_exit = exit_tsc;
	if (!shared)
		lock->exclusive_exit = exit_tsc;
	return true;
}

/* A lock that goes deeper each time it is taken: else what was known of it was wrong. */
static bool nests(const struct lock *lock, const struct lock_part *part)
{
	enum object_kind kind = object_kind_of(lock->object.ref);

	if (kind == OBJECT_MUTEX)
		return (lock->bits & MUTEX_TYPE) == MUTEX_RECURSIVE;
	return kind == OBJECT_RWLOCK && part->shared;
}

static void take(struct model *model, struct lock *lock, struct actor *actor,
		 const struct event *event, const struct lock_part *part)
{
	struct lock_hold *hold = hold_find(lock, actor);

	if (!make_room(model, lock, hold, event->exit_tsc, part->shared)) {
		if (hold)
			hold_drop(model, hold);
		return;
	}
	if (hold && !nests(lock, part)) {
		hold_drop(model, hold);
		hold = NULL;
	}
	if (!hold)
		hold = hold_new(model, lock, actor, event, part);
	hold->units++;
	hold->sure_exit = event->exit_tsc;
	hold->inconsistent = event->err == EOWNERDEAD;
}

static void give(struct model *model, struct lock *lock, struct actor *actor,
		 const struct event *event)
{
	struct lock_hold *hold = hold_find(lock, actor);

	if (!hold) {
		/* else somebody had it since, and this thread had given it back before that */
		if (event->enter_tsc > lock->taken_exit) {
			lock->odd = true;
			let_go(model, lock);
		}
		return;
	}
	if (--hold->units > 0)
		return;
	if (object_kind_of(lock->object.ref) == OBJECT_MUTEX)
		actor_note(actor->unlocked, ACTOR_UNLOCKS, lock->object.serial, event->enter_tsc);
	hold_drop(model, hold);
}

/* The call ended badly, or was left in the midst: what it had is not certain. */
static void doubt(struct lock *lock, struct actor *actor, const struct event *event,
		  enum lock_act act)
{
	struct lock_hold *hold = hold_find(lock, actor);

	if (event->flags & EVENT_NOT_PERFORMED)
		return;
	if (event->flags & EVENT_ABANDONED && hold && (act == LOCK_GIVES || act == LOCK_WAITS))
		hold->uncertain = true;
	if (event->flags & EVENT_ABANDONED && (act == LOCK_TAKES || act == LOCK_TRIES))
		actor->blocked_ref = lock->object.ref;
	if (event->flags & EVENT_FAILED && (act == LOCK_TAKES || act == LOCK_TRIES) &&
	    (event->err == EBUSY || event->err == EAGAIN || event->err == ETIMEDOUT)) {
		lock->refused_exit = event->exit_tsc;
		lock->refused_process = actor->process;
	}
}

static void note_bits(struct lock *lock, const struct event *event)
{
	if (event_took_effect(event))
		lock->bits = (uint8_t)event->arg[4];
	if (lock_was_taken(event) && event->err == EOWNERDEAD)
		lock->bits |= MUTEX_ROBUST;
}

/* Waits for a condition give the mutex and take it again, however they end but for these. */
static void wait_ended(struct model *model, struct actor *actor, const struct event *event)
{
	static const struct lock_part part;
	struct lock *lock = lock_of_wait(model, event);
	struct lock_hold *hold = lock ? hold_find(lock, actor) : NULL;

	if (!lock || event->flags & EVENT_NOT_PERFORMED)
		return;
	if (event->flags & EVENT_ABANDONED) {
		doubt(lock, actor, event, LOCK_WAITS);
		return;
	}
	if (event->err == EPERM || event->err == EINVAL)
		return;
	note_bits(lock, event);
	if (event->err == ENOTRECOVERABLE ||
	    !make_room(model, lock, hold, event->exit_tsc, false)) {
		if (hold)
			hold_drop(model, hold);
		return;
	}
	if (!hold) {
		hold = hold_new(model, lock, actor, event, &part);
		hold->units = 1;
	}
	hold->sure_exit = event->exit_tsc;
	hold->inconsistent = event->err == EOWNERDEAD;
}

static void plain_event(struct model *model, struct lock *lock, struct actor *actor,
			const struct event *event, enum lock_act act, const struct lock_part *part)
{
	struct lock_hold *hold;

	switch (act) {
	case LOCK_TAKES:
	case LOCK_TRIES:
		take(model, lock, actor, event, part);
		break;
	case LOCK_GIVES:
		give(model, lock, actor, event);
		break;
	case LOCK_MENDS:
		hold = hold_find(lock, actor);
		if (hold)
			hold->inconsistent = false;
		break;
	default:
		break;
	}
}

static void note_user(struct lock *lock, uint32_t process)
{
	struct pipe_users *users = &lock->users;

	if (users->n < PIPE_USERS && !pipe_used_by(users, process))
		users->process[users->n++] = process;
}

void lock_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event)
{
	enum object_kind kind = object_kind_of(event->object);
	struct actor *actor;
	struct lock_part part;
	enum lock_act act = lock_act(event, &part);
	struct lock *lock;

	if (act == LOCK_NOTHING || !(is_lock_kind(kind) || kind == OBJECT_COND))
		return;
	actor = actor_see(model, process, thread, event);
	if (kind == OBJECT_COND) {
		wait_ended(model, actor, event);
		return;
	}
	lock = (struct lock *)model->lock;
	note_user(lock, process);
	if (kind == OBJECT_MUTEX && act >= LOCK_TAKES)
		note_bits(lock, event);
	if (!lock_was_taken(event)) {
		doubt(lock, actor, event, act);
	} else if (act == LOCK_DESTROYS) {
		lock->destroyed_exit = event->exit_tsc;
		let_living_go(model, lock);
	} else if (event->enter_tsc < lock->destroyed_exit) {
		return;
	} else if (kind == OBJECT_PSEM) {
		psem_event(model, (struct psem *)lock, actor, event, act);
	} else if (kind == OBJECT_FILE) {
		lock_file_event(model, lock, actor, event, act, &part);
	} else {
		plain_event(model, lock, actor, event, act, &part);
	}
}

/* The runner ends those who wait in vain: they show that the lock was not to be had until then. */
static void note_blocked(struct model *model, const struct process *p, uint64_t tsc)
{
	for (const struct actor *actor = p->actors; actor; actor = actor->next) {
		struct object *object =
			actor->blocked_ref ? object_find(model, actor->blocked_ref) : NULL;

		if (!object)
			continue;
		((struct lock *)object)->refused_exit = tsc;
		((struct lock *)object)->refused_process = actor->process;
	}
}

void lock_process_end(struct model *model, uint32_t process, const struct process_end *end,
		      uint64_t tsc)
{
	struct process *p = process_get(model, process);

	if (end->by_runner)
		note_blocked(model, p, tsc);
	actors_process_end(model, p);
}
