/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_mq.c - POSIX message queues by name: mq_open is variadic, mq_unlink wants to know which
 * queue the name stood for before it is gone, and mq_close is a close.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>

#include "wrap.h"

/* The kernel's names have no slash; a descriptor for a moment tells which queue it is. 0: there is
 * none, or we may not see it. */
uint64_t mq_named(const char *name)
{
	uint64_t object;
	long fd;

	if (name[0] != '/')
		return 0;
	fd = raw4(SYS_mq_open, name + 1, O_RDONLY | O_CLOEXEC, 0, NULL);
	if (fd == -EACCES)
		fd = raw4(SYS_mq_open, name + 1, O_WRONLY | O_CLOEXEC, 0, NULL);
	if (fd < 0)
		return 0;
	object = fd_file((int)fd, OBJECT_MQ);
	raw1(SYS_close, fd);
	return object;
}

static void note_limits(struct gate *g, long fd)
{
	struct mq_attr attributes;

	g->event->object = fd_object((int)fd);
	if (raw3(SYS_mq_getsetattr, fd, NULL, &attributes) < 0)
		return;
	g->event->arg[4] = attributes.mq_maxmsg;
	g->event->arg[5] = attributes.mq_msgsize;
}

static mqd_t opened(enum call_id id, long a[6], const void *caller, const void *frame)
{
	char name[NAME_MAX + 2];
	uint64_t object;
	struct gate g;
	long fd;

	if (!arena) {
		fd = real_call(id, a);
		fd_forget((int)fd);
		return (mqd_t)fd;
	}
	safe_string((const char *)a[0], name, sizeof(name));
	/* only a rule wants to know before the call which queue it will be */
	object = arena->plan.n_rules ? mq_named(name) : 0;
	if (!gate_enter(&g, id, a, object, caller, frame)) {
		fd = real_call(id, a);
		fd_forget((int)fd);
		return (mqd_t)fd;
	}
	g.more = (const uint8_t *)name;
	g.n_more_bytes = (uint32_t)strlen(name);
	fd = gate_perform(&g);
	fd_forget((int)fd);
	if (fd >= 0)
		note_limits(&g, fd);
	return (mqd_t)gate_leave(&g, fd);
}

EXPORT mqd_t mq_open(const char *name, int flags, ...)
{
	long a[6] = { (long)name, flags };
	va_list list;

	if (flags & O_CREAT) {
		va_start(list, flags);
		a[2] = (long)va_arg(list, mode_t);
		a[3] = (long)va_arg(list, struct mq_attr *);
		va_end(list);
	}
	return opened(CALL_mq_open, a, CALLER, FRAME);
}

EXPORT mqd_t __mq_open_2(const char *name, int flags)
{
	long a[6] = { (long)name, flags };

	return opened(CALL___mq_open_2, a, CALLER, FRAME);
}

EXPORT int mq_close(mqd_t queue)
{
	long a[6] = { queue };

	return close_descriptor(CALL_mq_close, a, CALLER, FRAME);
}

EXPORT int mq_unlink(const char *name)
{
	long a[6] = { (long)name };
	char copy[NAME_MAX + 2];
	struct gate g;

	if (!arena)
		return (int)real_call(CALL_mq_unlink, a);
	safe_string(name, copy, sizeof(copy));
	if (!gate_enter(&g, CALL_mq_unlink, a, mq_named(copy), CALLER, FRAME))
		return (int)real_call(CALL_mq_unlink, a);
	g.more = (const uint8_t *)copy;
	g.n_more_bytes = (uint32_t)strlen(copy);
	return (int)gate_leave(&g, gate_perform(&g));
}
