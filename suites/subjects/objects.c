/* SPDX-License-Identifier: Apache-2.0 */
/* What a subject made and takes away again at its end. */
#include "subject_posix.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

enum { MAX_OBJECTS = 16 };

enum kind { SEM, QUEUE, SHM, PATH, DIRECTORY, PSEM, MQ_NAME, SEM_NAME, SHM_NAME };

struct object {
	enum kind kind;
	int id; /* or the value of a free semaphore */
	sem_t *sem;
	char path[128];
};

static struct object objects[MAX_OBJECTS];
static size_t n_objects;

/* Nobody will take these any more: empty the queue, so that the removal loses nothing unseen. */
static void drain(int queue)
{
	struct message message;

	while (TEMP_FAILURE_RETRY(
		       msgrcv(queue, &message, MESSAGE_FULL, 0, IPC_NOWAIT | MSG_NOERROR)) != -1)
		fprintf(stderr, "%s: dropped message %u\n", program_invocation_short_name,
			message.number);
}

static void drain_mq(const char *name)
{
	mqd_t queue = mq_open(name, O_RDONLY | O_NONBLOCK);
	struct mq_attr limits;
	char *message;

	if (queue == -1)
		return;
	CHECK(mq_getattr(queue, &limits));
	message = calloc(1, (size_t)limits.mq_msgsize);
	while (message && TEMP_FAILURE_RETRY(mq_receive(queue, message, (size_t)limits.mq_msgsize,
							NULL)) != -1)
		fprintf(stderr, "%s: dropped a message\n", program_invocation_short_name);
	free(message);
	mq_close(queue);
}

/* Nobody is left who could give back what the dead have taken. */
static void restore(sem_t *sem, int value)
{
	int now;

	while (sem_getvalue(sem, &now) == 0 && now < value && sem_post(sem) == 0)
		;
}

static void restore_named(const char *name, int value)
{
	sem_t *sem = sem_open(name, 0);

	if (sem == SEM_FAILED)
		return;
	restore(sem, value);
	sem_close(sem);
}

static void remove_object(const struct object *object, bool failed)
{
	switch (object->kind) {
	case SEM:
		semctl(object->id, 0, IPC_RMID);
		break;
	case QUEUE:
		if (failed)
			drain(object->id);
		msgctl(object->id, IPC_RMID, NULL);
		break;
	case SHM:
		shmctl(object->id, IPC_RMID, NULL);
		break;
	case PATH:
		unlink(object->path);
		break;
	case DIRECTORY:
		rmdir(object->path);
		break;
	case MQ_NAME:
		if (failed)
			drain_mq(object->path);
		mq_unlink(object->path);
		break;
	case PSEM:
		if (failed)
			restore(object->sem, object->id);
		break;
	case SEM_NAME:
		if (failed)
			restore_named(object->path, object->id);
		sem_unlink(object->path);
		break;
	case SHM_NAME:
		shm_unlink(object->path);
		break;
	}
}

void remove_objects(bool failed)
{
	while (n_objects > 0)
		remove_object(&objects[--n_objects], failed);
}

static struct object *own(enum kind kind, int id)
{
	struct object *object;

	if (n_objects == MAX_OBJECTS)
		fail("room for one more object");
	object = &objects[n_objects++];
	object->kind = kind;
	object->id = id;
	return object;
}

void own_sem(int id)
{
	own(SEM, id);
}

void own_shm(int id)
{
	own(SHM, id);
}

int make_sem(key_t key, int n_sems, int value)
{
	unsigned short values[64];
	int set;

	EXPECT(n_sems <= 64);
	set = CHECK(semget(key, n_sems, IPC_CREAT | IPC_EXCL | 0600));
	own_sem(set);
	for (int i = 0; i < n_sems; i++)
		values[i] = (unsigned short)value;
	CHECK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	return set;
}

int make_queue(key_t key)
{
	int queue = CHECK(msgget(key, IPC_CREAT | IPC_EXCL | 0600));

	own(QUEUE, queue);
	return queue;
}

void *make_shared(size_t size_bytes)
{
	int id = CHECK(shmget(IPC_PRIVATE, size_bytes, IPC_CREAT | 0600));
	void *memory;

	own_shm(id);
	memory = shmat(id, NULL, 0);
	if (memory == (void *)-1)
		die("shmat");
	return memory;
}

/* A fresh directory in $TMPDIR, or in /tmp. */
const char *make_dir(void)
{
	const char *where = getenv("TMPDIR");
	struct object *object = own(DIRECTORY, 0);

	if (!where || strlen(where) > 64)
		where = "/tmp";
	snprintf(object->path, sizeof(object->path), "%s/subject-XXXXXX", where);
	if (!mkdtemp(object->path)) {
		n_objects--;
		die("mkdtemp");
	}
	return object->path;
}

/* The path of NAME in the directory that make_dir() made, to be unlinked at the end if it is still
 * there. */
const char *own_path(const char *name)
{
	size_t i = 0;
	struct object *object = own(PATH, 0);

	while (objects[i].kind != DIRECTORY)
		i++;
	snprintf(object->path, sizeof(object->path), "%.100s/%.20s", objects[i].path, name);
	return object->path;
}

const char *make_fifo(const char *name)
{
	const char *path = own_path(name);

	CHECK(mkfifo(path, 0600));
	return path;
}

void new_name(char name[NAME_BYTES], const char *stem)
{
	snprintf(name, NAME_BYTES, "/subject-%d-%.20s", (int)getpid(), stem);
}

void own_psem(sem_t *sem, int value)
{
	own(PSEM, value)->sem = sem;
}

static const char *own_name(enum kind kind, int id, const char *stem)
{
	struct object *object = own(kind, id);

	new_name(object->path, stem);
	return object->path;
}

const char *own_mq_name(const char *stem)
{
	return own_name(MQ_NAME, 0, stem);
}

const char *own_sem_name(const char *stem, int value)
{
	return own_name(SEM_NAME, value, stem);
}

const char *own_shm_name(const char *stem)
{
	return own_name(SHM_NAME, 0, stem);
}
