/* SPDX-License-Identifier: Apache-2.0 */
/* watch_proc.c - the tasks of the trial as /proc shows them: state, system call, arguments. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "watch.h"

static bool read_file(pid_t pid, pid_t tid, const char *name, char *text, size_t n_bytes)
{
	char path[96];
	ssize_t n;
	int fd;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, n_bytes - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static uint64_t mask_in(const char *text, const char *field)
{
	const char *at = strstr(text, field);

	return at ? strtoull(at + strlen(field), NULL, 16) : 0;
}

struct signals signals_of(const struct task *t)
{
	struct signals signals = { 0 };
	char text[4096];

	if (!read_file(t->pid, t->tid, "status", text, sizeof(text)))
		return signals;
	signals.pending = mask_in(text, "SigPnd:") | mask_in(text, "ShdPnd:");
	signals.handled = mask_in(text, "SigCgt:") & ~mask_in(text, "SigBlk:");
	return signals;
}

bool remote_read(pid_t pid, uint64_t from, void *to, size_t n_bytes)
{
	/* it is filled here */
	/* cppcheck-suppress ctuuninitvar */
	struct iovec local = { to, n_bytes }, remote = { (void *)(uintptr_t)from, n_bytes };

	return n_bytes > 0 && process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)n_bytes;
}

/* Returns false when the kernel does not tell: the task is gone, or not ours to look at. */
bool context_read(struct supervisor *s, pid_t pid, pid_t tid, int32_t slot, struct context *c)
{
	char text[1024];
	const char *at;
	unsigned long long v[8] = { 0 };

	memset(c, 0, sizeof(*c));
	c->nr = -1;
	if (!read_file(pid, tid, "stat", text, sizeof(text)))
		return false;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c", &c->state) != 1)
		return false;
	if (slot >= 0)
		c->n_calls = atomic_load(&s->arena->thread[slot].n_calls);
	if (c->state != 'S')
		return true;
	if (read_file(pid, tid, "schedstat", text, sizeof(text)) &&
	    sscanf(text, "%*u %*u %llu", &v[0]) == 1)
		c->n_slices = v[0];
	if (!read_file(pid, tid, "syscall", text, sizeof(text)))
		return false;
	if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &c->nr, &v[0], &v[1], &v[2],
		   &v[3], &v[4], &v[5], &v[6], &v[7]) != 9)
		c->nr = -1;
	for (int i = 0; i < 6; i++)
		c->arg[i] = v[i];
	c->sp = v[6];
	c->pc = v[7];
	return true;
}

bool context_same(const struct context *a, const struct context *b)
{
	return a->state == b->state && a->nr == b->nr &&
	       memcmp(a->arg, b->arg, sizeof(a->arg)) == 0 && a->sp == b->sp && a->pc == b->pc &&
	       a->n_slices == b->n_slices && a->n_calls == b->n_calls;
}

bool task_call(const struct supervisor *s, const struct task *t, struct event *event)
{
	const struct arena_thread *thread;
	uint32_t depth;

	if (t->slot < 0)
		return false;
	thread = &s->arena->thread[t->slot];
	depth = atomic_load(&thread->depth);
	if (depth == 0 || depth > ARENA_DEPTH)
		return false;
	*event = thread->cur[depth - 1];
	return event->call < CALL_N && event->stack <= ARENA_STACKS &&
	       object_kind_of(event->object) < OBJECT_N;
}

struct task *scene_task(struct scene *scene, pid_t tid)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].tid == tid)
			return &scene->task[i];
	return NULL;
}

/* Does it live in a PID namespace that it made itself? */
static bool is_nested(pid_t pid)
{
	char text[4096];
	const char *at;
	int n;

	if (!read_file(pid, 0, "status", text, sizeof(text)))
		return true;
	at = strstr(text, "NSpid:");
	return at && sscanf(at, "NSpid: %*d %d", &n) == 1;
}

bool scene_is_gone(const struct scene *scene, pid_t tid)
{
	char state = 0;
	pid_t ppid;
	int code;

	for (uint32_t i = 0; i < scene->n_procs; i++)
		if (is_nested(scene->proc[i].pid))
			return false;
	return !proc_start_time(tid, &state, &code, &ppid) || state == 'Z' || state == 'X';
}

static int32_t find_slot(struct supervisor *s, int32_t process, pid_t tid)
{
	for (uint32_t i = 0; process >= 0 && i < s->n_slots_threads; i++)
		if (s->thread[i].used && s->thread[i].process == (uint32_t)process &&
		    atomic_load(&s->arena->thread[i].tid) == tid)
			return (int32_t)i;
	return -1;
}

static void add_task(struct supervisor *s, struct scene *scene, uint32_t proc, pid_t tid)
{
	struct scene_proc *p = &scene->proc[proc];
	struct task *task = &scene->task[scene->n_tasks];

	if (scene->n_tasks == SCENE_TASKS) {
		scene->overflow = true;
		return;
	}
	memset(task, 0, sizeof(*task));
	task->pid = p->pid;
	task->tid = tid;
	task->proc = proc;
	task->slot = find_slot(s, p->process, tid);
	task->live = true;
	if (!context_read(s, task->pid, tid, task->slot, &task->context))
		task->context.state = '?';
	if (task->context.state == 'Z' || task->context.state == 'X')
		return;
	if (!p->tid)
		p->tid = tid;
	scene->n_tasks++;
}

static void add_tasks(struct supervisor *s, struct scene *scene, uint32_t proc)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)scene->proc[proc].pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			add_task(s, scene, proc, atoi(entry->d_name));
	if (tasks)
		closedir(tasks);
}

static void add_proc(struct supervisor *s, struct scene *scene, pid_t pid)
{
	const struct process *process = process_by_pid(s, pid);
	struct scene_proc *p = &scene->proc[scene->n_procs];
	char text[1024], state;
	const char *at;

	if (scene->n_procs == SCENE_PROCS) {
		scene->overflow = true;
		return;
	}
	memset(p, 0, sizeof(*p));
	p->pid = pid;
	p->process = process ? (int32_t)(process - s->process) : -1;
	if (!read_file(pid, 0, "stat", text, sizeof(text)))
		return;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %d %d", &state, &p->ppid, &p->pgrp) != 3)
		return;
	scene->n_procs++;
	add_tasks(s, scene, scene->n_procs - 1);
	/* A leader that has ended stays a zombie while other threads live on. */
	p->zombie = (state == 'Z' || state == 'X') && p->tid == 0;
	/* What it has handed to its rings the kernel does while it sleeps. */
	if (process && process->slot >= 0 &&
	    atomic_load(&s->arena->proc[process->slot].flags) & PROC_URING)
		p->acts_alone = true;
	if (!process || !process_is_followed(s, process))
		scene->any_unfollowed = scene->any_unfollowed || !p->zombie;
}

void scene_forget(struct scene *scene)
{
	sockets_free(scene->sockets);
	scene->sockets = NULL;
}

void scene_read(struct supervisor *s, struct scene *scene)
{
	static pid_t pid[PROCESS_LIST];
	unsigned int n;

	scene_forget(scene);
	scene->overflow = scene->any_unfollowed = false;
	scene->n_tasks = scene->n_procs = 0;
	scene->n_targets = scene->n_holds = scene->n_shares = scene->n_locks = 0;
	process_list(s, pid, PROCESS_LIST, &n);
	for (unsigned int i = 0; i < n; i++)
		add_proc(s, scene, pid[i]);
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].context.state == 'S' && scene->task[i].context.nr >= 0)
			wait_decode(s, scene, &scene->task[i]);
}
