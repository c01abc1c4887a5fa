/* SPDX-License-Identifier: Apache-2.0 */
/*
 * psem_init.c - sem-init for POSIX semaphores in shared memory: nobody uses one before sem_init was
 * called on it, for the first time, by another process. Zeroed memory is a semaphore of value 0
 * here, so such a program works at times: a post is lost, or a wait is never told that it could go
 * on. With sem_open there is no such moment.
 */
#include "psem_init.h"
#include "invariants.h"

#include "../model_lock.h"

static void report(struct model *model, const struct psem *sem, const struct wake_sent *use,
		   const struct wake_sent *init)
{
	struct finding *f = finding_new("sem-init", "");
	char name[160], title[120];

	finding_add_object(model, f, &sem->lock.object);
	finding_mark(f, use->site);
	finding_message(f, "%s used %s before %s had initialised it",
			actor_title(model, use->process, use->thread, title, sizeof(title)),
			object_name(model, &sem->lock.object, name, sizeof(name)),
			model_lineage(model, init->process));
	finding_add_thread_stack(model, f, use->process, use->thread, use->stack,
				 "used it here, too early");
	finding_add_thread_stack(model, f, init->process, init->thread, init->stack,
				 "initialised it here");
	findings_add(model->findings, f);
}

static void judge(struct model *model, const struct psem *sem, const struct wake_sent *use,
		  const struct wake_sent *init)
{
	if (use->enter && init->enter && use->process != init->process && use->enter < init->enter)
		report(model, sem, use, init);
}

/* What was forgotten may have been an earlier initialisation, as may what nobody saw. */
void psem_init_event(struct model *model, uint32_t process, uint32_t thread,
		     const struct event *event)
{
	struct wake_sent now = { .process = process,
				 .thread = thread,
				 .stack = event->stack,
				 .site = event->site,
				 .enter = event->enter_tsc };
	struct lock_part part;
	enum lock_act act = lock_act(event, &part);
	const struct psem *sem;

	if (object_kind_of(event->object) != OBJECT_PSEM || act == LOCK_NOTHING ||
	    !(event->object & OBJECT_PLACE_SHARED) || !event_took_effect(event) ||
	    model->unfollowed || model->has_forgotten)
		return;
	sem = (const struct psem *)model->lock;
	if (sem->set_before)
		return;
	for (unsigned int i = 0; act == LOCK_INIT && i < PSEM_USES; i++)
		judge(model, sem, &sem->early[i], &now);
	if (act == LOCK_TAKES || act == LOCK_TRIES || act == LOCK_GIVES)
		judge(model, sem, &now, &sem->init);
}
