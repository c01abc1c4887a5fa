/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftovers.c - what the kernel holds at the end of the trial: System V objects, FIFOs and whatever
 * else has a name (leftovers_named.c). In namespaces everything is the trial's; without them only
 * what its events say it made.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leftovers.h"
#include "place.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

struct leftover *leftovers_add(struct leftovers *list, enum object_kind kind, uint64_t object,
			       int32_t key)
{
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 32;
		list->item = realloc(list->item, list->room * sizeof(*list->item));
		list->path = realloc(list->path, list->room * sizeof(*list->path));
		if (!list->item || !list->path)
			abort();
	}
	list->item[list->n] = (struct leftover){ .kind = kind, .object = object, .key = key };
	list->path[list->n] = NULL;
	return &list->item[list->n++];
}

static void leftovers_free(struct leftovers *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		free(list->path[i]);
	free(list->item);
	free(list->path);
}

static const struct made_object *made_find(const struct supervisor *s, uint64_t object)
{
	for (unsigned int i = 0; i < s->n_made; i++)
		if (s->made[i].object == object)
			return &s->made[i];
	return NULL;
}

bool object_is_made(const struct supervisor *s, uint64_t object)
{
	return made_find(s, object) != NULL;
}

/* Without namespaces: did the trial make it, or has it only found it? */
static bool is_ours(const struct supervisor *s, uint64_t object, uint64_t changed_s)
{
	const struct made_object *made = made_find(s, object);

	return s->isolated || (made && (made->certain || changed_s >= s->start_wall_s));
}

static pid_t maker(const struct supervisor *s, uint64_t object)
{
	const struct made_object *made = made_find(s, object);

	return made ? made->maker : 0;
}

static void list_sems(struct supervisor *s, struct leftovers *list)
{
	struct seminfo info;
	struct semid_ds ds;
	int top = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });

	for (int i = 0; i <= top; i++) {
		int id = semctl(i, 0, SEM_STAT_ANY, (union semun){ .buf = &ds });
		uint64_t object = OBJECT_REF(OBJECT_SEM, id);

		if (id >= 0 && is_ours(s, object, (uint64_t)ds.sem_ctime))
			leftovers_add(list, OBJECT_SEM, object, ds.sem_perm.__key)->maker_pid =
				maker(s, object);
	}
}

static void list_queues(struct supervisor *s, struct leftovers *list)
{
	struct msqid_ds ds;
	int top = msgctl(0, MSG_INFO, &ds);

	for (int i = 0; i <= top; i++) {
		int id = msgctl(i, MSG_STAT_ANY, &ds);
		uint64_t object = OBJECT_REF(OBJECT_MSG, id);
		struct leftover *left;

		if (id < 0 || !is_ours(s, object, (uint64_t)ds.msg_ctime))
			continue;
		left = leftovers_add(list, OBJECT_MSG, object, ds.msg_perm.__key);
		left->maker_pid = maker(s, object);
		left->n_messages = ds.msg_qnum;
		left->n_bytes = ds.__msg_cbytes;
	}
}

/* A segment marked for removal is none: it only waits for its last user. */
static void list_segments(struct supervisor *s, struct leftovers *list)
{
	struct shmid_ds ds;
	int top = shmctl(0, SHM_INFO, &ds);

	for (int i = 0; i <= top; i++) {
		int id = shmctl(i, SHM_STAT_ANY, &ds);
		uint64_t object = OBJECT_REF(OBJECT_SHM, id);
		struct leftover *left;

		if (id < 0 || (ds.shm_perm.mode & SHM_DEST) ||
		    !is_ours(s, object, (uint64_t)ds.shm_ctime))
			continue;
		left = leftovers_add(list, OBJECT_SHM, object, ds.shm_perm.__key);
		left->maker_pid = ds.shm_cpid;
		left->n_bytes = ds.shm_segsz;
	}
}

static bool fifo_exists(const struct fifo *fifo)
{
	struct stat info;

	return lstat(fifo->path, &info) == 0 && S_ISFIFO(info.st_mode) &&
	       info.st_dev == fifo->dev && info.st_ino == fifo->ino;
}

static void list_fifos(struct supervisor *s, struct leftovers *list)
{
	for (unsigned int i = 0; i < s->n_fifos; i++)
		if (fifo_exists(&s->fifo[i]))
			leftovers_add(
				list, OBJECT_FIFO,
				OBJECT_REF(OBJECT_FIFO, place_file(s->fifo[i].dev, s->fifo[i].ino)),
				0)
				->path = s->fifo[i].path;
}

/* A directory that was made for the FIFO goes with it: born in the trial, and empty now. */
static void directory_remove(const struct supervisor *s, char *path)
{
	char *slash = strrchr(path, '/');
	struct statx info;

	if (!slash || slash == path)
		return;
	*slash = '\0';
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) == 0 &&
	    (info.stx_mask & STATX_BTIME) && (uint64_t)info.stx_btime.tv_sec >= s->start_wall_s)
		rmdir(path);
	*slash = '/';
}

void fifos_remove(struct supervisor *s)
{
	sockets_remove(s);
	for (unsigned int i = 0; i < s->n_fifos; i++) {
		if (fifo_exists(&s->fifo[i]))
			unlink(s->fifo[i].path);
		directory_remove(s, s->fifo[i].path);
	}
}

void leftovers_finish(struct supervisor *s)
{
	struct leftovers list = { 0 };

	list_sems(s, &list);
	list_queues(s, &list);
	list_segments(s, &list);
	list_fifos(s, &list);
	named_list(s, &list);
	model_finish(s->model, s->ended == ENDED_BY_ITSELF ? TRIAL_ENDED : TRIAL_STOPPED, list.item,
		     list.n);
	/* The next trial would find them. */
	fifos_remove(s);
	leftovers_free(&list);
}

static void leftover_remove(const struct leftover *left)
{
	int id = (int)object_value_of(left->object);

	switch (left->kind) {
	case OBJECT_SEM:
		semctl(id, 0, IPC_RMID);
		break;
	case OBJECT_MSG:
		msgctl(id, IPC_RMID, NULL);
		break;
	case OBJECT_SHM:
		shmctl(id, IPC_RMID, NULL);
		break;
	case OBJECT_SOCKET:
		break;
	default:
		named_remove(left);
	}
}

/* Namespaces take their objects with them. */
void leftovers_remove(struct supervisor *s)
{
	struct leftovers list = { 0 };

	if (s->isolated)
		return;
	list_sems(s, &list);
	list_queues(s, &list);
	list_segments(s, &list);
	named_list(s, &list);
	for (unsigned int i = 0; i < list.n; i++)
		leftover_remove(&list.item[i]);
	leftovers_free(&list);
}
