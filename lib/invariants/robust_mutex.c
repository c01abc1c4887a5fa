/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robust-mutex: who is told that the owner of a mutex died makes it consistent before giving it
 * back. Else nobody can ever take it again: all get ENOTRECOVERABLE. Both are one fault. A mutex
 * that is initialised anew after that was given up on purpose.
 */
#include "invariants.h"

#include "../model_lock.h"

#define MUTEXES_MAX 128

/* What somebody did, or met with. */
struct robust_deed {
	uint32_t process, thread, stack;
	uint64_t site;
	bool there;
};

struct robust_mutex {
	struct lock *lock; /* kept */
	struct robust_deed told, ignored, refused;
};

struct robust_state {
	struct robust_mutex mutex[MUTEXES_MAX];
	unsigned int n;
};

static struct robust_mutex *mutex_see(struct robust_state *state, struct lock *lock)
{
	for (unsigned int i = 0; i < state->n; i++)
		if (state->mutex[i].lock == lock)
			return &state->mutex[i];
	if (state->n == MUTEXES_MAX)
		return NULL;
	object_keep(&lock->object);
	state->mutex[state->n] = (struct robust_mutex){ .lock = lock };
	return &state->mutex[state->n++];
}

static void note_ignored(struct robust_state *state, const struct lock_hold *hold,
			 const struct event *event)
{
	struct robust_mutex *mutex = mutex_see(state, hold->lock);

	if (!mutex || mutex->ignored.there)
		return;
	mutex->told =
		(struct robust_deed){ hold->process, hold->thread, hold->stack, hold->site, true };
	mutex->ignored = (struct robust_deed){ hold->process, hold->thread, event->stack,
					       event->site, true };
}

static void note_refused(struct robust_state *state, struct lock *lock, uint32_t process,
			 uint32_t thread, const struct event *event)
{
	struct robust_mutex *mutex = mutex_see(state, lock);

	if (mutex && !mutex->refused.there)
		mutex->refused =
			(struct robust_deed){ process, thread, event->stack, event->site, true };
}

/* pthread_cond_wait gives it back too. */
static bool gives_back(const struct event *event, enum lock_act act)
{
	if (event->flags & (EVENT_NOT_PERFORMED | EVENT_ABANDONED))
		return false;
	return act == LOCK_GIVES ? event_took_effect(event)
				 : act == LOCK_WAITS && event->err != EPERM && event->err != EINVAL;
}

static void robust_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			 const struct event *event, const uint8_t *more)
{
	struct lock_part part;
	enum lock_act act = lock_act(event, &part);
	const struct lock_hold *hold;
	const struct actor *actor;
	struct lock *lock;

	(void)more;
	if (act < LOCK_TAKES ||
	    (object_kind_of(event->object) != OBJECT_MUTEX && act != LOCK_WAITS))
		return;
	lock = act == LOCK_WAITS ? lock_of_wait(model, event) : (struct lock *)model->lock;
	if (!lock)
		return;
	if (event->flags & EVENT_FAILED && event->err == ENOTRECOVERABLE &&
	    !(event->flags & EVENT_NOT_PERFORMED))
		note_refused(data, lock, process, thread, event);
	if (!gives_back(event, act))
		return;
	actor = actor_find(model, process, thread);
	hold = actor ? hold_find(lock, actor) : NULL;
	if (hold && hold->inconsistent && hold->units == 1)
		note_ignored(data, hold, event);
}

static void add_stack(struct model *model, struct finding *f, const struct robust_deed *deed,
		      const char *label)
{
	if (deed->there)
		finding_add_thread_stack(model, f, deed->process, deed->thread, deed->stack, label);
}

static void report(struct model *model, const struct robust_mutex *mutex)
{
	const struct robust_deed *deed = mutex->ignored.there ? &mutex->ignored : &mutex->refused;
	struct finding *f = finding_new("robust-mutex", mutex->ignored.there ? "EOWNERDEAD ignored"
									     : "ENOTRECOVERABLE");
	char name[160], title[120];

	finding_add_object(model, f, &mutex->lock->object);
	finding_mark(f, deed->site);
	actor_title(model, deed->process, deed->thread, title, sizeof(title));
	object_name(model, &mutex->lock->object, name, sizeof(name));
	if (mutex->ignored.there)
		finding_message(f,
				"%s was told by EOWNERDEAD that the owner of %s had died, and gave "
				"it back without pthread_mutex_consistent",
				title, name);
	else
		finding_message(f, "%s can not have %s: ENOTRECOVERABLE", title, name);
	if (mutex->ignored.there && mutex->refused.there)
		finding_detail(f, "Since then whoever wants it gets ENOTRECOVERABLE.");
	add_stack(model, f, &mutex->told, "got EOWNERDEAD here");
	add_stack(model, f, &mutex->ignored, "gave it back here");
	add_stack(model, f, &mutex->refused, "got ENOTRECOVERABLE here");
	findings_add(model->findings, f);
}

static void robust_finish(struct model *model, void *data, enum trial_end how,
			  const struct leftover *left, unsigned int n_left)
{
	struct robust_state *state = data;

	(void)how, (void)left, (void)n_left;
	for (unsigned int i = 0; i < state->n; i++) {
		if (!state->mutex[i].lock->replaced)
			report(model, &state->mutex[i]);
		object_release(model, &state->mutex[i].lock->object);
	}
	state->n = 0;
}

const struct invariant robust_mutex_invariant = {
	.name = "robust-mutex",
	.about = "Who learns that a mutex's owner died makes the mutex consistent.",
	.n_state_bytes = sizeof(struct robust_state),
	.event = robust_event,
	.finish = robust_finish,
};
