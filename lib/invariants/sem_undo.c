/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sem-undo: what SEM_UNDO promises at a death is kept, unless the kernel had to stop at 0 or 32767,
 * or somebody's SETVAL had made it forget.
 */
#include "invariants.h"

#define DEATHS_MAX 256

/* A death with an adjustment pending. */
struct undo_death {
	struct sem_set *set;
	unsigned int num;
	uint32_t process;
	int32_t adjust;
	int64_t value; /* before it */
	uint64_t tsc;
	uint64_t site;
	uint32_t stack;
	bool out_of_range; /* as far as is known */
	bool doubtful;     /* something was on its way that may have made room */
};

struct sem_undo_state {
	struct undo_death death[DEATHS_MAX];
	unsigned int n;
};

static void drop(struct model *model, struct sem_undo_state *state, unsigned int i)
{
	object_release(model, &state->death[i].set->object);
	state->death[i] = state->death[--state->n];
}

static void report(struct model *model, const struct undo_death *death)
{
	struct finding *f =
		finding_new("sem-undo", death->adjust < 0 ? "clamped at 0" : "clamped at 32767");
	char name[160], title[120];

	finding_add_sem(model, f, death->set, death->num);
	finding_mark(f, death->site);
	finding_message(
		f, "%s died with %+d pending by SEM_UNDO on %s, which was %lld: it stopped at %d",
		process_title(model, death->process, title, sizeof(title)), death->adjust,
		sem_name(model, death->set, death->num, name, sizeof(name)),
		(long long)death->value, death->adjust < 0 ? 0 : MODEL_SEM_MAX);
	finding_add_stack(model, f, death->process, death->stack,
			  "last changed it with SEM_UNDO here");
	findings_add(model->findings, f);
}

static void report_cleared(struct model *model, const struct sem_set *set, unsigned int num,
			   uint32_t process, const struct sem_touch *touch)
{
	struct finding *f = finding_new("sem-undo", "cleared");
	char name[160], title[120];

	finding_add_sem(model, f, set, num);
	finding_mark(f, touch->undo_site);
	finding_message(
		f,
		"%s died with %+d owed to %s by SEM_UNDO, but SETVAL or SETALL of %s had cleared that",
		process_title(model, process, title, sizeof(title)), touch->promised,
		sem_name(model, set, num, name, sizeof(name)),
		model_lineage(model, touch->cleared_process));
	finding_add_stack(model, f, process, touch->undo_stack,
			  "last changed it with SEM_UNDO here");
	finding_add_stack(model, f, touch->cleared_process, touch->cleared_stack, "set it here");
	findings_add(model->findings, f);
}

/* Was it alive when the SETVAL was made? Deaths are noticed late, so only its own deeds prove that,
 * or the signal that ended it. */
static bool outlived(const struct process *p, const struct process_end *end, uint64_t tsc)
{
	if (p->last_exit > tsc)
		return true;
	return end->kind == END_SIGNAL && p->kill_signal == end->status && p->kill_enter > tsc;
}

static bool is_trusted(const struct model *model, const struct sem *sem)
{
	return sem->known && !sem->suspect && !model->unfollowed && !model->shared_undo;
}

static void note_death(struct model *model, struct sem_undo_state *state,
		       const struct sem_user *user, unsigned int num, uint64_t tsc)
{
	const struct sem_touch *touch = &user->touch[num];
	const struct sem *sem = &user->set->sem[num];
	int64_t value = sem->value + sem->clamped;
	int64_t after = value + touch->adjust;

	if (state->n == DEATHS_MAX)
		drop(model, state, 0);
	object_keep(&user->set->object);
	state->death[state->n++] = (struct undo_death){
		.set = user->set,
		.num = num,
		.process = user->process,
		.adjust = touch->adjust,
		.value = value,
		.tsc = tsc,
		.site = touch->undo_site,
		.stack = touch->undo_stack,
		.out_of_range = (after < 0 || after > MODEL_SEM_MAX) && !touch->uncertain,
	};
}

/* Something that raised (or lowered) the semaphore may have happened before the deaths noted so
 * far. */
static void doubt(struct sem_undo_state *state, const struct sem_set *set, unsigned int num,
		  int32_t change, uint64_t since)
{
	for (unsigned int i = 0; i < state->n; i++) {
		struct undo_death *death = &state->death[i];

		if (death->set == set && death->num == num && since < death->tsc &&
		    (change > 0) == (death->adjust < 0))
			death->doubtful = true;
	}
}

static void sem_undo_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			   const struct event *event, const uint8_t *more)
{
	struct sem_undo_state *state = data;
	const struct sem_set *set = state->n ? sem_event_set(model, event) : NULL;
	struct sem_op ops[SEM_OPS_MAX];
	unsigned int n_ops;

	(void)process, (void)thread;
	if (!set || calls[event->call].canonical_id == CALL_semctl || !event_took_effect(event))
		return;
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	for (unsigned int i = 0; i < n_ops; i++)
		if (ops[i].op)
			doubt(state, set, ops[i].num, ops[i].op, event->enter_tsc);
}

static void sem_undo_process_end(struct model *model, void *data, uint32_t process,
				 const struct process_end *end, uint64_t tsc)
{
	struct sem_undo_state *state = data;
	const struct process *p = process_get(model, process);

	if (end->by_runner)
		return;
	for (const struct sem_user *user = p->users; user; user = user->next_of_process) {
		for (unsigned int num = 0; num < user->n_touches && sem_undo_applies(user->set, p);
		     num++) {
			const struct sem_touch *touch = &user->touch[num];

			if (touch->cleared_by_other && touch->promised != touch->adjust &&
			    touch->promised && !touch->uncertain && !model->shared_undo &&
			    outlived(p, end, touch->cleared_exit))
				report_cleared(model, user->set, num, process, touch);
			if (!touch->adjust)
				continue;
			doubt(state, user->set, num, touch->adjust, p->last_exit);
			if (is_trusted(model, &user->set->sem[num]))
				note_death(model, state, user, num, tsc);
		}
	}
}

/* Of the deaths that could explain the kernel's value, the one that most likely does. */
static struct undo_death *find_cause(struct sem_undo_state *state, const struct sem_set *set,
				     unsigned int num, bool too_high)
{
	struct undo_death *cause = NULL;

	for (unsigned int i = 0; i < state->n; i++) {
		struct undo_death *death = &state->death[i];

		if (death->set == set && death->num == num && (death->adjust < 0) == too_high &&
		    (!cause || death->out_of_range >= cause->out_of_range))
			cause = death;
	}
	return cause;
}

/* The kernel's word: the plain sum, or a death could not do what it should. */
static void judge(struct model *model, struct sem_undo_state *state, const struct sem_set *set,
		  unsigned int num, uint16_t value)
{
	const struct sem *sem = &set->sem[num];
	struct undo_death *cause = find_cause(state, set, num, value > sem->value);

	if (cause && value != sem->value && is_trusted(model, sem))
		report(model, cause);
	for (unsigned int i = state->n; i-- > 0;)
		if (state->death[i].set == set && state->death[i].num == num)
			drop(model, state, i);
}

static void sem_undo_kernel(struct model *model, void *data, int semid, const uint16_t *value,
			    unsigned int n_values)
{
	struct sem_set *set = sem_set_find(model, semid);

	for (unsigned int num = 0; num < n_values && num < set->n_sems; num++)
		judge(model, data, set, num, value[num]);
}

static void sem_undo_finish(struct model *model, void *data, enum trial_end how,
			    const struct leftover *left, unsigned int n_left)
{
	struct sem_undo_state *state = data;

	(void)how, (void)left, (void)n_left;
	while (state->n > 0) {
		const struct undo_death *death = &state->death[state->n - 1];
		const struct sem *sem = &death->set->sem[death->num];
		/* everything is in: a sum below 0 is one that the kernel stopped at 0 */
		bool below = death->adjust < 0 && sem->value + sem->clamped < 0;

		if (is_trusted(model, sem) && (below || (death->out_of_range && !death->doubtful)))
			report(model, death);
		drop(model, state, state->n - 1);
	}
}

const struct invariant sem_undo_invariant = {
	.name = "sem-undo",
	.about = "A semaphore's value after a death is what SEM_UNDO promises.",
	.n_state_bytes = sizeof(struct sem_undo_state),
	.event = sem_undo_event,
	.process_end = sem_undo_process_end,
	.kernel_sem = sem_undo_kernel,
	.finish = sem_undo_finish,
};
