/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_hold.c - who has what others wait for: ends of pipes, sockets, queues, eventfds, locked
 * files, and memory. Only read when somebody waits for such a thing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "watch.h"

/* What has to be looked for: a bit for each kind of file, and one for locked files. */
#define WANTS_LOCKS (1u << 31)

static unsigned int wanted(const struct scene *scene)
{
	unsigned int kinds = 0;

	for (uint32_t i = 0; i < scene->n_tasks; i++) {
		const struct task *t = &scene->task[i];

		if (t->live)
			continue;
		if (t->kind == WAIT_FILE_LOCK)
			kinds |= WANTS_LOCKS;
		for (unsigned int n = 0; n < t->n_targets; n++)
			kinds |= 1u << task_target(scene, t, n)->file.kind;
	}
	return kinds;
}

struct lock_lines {
	struct scene *scene;
	const struct file *file;
	uint32_t proc;
	int fd;
};

static bool add_lock(const char *text, void *data)
{
	const struct lock_lines *lines = data;
	struct scene *scene = lines->scene;
	struct file_lock lock;

	if (strncmp(text, "lock:", 5) != 0 || !file_lock_parse(text + 5, &lock))
		return true;
	if (scene->n_locks == SCENE_LOCKS) {
		scene->overflow = true;
		return false;
	}
	scene->lock[scene->n_locks++] =
		(struct held_lock){ lock, lines->file->dev, lines->file->ino, lines->proc,
				    lines->fd };
	return true;
}

static bool is_waited_file(const struct scene *scene, const struct file *file)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		if (scene->task[i].kind == WAIT_FILE_LOCK &&
		    scene->task[i].memory.dev == file->dev &&
		    scene->task[i].memory.ino == file->ino)
			return true;
	return false;
}

/* Its other end, or itself, is waited for. */
static bool is_waited(const struct scene *scene, const struct file *file)
{
	for (uint32_t i = 0; i < scene->n_targets; i++) {
		const struct target *target = &scene->target[i];

		if (file->kind != target->file.kind)
			continue;
		if ((file->ino == target->file.ino && file->dev == target->file.dev) ||
		    (file->kind == FILE_SOCKET && file->ino == target->peer))
			return true;
	}
	return false;
}

static bool read_flying(const char *text, void *data)
{
	return sscanf(text, "scm_fds: %u", (unsigned int *)data) != 1;
}

static void add_hold(struct supervisor *s, struct scene *scene, uint32_t proc, int fd,
		     const struct file *file)
{
	const struct scene_proc *p = &scene->proc[proc];
	unsigned int n_flying = 0;

	if (file->kind == FILE_SOCKET && (s->n_passed || s->passed_more))
		fdinfo_read(p->pid, p->tid, fd, read_flying, &n_flying);
	if (!n_flying && !is_waited(scene, file))
		return;
	if (scene->n_holds == SCENE_HOLDS) {
		scene->overflow = true;
		return;
	}
	scene->hold[scene->n_holds++] = (struct hold){ *file, proc, n_flying > 0 };
}

static void holds_of(struct supervisor *s, struct scene *scene, uint32_t proc, unsigned int kinds)
{
	const struct scene_proc *p = &scene->proc[proc];
	char path[64];
	struct dirent *entry;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", (int)p->pid, (int)p->tid);
	fds = opendir(path);
	while (fds && !scene->overflow && (entry = readdir(fds))) {
		int fd = atoi(entry->d_name);
		struct lock_lines lines = { scene, NULL, proc, fd };
		struct file file;

		if (entry->d_name[0] == '.' || !file_look(p->pid, p->tid, fd, &file))
			continue;
		if (file.kind != FILE_OTHER && kinds & 1u << file.kind)
			add_hold(s, scene, proc, fd, &file);
		lines.file = &file;
		if (kinds & WANTS_LOCKS && is_waited_file(scene, &file))
			fdinfo_read(p->pid, p->tid, fd, add_lock, &lines);
	}
	if (fds)
		closedir(fds);
}

/* Memory that several processes may have, and that somebody waits for. */
static bool is_waited_memory(const struct scene *scene, const struct mapping *m)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++) {
		const struct memory_wait *w = &scene->task[i].memory;

		if (waits_in_memory(&scene->task[i]) && w->shared && w->dev == m->dev &&
		    w->ino == m->ino)
			return true;
	}
	return false;
}

static void shares_of(struct scene *scene, uint32_t proc)
{
	const struct scene_proc *p = &scene->proc[proc];
	char path[64], line[512];
	struct mapping m;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/maps", (int)p->pid, (int)p->tid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!mapping_parse(line, &m) || !m.shared || !is_waited_memory(scene, &m))
			continue;
		if (scene->n_shares == SCENE_SHARES) {
			scene->overflow = true;
			break;
		}
		scene->share[scene->n_shares++] =
			(struct share){ m.dev, m.ino, m.offset, m.offset + m.end - m.start, proc };
	}
	if (maps)
		fclose(maps);
}

void holds_read(struct supervisor *s, struct scene *scene)
{
	unsigned int kinds = wanted(scene);
	bool shares = false;

	/* Descriptors on their way stand in a socket's queue. */
	if (kinds & (1u << FILE_PIPE) && (s->n_passed || s->passed_more))
		kinds |= 1u << FILE_SOCKET;
	for (uint32_t i = 0; i < scene->n_tasks; i++)
		shares = shares ||
			 (waits_in_memory(&scene->task[i]) && scene->task[i].memory.shared);
	for (uint32_t i = 0; i < scene->n_procs; i++) {
		if (scene->proc[i].zombie)
			continue;
		if (kinds)
			holds_of(s, scene, i, kinds);
		if (shares)
			shares_of(scene, i);
	}
}

static bool is_other_end(const struct file *file, const struct target *target)
{
	if (file->kind != target->file.kind)
		return false;
	if (file->kind == FILE_SOCKET)
		return file->ino == target->peer;
	if (file->dev != target->file.dev || file->ino != target->file.ino)
		return false;
	return file->kind == FILE_EVENT || (target->writes ? file->reads : file->writes);
}

bool has_end(const struct scene *scene, uint32_t proc, const struct target *target)
{
	for (uint32_t i = 0; i < scene->n_holds; i++)
		if (scene->hold[i].proc == proc && is_other_end(&scene->hold[i].file, target))
			return true;
	return false;
}

bool can_end(const struct scene *scene, uint32_t proc, const struct target *target)
{
	for (uint32_t i = 0; i < scene->n_holds; i++) {
		const struct hold *h = &scene->hold[i];

		if (h->proc == proc &&
		    (is_other_end(&h->file, target) ||
		     (h->file.kind == FILE_SOCKET && target->file.kind == FILE_SOCKET &&
		      h->file.ino == target->file.ino)))
			return true;
	}
	return false;
}

bool has_memory(const struct scene *scene, uint32_t proc, const struct task *waiter)
{
	const struct memory_wait *w = &waiter->memory;

	if (proc == waiter->proc)
		return true;
	for (uint32_t i = 0; w->shared && i < scene->n_shares; i++) {
		const struct share *share = &scene->share[i];

		if (share->proc == proc && share->dev == w->dev && share->ino == w->ino &&
		    share->first <= w->offset && w->offset < share->end)
			return true;
	}
	return false;
}

bool has_file_lock(const struct scene *scene, uint32_t proc, const struct task *waiter)
{
	for (uint32_t i = 0; i < scene->n_locks; i++) {
		const struct held_lock *l = &scene->lock[i];
		/* What it holds itself keeps nobody from changing it. */
		bool own = l->proc == waiter->proc &&
			   (l->lock.kind == FILE_LOCK_PROCESS
				    ? waiter->wanted.kind == FILE_LOCK_PROCESS
				    : l->fd == waiter->id);

		if (l->proc == proc && !own && l->dev == waiter->memory.dev &&
		    l->ino == waiter->memory.ino && file_locks_conflict(&l->lock, &waiter->wanted))
			return true;
	}
	return false;
}

/* Has its other end been sent through a socket? Then it can be on its way now. */
bool is_flying(const struct supervisor *s, const struct target *target)
{
	if (target->file.kind == FILE_PIPE)
		return observe_passed(s, target->object);
	return target->file.kind == FILE_SOCKET && target->peer &&
	       observe_passed(s, OBJECT_REF(OBJECT_SOCKET, target->peer));
}

static bool is_using(const struct scene *scene, uint32_t proc, const struct target *target)
{
	for (uint32_t i = 0; i < scene->n_tasks; i++) {
		const struct task *t = &scene->task[i];

		for (unsigned int n = 0; t->proc == proc && n < t->n_targets; n++)
			if (is_other_end(&task_target(scene, t, n)->file, target) &&
			    (target->file.kind == FILE_SOCKET ||
			     task_target(scene, t, n)->writes != target->writes))
				return true;
	}
	return false;
}

/* Has that process ever used the other end, or does it now? */
bool was_used(const struct supervisor *s, const struct scene *scene, uint32_t proc,
	      const struct target *target)
{
	int32_t process = scene->proc[proc].process;
	unsigned int how;

	if (process < 0 || is_using(scene, proc, target))
		return true;
	if (target->file.kind == FILE_SOCKET)
		how = observe_used(s, (uint32_t)process, OBJECT_REF(OBJECT_SOCKET, target->peer));
	else
		how = observe_used(s, (uint32_t)process, target->object) &
		      (USE_UNKNOWN | (target->writes ? USE_READ : USE_WRITTEN));
	return how & (USE_READ | USE_WRITTEN | USE_UNKNOWN);
}
