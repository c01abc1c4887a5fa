/* SPDX-License-Identifier: Apache-2.0 */
/* undo-mismatch: a process takes and gives a semaphore either both with SEM_UNDO or both without.
 */
#include <sys/sem.h>

#include "invariants.h"

#define MISMATCHES_MAX 64

struct mismatch {
	struct sem_set *set;
	unsigned int num;
	uint32_t process;
	bool taken_with;
	uint32_t take_stack, give_stack;
	uint64_t take_site, give_site;
};

struct mismatch_state {
	struct mismatch mismatch[MISMATCHES_MAX];
	unsigned int n;
};

static bool is_noted(const struct mismatch_state *state, const struct mismatch *wanted)
{
	for (unsigned int i = 0; i < state->n; i++) {
		const struct mismatch *m = &state->mismatch[i];

		if (m->set == wanted->set && m->num == wanted->num &&
		    m->take_site == wanted->take_site && m->give_site == wanted->give_site &&
		    m->taken_with == wanted->taken_with)
			return true;
	}
	return state->n == MISMATCHES_MAX;
}

static void note_give(struct mismatch_state *state, struct sem_set *set, uint32_t process,
		      const struct sem_touch *touch, const struct event *event, unsigned int num)
{
	struct mismatch mismatch = {
		.set = set,
		.num = num,
		.process = process,
		.taken_with = touch->held_undo > 0,
		.take_stack = touch->stack,
		.take_site = touch->site,
		.give_stack = event->stack,
		.give_site = event->site,
	};

	if (is_noted(state, &mismatch))
		return;
	object_keep(&set->object);
	state->mismatch[state->n++] = mismatch;
}

static void mismatch_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			   const struct event *event, const uint8_t *more)
{
	struct sem_set *set = sem_event_set(model, event);
	struct sem_op ops[SEM_OPS_MAX];
	const struct sem_user *user;
	unsigned int n_ops;

	(void)thread;
	if (!set || calls[event->call].canonical_id == CALL_semctl || !event_took_effect(event))
		return;
	user = sem_user_find(model, set, process);
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	for (unsigned int i = 0; user && i < n_ops; i++) {
		const struct sem_touch *touch = sem_user_touch(user, ops[i].num);
		bool with = ops[i].flg & SEM_UNDO;

		if (ops[i].op <= 0 || touch->uncertain || touch_held(touch) <= 0)
			continue;
		if (with ? touch->held_undo <= 0 : touch->held_plain <= 0)
			note_give(data, set, process, touch, event, ops[i].num);
	}
}

static void report(struct model *model, const struct mismatch *m)
{
	struct finding *f = finding_new("undo-mismatch", m->taken_with ? "V without" : "P without");
	char name[160], title[120];

	finding_add_sem(model, f, m->set, m->num);
	finding_mark(f, m->take_site);
	finding_mark(f, m->give_site);
	finding_message(f, "%s took %s %s SEM_UNDO and gave it back %s",
			process_title(model, m->process, title, sizeof(title)),
			sem_name(model, m->set, m->num, name, sizeof(name)),
			m->taken_with ? "with" : "without", m->taken_with ? "without" : "with it");
	finding_add_stack(model, f, m->process, m->take_stack,
			  m->taken_with ? "took it here with SEM_UNDO"
					: "took it here without SEM_UNDO");
	finding_add_stack(model, f, m->process, m->give_stack,
			  m->taken_with ? "gave it back here without SEM_UNDO"
					: "gave it back here with SEM_UNDO");
	findings_add(model->findings, f);
}

/* A semaphore that others give too is no lock: taking and giving need not belong together. */
static void mismatch_finish(struct model *model, void *data, enum trial_end how,
			    const struct leftover *left, unsigned int n_left)
{
	struct mismatch_state *state = data;

	(void)how, (void)left, (void)n_left;
	for (unsigned int i = 0; i < state->n; i++) {
		const struct mismatch *m = &state->mismatch[i];

		if (m->set->sem[m->num].n_foreign == 0)
			report(model, m);
		object_release(model, &m->set->object);
	}
	state->n = 0;
}

const struct invariant undo_mismatch_invariant = {
	.name = "undo-mismatch",
	.about = "A process uses SEM_UNDO for both P and V of a semaphore, or for neither.",
	.n_state_bytes = sizeof(struct mismatch_state),
	.event = mismatch_event,
	.finish = mismatch_finish,
};
