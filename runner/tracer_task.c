/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_task.c - the tasks that are traced and their processes: born, adopted, forgotten. A new
 * task stops by itself, and its maker stops to tell of it; which of the two comes first is open.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer.h"

static unsigned int bucket(pid_t id)
{
	return (unsigned int)id % TASK_BUCKETS;
}

struct task *task_find(struct tracer *t, pid_t tid)
{
	struct task *task = t->task[bucket(tid)];

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

static void *make(size_t n_bytes)
{
	void *memory = calloc(1, n_bytes);

	if (!memory)
		abort();
	return memory;
}

struct task *task_new(struct tracer *t, pid_t tid)
{
	struct task *task = make(sizeof(*task));

	task->tid = tid;
	task->next = t->task[bucket(tid)];
	t->task[bucket(tid)] = task;
	return task;
}

struct program *program_find(struct tracer *t, pid_t pid)
{
	struct program *program = t->program[bucket(pid)];

	while (program && program->pid != pid)
		program = program->next;
	return program;
}

struct program *program_new(struct tracer *t, pid_t pid)
{
	struct program *program = make(sizeof(*program));

	program->pid = pid;
	program->pidfd = -1;
	program->next = t->program[bucket(pid)];
	t->program[bucket(pid)] = program;
	return program;
}

static void program_free(struct tracer *t, struct program *program)
{
	struct program **at = &t->program[bucket(program->pid)];

	while (*at != program)
		at = &(*at)->next;
	*at = program->next;
	image_drop(program->image);
	if (program->pidfd >= 0)
		close(program->pidfd);
	free(program);
}

void task_join(struct task *task, struct program *program)
{
	task->program = program;
	task->known = true;
	program->n_tasks++;
}

void task_free(struct tracer *t, struct task *task)
{
	struct task **at = &t->task[bucket(task->tid)];

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	if (task->due_ns)
		t->n_held--;
	if (task->program && --task->program->n_tasks == 0)
		program_free(t, task->program);
	free(task->counts);
	free(task);
}

void tasks_drop_others(struct tracer *t, struct task *task)
{
	for (unsigned int i = 0; i < TASK_BUCKETS; i++)
		for (struct task *other = t->task[i], *next; other; other = next) {
			next = other->next;
			if (other != task && other->program == task->program)
				task_free(t, other);
		}
}

/* The wrapper that a thread of a served process is in: it has made the place for the child. */
static unsigned int wrapper_of(struct tracer *t, struct task *task)
{
	const struct event *e;

	if (!task_slot(t, task))
		return CALL_N;
	e = slot_current(task->slot);
	return e && !task->now.active ? e->call : CALL_N;
}

static bool spawns(unsigned int call)
{
	return call == CALL_posix_spawn || call == CALL_posix_spawnp || call == CALL_system ||
	       call == CALL_popen;
}

static bool forks(unsigned int call)
{
	return call == CALL_fork || call == CALL_vfork || call == CALL_clone;
}

static void copy_handlers(struct program *to, const struct program *from, uint64_t flags)
{
	if (!(flags & CLONE_CLEAR_SIGHAND))
		memcpy(to->handler, from->handler, sizeof(to->handler));
}

/* A lineage now, in the order of births. Its shim, if there is one, finds the place by the pid. */
static void reserve(struct tracer *t, struct program *child, struct program *parent)
{
	struct arena_proc *slot = program_slot(t, parent);

	child->slot = slot_reserve(t->arena, slot, parent->pid, child->pid);
	child->reserved = child->slot != NULL;
	if (child->slot)
		child->generation = atomic_load(&child->slot->generation);
}

static void program_born(struct tracer *t, struct task *parent, struct task *child)
{
	struct program *from = parent->program, *to = program_new(t, child->tid);
	const struct arena_proc *slot = program_slot(t, from);
	unsigned int wrapper;

	task_join(child, to);
	copy_handlers(to, from, parent->clone_flags);
	to->image = image_share(from->image);
	to->is_go = from->is_go;
	to->mode = from->mode;
	if (from->armed && !(parent->clone_flags & CLONE_VM)) {
		to->armed = true;
		to->entry = from->entry;
		to->entry_word = from->entry_word;
	}
	program_refresh(t, from);
	if (from->mode == MODE_TRACED) {
		reserve(t, to, from);
		program_serve(t, child, slot ? t->why[slot_of(t->arena, slot)] : "static program");
	} else if (from->mode == MODE_SHIM) {
		wrapper = wrapper_of(t, parent);
		to->mode = spawns(wrapper) ? MODE_SPAWNED : MODE_SHIM;
		if (!spawns(wrapper) && !forks(wrapper))
			reserve(t, to, from);
	}
}

static void thread_born(struct tracer *t, struct task *parent, struct task *child)
{
	task_join(child, parent->program);
	if (parent->program->mode == MODE_SHIM)
		child->by_shim = wrapper_of(t, parent) == CALL_pthread_create;
	else if (parent->program->mode == MODE_TRACED)
		task_slot(t, child);
}

void task_born(struct tracer *t, struct task *parent, pid_t tid, bool is_thread)
{
	struct task *child = task_find(t, tid);

	if (!child)
		child = task_new(t, tid);
	if (child->known)
		return;
	if (is_thread)
		thread_born(t, parent, child);
	else
		program_born(t, parent, child);
	if (!child->halted)
		return;
	child->halted = false;
	task_go_on(t, child);
}

/* What /proc tells instead of the maker. */
static bool read_relations(pid_t tid, pid_t *tgid, pid_t *ppid)
{
	char path[64], line[256];
	FILE *file;

	*tgid = *ppid = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && !*ppid && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Tgid: %d", tgid) != 1)
			sscanf(line, "PPid: %d", ppid);
	}
	if (file)
		fclose(file);
	return *tgid != 0;
}

bool task_adopt(struct tracer *t, struct task *task, pid_t silent)
{
	struct program *program, *parent;
	pid_t tgid, ppid;

	if (!read_relations(task->tid, &tgid, &ppid))
		return false;
	/* the maker is one of these threads, and is still to tell */
	parent = program_find(t, tgid != task->tid ? tgid : ppid);
	if (parent && parent->pid != silent)
		return false;
	task->halted = false;
	program = program_find(t, tgid);
	if (!program) {
		if (!parent)
			parent = program_find(t, t->root);
		program = program_new(t, tgid);
		program->mode = parent ? parent->mode : MODE_TRACED;
		if (program->mode == MODE_TRACED && parent)
			reserve(t, program, parent);
	}
	task_join(task, program);
	return true;
}

void tasks_adopt(struct tracer *t, pid_t silent)
{
	for (unsigned int i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->task[i], *next; task; task = next) {
			next = task->next;
			if (task->halted && task_adopt(t, task, silent))
				task_go_on(t, task);
		}
}
