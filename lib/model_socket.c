/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_socket.c - sockets: who made them, their names, and for the two of a socketpair what goes
 * from one to the other, as if each were a pipe that ends there. Of connected sockets the other end
 * is not known from events.
 */
#include "model_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "arena.h"

static struct pipe_object *socket_find(struct model *model, uint64_t ref)
{
	return object_kind_of(ref) == OBJECT_SOCKET ? (struct pipe_object *)object_find(model, ref)
						    : NULL;
}

static void see_pair(struct model *model, uint32_t process, const struct event *event)
{
	uint64_t ref[2] = { (uint64_t)event->arg[4], (uint64_t)event->arg[5] };

	for (int i = 0; i < 2; i++) {
		struct object *object;

		if (object_kind_of(ref[i]) != OBJECT_SOCKET)
			return;
		object = object_made(model, process, event, ref[i]);
		((struct pipe_object *)object)->peer = ref[!i];
	}
}

/* Of the address families only AF_UNIX has names that repeat from run to run. */
static char *name_of(const struct event *event, const uint8_t *more)
{
	size_t n_there = event->n_more * (size_t)EVENT_MORE_BYTES, n = (size_t)event->arg[2];
	struct sockaddr_un address = { 0 };
	char name[sizeof(address.sun_path) + 2];

	if (!more || n <= offsetof(struct sockaddr_un, sun_path) || n > sizeof(address) ||
	    n > n_there)
		return NULL;
	memcpy(&address, more, n);
	if (address.sun_family != AF_UNIX)
		return NULL;
	n -= offsetof(struct sockaddr_un, sun_path);
	if (address.sun_path[0])
		snprintf(name, sizeof(name), "%.*s", (int)n, address.sun_path);
	else
		snprintf(name, sizeof(name), "@%.*s", (int)n - 1, address.sun_path + 1);
	return model_copy_text(name);
}

static void see_bound(struct model *model, const struct event *event, const uint8_t *more)
{
	struct object *object = object_see(model, event->object);

	if (!object->path)
		object->path = name_of(event, more);
	if (object->path)
		object->mark =
			mark_mix(OBJECT_SOCKET,
				 arena_hash(object->path, strlen(object->path), ARENA_HASH_START));
}

void see_socket(struct model *model, uint32_t process, const struct event *event,
		const uint8_t *more)
{
	uint64_t made = event->object;

	switch (calls[event->call].canonical_id) {
	case CALL_socketpair:
		see_pair(model, process, event);
		return;
	case CALL_bind:
		if (object_kind_of(made) == OBJECT_SOCKET)
			see_bound(model, event, more);
		return;
	case CALL_accept:
	case CALL_accept4:
		made = (uint64_t)event->arg[5];
		break;
	case CALL_socket:
		break;
	default:
		return;
	}
	if (object_kind_of(made) == OBJECT_SOCKET)
		object_made(model, process, event, made);
}

static bool moves(const struct event *event, enum call_flag direction)
{
	return (calls[event->call].flags & direction) && event_took_effect(event) &&
	       event->result > 0;
}

static bool is_told(const struct event *event)
{
	return calls[event->call].flags & (CALL_WRITES | CALL_READS) &&
	       event->flags & EVENT_FAILED && (event->err == EPIPE || event->err == ECONNRESET);
}

void socket_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event)
{
	struct pipe_object *own = (struct pipe_object *)object_see(model, event->object);
	struct pipe_object *peer = socket_find(model, own->peer);

	switch (calls[event->call].canonical_id) {
	case CALL_close:
	case CALL_exit:
	case CALL__exit:
	case CALL_quick_exit:
		/* the last close counts: whoever closes later saw what is left then */
		own->left_bytes = 0;
		pipe_note_close(own, process, event);
		return;
	default:
		break;
	}
	if (moves(event, CALL_READS)) {
		pipe_note_reader(own, process);
		own->left_bytes = 0;
	}
	if (peer && moves(event, CALL_WRITES))
		pipe_note_write(peer, process, thread, event);
	if (peer && is_told(event))
		peer->epipe_exit = event->exit_tsc;
}
