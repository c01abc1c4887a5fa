/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock_actor.c - threads: where they come from, and how long they live. What holds locks is a
 * thread, and so is what waits.
 */
#include "model_lock.h"

#include <stdio.h>
#include <stdlib.h>

#define ABOVE_MAX 32 /* generations of threads that are known */
#define THREAD_BITS 16
#define UNCLAIMED_MAX 256

static uint64_t actor_key(uint32_t process, uint32_t thread)
{
	return (uint64_t)process << 32 | thread;
}

static struct actor *actor_new(struct model *model, struct process *p, uint32_t process,
			       uint32_t thread, const struct event *event)
{
	struct actor *actor = model_alloc(sizeof(*actor));

	actor->process = process;
	actor->thread = thread;
	actor->n_refs = 1;
	actor->begin = event->enter_tsc;
	actor->next = p->actors;
	if (p->actors)
		p->actors->previous = actor;
	p->actors = actor;
	table_put(&model->actors, actor_key(process, thread), actor);
	return actor;
}

struct actor *actor_find(const struct model *model, uint32_t process, uint32_t thread)
{
	const struct process *p = process_get(model, process);

	if (p && p->last_actor && p->last_actor->thread == thread)
		return p->last_actor;
	return table_get(&model->actors, actor_key(process, thread));
}

/* The thread that this event is of, or that it makes. */
struct actor *actor_see(struct model *model, uint32_t process, uint32_t thread,
			const struct event *event)
{
	struct process *p = process_get(model, process);
	struct actor *actor = p->last_actor;

	if (actor && actor->thread == thread)
		return actor;
	actor = table_get(&model->actors, actor_key(process, thread));
	if (!actor)
		actor = actor_new(model, p, process, thread, event);
	p->last_actor = actor;
	return actor;
}

void actor_keep(struct actor *actor)
{
	actor->n_refs++;
}

void actor_release(struct actor *actor)
{
	while (actor && --actor->n_refs == 0) {
		struct actor *creator = actor->creator;

		free(actor);
		actor = creator;
	}
}

/* Nobody has been seen to make it yet, though it has ended: that call is about to be told. */
static bool waits_for_maker(struct model *model, struct actor *actor)
{
	if (actor->claimed || actor->ended || !actor->thread || model->n_unclaimed == UNCLAIMED_MAX)
		return false;
	model->n_unclaimed++;
	actor->ended = true;
	return true;
}

/* Takes it out of the tables; it lives on while an invariant keeps it, or those that it made. */
static void retire(struct model *model, struct process *p, struct actor *actor)
{
	*(actor->previous ? &actor->previous->next : &p->actors) = actor->next;
	if (actor->next)
		actor->next->previous = actor->previous;
	actor->next = actor->previous = NULL;
	p->last_actor = NULL;
	table_remove(&model->actors, actor_key(actor->process, actor->thread));
	model->n_unclaimed -= actor->ended;
	actor->ended = true;
	actor_release(actor);
}

/* Record locks stay with the process: another of its threads has them from now on. */
static struct actor *heir_of(const struct process *p, const struct actor *actor)
{
	struct actor *heir = p->actors;

	while (heir && heir->next)
		heir = heir->next;
	return heir == actor ? actor->previous : heir;
}

static void end_thread(struct model *model, struct process *p, struct actor *actor)
{
	struct actor *heir = heir_of(p, actor);

	while (actor->holds) {
		struct lock_hold *hold = actor->holds;

		if (heir && hold->part.owner != OWNED_BY_THREAD)
			hold_give_to(hold, heir);
		else
			hold_bury(model, hold, false);
	}
	if (!waits_for_maker(model, actor))
		retire(model, p, actor);
}

void model_thread_end(struct model *model, uint32_t process, uint32_t thread)
{
	struct actor *actor = actor_find(model, process, thread);

	if (actor)
		end_thread(model, process_get(model, process), actor);
}

void actors_process_end(struct model *model, struct process *p)
{
	while (p->actors) {
		struct actor *actor = p->actors;

		while (actor->holds)
			hold_bury(model, actor->holds, true);
		retire(model, p, actor);
	}
}

void actors_free(struct model *model)
{
	for (unsigned int i = 0; i < model->actors.n_slots; i++)
		if (model->actors.slot[i].value)
			actor_release(model->actors.slot[i].value);
	table_free(&model->actors);
}

static void note_created(struct model *model, uint32_t process, uint32_t thread,
			 const struct event *event)
{
	struct actor *made, *creator;

	if (!event_took_effect(event) || event->arg[5] <= 0 || event->arg[5] > UINT32_MAX)
		return;
	made = actor_see(model, process, (uint32_t)event->arg[5], event);
	creator = actor_see(model, process, thread, event);
	creator->n_segments++;
	/* that the maker was made by it, only a subject that scribbles can say */
	if (made == creator || made->claimed || actor_descends(model, creator, made))
		return;
	made->claimed = true;
	if (creator->n_above < ABOVE_MAX) {
		made->n_above = creator->n_above + 1;
		made->creator = creator;
		actor_keep(creator);
	}
	if (made->ended)
		retire(model, process_get(model, process), made);
}

static void note_joined(struct model *model, uint32_t process, uint32_t thread,
			const struct event *event)
{
	uint64_t value = object_value_of(event->object);
	struct actor *joined;

	actor_see(model, process, thread, event)->n_segments++;
	if (!event_took_effect(event) || object_kind_of(event->object) != OBJECT_THREAD)
		return;
	joined = actor_find(model, process, value & ((UINT64_C(1) << THREAD_BITS) - 1));
	if (!joined || joined->thread == thread)
		return;
	joined->joined_exit = event->exit_tsc;
	joined->joiner = thread;
	end_thread(model, process_get(model, process), joined);
}

/* The new image has one thread, and no lock in memory. A lock in memory that is shared stays taken,
 * and files that are closed on exec give theirs back: which ones is not known. */
static void note_exec(struct model *model, struct process *p, struct actor *caller)
{
	struct actor *next;

	for (struct actor *actor = p->actors; actor; actor = next) {
		struct lock_hold *older;

		next = actor->next;
		for (struct lock_hold *hold = actor->holds; hold; hold = older) {
			older = hold->older_of_actor;
			if (hold_is_restored(hold) || !lock_in_shared_memory(&hold->lock->object))
				hold_drop(model, hold);
		}
		if (actor != caller)
			end_thread(model, p, actor);
	}
	p->caught = 0;
}

void actor_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event)
{
	struct process *p = process_get(model, process);

	switch (calls[event->call].canonical_id) {
	case CALL_pthread_create:
		note_created(model, process, thread, event);
		break;
	case CALL_pthread_join:
	case CALL_pthread_tryjoin_np:
	case CALL_pthread_timedjoin_np:
	case CALL_pthread_clockjoin_np:
		note_joined(model, process, thread, event);
		break;
	case CALL_fork:
	case CALL_vfork:
	case CALL_clone:
	case CALL_posix_spawn:
	case CALL_posix_spawnp:
	case CALL_wait:
	case CALL_waitpid:
	case CALL_wait3:
	case CALL_wait4:
	case CALL_waitid:
		actor_see(model, process, thread, event)->n_segments++;
		break;
	default:
		if (p->exec_exit && p->exec_exit == event->exit_tsc)
			note_exec(model, p, actor_see(model, process, thread, event));
		break;
	}
}

/* The newest come first; nothing is moved when the same comes again. */
void actor_note(struct actor_mark *marks, unsigned int n_marks, uint64_t serial, uint64_t tsc)
{
	unsigned int at = 0;

	while (at < n_marks - 1 && marks[at].serial != serial)
		at++;
	for (; at > 0; at--)
		marks[at] = marks[at - 1];
	marks[0] = (struct actor_mark){ serial, tsc };
}

uint64_t actor_noted(const struct actor_mark *marks, unsigned int n_marks, uint64_t serial)
{
	for (unsigned int i = 0; i < n_marks; i++)
		if (marks[i].serial == serial)
			return marks[i].tsc;
	return 0;
}

bool actor_descends(const struct model *model, const struct actor *actor,
		    const struct actor *ancestor)
{
	if (actor->process != ancestor->process)
		return process_descends(model, actor->process, ancestor->process);
	for (actor = actor->creator; actor; actor = actor->creator)
		if (actor == ancestor)
			return true;
	return false;
}

const char *actor_title(struct model *model, uint32_t process, uint32_t thread, char *buffer,
			size_t n_bytes)
{
	const char *program = model_program(model, process);

	if (!thread)
		return process_title(model, process, buffer, n_bytes);
	if (*program)
		snprintf(buffer, n_bytes, "%.60s/%u (%.40s)", model_lineage(model, process), thread,
			 program);
	else
		snprintf(buffer, n_bytes, "%.60s/%u", model_lineage(model, process), thread);
	return buffer;
}
