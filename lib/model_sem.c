/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_sem.c - semaphore sets: values as sums, who holds what, adjustments pending. What is not
 * certain is marked so: effects of abandoned calls, operations that overlap a SETVAL, deaths in
 * mid-call.
 */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

struct sem_set *sem_event_set(struct model *model, const struct event *event)
{
	unsigned int call = calls[event->call].canonical_id;

	if (call != CALL_semop && call != CALL_semtimedop && call != CALL_semctl)
		return NULL;
	return (struct sem_set *)object_find(model, event_ref(event, OBJECT_SEM, event->arg[0]));
}

unsigned int sem_event_ops(const struct event *event, const uint8_t *more, struct sem_op *ops,
			   unsigned int n_max)
{
	uint64_t n = (uint64_t)event->arg[2];
	uint64_t n_there =
		3 + (more ? (uint64_t)event->n_more * EVENT_MORE_BYTES / sizeof(int64_t) : 0);

	if (n > n_max || n > n_there)
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		int64_t packed;

		if (i < 3)
			packed = event->arg[3 + i];
		else
			memcpy(&packed, more + (i - 3) * sizeof(packed), sizeof(packed));
		ops[i] = (struct sem_op){ event_sop_num(packed), event_sop_op(packed),
					  event_sop_flg(packed) };
	}
	return (unsigned int)n;
}

/* Units that a dead holder took with it come back by somebody else's V. */
static int32_t restore_dead(struct sem_set *set, unsigned int num, int32_t units)
{
	for (struct sem_user *user = set->n_dead ? set->users : NULL; user && units > 0;
	     user = user->next_of_set) {
		struct sem_touch *touch = num < user->n_touches ? &user->touch[num] : NULL;
		int32_t back;

		if (!touch || !touch->is_dead)
			continue;
		back = touch->held_plain < units ? touch->held_plain : units;
		touch->held_plain -= back;
		units -= back;
	}
	return units;
}

static void take(struct model *model, struct sem_user *user, struct sem *sem,
		 struct sem_touch *touch, uint32_t thread, const struct event *event,
		 const struct sem_op *op)
{
	struct process *p = process_get(model, user->process);

	sem_hold_note(p, user, op->num, touch);
	if (op->flg & SEM_UNDO)
		touch->held_undo -= op->op;
	else
		touch->held_plain -= op->op;
	touch->thread = thread;
	touch->stack = event->stack;
	touch->site = event->site;
	touch->taken_exit = event->exit_tsc;
	if (sem->value <= 0 || !sem->known)
		user->has_made_zero = true;
	/* Set while somebody waited, or for children that were there already: then it was a
	 * message. */
	if (!sem->has_initial || user->process == sem->initial_process)
		return;
	if (event->enter_tsc < sem->initial_exit ||
	    (!user->found && p->begin_tsc < sem->initial_exit))
		sem->posted = true;
}

static void give(struct sem_user *user, unsigned int num, struct sem *sem, struct sem_touch *touch,
		 const struct sem_op *op)
{
	int32_t *first = op->flg & SEM_UNDO ? &touch->held_undo : &touch->held_plain;
	int32_t *second = op->flg & SEM_UNDO ? &touch->held_plain : &touch->held_undo;
	int32_t rest = op->op;
	int32_t from_first = *first < rest ? *first : rest;
	int32_t from_second;

	*first -= from_first;
	rest -= from_first;
	from_second = *second < rest ? *second : rest;
	*second -= from_second;
	rest -= from_second;
	user->has_woken = true;
	sem->n_pairs += (uint32_t)(from_first + from_second);
	if (rest > 0) {
		sem->n_foreign += (uint32_t)rest;
		restore_dead(user->set, num, rest);
	}
}

bool model_undo_shown(const struct model *model, int semid)
{
	for (unsigned int i = 0; i < model->n_undo_shown; i++)
		if (model->undo_shown[i] == semid)
			return true;
	return false;
}

/* Without what deaths gave back the sum would be below 0: somebody has taken it. A V that overlaps
 * the P may have let it through instead. The P may be seen before the death is. */
static void note_below(struct sem *sem, const struct event *event, int op)
{
	if (op > 0 && event->enter_tsc < sem->below_exit)
		sem->below_exit = 0;
	else if (op < 0 && sem->known && sem->value - sem->undone < 0)
		sem->below_exit = event->exit_tsc;
}

static void note_undo(struct model *model, const struct sem_set *set, const struct sem *sem)
{
	int id = (int)object_value_of(set->object.ref);

	if (sem->undone > 0 && sem->below_exit && model->n_undo_shown < MODEL_UNDO_SHOWN &&
	    !model_undo_shown(model, id))
		model->undo_shown[model->n_undo_shown++] = id;
}

static void apply_op(struct model *model, struct sem_user *user, uint32_t thread,
		     const struct event *event, const struct sem_op *op)
{
	struct sem *sem = sem_get(user->set, op->num);
	struct sem_touch *touch;

	if (op->op == 0) {
		user->set->zero_seen = true;
		return;
	}
	touch = sem_touch_see(user, op->num);
	sem->n_operations++;
	sem->value += op->op;
	note_below(sem, event, op->op);
	note_undo(model, user->set, sem);
	if (sem->n_sets && event->enter_tsc < sem->set_exit) {
		sem->known = false;
		touch->uncertain = true;
	}
	if (event->exit_tsc > sem->last_exit)
		sem->last_exit = event->exit_tsc;
	touch->last_exit = event->exit_tsc;
	if (op->flg & SEM_UNDO) {
		touch->adjust -= op->op;
		touch->promised -= op->op;
		touch->undo_stack = event->stack;
		touch->undo_site = event->site;
	}
	if (op->op < 0)
		take(model, user, sem, touch, thread, event, op);
	else
		give(user, op->num, sem, touch, op);
	if (touch->listed && touch_held(touch) == 0)
		sem_hold_drop(process_get(model, user->process), user, op->num);
}

/* A call whose effect nobody knows: the sums are worth nothing, nor is what this process holds. */
static void doubt(struct sem_user *user, const struct sem_op *ops, unsigned int n_ops)
{
	for (unsigned int i = 0; i < n_ops; i++) {
		sem_get(user->set, ops[i].num)->known = false;
		sem_touch_see(user, ops[i].num)->uncertain = true;
	}
}

/* SETVAL and SETALL forget everybody's adjustments; what was held is void. */
static void clear_touch(const struct sem *sem, const struct sem_user *user, struct sem_touch *touch,
			uint32_t setter, const struct event *event)
{
	if (!touch->last_exit)
		return;
	touch->uncertain = touch->last_exit > event->enter_tsc;
	if (touch->adjust && user->process != setter && sem->n_sets > 1) {
		touch->cleared_by_other = true;
		touch->cleared_exit = event->exit_tsc;
		touch->cleared_stack = event->stack;
		touch->cleared_process = setter;
	} else {
		touch->promised = 0;
		touch->cleared_by_other = false;
	}
	touch->held_plain = touch->held_undo = touch->adjust = 0;
}

static void apply_set(struct sem_set *set, unsigned int num, uint16_t value, uint32_t process,
		      const struct event *event)
{
	struct sem *sem = sem_get(set, num);

	sem->value = value;
	sem->clamped = sem->undone = 0;
	sem->below_exit = 0;
	sem->known = sem->last_exit <= event->enter_tsc;
	sem->suspect = false;
	if (!sem->n_operations) {
		sem->has_initial = true;
		sem->initial = value;
		sem->initial_process = process;
		sem->initial_exit = event->exit_tsc;
	}
	sem->n_sets++;
	sem->set_exit = event->exit_tsc;
	for (struct sem_user *user = set->users; user; user = user->next_of_set)
		if (num < user->n_touches)
			clear_touch(sem, user, &user->touch[num], process, event);
}

static void apply_control(struct model *model, struct sem_set *set, uint32_t process,
			  const struct event *event, const uint8_t *more)
{
	if (event->arg[2] == IPC_RMID) {
		sem_user_see(model, set, process)->has_woken = true;
		return;
	}
	if (event->arg[2] != SETVAL && event->arg[2] != SETALL)
		return;
	for (unsigned int i = 0; i < set->n_sems; i++)
		if (set->sem[i].n_operations)
			sem_user_see(model, set, process)->has_woken = true;
	if (event->arg[2] == SETVAL) {
		apply_set(set, (uint16_t)event->arg[1], (uint16_t)event->arg[3], process, event);
		return;
	}
	for (unsigned int i = 0; i < event_payload_bytes(event, more) / sizeof(uint16_t); i++) {
		uint16_t value;

		memcpy(&value, more + i * sizeof(value), sizeof(value));
		apply_set(set, i, value, process, event);
	}
}

void sem_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event,
	       const uint8_t *more)
{
	unsigned int call = calls[event->call].canonical_id;
	bool abandoned = event->flags & EVENT_ABANDONED;
	struct sem_op ops[SEM_OPS_MAX];
	struct sem_set *set;
	unsigned int n_ops;

	if (call != CALL_semop && call != CALL_semtimedop && call != CALL_semctl)
		return;
	if (!abandoned && !event_took_effect(event))
		return;
	set = (struct sem_set *)object_see(model, event_ref(event, OBJECT_SEM, event->arg[0]));
	if (call == CALL_semctl) {
		if (!abandoned)
			apply_control(model, set, process, event, more);
		return;
	}
	n_ops = sem_event_ops(event, more, ops, SEM_OPS_MAX);
	if (abandoned) {
		doubt(sem_user_see(model, set, process), ops, n_ops);
		return;
	}
	for (unsigned int i = 0; i < n_ops; i++)
		apply_op(model, sem_user_see(model, set, process), thread, event, &ops[i]);
}

/* The process is dead: undo is applied; what it held beyond that stays on record. Returns whether
 * it held anything. */
static bool bury_touch(struct model *model, struct sem_set *set, unsigned int num,
		       struct sem_touch *touch, bool sure)
{
	struct sem *sem = sem_get(set, num);
	int32_t undone = touch->adjust > 0 ? touch->adjust : 0;
	int32_t held = touch_held(touch);

	if (!touch->last_exit)
		return false;
	if (!sure)
		sem->suspect = true;
	sem->value += touch->adjust;
	sem->undone += undone;
	note_undo(model, set, sem);
	if (sem->value + sem->clamped < 0)
		sem->clamped = -sem->value;
	else if (sem->value + sem->clamped > MODEL_SEM_MAX)
		sem->clamped = MODEL_SEM_MAX - sem->value;
	touch->adjust = touch->promised = touch->held_undo = 0;
	touch->held_plain = held > undone ? held - undone : 0;
	touch->listed = false;
	touch->is_dead = true;
	return touch->held_plain > 0;
}

#define DEAD_MAX 64

void sem_process_end(struct model *model, uint32_t process, const struct process_end *end)
{
	struct process *p = process_get(model, process);
	bool sure = process_end_is_sure(p, end);

	while (p->users) {
		struct sem_user *user = p->users;
		bool holds = false;

		p->users = user->next_of_process;
		user->next_of_process = NULL;
		for (unsigned int num = 0; num < user->n_touches && sem_undo_applies(user->set, p);
		     num++)
			holds |= bury_touch(model, user->set, num, &user->touch[num], sure);
		if (holds && user->set->n_dead < DEAD_MAX)
			user->set->n_dead++;
		else
			sem_user_free(model, user);
	}
	p->last_user = NULL;
	free(p->hold);
	p->hold = NULL;
	p->n_holds = p->room_holds = 0;
}
