/* SPDX-License-Identifier: Apache-2.0 */
/* model_sem_user.c - who has to do with which semaphore: look-up, and the lists of sets and
 * processes. */
#include "model_private.h"

#include <stdlib.h>

static uint64_t user_key(const struct sem_set *set, uint32_t process)
{
	return set->object.serial << 32 | process;
}

struct sem_set *sem_set_find(struct model *model, int semid)
{
	return (struct sem_set *)object_find(model, OBJECT_REF(OBJECT_SEM, (uint32_t)semid));
}

struct sem *sem_get(struct sem_set *set, unsigned int num)
{
	if (num >= set->n_sems) {
		unsigned int room = set->n_sems;

		set->sem = model_grow(set->sem, &room, num + 1, sizeof(set->sem[0]));
		for (unsigned int i = set->n_sems; i < room; i++)
			set->sem[i].known = set->object.fresh;
		set->n_sems = room;
	}
	return &set->sem[num];
}

struct sem_user *sem_user_find(struct model *model, const struct sem_set *set, uint32_t process)
{
	struct process *p = process_get(model, process);

	if (p && p->last_user && p->last_user->set == set)
		return p->last_user;
	return table_get(&model->users, user_key(set, process));
}

struct sem_user *sem_user_see(struct model *model, struct sem_set *set, uint32_t process)
{
	struct sem_user *user = sem_user_find(model, set, process);
	struct process *p = process_get(model, process);

	if (!user) {
		user = model_alloc(sizeof(*user));
		user->set = set;
		user->process = process;
		user->next_of_process = p->users;
		p->users = user;
		user->next_of_set = set->users;
		if (set->users)
			set->users->previous_of_set = user;
		set->users = user;
		table_put(&model->users, user_key(set, process), user);
	}
	p->last_user = user;
	return user;
}

struct sem_touch *sem_touch_see(struct sem_user *user, unsigned int num)
{
	user->touch = model_grow(user->touch, &user->n_touches, num + 1, sizeof(user->touch[0]));
	return &user->touch[num];
}

const struct sem_touch *sem_user_touch(const struct sem_user *user, unsigned int num)
{
	static const struct sem_touch none;

	return user && num < user->n_touches ? &user->touch[num] : &none;
}

void sem_mark_found(struct model *model, struct sem_set *set, uint32_t process)
{
	sem_user_see(model, set, process)->found = true;
}

void sem_hold_note(struct process *p, struct sem_user *user, unsigned int num,
		   struct sem_touch *touch)
{
	if (touch->listed)
		return;
	p->hold = model_grow(p->hold, &p->room_holds, p->n_holds + 1, sizeof(p->hold[0]));
	p->hold[p->n_holds++] = (struct sem_hold){ .user = user, .num = num };
	touch->listed = true;
}

void sem_hold_drop(struct process *p, const struct sem_user *user, unsigned int num)
{
	for (unsigned int i = 0; i < p->n_holds; i++)
		if (p->hold[i].user == user && p->hold[i].num == num) {
			user->touch[num].listed = false;
			p->hold[i] = p->hold[--p->n_holds];
			return;
		}
}

/* The set's and the table's hold on it ends; the process's list is the caller's business. */
void sem_user_free(struct model *model, struct sem_user *user)
{
	struct sem_set *set = user->set;

	*(user->previous_of_set ? &user->previous_of_set->next_of_set : &set->users) =
		user->next_of_set;
	if (user->next_of_set)
		user->next_of_set->previous_of_set = user->previous_of_set;
	table_remove(&model->users, user_key(set, user->process));
	free(user->touch);
	free(user);
}

void sem_set_release(struct model *model, struct sem_set *set)
{
	while (set->users) {
		struct sem_user *user = set->users;
		struct process *p = process_get(model, user->process);
		struct sem_user **link = &p->users;

		while (*link && *link != user)
			link = &(*link)->next_of_process;
		if (*link)
			*link = user->next_of_process;
		p->last_user = NULL;
		for (unsigned int num = 0; num < user->n_touches; num++)
			if (user->touch[num].listed)
				sem_hold_drop(p, user, num);
		sem_user_free(model, user);
	}
	free(set->sem);
}
