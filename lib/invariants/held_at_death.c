/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held-at-death: nobody dies with a lock that neither the kernel nor somebody else gives back. This
 * file is about System V semaphores that are taken without SEM_UNDO.
 */
#include "held_at_death.h"
#include "invariants.h"

#define HELD_MAX 1024

struct held {
	struct sem_set *set;
	unsigned int num;
	uint32_t process;
	int32_t units;
	uint32_t n_foreign, n_sets; /* of the semaphore, at the death */
	bool unsure;                /* its V may have happened unrecorded */
	bool agreed;                /* the kernel's value shows that it did not */
	bool undone;
	uint32_t stack;
	uint64_t site;
	struct process_end end;
};

struct held_state {
	struct held held[HELD_MAX];
	unsigned int n;
	struct held_locks locks;
};

static void note_held(struct model *model, struct held_state *state, const struct sem_user *user,
		      unsigned int num, const struct process_end *end)
{
	const struct sem_touch *touch = &user->touch[num];
	const struct sem *sem = &user->set->sem[num];
	int32_t units = touch_held(touch) - (touch->adjust > 0 ? touch->adjust : 0);

	if (units <= 0 || touch->uncertain || !sem_is_lock(sem) || state->n == HELD_MAX)
		return;
	object_keep(&user->set->object);
	state->held[state->n++] = (struct held){
		.set = user->set,
		.num = num,
		.process = user->process,
		.units = units,
		.n_foreign = sem->n_foreign,
		.n_sets = sem->n_sets,
		.unsure = !process_end_is_sure(process_get(model, user->process), end),
		.stack = touch->stack,
		.site = touch->site,
		.end = *end,
	};
}

static void held_process_end(struct model *model, void *data, uint32_t process,
			     const struct process_end *end, uint64_t tsc)
{
	const struct process *p = process_get(model, process);
	struct held_state *state = data;

	held_locks_note(model, &state->locks, process, end, tsc);
	if (end->by_runner)
		return;
	for (const struct sem_user *user = p->users; user; user = user->next_of_process) {
		const struct object *object = &user->set->object;

		if (object->removed && !process_died_before(p, end, object->removed_enter))
			continue;
		for (unsigned int num = 0; num < user->n_touches; num++)
			note_held(model, state, user, num, end);
	}
}

static void held_kernel(struct model *model, void *data, int semid, const uint16_t *value,
			unsigned int n_values)
{
	struct held_state *state = data;
	const struct sem_set *set = sem_set_find(model, semid);

	for (unsigned int i = 0; i < state->n; i++) {
		struct held *held = &state->held[i];
		const struct sem *sem = &held->set->sem[held->num];

		if (held->set != set || held->num >= n_values || !sem->known)
			continue;
		if (value[held->num] == sem->value + sem->clamped)
			held->agreed = true;
		else if (held->unsure && !held->agreed)
			held->undone = true;
	}
}

static bool stands(const struct model *model, const struct held *held)
{
	const struct sem *sem = &held->set->sem[held->num];
	uint32_t n_given = sem->n_foreign - held->n_foreign;

	if (held->undone || sem->n_sets != held->n_sets || n_given >= (uint32_t)held->units)
		return false;
	if (model->unfollowed && !held->agreed)
		return false;
	return sem->initial == 1 || sem->n_pairs > 0;
}

static void report(struct model *model, const struct held *held)
{
	struct finding *f = finding_new("held-at-death", "");
	char name[160], title[120], fate[64];

	finding_add_sem(model, f, held->set, held->num);
	finding_mark(f, held->site);
	finding_message(f,
			"%s %s while it held %s, taken without SEM_UNDO, and nothing restored it",
			process_title(model, held->process, title, sizeof(title)),
			process_fate(&held->end, fate, sizeof(fate)),
			sem_name(model, held->set, held->num, name, sizeof(name)));
	finding_add_stack(model, f, held->process, held->stack, "took it here");
	findings_add(model->findings, f);
}

static void held_finish(struct model *model, void *data, enum trial_end how,
			const struct leftover *left, unsigned int n_left)
{
	struct held_state *state = data;

	(void)how, (void)left, (void)n_left;
	for (unsigned int i = 0; i < state->n; i++) {
		if (stands(model, &state->held[i]))
			report(model, &state->held[i]);
		object_release(model, &state->held[i].set->object);
	}
	state->n = 0;
	held_locks_judge(model, &state->locks);
}

const struct invariant held_at_death_invariant = {
	.name = "held-at-death",
	.about = "No process dies holding a lock that nothing restores.",
	.n_state_bytes = sizeof(struct held_state),
	.process_end = held_process_end,
	.kernel_sem = held_kernel,
	.finish = held_finish,
};
