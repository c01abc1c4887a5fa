/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sem-init: nobody uses a semaphore set that it found by its key before the maker has initialised
 * it. The race is from Stevens, UNIX Network Programming, volume 2, section 11.2.
 */
#include <errno.h>
#include <sys/sem.h>

#include "invariants.h"
#include "psem_init.h"

#define EARLY_MAX 256

/* A use by another process than the maker, before an initialisation was seen. */
struct early_use {
	struct sem_set *set;
	unsigned int num;
	uint32_t process;
	uint32_t stack;
	uint64_t site, enter;
	bool raced_semop; /* the maker's first V came later: an initialisation, if it is a lock */
};

struct sem_init_state {
	struct early_use early[EARLY_MAX];
	unsigned int n;
};

static void report(struct model *model, const struct early_use *use)
{
	const struct sem *sem = &use->set->sem[use->num];
	uint32_t maker = (uint32_t)use->set->object.maker;
	struct finding *f = finding_new("sem-init", "");
	char name[160], title[120];

	finding_add_sem(model, f, use->set, use->num);
	finding_mark(f, use->site);
	finding_message(
		f, "%s used %s, which it found by its key, before its maker %s had initialised it",
		process_title(model, use->process, title, sizeof(title)),
		sem_name(model, use->set, use->num, name, sizeof(name)),
		model_lineage(model, maker));
	finding_add_stack(model, f, use->process, use->stack, "used it here, too early");
	finding_add_stack(model, f, maker, use->set->object.maker_stack, "made it here");
	finding_add_stack(model, f, maker, sem->init_stack, "initialised it here");
	findings_add(model->findings, f);
}

static void drop(struct model *model, struct sem_init_state *state, unsigned int i)
{
	object_release(model, &state->early[i].set->object);
	state->early[i] = state->early[--state->n];
}

static void keep_early(struct model *model, struct sem_init_state *state,
		       const struct early_use *use)
{
	for (unsigned int i = 0; i < state->n; i++)
		if (state->early[i].set == use->set && state->early[i].num == use->num &&
		    state->early[i].process == use->process)
			return;
	if (state->n == EARLY_MAX)
		drop(model, state, 0);
	object_keep(&use->set->object);
	state->early[state->n++] = *use;
}

static void note_use(struct model *model, struct sem_init_state *state, struct sem_set *set,
		     uint32_t process, const struct event *event, const struct sem_op *op)
{
	const struct sem *sem = sem_get(set, op->num);
	struct early_use use = {
		.set = set,
		.num = op->num,
		.process = process,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.raced_semop = sem->init_by_semop,
	};

	if (sem->init_void || (sem->init_enter && event->enter_tsc >= sem->init_enter))
		return;
	/* It waited through a SETVAL that only confirmed the kernel's 0. */
	if (sem->init_enter && !sem->init_by_semop && op->op < 0 && sem->has_initial &&
	    sem->initial == 0)
		return;
	if (sem->init_enter && !sem->init_by_semop)
		report(model, &use);
	else
		keep_early(model, state, &use);
}

/* The maker initialises it now: whoever used it earlier, and is not dead by now, raced. */
static void note_init(struct model *model, struct sem_init_state *state, struct sem_set *set,
		      unsigned int num, const struct event *event, bool by_semop)
{
	struct sem *sem = sem_get(set, num);

	if (sem->init_enter || sem->init_void)
		return;
	sem->init_enter = event->enter_tsc;
	sem->init_stack = event->stack;
	sem->init_site = event->site;
	sem->init_by_semop = by_semop;
	for (unsigned int i = state->n; i-- > 0;) {
		struct early_use *use = &state->early[i];
		const struct process *p = process_get(model, use->process);

		if (use->set != set || use->num != num)
			continue;
		use->raced_semop =
			by_semop && use->enter < event->enter_tsc && !p->ended && !p->reaped;
		if (by_semop && use->raced_semop)
			continue;
		if (use->enter < event->enter_tsc && !p->ended && !p->reaped)
			report(model, use);
		drop(model, state, i);
	}
}

static void note_maker(struct model *model, struct sem_init_state *state, struct sem_set *set,
		       const struct event *event, const uint8_t *more)
{
	struct sem_op ops[SEM_OPS_MAX];
	unsigned int n_ops;

	if (calls[event->call].canonical_id == CALL_semctl) {
		if (event->arg[2] == SETVAL)
			note_init(model, state, set, (uint16_t)event->arg[1], event, false);
		for (unsigned int i = 0; event->arg[2] == SETALL &&
					 i < event_payload_bytes(event, more) / sizeof(uint16_t);
		     i++)
			note_init(model, state, set, i, event, false);
		return;
	}
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	for (unsigned int i = 0; i < n_ops; i++) {
		struct sem *sem = sem_get(set, ops[i].num);

		if (ops[i].op > 0)
			note_init(model, state, set, ops[i].num, event, true);
		else if (!sem->init_enter)
			sem->init_void = true;
	}
}

static void sem_init_event(struct model *model, void *data, uint32_t process, uint32_t thread,
			   const struct event *event, const uint8_t *more)
{
	struct sem_set *set = sem_event_set(model, event);
	bool tried = event->flags & EVENT_FAILED && (event->err == EAGAIN || event->err == EINTR);
	struct sem_op ops[SEM_OPS_MAX];
	const struct sem_user *user;
	unsigned int n_ops;

	psem_init_event(model, process, thread, event);
	if (!set || set->object.maker < 0 || !set->object.maker_sure)
		return;
	if (process == (uint32_t)set->object.maker) {
		if (event_took_effect(event))
			note_maker(model, data, set, event, more);
		return;
	}
	if (event->flags & EVENT_NOT_PERFORMED || !(tried || event_took_effect(event)) ||
	    calls[event->call].canonical_id == CALL_semctl)
		return;
	user = sem_user_find(model, set, process);
	if (!user || !user->found)
		return;
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	for (unsigned int i = 0; i < n_ops; i++)
		note_use(model, data, set, process, event, &ops[i]);
}

/* The maker's V was an initialisation if the semaphore is a lock: its takers give it back. */
static void sem_init_finish(struct model *model, void *data, enum trial_end how,
			    const struct leftover *left, unsigned int n_left)
{
	struct sem_init_state *state = data;

	(void)how, (void)left, (void)n_left;
	while (state->n > 0) {
		const struct early_use *use = &state->early[state->n - 1];

		if (use->raced_semop && use->set->sem[use->num].n_pairs > 0)
			report(model, use);
		drop(model, state, state->n - 1);
	}
}

const struct invariant sem_init_invariant = {
	.name = "sem-init",
	.about = "No process uses a semaphore that it shares before its maker has set it.",
	.n_state_bytes = sizeof(struct sem_init_state),
	.event = sem_init_event,
	.finish = sem_init_finish,
};
