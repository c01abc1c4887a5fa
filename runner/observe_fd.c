/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe_fd.c - what events tell of descriptors: which process has ever read or written which pipe
 * or socket, which were passed on through sockets, and which sockets were given names.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "watch.h"

#define USES 16384 /* a power of two */
#define USES_FULL (USES / 4 * 3)
#define NAMED 4096

struct use {
	uint64_t key; /* of process and object; 0: free */
	uint8_t how;  /* enum use_how */
};

struct uses {
	struct use use[USES];
	uint32_t n;
	bool full; /* then nothing is said of what is not there */
};

static uint64_t key_of(uint32_t process, uint64_t object)
{
	return arena_mix(object ^ arena_mix(process)) | 1;
}

/* Its place, or the free one where it would go. */
static uint32_t place_of(const struct uses *uses, uint64_t key)
{
	uint32_t i = (uint32_t)(key >> 1) & (USES - 1);

	while (uses->use[i].key && uses->use[i].key != key)
		i = (i + 1) & (USES - 1);
	return i;
}

static void note(struct supervisor *s, uint32_t process, uint64_t object, enum use_how how)
{
	uint64_t key = key_of(process, object);
	struct use *use;

	if (!s->uses)
		s->uses = calloc(1, sizeof(*s->uses));
	if (!s->uses || s->uses->full || !object)
		return;
	use = &s->uses->use[place_of(s->uses, key)];
	use->how |= (uint8_t)how;
	if (use->key)
		return;
	use->key = key;
	s->uses->full = ++s->uses->n == USES_FULL;
}

unsigned int observe_used(const struct supervisor *s, uint32_t process, uint64_t object)
{
	if (!s->uses)
		return 0;
	if (s->uses->full)
		return USE_UNKNOWN;
	return s->uses->use[place_of(s->uses, key_of(process, object))].how;
}

static bool has_ends(uint64_t object)
{
	enum object_kind kind = object_kind_of(object);

	return kind == OBJECT_PIPE || kind == OBJECT_FIFO || kind == OBJECT_SOCKET;
}

/* What splice and its kin do with their two descriptors, of which the event names only one object.
 */
static bool is_move(unsigned int call, unsigned int *other, enum use_how *here, enum use_how *there)
{
	switch (call) {
	case CALL_splice:
	case CALL_tee:
		*other = call == CALL_splice ? 2 : 1;
		*here = USE_READ;
		*there = USE_WRITTEN;
		return true;
	case CALL_sendfile:
		*other = 1;
		*here = USE_WRITTEN;
		*there = USE_READ;
		return true;
	default:
		return false;
	}
}

/* To have tried counts too. */
static void note_transfer(struct supervisor *s, struct process *p, const struct event *event)
{
	uint32_t process = (uint32_t)(p - s->process);
	unsigned int flags = calls[event->call].flags, other;
	enum use_how here, there;
	struct file file;

	if (is_move(event->call, &other, &here, &there)) {
		if (has_ends(event->object))
			note(s, process, event->object, here);
		if (file_look(p->pid, p->pid, (int)event->arg[other], &file) &&
		    has_ends(file_object(&file)))
			note(s, process, file_object(&file), there);
		return;
	}
	if (!has_ends(event->object))
		return;
	if (flags & CALL_READS || event->call == CALL_vmsplice)
		note(s, process, event->object, USE_READ);
	if (flags & CALL_WRITES)
		note(s, process, event->object, USE_WRITTEN);
}

static void note_passed(struct supervisor *s, const struct event *event)
{
	if (event->arg[3] > 2)
		s->passed_more = true;
	for (int64_t i = 0; i < event->arg[3] && i < 2; i++) {
		uint64_t object = (uint64_t)event->arg[4 + i];

		if (observe_passed(s, object))
			continue;
		if (s->n_passed == sizeof(s->passed) / sizeof(s->passed[0]))
			s->passed_more = true;
		else
			s->passed[s->n_passed++] = object;
	}
}

bool observe_passed(const struct supervisor *s, uint64_t object)
{
	for (unsigned int i = 0; i < s->n_passed; i++)
		if (s->passed[i] == object)
			return true;
	return s->passed_more;
}

static struct named_socket *named_of(struct supervisor *s, uint64_t ino)
{
	struct named_socket *grown;

	for (unsigned int i = 0; i < s->n_named; i++)
		if (s->named[i].ino == ino)
			return &s->named[i];
	if (s->n_named == NAMED)
		return NULL;
	grown = realloc(s->named, (s->n_named + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	s->named = grown;
	s->named[s->n_named] = (struct named_socket){ .ino = ino };
	return &s->named[s->n_named++];
}

bool socket_is_named(const struct supervisor *s, uint64_t ino)
{
	for (unsigned int i = 0; i < s->n_named; i++)
		if (s->named[i].ino == ino)
			return true;
	return false;
}

/* A name in the file system is a file, which stays when the socket goes. */
static void note_bound(struct supervisor *s, const struct process *p, const struct event *event,
		       const uint8_t *more)
{
	struct named_socket *named = named_of(s, object_value_of(event->object));
	size_t n = event->arg[2] > 0 ? (size_t)event->arg[2] : 0;
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "", path[PATH_MAX];
	struct sockaddr_un address = { 0 };
	struct stat info;

	if (!named || !more || named->path)
		return;
	if (n > (size_t)event->n_more * EVENT_MORE_BYTES || n > sizeof(address))
		return;
	memcpy(&address, more, n);
	if (address.sun_family != AF_UNIX || !address.sun_path[0])
		return;
	memcpy(name, address.sun_path, sizeof(address.sun_path));
	if (!observe_path(p, name, path) || lstat(path, &info) < 0 || !S_ISSOCK(info.st_mode))
		return;
	named->path = strdup(path);
	named->dev = info.st_dev;
	named->file = info.st_ino;
	named->maker = p->pid;
}

void observe_descriptors(struct supervisor *s, struct process *p, const struct event *event,
			 const uint8_t *more)
{
	uint32_t process = (uint32_t)(p - s->process);

	if (event->flags & EVENT_NOT_PERFORMED)
		return;
	note_transfer(s, p, event);
	if (event->flags & EVENT_FAILED)
		return;
	switch (event->call) {
	case CALL_pipe:
	case CALL_pipe2:
	case CALL_popen:
	case CALL_socket:
		note(s, process, event->object, USE_MADE);
		break;
	case CALL_socketpair:
		note(s, process, (uint64_t)event->arg[4], USE_MADE);
		note(s, process, (uint64_t)event->arg[5], USE_MADE);
		break;
	case CALL_accept:
	case CALL_accept4:
		note(s, process, (uint64_t)event->arg[5], USE_MADE);
		break;
	case CALL_bind:
	case CALL_listen:
		if (object_kind_of(event->object) == OBJECT_SOCKET)
			note_bound(s, p, event, event->call == CALL_bind ? more : NULL);
		break;
	case CALL_sendmsg:
		note_passed(s, event);
		break;
	case CALL_sendmmsg:
		s->passed_more = true; /* its events do not tell */
		break;
	default:
		break;
	}
}
