/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held_at_death_lock.c - held-at-death for POSIX semaphores, mutexes that are not robust,
 * read-write locks and spin locks. Only those in shared memory: a private one goes with its
 * process. And only where somebody else lives on who uses it, or it has a name: memory that nobody
 * has mapped any more is gone.
 */
#include "held_at_death.h"
#include "invariants.h"

/* The thread that ended the process had nothing under way; nor had any of one that a rule killed,
 * if it had no other thread. Who returns from main calls no exit. */
static bool is_sure(const struct process *p, const struct process_end *end, uint32_t thread)
{
	if (process_end_is_sure(p, end))
		return true;
	return end->kind == END_EXIT &&
	       (p->exit_enter ? p->exit_thread == thread : end->clean && thread == 0);
}

static void note(struct model *model, struct held_locks *state, const struct lock_hold *hold,
		 const struct process_end *end, uint64_t tsc)
{
	struct lock *lock = hold->lock;

	if (state->n == HELD_LOCKS_MAX || hold_is_restored(hold) ||
	    !lock_in_shared_memory(&lock->object))
		return;
	object_keep(&lock->object);
	state->held[state->n++] = (struct held_lock){
		.lock = lock,
		.process = hold->process,
		.thread = hold->thread,
		.unsure = !is_sure(process_get(model, hold->process), end, hold->thread),
		.stack = hold->stack,
		.site = hold->site,
		.end_tsc = tsc,
		.end = *end,
	};
}

/* What its threads have, and what threads have that ended before. */
void held_locks_note(struct model *model, struct held_locks *state, uint32_t process,
		     const struct process_end *end, uint64_t tsc)
{
	const struct process *p = process_get(model, process);

	if (end->by_runner)
		return;
	for (const struct actor *actor = p->actors; actor; actor = actor->next)
		for (const struct lock_hold *hold = actor->holds; hold; hold = hold->older_of_actor)
			note(model, state, hold, end, tsc);
}

static bool still_held(const struct held_lock *held)
{
	for (const struct lock_hold *hold = held->lock->holds; hold; hold = hold->older_of_lock)
		if (!hold->actor && hold->process == held->process && hold->thread == held->thread)
			return true;
	return false;
}

/* Did one of the others that use it live on? */
static bool is_missed(const struct model *model, const struct held_lock *held)
{
	const struct process *dead = process_get(model, held->process);
	const struct pipe_users *users = &held->lock->users;

	if (held->lock->object.path && !held->lock->object.removed)
		return true;
	for (unsigned int i = 0; i < users->n; i++) {
		const struct process *p = process_get(model, users->process[i]);

		if (p != dead && (!p->ended || p->end.by_runner || p->alive_tsc > dead->alive_tsc))
			return true;
	}
	return false;
}

/* Somebody found after the death that it was not to be had. */
static bool is_shown(const struct held_lock *held)
{
	return held->lock->refused_exit > held->end_tsc &&
	       held->lock->refused_process != held->process;
}

static bool stands(const struct model *model, const struct held_lock *held)
{
	struct lock_node node = { .object = &held->lock->object };

	if (!still_held(held) || !lock_is_proven(&node))
		return false;
	if ((held->unsure || model->unfollowed) && !is_shown(held))
		return false;
	return is_missed(model, held);
}

static void report(struct model *model, const struct held_lock *held)
{
	struct finding *f = finding_new("held-at-death", "");
	char name[160], title[120], fate[64];
	struct lock_node node = { .object = &held->lock->object };

	finding_add_lock(model, f, &node);
	finding_mark(f, held->site);
	finding_message(f, "%s %s while it held %s, and nothing restored it",
			actor_title(model, held->process, held->thread, title, sizeof(title)),
			process_fate(&held->end, fate, sizeof(fate)),
			object_name(model, &held->lock->object, name, sizeof(name)));
	if (object_kind_of(node.object->ref) == OBJECT_MUTEX)
		finding_detail(f, "A robust mutex would have told its next owner.");
	finding_add_thread_stack(model, f, held->process, held->thread, held->stack,
				 "took it here");
	findings_add(model->findings, f);
}

void held_locks_judge(struct model *model, struct held_locks *state)
{
	for (unsigned int i = 0; i < state->n; i++) {
		if (stands(model, &state->held[i]))
			report(model, &state->held[i]);
		object_release(model, &state->held[i].lock->object);
	}
	state->n = 0;
}
