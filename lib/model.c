/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - hands each event to the models of processes and objects, and to the invariants. */
#include "model_lock.h"

#include <stdlib.h>

struct model *model_new(const struct model_options *options, struct finding_list *findings)
{
	struct model *model = model_alloc(sizeof(*model));

	model->options = *options;
	model->findings = findings;
	while (invariants[model->n_invariants])
		model->n_invariants++;
	model->state = model_alloc(model->n_invariants * sizeof(model->state[0]));
	for (unsigned int i = 0; i < model->n_invariants; i++)
		model->state[i] = model_alloc(invariants[i]->n_state_bytes);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (unsigned int i = 0; i < model->n_invariants; i++) {
		if (invariants[i]->release)
			invariants[i]->release(model->state[i]);
		free(model->state[i]);
	}
	free(model->state);
	objects_free(model);
	holds_free(model);
	actors_free(model);
	processes_free(model);
	table_free(&model->users);
	table_free(&model->woken);
	table_free(&model->ftok_keys);
	free(model);
}

static void tell_invariants(struct model *model, uint32_t process, uint32_t thread,
			    const struct event *event, const uint8_t *more)
{
	for (unsigned int i = 0; i < model->n_invariants; i++)
		if (invariants[i]->event)
			invariants[i]->event(model, model->state[i], process, thread, event, more);
}

void model_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more)
{
	enum object_kind kind = object_kind_of(event->object);
	unsigned int classes;

	if (event->call >= CALL_N || !process_get(model, process))
		return;
	classes = calls[event->call].classes;
	model->delivery = NULL;
	process_event(model, process, thread, event);
	object_event(model, process, event, more);
	lock_see(model, process, event);
	if (classes & (CLASS_MSG | CLASS_MQ))
		queue_event(model, process, event, more);
	if (kind == OBJECT_PIPE || kind == OBJECT_FIFO)
		pipe_event(model, process, thread, event);
	if (kind == OBJECT_SOCKET)
		socket_event(model, process, thread, event);
	tell_invariants(model, process, thread, event, more);
	if (classes & CLASS_SEM)
		sem_event(model, process, thread, event, more);
	lock_event(model, process, thread, event);
	actor_event(model, process, thread, event);
	wake_event(model, process, thread, event);
	wake_lost_event(model, process, thread, event);
}

void model_process_end(struct model *model, uint32_t process, const struct process_end *end,
		       uint64_t tsc)
{
	struct process *p = process_get(model, process);

	if (!p || p->ended)
		return;
	for (unsigned int i = 0; i < model->n_invariants; i++)
		if (invariants[i]->process_end)
			invariants[i]->process_end(model, model->state[i], process, end, tsc);
	sem_process_end(model, process, end);
	lock_process_end(model, process, end, tsc);
	if (!process_end_is_sure(p, end))
		model->n_unsure_deaths++;
	p->ended = true;
	p->end = *end;
	p->end_tsc = tsc;
}

void model_kernel_sem(struct model *model, int semid, const uint16_t *value, unsigned int n_values)
{
	struct sem_set *set = sem_set_find(model, semid);

	if (!set || set->object.removed)
		return;
	for (unsigned int i = 0; i < model->n_invariants; i++)
		if (invariants[i]->kernel_sem)
			invariants[i]->kernel_sem(model, model->state[i], semid, value, n_values);
	for (unsigned int num = 0; num < n_values; num++) {
		struct sem *sem = sem_get(set, num);

		sem->value = value[num];
		sem->clamped = 0;
		sem->known = true;
		sem->suspect = false;
	}
}

void model_unfollowed(struct model *model)
{
	model->unfollowed = true;
}

void model_finish(struct model *model, enum trial_end how, const struct leftover *left,
		  unsigned int n_left)
{
	for (unsigned int i = 0; i < model->n_invariants; i++)
		if (invariants[i]->finish)
			invariants[i]->finish(model, model->state[i], how, left, n_left);
}
