/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_object.c - the IPC objects of a trial: who made them, how, and when they went. Pipes, and
 * objects that were removed, are forgotten when many newer ones have come.
 */
#include "model_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>

#include "arena.h"

#define FORGETTABLE_MAX 4096

static size_t object_bytes(enum object_kind kind)
{
	switch (kind) {
	case OBJECT_SEM:
		return sizeof(struct sem_set);
	case OBJECT_MSG:
	case OBJECT_MQ:
		return sizeof(struct queue);
	case OBJECT_PIPE:
	case OBJECT_FIFO:
	case OBJECT_SOCKET:
		return sizeof(struct pipe_object);
	case OBJECT_PSEM:
		return sizeof(struct psem);
	case OBJECT_COND:
		return sizeof(struct cond);
	case OBJECT_MUTEX:
	case OBJECT_RWLOCK:
	case OBJECT_SPIN:
	case OBJECT_FILE:
		return sizeof(struct lock);
	default:
		return sizeof(struct object);
	}
}

static void object_free(struct model *model, struct object *object)
{
	switch (object_kind_of(object->ref)) {
	case OBJECT_SEM:
		sem_set_release(model, (struct sem_set *)object);
		break;
	case OBJECT_MSG:
	case OBJECT_MQ:
		queue_release(model, (struct queue *)object);
		break;
	default:
		break;
	}
	if (is_lock_kind(object_kind_of(object->ref)))
		lock_release(model, (struct lock *)object);
	wakers_release(model, object);
	free(object->path);
	free(object);
}

void object_keep(struct object *object)
{
	object->n_refs++;
}

void object_release(struct model *model, struct object *object)
{
	if (--object->n_refs == 0)
		object_free(model, object);
}

static void unlist(struct model *model, struct object *object)
{
	if (!object->listed)
		return;
	*(object->older ? &object->older->newer : &model->forget_oldest) = object->newer;
	*(object->newer ? &object->newer->older : &model->forget_newest) = object->older;
	object->older = object->newer = NULL;
	object->listed = false;
	model->n_forgettable--;
}

/* Takes it out of the table; it lives on while an invariant keeps it. */
static void forget(struct model *model, struct object *object)
{
	unlist(model, object);
	if (table_get(&model->objects, object->ref) == object)
		table_remove(&model->objects, object->ref);
	if (is_lock_kind(object_kind_of(object->ref)))
		lock_release(model, (struct lock *)object);
	object_release(model, object);
}

static void list_newest(struct model *model, struct object *object)
{
	if (model->forget_newest == object)
		return;
	unlist(model, object);
	object->listed = true;
	object->older = model->forget_newest;
	*(object->older ? &object->older->newer : &model->forget_oldest) = object;
	model->forget_newest = object;
	model->n_forgettable++;
}

/* The oldest, but rather not one that somebody holds. */
static struct object *forgettable(struct model *model)
{
	for (int tries = 0; tries < 8; tries++) {
		struct object *object = model->forget_oldest;

		if (!is_lock_kind(object_kind_of(object->ref)) ||
		    !((const struct lock *)object)->n_holds)
			break;
		list_newest(model, object);
	}
	return model->forget_oldest;
}

static void make_forgettable(struct model *model, struct object *object)
{
	list_newest(model, object);
	if (model->n_forgettable <= FORGETTABLE_MAX)
		return;
	model->has_forgotten = true;
	forget(model, forgettable(model));
}

static struct object *object_new(struct model *model, uint64_t ref)
{
	struct object *old = table_get(&model->objects, ref);
	struct object *object = model_alloc(object_bytes(object_kind_of(ref)));

	if (old)
		forget(model, old);
	object->ref = ref;
	object->serial = ++model->n_serials;
	object->maker = object->remover = -1;
	object->n_refs = 1;
	object->mark = mark_mix(object_kind_of(ref), object_value_of(ref));
	table_put(&model->objects, ref, object);
	return object;
}

struct object *object_find(struct model *model, uint64_t ref)
{
	return table_get(&model->objects, ref);
}

struct object *object_see(struct model *model, uint64_t ref)
{
	struct object *object = object_find(model, ref);

	if (!object)
		object = object_new(model, ref);
	if (object_kind_of(ref) == OBJECT_PIPE || object_kind_of(ref) == OBJECT_FIFO ||
	    object_kind_of(ref) == OBJECT_SOCKET || is_memory_kind(object_kind_of(ref)))
		make_forgettable(model, object);
	return object;
}

static void set_maker(struct model *model, struct object *object, uint32_t process,
		      const struct event *event)
{
	struct process *p = process_get(model, process);
	enum object_kind kind = object_kind_of(object->ref);

	object->maker = (int32_t)process;
	object->maker_sure = true;
	object->maker_ordinal = ++p->n_made[kind];
	object->maker_stack = event->stack;
	object->maker_site = event->site;
	object->made_enter = event->enter_tsc;
	object->made_exit = event->exit_tsc;
	object->mark = mark_mix(kind, arena_hash(p->lineage, strlen(p->lineage), ARENA_HASH_START));
	object->mark = mark_mix(object->mark, object->maker_ordinal);
}

void object_touch(struct model *model, struct object *object)
{
	list_newest(model, object);
}

/* Lineage and number are for people: which thread came first can change from run to run. */
void object_adopt(struct model *model, struct object *object, uint32_t process,
		  const struct event *event)
{
	set_maker(model, object, process, event);
	object->maker_sure = false;
	object->adopted = true;
	object->mark = mark_mix(object_kind_of(object->ref), event->site);
}

static void set_key(struct model *model, struct object *object, int32_t key)
{
	const uint64_t *ftok_site = table_get(&model->ftok_keys, (uint32_t)key);

	object->has_key = true;
	object->key = key;
	/* ftok's keys come from inode numbers, which differ from run to run. */
	if (key != IPC_PRIVATE)
		object->mark = mark_mix(object_kind_of(object->ref),
					ftok_site ? (uintptr_t)ftok_site : (uint32_t)key);
}

/* semget, msgget, shmget: made, or found? */
static void see_get(struct model *model, uint32_t process, const struct event *event, uint64_t ref,
		    int flags)
{
	struct object *object = object_find(model, ref);
	int32_t key = (int32_t)event->arg[0];
	bool alone = key == IPC_PRIVATE || (flags & IPC_CREAT && flags & IPC_EXCL);
	bool gone = object && object->removed && event->exit_tsc > object->removed_enter;
	bool made = !object || gone ? alone || flags & IPC_CREAT : alone;
	bool overlaps = object && !gone && event->enter_tsc < object->made_exit;

	if (made && object && (gone || object->fresh))
		object = NULL;
	if (!object)
		object = object_new(model, ref);
	if (made) {
		set_maker(model, object, process, event);
		object->fresh = alone;
	} else if (overlaps && flags & IPC_CREAT && !object->fresh) {
		object->maker_sure = false;
	}
	set_key(model, object, key);
	if (object_kind_of(ref) == OBJECT_SEM && !made && key != IPC_PRIVATE)
		sem_mark_found(model, (struct sem_set *)object, process);
}

struct object *object_made(struct model *model, uint32_t process, const struct event *event,
			   uint64_t ref)
{
	struct object *object = object_new(model, ref);

	make_forgettable(model, object);
	set_maker(model, object, process, event);
	object->fresh = true;
	return object;
}

static void see_made(struct model *model, uint32_t process, const struct event *event,
		     const uint8_t *more)
{
	struct object *object = object_made(model, process, event, event->object);
	enum object_kind kind = object_kind_of(event->object);

	if ((kind == OBJECT_FIFO || kind == OBJECT_MEMORY) && more)
		object->path = model_copy_text((const char *)more);
}

static void see_fifo(struct model *model, const struct event *event, const uint8_t *more)
{
	struct object *object = object_see(model, event->object);

	if (object->path || !more)
		return;
	object->path = model_copy_text((const char *)more);
	object->mark = mark_mix(OBJECT_FIFO,
				arena_hash(object->path, strlen(object->path), ARENA_HASH_START));
}

static void see_removed(struct model *model, uint32_t process, const struct event *event,
			uint64_t ref)
{
	struct object *object = object_see(model, ref);

	object->removed = true;
	object->remover = (int32_t)process;
	object->remover_stack = event->stack;
	object->removed_enter = event->enter_tsc;
	object->removed_exit = event->exit_tsc;
	make_forgettable(model, object);
}

/* Removed by somebody whom nobody saw: another program, or a rule. */
static void see_gone(struct model *model, const struct event *event)
{
	struct object *object = object_find(model, event->object);

	if (!object || object->removed)
		return;
	object->removed = true;
	object->removed_enter = event->enter_tsc;
	object->removed_exit = event->exit_tsc;
	make_forgettable(model, object);
}

/* Sets, queues, segments and their keys. */
static void see_system_v(struct model *model, uint32_t process, const struct event *event)
{
	switch (calls[event->call].canonical_id) {
	case CALL_semget:
		see_get(model, process, event, event_ref(event, OBJECT_SEM, event->result),
			(int)event->arg[2]);
		break;
	case CALL_msgget:
		see_get(model, process, event, event_ref(event, OBJECT_MSG, event->result),
			(int)event->arg[1]);
		break;
	case CALL_shmget:
		see_get(model, process, event, event_ref(event, OBJECT_SHM, event->result),
			(int)event->arg[2]);
		break;
	case CALL_semctl:
		if (event->arg[2] == IPC_RMID)
			see_removed(model, process, event,
				    event_ref(event, OBJECT_SEM, event->arg[0]));
		break;
	case CALL_msgctl:
		if (event->arg[1] == IPC_RMID)
			see_removed(model, process, event,
				    event_ref(event, OBJECT_MSG, event->arg[0]));
		break;
	case CALL_shmctl:
		if (event->arg[1] == IPC_RMID)
			see_removed(model, process, event,
				    event_ref(event, OBJECT_SHM, event->arg[0]));
		break;
	case CALL_ftok:
		if (event->site && model->ftok_keys.n < 4096)
			table_put(&model->ftok_keys, (uint32_t)event->result,
				  (void *)(uintptr_t)event->site);
		break;
	default:
		break;
	}
}

static void see_pipe_or_fifo(struct model *model, uint32_t process, const struct event *event,
			     const uint8_t *more)
{
	bool fifo = object_kind_of(event->object) == OBJECT_FIFO;

	switch (calls[event->call].canonical_id) {
	case CALL_pipe:
	case CALL_pipe2:
	case CALL_popen:
		if (object_kind_of(event->object) == OBJECT_PIPE)
			see_made(model, process, event, more);
		break;
	case CALL_mkfifo:
	case CALL_mkfifoat:
	case CALL_mknod:
	case CALL_mknodat:
		if (fifo)
			see_made(model, process, event, more);
		break;
	case CALL_open:
	case CALL_openat:
	case CALL_creat:
		if (fifo)
			see_fifo(model, event, more);
		break;
	default:
		break;
	}
}

/* mq_open, sem_open, shm_open: a name stands for an object, made now or before. */
static void see_named(struct model *model, uint32_t process, const struct event *event,
		      const uint8_t *more, enum object_kind kind)
{
	struct object *object = object_find(model, event->object);
	bool creates = event->arg[1] & O_CREAT;

	if (object_kind_of(event->object) != kind)
		return;
	if (object && object->removed && event->enter_tsc > object->removed_exit)
		object = NULL;
	if (object && object->path)
		return;
	if (!object)
		object = object_new(model, event->object);
	if (creates) {
		set_maker(model, object, process, event);
		object->fresh = true;
	}
	if (!more)
		return;
	object->path = model_copy_text((const char *)more);
	/* a name that nobody else can have may be drawn anew in each run */
	if (!creates || !(event->arg[1] & O_EXCL))
		object->mark = mark_mix(
			kind, arena_hash(object->path, strlen(object->path), ARENA_HASH_START));
}

static void see_unnamed(struct model *model, uint32_t process, const struct event *event,
			enum object_kind kind)
{
	if (object_kind_of(event->object) == kind)
		see_removed(model, process, event, event->object);
}

/* POSIX queues, named semaphores and memory. */
static void see_posix(struct model *model, uint32_t process, const struct event *event,
		      const uint8_t *more)
{
	switch (calls[event->call].canonical_id) {
	case CALL_mq_open:
		see_named(model, process, event, more, OBJECT_MQ);
		break;
	case CALL_sem_open:
		see_named(model, process, event, more, OBJECT_PSEM);
		break;
	case CALL_shm_open:
		see_named(model, process, event, more, OBJECT_MEMORY);
		break;
	case CALL_memfd_create:
		if (object_kind_of(event->object) == OBJECT_MEMORY)
			see_made(model, process, event, more);
		break;
	case CALL_mq_unlink:
		see_unnamed(model, process, event, OBJECT_MQ);
		break;
	case CALL_sem_unlink:
		see_unnamed(model, process, event, OBJECT_PSEM);
		break;
	case CALL_shm_unlink:
		see_unnamed(model, process, event, OBJECT_MEMORY);
		break;
	default:
		break;
	}
}

/* eventfd, timerfd_create ...: a descriptor is the object. */
static void see_descriptor(struct model *model, uint32_t process, const struct event *event)
{
	enum object_kind kind = object_kind_of(event->object);

	switch (calls[event->call].canonical_id) {
	case CALL_eventfd:
	case CALL_timerfd_create:
	case CALL_signalfd:
	case CALL_inotify_init:
	case CALL_inotify_init1:
	case CALL_io_uring_setup:
	case CALL_epoll_create:
	case CALL_epoll_create1:
		/* the kernel gives an eventfd's number again: it is a new one */
		if (kind == OBJECT_EPOLL || (kind >= OBJECT_EVENTFD && kind < OBJECT_N))
			see_made(model, process, event, NULL);
		break;
	default:
		break;
	}
}

void object_event(struct model *model, uint32_t process, const struct event *event,
		  const uint8_t *more)
{
	if (event->flags & EVENT_FAILED && event->err == EIDRM)
		see_gone(model, event);
	if (!event_took_effect(event))
		return;
	see_system_v(model, process, event);
	see_pipe_or_fifo(model, process, event, more);
	see_posix(model, process, event, more);
	see_socket(model, process, event, more);
	see_descriptor(model, process, event);
}

void objects_free(struct model *model)
{
	for (unsigned int i = 0; i < model->objects.n_slots; i++)
		if (model->objects.slot[i].value)
			object_free(model, model->objects.slot[i].value);
	table_free(&model->objects);
}
