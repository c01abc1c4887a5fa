/* SPDX-License-Identifier: Apache-2.0 */
/* model_name.c - names of objects for people, and marks of them for fingerprints. */
#include "model_lock.h"

#include <stdio.h>
#include <sys/ipc.h>

static const char *const nouns[OBJECT_N] = {
	[OBJECT_NONE] = "object",
	[OBJECT_SEM] = "semaphore set",
	[OBJECT_MSG] = "queue",
	[OBJECT_SHM] = "shared memory",
	[OBJECT_PIPE] = "pipe",
	[OBJECT_FIFO] = "FIFO",
	[OBJECT_PROCESS] = "process",
	[OBJECT_EPOLL] = "epoll descriptor",
	[OBJECT_MQ] = "queue",
	[OBJECT_MEMORY] = "shared memory",
	[OBJECT_SOCKET] = "socket",
	[OBJECT_EVENTFD] = "eventfd",
	[OBJECT_TIMERFD] = "timerfd",
	[OBJECT_SIGNALFD] = "signalfd",
	[OBJECT_INOTIFY] = "inotify",
	[OBJECT_PIDFD] = "pidfd",
	[OBJECT_URING] = "io_uring",
	[OBJECT_PSEM] = "POSIX semaphore",
	[OBJECT_MUTEX] = "mutex",
	[OBJECT_COND] = "condition variable",
	[OBJECT_RWLOCK] = "read-write lock",
	[OBJECT_BARRIER] = "barrier",
	[OBJECT_SPIN] = "spin lock",
	[OBJECT_FUTEX] = "futex",
	[OBJECT_THREAD] = "thread",
	[OBJECT_FILE] = "file",
};

static const char *noun(enum object_kind kind)
{
	return nouns[kind < OBJECT_N ? kind : OBJECT_NONE];
}

static void name_by_id(const struct object *object, char *buffer, size_t n_bytes)
{
	const char *what = noun(object_kind_of(object->ref));
	unsigned long long id = object_value_of(object->ref);

	if (!object->has_key)
		snprintf(buffer, n_bytes, "%s %llu", what, id);
	else if (object->key == IPC_PRIVATE)
		snprintf(buffer, n_bytes, "%s %llu (private)", what, id);
	else
		snprintf(buffer, n_bytes, "%s %llu (key 0x%x)", what, id,
			 (unsigned int)object->key);
}

const char *object_name(struct model *model, const struct object *object, char *buffer,
			size_t n_bytes)
{
	enum object_kind kind = object_kind_of(object->ref);

	if (object->path)
		snprintf(buffer, n_bytes, "%s %s", kind == OBJECT_PSEM ? "semaphore" : noun(kind),
			 object->path);
	else if (kind == OBJECT_SEM || kind == OBJECT_MSG || kind == OBJECT_SHM)
		name_by_id(object, buffer, n_bytes);
	else if (object->maker >= 0)
		snprintf(buffer, n_bytes, "%s %s#%u", noun(kind),
			 model_lineage(model, (uint32_t)object->maker), object->maker_ordinal);
	else if (kind == OBJECT_PIPE || kind == OBJECT_FIFO || kind == OBJECT_SOCKET)
		snprintf(buffer, n_bytes, "%s from outside", noun(kind));
	else
		name_by_id(object, buffer, n_bytes);
	return buffer;
}

/* Processes, threads, and what no call was seen on yet. */
static void name_unknown(struct model *model, uint64_t ref, char *buffer, size_t n_bytes)
{
	enum object_kind kind = object_kind_of(ref);
	unsigned long long value = object_value_of(ref);
	unsigned int thread = kind == OBJECT_THREAD ? value & 0xffff : 0;
	int32_t process = -1;

	if (kind == OBJECT_PROCESS || kind == OBJECT_THREAD)
		process = model_find_pid(model,
					 (int32_t)(kind == OBJECT_THREAD ? value >> 16 : value));
	if (process >= 0 && thread)
		snprintf(buffer, n_bytes, "thread %s/%u", model_lineage(model, (uint32_t)process),
			 thread);
	else if (process >= 0)
		snprintf(buffer, n_bytes, "%s %s", noun(kind),
			 model_lineage(model, (uint32_t)process));
	else if (is_memory_kind(kind)) /* its value is another one in each run */
		snprintf(buffer, n_bytes, "%s", noun(kind));
	else
		snprintf(buffer, n_bytes, "%s %llu", noun(kind), value);
}

const char *model_object_name(struct model *model, uint64_t ref, char *buffer, size_t n_bytes)
{
	const struct object *object = object_find(model, ref);

	if (object)
		object_name(model, object, buffer, n_bytes);
	else
		name_unknown(model, ref, buffer, n_bytes);
	return buffer;
}

uint64_t object_mark(const struct object *object)
{
	return object->mark;
}

uint64_t model_object_mark(struct model *model, uint64_t ref)
{
	const struct object *object = object_find(model, ref);
	enum object_kind kind = object_kind_of(ref);

	if (object)
		return object->mark;
	if (kind == OBJECT_SEM || kind == OBJECT_MSG || kind == OBJECT_SHM)
		return mark_mix(kind, object_value_of(ref));
	return mark_mix(kind, 0);
}

const char *sem_name(struct model *model, const struct sem_set *set, unsigned int num, char *buffer,
		     size_t n_bytes)
{
	char name[80];

	snprintf(buffer, n_bytes, "%s #%u", object_name(model, &set->object, name, sizeof(name)),
		 num);
	return buffer;
}
