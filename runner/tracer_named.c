/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_named.c - paths. A FIFO's are known by the file; a file in /dev/shm is a name of shared
 * memory or of a semaphore: libc's functions for these are nothing but open and unlink there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "place.h"
#include "tracer_record.h"

#define SHM "/dev/shm/"
#define SEM "sem."

/* A path as the task sees it: with its root and its working directory. */
static bool stat_as_task(const struct task *task, int dir, const char *name, bool follow,
			 struct stat *info)
{
	char path[PATH_MAX + 64];
	int n;

	if (name[0] == '/')
		n = snprintf(path, sizeof(path), "/proc/%d/root%s", (int)task->tid, name);
	else if (dir == AT_FDCWD)
		n = snprintf(path, sizeof(path), "/proc/%d/cwd/%s", (int)task->tid, name);
	else
		n = snprintf(path, sizeof(path), "/proc/%d/fd/%d/%s", (int)task->tid, dir, name);
	return n > 0 && (size_t)n < sizeof(path) &&
	       fstatat(AT_FDCWD, path, info, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0;
}

uint64_t object_of_path(const struct task *task, int dir, const char *name, bool follow)
{
	struct stat info;

	if (!stat_as_task(task, dir, name, follow, &info) || !S_ISFIFO(info.st_mode))
		return 0;
	return OBJECT_REF(OBJECT_FIFO, place_file(info.st_dev, info.st_ino));
}

static uint64_t object_in_memory(const struct task *task, const char *path, bool is_sem)
{
	struct stat info;
	uint64_t file;

	if (!stat_as_task(task, AT_FDCWD, path, false, &info))
		return 0;
	file = place_file(info.st_dev, info.st_ino);
	return is_sem ? OBJECT_REF(OBJECT_PSEM, place_shared(place_key(file, 0, 0), 0))
		      : OBJECT_REF(OBJECT_MEMORY, file);
}

/* The call that it is, of libc's: a new row with other arguments. */
static void becomes(struct passage *p, enum call_id id, int path_at)
{
	long flags = p->a[path_at + 1], mode = p->a[path_at + 2];

	p->a[0] = p->a[path_at];
	p->a[1] = id == CALL_shm_open ? flags : 0;
	p->a[2] = id == CALL_shm_open ? mode : 0;
	p->a[3] = 0;
	p->canonical = id;
	p->call = &calls[id];
	p->is_named = true;
}

/* sem_open makes its file under a name of its own, and then links it: open and unlink of that are
 * of no interest. */
static void find_in_memory(const struct task *task, struct passage *p, int path_at,
			   const char *path)
{
	bool is_sem = strncmp(path + strlen(SHM), SEM, strlen(SEM)) == 0;
	bool opens = p->canonical == CALL_open || p->canonical == CALL_openat;
	bool unlinks = p->canonical == CALL_unlink || p->canonical == CALL_unlinkat;
	char *made = task->program->sem_made;

	if (opens && is_sem && p->a[path_at + 1] & O_EXCL)
		text_put(made, sizeof(task->program->sem_made), path);
	if (unlinks && strcmp(path, made) == 0)
		return;
	if (opens && !is_sem)
		becomes(p, CALL_shm_open, path_at);
	else if (unlinks)
		becomes(p, is_sem ? CALL_sem_unlink : CALL_shm_unlink, path_at);
	else
		return;
	p->event.object = object_in_memory(task, path, is_sem);
}

void name_find(const struct task *task, struct passage *p)
{
	int path_at = call_arg(p->call, ARG_PATH), dir = AT_FDCWD;
	char path[PATH_MAX];

	if (path_at < 0 || !peek_text(task->tid, (uint64_t)p->a[path_at], path, sizeof(path)))
		return;
	if (path_at > 0)
		dir = (int)p->a[path_at - 1];
	if (strncmp(path, SHM, strlen(SHM)) == 0)
		find_in_memory(task, p, path_at, path);
	else
		p->event.object =
			object_of_path(task, dir, path, call_arg(p->call, ARG_OPEN_FLAGS) >= 0);
}

/* Appends a name with the NUL behind it. */
static void keep(struct tracer *t, const char *name)
{
	size_t n = strlen(name) + 1;

	if (t->n_more + n > TRACER_MORE)
		return;
	memcpy(t->more + t->n_more, name, n);
	t->n_more += (uint32_t)n;
}

/* "/dev/shm/sem.x" and "/dev/shm/x" are "/x" for libc's callers. */
static void keep_name(struct tracer *t, struct passage *p, char *path)
{
	size_t skip = strlen(SHM) + (p->canonical == CALL_sem_unlink ? strlen(SEM) : 0);

	path[skip - 1] = '/';
	keep(t, path + skip - 1);
}

void record_paths(struct tracer *t, struct task *task, struct passage *p, long result)
{
	int path_at = call_arg(p->call, ARG_PATH);
	char path[PATH_MAX];

	for (unsigned int i = 0; i < p->call->n_args; i++)
		if (p->call->arg[i] == ARG_PATH &&
		    peek_text(task->tid, (uint64_t)p->a[i], path, sizeof(path))) {
			if (p->is_named)
				keep_name(t, p, path);
			else
				keep(t, path);
		}
	if (p->canonical == CALL_shm_open)
		p->event.object = object_of_file(task, (int)result, OBJECT_MEMORY);
	else if (p->canonical == CALL_mknod || p->canonical == CALL_mknodat)
		p->event.object =
			object_of_path(task, path_at > 0 ? (int)p->a[path_at - 1] : AT_FDCWD,
				       (const char *)t->more, false);
}
