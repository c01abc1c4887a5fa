/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legal.c - what the kernel could have done to a call here and now: which errors, and how short a
 * transfer, that never splits what PIPE_BUF keeps whole.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "point.h"

#define SOPS 16 /* semaphore operations that are looked at */

static bool sops_nowait(const struct point *p)
{
	struct sembuf sop[SOPS];
	size_t n = (size_t)p->a[2] < SOPS ? (size_t)p->a[2] : SOPS;

	if (!p->ops->read(p, (const void *)p->a[1], sop, n * sizeof(sop[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (sop[i].sem_flg & IPC_NOWAIT && sop[i].sem_op <= 0)
			return true;
	return false;
}

/* Operations that all give can always proceed. */
static bool sops_only_give(const struct point *p)
{
	struct sembuf sop[SOPS];
	size_t n = (size_t)p->a[2];

	if (n > SOPS || !p->ops->read(p, (const void *)p->a[1], sop, n * sizeof(sop[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (sop[i].sem_op <= 0)
			return false;
	return true;
}

static bool nowait(const struct point *p)
{
	if (p->event->flags & EVENT_NONBLOCK)
		return true;
	for (unsigned int i = 0; i < p->call->n_args; i++) {
		long a = p->a[i];

		if (p->call->arg[i] == ARG_SOPS)
			return sops_nowait(p);
		if (p->call->arg[i] == ARG_OP_FLAGS)
			return a & IPC_NOWAIT;
		if (p->call->arg[i] == ARG_OPEN_FLAGS)
			return a & O_NONBLOCK;
		if (p->call->arg[i] == ARG_FD && p->canonical != CALL_fcntl)
			return p->ops->fd_flags(p, (int)a) & O_NONBLOCK;
	}
	return false;
}

/* A call that cannot sleep is not interrupted. poll() looks for signals even when it does not
 * sleep. */
static bool never_waits(const struct point *p)
{
	if (p->call->classes & CLASS_POLL)
		return false;
	if (call_arg(p->call, ARG_SOPS) >= 0 && sops_only_give(p))
		return true;
	return nowait(p);
}

static bool has_timeout(const struct point *p)
{
	if (p->canonical == CALL_futex) /* of some operations that argument is a number */
		return p->event->flags & EVENT_TIMED;
	for (unsigned int i = 0; i < p->call->n_args; i++)
		if ((p->call->arg[i] == ARG_TIMEOUT || p->call->arg[i] == ARG_TIMEVAL) && p->a[i])
			return true;
	return false;
}

/* A socket's own time-out ends a call as if it were not to wait. */
static bool gives_up(const struct point *p)
{
	return object_kind_of(p->event->object) == OBJECT_SOCKET && p->event->flags & EVENT_TIMED;
}

/* IPC_CREAT/IPC_EXCL or O_CREAT/O_EXCL among the flags. */
static bool creates(const struct point *p, bool exclusive)
{
	int ipc = call_arg(p->call, ARG_IPC_FLAGS), opens = call_arg(p->call, ARG_OPEN_FLAGS);
	int key = call_arg(p->call, ARG_KEY);

	if (ipc >= 0 && key >= 0 && p->a[key] == IPC_PRIVATE)
		return !exclusive;
	if (ipc >= 0)
		return p->a[ipc] & IPC_CREAT && (!exclusive || p->a[ipc] & IPC_EXCL);
	if (opens >= 0)
		return p->a[opens] & O_CREAT && (!exclusive || p->a[opens] & O_EXCL);
	return p->canonical == CALL_creat && !exclusive;
}

static bool interruptible(const struct point *p, enum error_when when)
{
	bool pending;

	return point_interrupter(p, when, &pending) != 0;
}

static bool when_holds(const struct point *p, enum error_when when, enum refusal *why)
{
	switch (when) {
	case WHEN_ANY:
	case WHEN_ENV:
		return true;
	case WHEN_CREATE:
	case WHEN_EXCL:
		*why = REFUSED_FLAGS;
		return creates(p, when == WHEN_EXCL);
	case WHEN_LOOKUP:
		*why = REFUSED_FLAGS;
		return !creates(p, false);
	case WHEN_NOWAIT:
		*why = REFUSED_WOULD_WAIT;
		return nowait(p) || gives_up(p);
	case WHEN_TIMEOUT:
		*why = REFUSED_NO_TIMEOUT;
		return has_timeout(p) || (call_arg(p->call, ARG_SOPS) >= 0 && sops_nowait(p));
	case WHEN_SIGNAL:
	case WHEN_HANDLER:
		*why = REFUSED_NO_HANDLER;
		return !never_waits(p) && interruptible(p, when);
	case WHEN_STOP:
		*why = never_waits(p) ? REFUSED_FLAGS : REFUSED_NO_SUPERVISOR;
		return !never_waits(p) &&
		       (p->arena->mode == ARENA_SUPERVISED || interruptible(p, when));
	case WHEN_REMOVE:
		*why = REFUSED_STATE;
		return p->event->object != 0;
	case WHEN_STATE:
		*why = REFUSED_STATE;
		return false;
	case WHEN_ARGS:
		*why = REFUSED_ARGUMENTS;
		return false;
	}
	return false;
}

bool point_error_legal(const struct point *p, int err, enum refusal *why)
{
	const struct call_error *e = call_error_find(p->call, err);

	*why = REFUSED_ARGUMENTS;
	if (!e)
		return false;
	*why = REFUSED_OBJECT;
	return point_descriptor_gives(p, err) && when_holds(p, point_error_when(p, e), why);
}

static size_t vector_bytes(const struct point *p, const void *from, size_t n)
{
	struct iovec vector[POINT_IOVECS];
	size_t total = 0;

	n = n < POINT_IOVECS ? n : POINT_IOVECS;
	if (n == 0 || !p->ops->read(p, from, vector, n * sizeof(vector[0])))
		return 0;
	for (size_t i = 0; i < n; i++)
		total += vector[i].iov_len;
	return total;
}

size_t point_vector_bytes(const struct point *p, unsigned int at)
{
	return p->a[at + 1] < 0 ? 0 : vector_bytes(p, (const void *)p->a[at], (size_t)p->a[at + 1]);
}

static size_t header_bytes(const struct point *p, unsigned int at)
{
	struct msghdr header;

	return p->ops->read(p, (const void *)p->a[at], &header, sizeof(header))
		       ? vector_bytes(p, header.msg_iov, header.msg_iovlen)
		       : 0;
}

/* The first of two kinds of argument that the call has: its place, or -1. */
static int either(const struct point *p, enum arg_kind one, enum arg_kind other)
{
	int at = call_arg(p->call, one);

	return at >= 0 ? at : call_arg(p->call, other);
}

static bool find_length(const struct point *p, struct point_length *length)
{
	*length = (struct point_length){ .at = call_arg(p->call, ARG_LEN) };
	if (length->at >= 0) {
		length->n_bytes = (size_t)p->a[length->at];
		return true;
	}
	length->at = either(p, ARG_IOV_IN, ARG_IOV_OUT);
	if (length->at >= 0) {
		length->is_vector = true;
		length->n_bytes = point_vector_bytes(p, (unsigned int)length->at);
		return true;
	}
	length->at = either(p, ARG_MSGHDR_IN, ARG_MSGHDR_OUT);
	length->is_header = true;
	length->n_bytes = length->at < 0 ? 0 : header_bytes(p, (unsigned int)length->at);
	return length->at >= 0;
}

/* PIPE_BUF keeps a write to a pipe whole. */
static bool is_whole(const struct point *p, size_t n_bytes)
{
	return p->call->flags & CALL_WRITES && !(p->call->flags & CALL_READS) &&
	       n_bytes <= PIPE_BUF && object_kind_of(p->event->object) != OBJECT_SOCKET;
}

enum refusal point_shorten(const struct point *p, uint32_t n_bytes, struct point_length *length)
{
	if (!point_is_stream(p) || !find_length(p, length) || length->n_bytes <= n_bytes ||
	    is_whole(p, length->n_bytes))
		return REFUSED_ATOMIC;
	return REFUSED_NOT;
}
