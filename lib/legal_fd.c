/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legal_fd.c - errors that depend on what is behind the descriptor: no Unix socket is ever out of
 * reach, no datagram's sender is reset, and each command of fcntl has errors of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "point.h"

static bool is_accept(enum call_id call)
{
	return call == CALL_accept || call == CALL_accept4;
}

static bool connects(const struct point *p)
{
	return p->canonical == CALL_connect;
}

/* Each of them must hold. */
static const struct {
	int err;
	unsigned int needs; /* enum point_socket */
	enum call_id call;  /* CALL_N: all that give this error */
} on_sockets[] = {
	{ ECONNABORTED, POINT_INET, CALL_N },  { EPROTO, POINT_INET, CALL_N },
	{ ETIMEDOUT, POINT_INET, CALL_N },     { ENETUNREACH, POINT_INET, CALL_N },
	{ EADDRNOTAVAIL, POINT_INET, CALL_N }, { EINPROGRESS, POINT_INET, CALL_N },
	{ ENOENT, POINT_LOCAL, CALL_N },       { ENOTDIR, POINT_LOCAL, CALL_N },
	{ EROFS, POINT_LOCAL, CALL_N },        { ETOOMANYREFS, POINT_LOCAL, CALL_N },
	{ EAGAIN, POINT_LOCAL, CALL_connect },
};

static bool legal_on_socket(const struct point *p, int err, unsigned int is)
{
	for (size_t i = 0; i < sizeof(on_sockets) / sizeof(on_sockets[0]); i++)
		if (on_sockets[i].err == err && !(is & on_sockets[i].needs) &&
		    (on_sockets[i].call == CALL_N || on_sockets[i].call == p->canonical))
			return false;
	/* only where the kernel finds no peer whose address it was asked for */
	if (err == ECONNABORTED && is_accept(p->canonical))
		return p->a[1] != 0;
	/* a message that reached nobody is told to the next call */
	if (err == ECONNREFUSED && !connects(p))
		return is & POINT_MESSAGE && (is & POINT_INET || p->call->flags & CALL_WRITES);
	/* a network can do that; next door only the peer itself */
	if (err == ECONNRESET)
		return is & POINT_INET && !(is & POINT_MESSAGE);
	return true;
}

static bool legal_fcntl(int command, int err)
{
	bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
	bool tries = command == F_SETLK || command == F_OFD_SETLK;
	bool waits = command == F_SETLKW || command == F_OFD_SETLKW;

	switch (err) {
	case EMFILE:
		return copies;
	case EAGAIN:
		return tries;
	case EINTR:
		return waits;
	case ENOLCK:
		return tries || waits;
	default:
		return true;
	}
}

static bool legal_lockf(int command, int err)
{
	switch (err) {
	case EAGAIN:
		return command == F_TLOCK;
	case EACCES:
		return command == F_TEST;
	case ENOLCK:
		return command != F_TEST;
	default:
		return true;
	}
}

bool point_descriptor_gives(const struct point *p, int err)
{
	switch (p->canonical) {
	case CALL_fcntl:
		return legal_fcntl((int)p->a[1], err);
	case CALL_lockf:
		return legal_lockf((int)p->a[1], err);
	case CALL_flock:
		return (err != EWOULDBLOCK && err != ENOLCK) || !(p->a[1] & LOCK_UN);
	default:
		break;
	}
	if (object_kind_of(p->event->object) != OBJECT_SOCKET || call_arg(p->call, ARG_FD) < 0)
		return true;
	return legal_on_socket(p, err, p->ops->socket(p, (int)p->a[call_arg(p->call, ARG_FD)]));
}

/* A socket with a time-out: what would be restarted is not, and a stop interrupts as well. */
enum error_when point_error_when(const struct point *p, const struct call_error *e)
{
	bool timed =
		object_kind_of(p->event->object) == OBJECT_SOCKET && p->event->flags & EVENT_TIMED;

	return timed && e->err == EINTR && e->when == WHEN_SIGNAL ? WHEN_STOP : e->when;
}

/* A short transfer is possible where bytes have no boundaries. */
bool point_is_stream(const struct point *p)
{
	switch (object_kind_of(p->event->object)) {
	case OBJECT_PIPE:
	case OBJECT_FIFO:
		return true;
	case OBJECT_SOCKET:
		return !(p->event->flags & EVENT_MESSAGE);
	default:
		return false;
	}
}
