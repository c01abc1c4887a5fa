/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_process.c - the processes of a trial: family, life and death. They are kept to the trial's
 * end, since findings name the dead too; all else that the model keeps is bounded.
 */
#define _GNU_SOURCE
#include "model_private.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct process *process_get(const struct model *model, uint32_t process)
{
	return process < model->n_processes ? model->process[process] : NULL;
}

void processes_free(struct model *model)
{
	for (unsigned int i = 0; i < model->n_processes; i++) {
		if (!model->process[i])
			continue;
		free(model->process[i]->lineage);
		free(model->process[i]->program);
		free(model->process[i]->hold);
		free(model->process[i]);
	}
	free(model->process);
	table_free(&model->pids);
}

/* The parent's call that made it: its time is certain, while the child's own clock starts when it
 * first gets to run. */
static void note_birth(struct process *child, uint32_t stack, uint64_t site, uint64_t enter)
{
	child->born_stack = stack;
	child->born_site = site;
	child->born_enter = enter;
}

void model_process_begin(struct model *model, uint32_t process, int32_t parent, const char *lineage,
			 const char *program, int32_t pid, uint64_t tsc)
{
	struct process *p, *above = parent < 0 ? NULL : process_get(model, (uint32_t)parent);

	if (process_get(model, process))
		return;
	model->process = model_grow(model->process, &model->room_processes, process + 1,
				    sizeof(model->process[0]));
	if (process >= model->n_processes)
		model->n_processes = process + 1;
	p = model_alloc(sizeof(*p));
	model->process[process] = p;
	p->lineage = model_copy_text(lineage);
	p->program = model_copy_text(program);
	p->parent = above ? parent : -1;
	p->pid = pid;
	p->begin_tsc = tsc;
	p->first_child = p->next_sibling = -1;
	if (above) {
		p->next_sibling = above->first_child;
		above->first_child = (int32_t)process;
		p->chld_tsc = above->chld_tsc ? tsc : 0;
		p->caught = above->caught;
		if (above->fork_pid == pid)
			note_birth(p, above->fork_stack, above->fork_site, above->fork_enter);
	}
	table_put(&model->pids, (uint32_t)pid, p);
}

void model_process_exec(struct model *model, uint32_t process, const char *program)
{
	struct process *p = process_get(model, process);

	if (!p)
		return;
	free(p->program);
	p->program = model_copy_text(program);
}

int32_t model_find_pid(struct model *model, int32_t pid)
{
	const struct process *p = table_get(&model->pids, (uint32_t)pid);

	if (!p)
		return -1;
	for (unsigned int i = model->n_processes; i-- > 0;)
		if (model->process[i] == p)
			return (int32_t)i;
	return -1;
}

/* A child was waited for: it is no zombie, and SIGCHLD is not ignored. */
static void note_wait(struct model *model, struct process *p, const struct event *event)
{
	struct process *child;

	if (event->flags & (EVENT_FAILED | EVENT_NOT_PERFORMED | EVENT_ABANDONED) ||
	    event->arg[5] <= 0)
		return;
	if (event->enter_tsc > p->chld_tsc)
		p->chld_tsc = 0;
	child = table_get(&model->pids, (uint32_t)event->arg[5]);
	if (!child)
		return;
	child->reaped = true;
	child->reaped_exit = event->exit_tsc;
}

/* The child may be known already, or be announced later. */
static void note_fork(struct model *model, uint32_t process, const struct event *event)
{
	struct process *p = process_get(model, process);
	struct process *child = table_get(&model->pids, (uint32_t)event->result);

	if (!event_took_effect(event) || event->result <= 0)
		return;
	p->fork_pid = (int32_t)event->result;
	p->fork_stack = event->stack;
	p->fork_site = event->site;
	p->fork_enter = event->enter_tsc;
	if (child && child->parent == (int32_t)process)
		note_birth(child, event->stack, event->site, event->enter_tsc);
}

/* Calls that do not tell the pid: the children that were born within them. */
static void note_spawn(struct model *model, const struct process *p, const struct event *event)
{
	for (int32_t i = p->first_child; i >= 0; i = model->process[i]->next_sibling) {
		struct process *child = model->process[i];

		if (child->begin_tsc < event->enter_tsc)
			return;
		if (child->begin_tsc <= event->exit_tsc)
			note_birth(child, event->stack, event->site, event->enter_tsc);
	}
}

/* With SIGCHLD ignored there are no zombies. */
static void note_disposition(struct process *p, const struct event *event, bool may_ignore)
{
	if (event->arg[0] == SIGCHLD && event_took_effect(event))
		p->chld_tsc = may_ignore ? event->exit_tsc : 0;
}

static void note_kill(struct model *model, const struct event *event)
{
	struct process *target = table_get(&model->pids, (uint32_t)event->arg[0]);

	if (!event_took_effect(event) || event->arg[0] <= 0 || !target)
		return;
	if (target->kill_signal != event->arg[1]) {
		target->kill_signal = (int)event->arg[1];
		target->kill_enter = event->enter_tsc;
	}
}

/* What is done on the way out too: locks of libraries, and all that is given back. It does not show
 * that a program goes on. */
static bool tidies_up(unsigned int call)
{
	return call == CALL_close || call == CALL_sem_destroy || call == CALL_sem_close ||
	       call == CALL_munmap || calls[call].classes & CLASS_LOCK;
}

static void note_own_time(struct process *p, uint32_t thread, const struct event *event,
			  unsigned int call)
{
	/* what was cut off by a death is recorded when that is noticed */
	uint64_t alive = event->flags & EVENT_ABANDONED ? event->enter_tsc : event->exit_tsc;

	if (alive > p->alive_tsc)
		p->alive_tsc = alive;
	if (thread)
		p->threaded = true;
	if (event->exit_tsc > p->last_exit)
		p->last_exit = event->exit_tsc;
	if (call == CALL_exit || call == CALL__exit || call == CALL_quick_exit) {
		p->exit_enter = event->enter_tsc;
		p->exit_thread = thread;
	} else if (!tidies_up(call) && event->enter_tsc > p->last_call_enter) {
		p->last_call_enter = event->enter_tsc;
	}
}

void process_event(struct model *model, uint32_t process, uint32_t thread,
		   const struct event *event)
{
	struct process *p = process_get(model, process);
	unsigned int call = calls[event->call].canonical_id;

	note_own_time(p, thread, event, call);
	switch (call) {
	case CALL_wait:
	case CALL_waitpid:
	case CALL_wait3:
	case CALL_wait4:
	case CALL_waitid:
	case CALL_pclose:
	case CALL_system:
		note_wait(model, p, event);
		break;
	case CALL_fork:
	case CALL_vfork:
		note_fork(model, process, event);
		break;
	case CALL_posix_spawn:
	case CALL_posix_spawnp:
	case CALL_popen:
		note_spawn(model, p, event);
		break;
	case CALL_execve:
	case CALL_execv:
	case CALL_execvp:
	case CALL_execvpe:
	case CALL_execl:
	case CALL_execlp:
	case CALL_execle:
	case CALL_fexecve:
	case CALL_execveat:
		if (event_took_effect(event))
			p->exec_exit = event->exit_tsc;
		break;
	case CALL_sigaction:
		if (event->arg[1])
			note_disposition(p, event,
					 event->arg[3] == (int64_t)(intptr_t)SIG_IGN ||
						 event->arg[4] & SA_NOCLDWAIT);
		break;
	case CALL_signal:
		note_disposition(p, event, event->arg[1] == (int64_t)(intptr_t)SIG_IGN);
		break;
	case CALL_kill:
	case CALL_sigqueue:
		note_kill(model, event);
		break;
	case CALL_clone:
		note_fork(model, process, event);
		if ((event->arg[2] & (CLONE_SYSVSEM | CLONE_THREAD)) == CLONE_SYSVSEM)
			model->shared_undo = true;
		break;
	default:
		break;
	}
}

const char *model_lineage(struct model *model, uint32_t process)
{
	const struct process *p = process_get(model, process);

	return p ? p->lineage : "?";
}

const char *model_program(struct model *model, uint32_t process)
{
	const struct process *p = process_get(model, process);

	return p ? p->program : "?";
}

const char *process_title(struct model *model, uint32_t process, char *buffer, size_t n_bytes)
{
	const char *program = model_program(model, process);

	if (*program)
		snprintf(buffer, n_bytes, "%.60s (%.40s)", model_lineage(model, process), program);
	else
		snprintf(buffer, n_bytes, "%.60s", model_lineage(model, process));
	return buffer;
}

const char *process_fate(const struct process_end *end, char *buffer, size_t n_bytes)
{
	const char *name = end->kind == END_SIGNAL ? signal_text(end->status) : NULL;

	if (end->by_rule)
		snprintf(buffer, n_bytes, "was killed by a rule");
	else if (end->by_runner)
		snprintf(buffer, n_bytes, "was ended by ipcjam");
	else if (end->kind == END_EXIT)
		snprintf(buffer, n_bytes, "ended with status %d", end->status);
	else if (name)
		snprintf(buffer, n_bytes, "was ended by %s", name);
	else if (end->kind == END_SIGNAL)
		snprintf(buffer, n_bytes, "was ended by signal %d", end->status);
	else
		snprintf(buffer, n_bytes, "ended");
	return buffer;
}

bool process_died_before(const struct process *p, const struct process_end *end, uint64_t tsc)
{
	if ((end->by_rule || p->exit_enter) && p->last_exit < tsc)
		return true;
	return p->reaped_exit && p->reaped_exit < tsc;
}

bool process_descends(const struct model *model, uint32_t process, uint32_t ancestor)
{
	const struct process *p = process_get(model, process);

	while (p && p->parent >= 0) {
		if ((uint32_t)p->parent == ancestor)
			return true;
		p = process_get(model, (uint32_t)p->parent);
	}
	return false;
}
