/* SPDX-License-Identifier: Apache-2.0 */
/* record_event.c - what an event says of descriptors that stand for events, and of other processes.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/timerfd.h>

#include "record.h"

#define NS INT64_C(1000000000)

/* Those that the kernel gives no identity. */
static enum object_kind numbered_kind(enum call_id call)
{
	switch (call) {
	case CALL_timerfd_create:
		return OBJECT_TIMERFD;
	case CALL_signalfd:
		return OBJECT_SIGNALFD;
	case CALL_inotify_init:
	case CALL_inotify_init1:
		return OBJECT_INOTIFY;
	case CALL_io_uring_setup:
		return OBJECT_URING;
	default:
		return OBJECT_EPOLL;
	}
}

void record_numbered(struct gate *g, long fd)
{
	g->event->object = fd_made((int)fd, numbered_kind(g->canonical));
	if (g->canonical == CALL_io_uring_setup)
		atomic_fetch_or(&self.proc->flags, PROC_URING);
}

/* It makes one, or changes the mask of the one that it is given. */
void record_signalfd(struct gate *g, long fd)
{
	if ((int)g->a[0] == -1)
		record_numbered(g, fd);
	memcpy(&g->event->arg[3], (const void *)g->a[1], sizeof(g->event->arg[3]));
}

/* A counter: what was added to it, or taken from it. */
void record_eventfd(struct gate *g, long result)
{
	(void)result;
	g->event->length = sizeof(uint64_t);
	if (g->canonical == CALL_eventfd_write)
		g->event->arg[4] = g->a[1];
	else
		memcpy(&g->event->arg[4], (const void *)g->a[1], sizeof(g->event->arg[4]));
}

void record_timer(struct gate *g, long result)
{
	const struct itimerspec *value = (const struct itimerspec *)g->a[2];

	(void)result;
	g->event->arg[4] = value->it_value.tv_sec * NS + value->it_value.tv_nsec;
	g->event->arg[5] = value->it_interval.tv_sec * NS + value->it_interval.tv_nsec;
}

void record_watched(struct gate *g, long result)
{
	const char *path = (const char *)g->a[1];

	(void)result;
	g->more = (const uint8_t *)path;
	g->n_more_bytes = (uint32_t)strnlen(path, EVENT_MORE_BYTES * 2);
}

void record_pidfd(struct gate *g, long fd)
{
	g->event->object = OBJECT_REF(OBJECT_PIDFD, g->a[0]);
	fd_is((int)fd, g->event->object);
}

void record_got_fd(struct gate *g, long fd)
{
	fd_forget((int)fd);
	g->event->arg[4] = (int64_t)fd_object((int)fd);
}

void record_memory_of(struct gate *g, long n_bytes)
{
	g->event->object = OBJECT_REF(OBJECT_PROCESS, g->a[0]);
	g->event->length = (uint32_t)n_bytes;
}
