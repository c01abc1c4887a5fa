/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_wake.c - who could wake whom. Whoever runs may wake some of those that wait; these may then
 * wake others; who is left when nothing more follows is stuck. Threads of one process wake one
 * another as processes do.
 */
#include <signal.h>
#include <sys/wait.h>

#include "watch.h"

#define HOLDERS 64
#define SIGCHLD_BIT (UINT64_C(1) << (SIGCHLD - 1))

static bool any_live(const struct scene *scene)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].live)
			return true;
	return false;
}

bool scene_all_stuck(const struct scene *scene)
{
	return scene->n_tasks > 0 && !any_live(scene);
}

bool child_matches(const struct scene *scene, const struct task *parent,
		   const struct scene_proc *child)
{
	if (child->ppid != parent->pid)
		return false;
	switch (parent->id) {
	case P_ALL:
		return true;
	case P_PID:
		return child->pid == (pid_t)parent->num;
	default:
		return child->pgrp ==
		       (parent->num ? (pid_t)parent->num : scene->proc[parent->proc].pgrp);
	}
}

static bool child_wakes(const struct scene *scene, const struct task *t)
{
	bool any = false;

	for (uint32_t i = 0; i < scene->n_procs; i++) {
		const struct scene_proc *child = &scene->proc[i];

		if (!child_matches(scene, t, child))
			continue;
		if (child->live || child->zombie)
			return true;
		any = true;
	}
	/* Without any such child the call is about to fail. */
	return !any;
}

static bool live_child(const struct scene *scene, const struct task *t)
{
	for (uint32_t i = 0; i < scene->n_procs; i++)
		if (scene->proc[i].ppid == t->pid && scene->proc[i].live)
			return true;
	return false;
}

enum wake_role role_of(const struct task *t)
{
	switch (t->kind) {
	case WAIT_RECEIVE:
		return WAKES_RECEIVER;
	case WAIT_SEND:
		return WAKES_SENDER;
	case WAIT_COND:
	case WAIT_BARRIER:
		return WAKES_WAITER;
	default:
		return WAKES_SEM;
	}
}

uint64_t woken_object(const struct task *t)
{
	return t->kind == WAIT_SIGNAL ? OBJECT_REF(OBJECT_PROCESS, t->pid) : t->object;
}

/* Has that live process ever ended such a wait? Of one that is not followed nothing is known. */
static bool has_woken(struct supervisor *s, const struct scene *scene, const struct scene_proc *p,
		      const struct task *t)
{
	return p->process < 0 || scene->any_unfollowed ||
	       model_has_woken(s->model, (uint32_t)p->process, woken_object(t), role_of(t));
}

static bool history_wakes(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	for (uint32_t i = 0; i < scene->n_procs; i++)
		if (scene->proc[i].live && has_woken(s, scene, &scene->proc[i], t))
			return true;
	return false;
}

bool waits_for_lock(struct supervisor *s, const struct task *t)
{
	switch (t->kind) {
	case WAIT_SEM:
		return !t->to_zero && model_is_lock(s->model, t->object, t->num);
	case WAIT_PSEM:
		return model_is_lock(s->model, t->object, 0);
	case WAIT_MUTEX:
	case WAIT_RWLOCK:
	case WAIT_FILE_LOCK:
		return true;
	default:
		return false;
	}
}

bool is_holder(const struct supervisor *s, const struct scene *scene, const struct task *t,
	       const struct lock_holder *holder)
{
	int32_t process = scene->proc[t->proc].process;

	return holder->alive && holder->units > 0 && process >= 0 &&
	       holder->process == (uint32_t)process &&
	       (t->slot < 0 || s->thread[t->slot].number == holder->thread);
}

/* Whoever has it may give it back, also if he never did before. Units: how many the living and the
 * dead are known to hold. */
static bool holder_wakes(struct supervisor *s, const struct scene *scene, const struct task *t,
			 unsigned int *n_units)
{
	struct lock_holder holder[HOLDERS];
	unsigned int n = model_lock_holders(s->model, t->object, t->kind == WAIT_SEM ? t->num : 0,
					    holder, HOLDERS);

	*n_units = 0;
	for (unsigned int h = 0; h < n && h < HOLDERS; h++) {
		if (holder[h].units > 0)
			*n_units += (unsigned int)holder[h].units;
		for (uint32_t i = 0; i < scene->n_tasks; i++)
			if (scene->task[i].live && is_holder(s, scene, &scene->task[i], &holder[h]))
				return true;
	}
	return n > HOLDERS;
}

static bool sem_wakes(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	unsigned int n_units;

	return history_wakes(s, scene, t) ||
	       (waits_for_lock(s, t) && holder_wakes(s, scene, t, &n_units));
}

/* Anybody who runs and has that memory; `by_history`: and has ever done so. */
static bool memory_wakes(struct supervisor *s, const struct scene *scene, const struct task *t,
			 bool by_history)
{
	for (uint32_t i = 0; i < scene->n_procs; i++) {
		const struct scene_proc *p = &scene->proc[i];

		if (!p->live || !has_memory(scene, i, t))
			continue;
		if (!by_history || i == t->proc || has_woken(s, scene, p, t))
			return true;
	}
	return false;
}

static bool psem_wakes(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	unsigned int n_units;

	return memory_wakes(s, scene, t, true) ||
	       (waits_for_lock(s, t) && holder_wakes(s, scene, t, &n_units));
}

/* A child of fork can wait for what a thread of its parent held when the child was made. */
bool is_owner(const struct task *t, const struct task *waiter)
{
	bool private = waiter->object && !(object_value_of(waiter->object) & OBJECT_PLACE_SHARED);

	return t->tid == waiter->memory.owner && (t->proc == waiter->proc || !private);
}

/* The owner alone can end the wait; the kernel does, when the owner of a robust mutex dies. */
static bool owner_wakes(struct scene *scene, const struct task *t)
{
	const struct task *owner = scene_task(scene, t->memory.owner);

	/* Between two words of the lock: somebody is just taking it, or giving it back. */
	if (t->memory.owner == 0)
		return t->memory.robust || any_live(scene);
	if (owner && is_owner(owner, t))
		return owner->live;
	return t->memory.robust || (!owner && !scene_is_gone(scene, t->memory.owner));
}

static bool rwlock_wakes(struct supervisor *s, struct scene *scene, const struct task *t)
{
	unsigned int n_units;

	if (t->memory.owner)
		return owner_wakes(scene, t);
	return holder_wakes(s, scene, t, &n_units) ||
	       (n_units < t->memory.word[0] && memory_wakes(s, scene, t, false)) ||
	       (t->memory.word[0] == 0 && memory_wakes(s, scene, t, false));
}

static bool join_wakes(struct scene *scene, const struct task *t)
{
	const struct task *other = scene_task(scene, t->memory.owner);

	return !other || other->live;
}

static bool file_lock_wakes(const struct scene *scene, const struct task *t)
{
	bool any = false;

	for (uint32_t i = 0; i < scene->n_procs; i++) {
		if (!has_file_lock(scene, i, t))
			continue;
		if (scene->proc[i].live)
			return true;
		any = true;
	}
	/* Somebody outside of the trial has it. */
	return !any;
}

static bool flight_wakes(const struct scene *scene, bool *any)
{
	for (uint32_t i = 0; i < scene->n_holds; i++) {
		if (!scene->hold[i].flying)
			continue;
		*any = true;
		if (scene->proc[scene->hold[i].proc].live)
			return true;
	}
	return false;
}

static bool process_wakes(const struct scene *scene, pid_t pid)
{
	for (uint32_t i = 0; i < scene->n_procs; i++)
		if (scene->proc[i].pid == pid)
			return scene->proc[i].live || scene->proc[i].zombie;
	return true;
}

static bool signal_wakes(struct supervisor *s, const struct scene *scene, const struct task *t,
			 uint64_t signals)
{
	int32_t process = scene->proc[t->proc].process;
	struct task waiter = *t;

	waiter.kind = WAIT_SIGNAL;
	/* Another thread of its own can always send one, and so does the kernel for a queue. */
	return scene->proc[t->proc].live || history_wakes(s, scene, &waiter) ||
	       (signals & SIGCHLD_BIT && live_child(scene, t)) ||
	       (process >= 0 && s->process[process].notified && any_live(scene));
}

static bool end_wakes(struct supervisor *s, const struct scene *scene, const struct target *target)
{
	enum file_kind kind = target->file.kind;
	struct task waiter = { .kind = target->writes ? WAIT_SEND : WAIT_RECEIVE,
			       .object = target->object };
	bool any = false;

	for (uint32_t i = 0; i < scene->n_procs; i++) {
		if (scene->proc[i].live && can_end(scene, i, target))
			return true;
		any = any || has_end(scene, i, target);
	}
	if (is_flying(s, target) && flight_wakes(scene, &any))
		return true;
	if (kind == FILE_QUEUE)
		return history_wakes(s, scene, &waiter);
	/* It waits, so somebody has the other end: outside of the trial. */
	return !any && kind != FILE_EVENT;
}

static bool target_wakes(struct supervisor *s, const struct scene *scene, const struct task *t,
			 const struct target *target)
{
	if (target->crowd)
		return any_live(scene);
	switch (target->file.kind) {
	case FILE_PROCESS:
		return process_wakes(scene, (pid_t)target->file.ino);
	case FILE_SIGNALS:
		return signal_wakes(s, scene, t, target->file.signals);
	default:
		return end_wakes(s, scene, target);
	}
}

static bool targets_wake(struct supervisor *s, const struct scene *scene, const struct task *t)
{
	/* Another thread can add to what is polled, or say anew what is waited for. */
	if (t->kind == WAIT_POLL && scene->proc[t->proc].live)
		return true;
	for (unsigned int i = 0; i < t->n_targets; i++)
		if (target_wakes(s, scene, t, task_target(scene, t, i)))
			return true;
	return false;
}

static bool can_be_woken(struct supervisor *s, struct scene *scene, const struct task *t)
{
	if (scene->proc[t->proc].awaits_child && live_child(scene, t))
		return true;
	switch (t->kind) {
	case WAIT_SEM:
		return sem_wakes(s, scene, t);
	case WAIT_PSEM:
		return psem_wakes(s, scene, t);
	case WAIT_MUTEX:
		return owner_wakes(scene, t);
	case WAIT_RWLOCK:
		return rwlock_wakes(s, scene, t);
	case WAIT_COND:
		return memory_wakes(s, scene, t, true);
	case WAIT_BARRIER:
		return memory_wakes(s, scene, t, false);
	case WAIT_JOIN:
		return join_wakes(scene, t);
	case WAIT_RECEIVE:
	case WAIT_SEND:
		return t->n_targets ? targets_wake(s, scene, t) : history_wakes(s, scene, t);
	case WAIT_READ:
	case WAIT_WRITE:
	case WAIT_ACCEPT:
	case WAIT_CONNECT:
	case WAIT_POLL:
	case WAIT_MOVE:
		return targets_wake(s, scene, t);
	case WAIT_FILE_LOCK:
		return file_lock_wakes(scene, t);
	case WAIT_CHILD:
		return child_wakes(scene, t);
	case WAIT_SIGNAL:
		return signal_wakes(s, scene, t, t->signals);
	case WAIT_OPEN:
	case WAIT_FUTEX:
		return any_live(scene);
	default:
		return true;
	}
}

bool scene_solve(struct supervisor *s, struct scene *scene)
{
	bool changed = true;
	uint32_t n_stuck = 0;

	holds_read(s, scene);
	if (scene->overflow)
		return false;
	for (uint32_t i = 0; i < scene->n_tasks; i++) {
		struct task *t = &scene->task[i];

		t->live = t->live || scene->proc[t->proc].acts_alone;
		scene->proc[t->proc].live = scene->proc[t->proc].live || t->live;
	}
	while (changed) {
		changed = false;
		n_stuck = 0;
		for (uint32_t i = 0; i < scene->n_tasks; i++) {
			struct task *t = &scene->task[i];

			if (t->live)
				continue;
			if (can_be_woken(s, scene, t))
				changed = t->live = scene->proc[t->proc].live = true;
			else
				n_stuck++;
		}
	}
	return n_stuck > 0;
}
