/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe.c - what the supervisor itself wants to know of events: FIFOs and System V objects that
 * the trial made (to find and remove what is left), SEM_UNDO adjustments, and signals sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise.h"

#define FIFOS 4096
#define MADE 65536

/* Relative names begin where their user is now, or else where we began. */
bool observe_path(const struct process *p, const char *name, char *path)
{
	char cwd[64], directory[PATH_MAX];
	ssize_t n_directory;

	if (name[0] == '/')
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	snprintf(cwd, sizeof(cwd), "/proc/%d/cwd", (int)p->pid);
	n_directory = readlink(cwd, directory, sizeof(directory) - 1);
	if (n_directory < 0 && !getcwd(directory, sizeof(directory)))
		return false;
	if (n_directory >= 0)
		directory[n_directory] = '\0';
	return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

/* The n_more bytes as text. */
bool observe_name(const struct event *event, const uint8_t *more, char *name, size_t n_bytes)
{
	size_t n = (size_t)event->n_more * EVENT_MORE_BYTES;

	if (!more || n == 0 || more[0] == '\0')
		return false;
	n = strnlen((const char *)more, n);
	if (n >= n_bytes)
		return false;
	memcpy(name, more, n);
	name[n] = '\0';
	return true;
}

static bool path_of(const struct process *p, const struct event *event, const uint8_t *more,
		    char *path)
{
	char name[PATH_MAX];

	return observe_name(event, more, name, sizeof(name)) && observe_path(p, name, path);
}

/* The second of two names, which stands behind the first: what a FIFO is called from now on. */
static bool new_path_of(const struct process *p, const struct event *event, const uint8_t *more,
			char *path)
{
	size_t n_more = (size_t)event->n_more * EVENT_MORE_BYTES;
	size_t n = more ? strnlen((const char *)more, n_more) + 1 : n_more;
	char name[PATH_MAX];

	if (n >= n_more || strnlen((const char *)more + n, n_more - n) == n_more - n)
		return false;
	return snprintf(name, sizeof(name), "%s", (const char *)more + n) < PATH_MAX && name[0] &&
	       observe_path(p, name, path);
}

static void fifo_made(struct supervisor *s, const char *path)
{
	struct stat info;
	struct fifo *grown;

	if (s->n_fifos == FIFOS || lstat(path, &info) < 0 || !S_ISFIFO(info.st_mode))
		return;
	grown = realloc(s->fifo, (s->n_fifos + 1) * sizeof(*grown));
	if (!grown)
		return;
	s->fifo = grown;
	s->fifo[s->n_fifos].path = strdup(path);
	s->fifo[s->n_fifos].dev = info.st_dev;
	s->fifo[s->n_fifos].ino = info.st_ino;
	if (s->fifo[s->n_fifos].path)
		s->n_fifos++;
}

static void object_made(struct supervisor *s, const struct process *p, const struct event *event,
			int flags)
{
	struct made_object *grown;

	if (!(flags & IPC_CREAT) && event->arg[0] != IPC_PRIVATE)
		return;
	for (unsigned int i = 0; i < s->n_made; i++)
		if (s->made[i].object == event->object)
			return;
	if (s->n_made == MADE)
		return;
	if (s->n_made % 64 == 0) {
		grown = realloc(s->made, (s->n_made + 64) * sizeof(*grown));
		if (!grown)
			return;
		s->made = grown;
	}
	s->made[s->n_made++] =
		(struct made_object){ event->object, (int32_t)event->arg[0], p->pid,
				      flags & IPC_EXCL || event->arg[0] == IPC_PRIVATE };
}

static void undo_add(struct process *p, int semid, unsigned int num, int by)
{
	unsigned int i;

	for (i = 0; i < p->n_undo; i++)
		if (p->undo[i].semid == semid && p->undo[i].num == num)
			break;
	if (i == UNDO_ENTRIES)
		return;
	if (i == p->n_undo)
		p->undo[p->n_undo++] = (struct undo_entry){ semid, num, 0 };
	p->undo[i].adjustment += by;
	if (p->undo[i].adjustment == 0)
		p->undo[i] = p->undo[--p->n_undo];
}

static void semop_done(struct process *p, const struct event *event, const uint8_t *more)
{
	int64_t n = event->arg[2] < 500 ? event->arg[2] : 500;

	for (int64_t i = 0; i < n; i++) {
		int64_t packed;

		if (i < 3)
			packed = event->arg[3 + i];
		else if (more && (i - 2) * 8 <= (int64_t)event->n_more * EVENT_MORE_BYTES)
			memcpy(&packed, more + (i - 3) * 8, sizeof(packed));
		else
			return;
		if (event_sop_flg(packed) & SEM_UNDO)
			undo_add(p, (int)event->arg[0], event_sop_num(packed),
				 -event_sop_op(packed));
	}
}

/* SETVAL and SETALL take everybody's adjustments away, IPC_RMID the set. */
static void semctl_done(struct supervisor *s, const struct event *event)
{
	int semid = (int)event->arg[0];
	bool all = event->arg[2] == SETALL || event->arg[2] == IPC_RMID;

	if (!all && event->arg[2] != SETVAL)
		return;
	for (uint32_t l = 0; l < s->n_live; l++) {
		struct process *p = &s->process[s->live[l]];

		for (unsigned int i = p->n_undo; i-- > 0;)
			if (p->undo[i].semid == semid &&
			    (all || p->undo[i].num == (unsigned int)event->arg[1]))
				p->undo[i] = p->undo[--p->n_undo];
	}
}

void observe_event(struct supervisor *s, struct process *p, const struct event *event,
		   const uint8_t *more)
{
	char path[PATH_MAX];

	p->last_site = event->site;
	p->last_stack = event->stack;
	p->last_call = event->call;
	observe_descriptors(s, p, event, more);
	if (event->flags & (EVENT_FAILED | EVENT_NOT_PERFORMED))
		return;
	observe_named(s, p, event, more);
	switch (event->call) {
	case CALL_mkfifo:
	case CALL_mkfifoat:
	case CALL_mknod:
	case CALL_mknodat:
		if (path_of(p, event, more, path))
			fifo_made(s, path);
		break;
	case CALL_rename:
	case CALL_renameat:
	case CALL_renameat2:
	case CALL_link:
	case CALL_linkat:
		if (new_path_of(p, event, more, path))
			fifo_made(s, path);
		break;
	case CALL_semget:
	case CALL_shmget:
		object_made(s, p, event, (int)event->arg[2]);
		break;
	case CALL_msgget:
		object_made(s, p, event, (int)event->arg[1]);
		break;
	case CALL_semop:
	case CALL_semtimedop:
		if (!(event->flags & EVENT_ABANDONED))
			semop_done(p, event, more);
		break;
	case CALL_semctl:
		semctl_done(s, event);
		break;
	case CALL_mq_notify:
		p->notified = p->notified || event->arg[2] >= 0;
		break;
	default:
		break;
	}
}

/* Notes the sets that this process's death has changed. */
void observe_undo(struct supervisor *s, struct process *p)
{
	for (unsigned int i = 0; i < p->n_undo; i++)
		sems_note(s, p->undo[i].semid, p->lineage);
}
