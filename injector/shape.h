/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - what the gate asks of every call, taken out of the table once: a loop over the roles of
 * the arguments at each call would be a third of its cost. */
#ifndef IPCJAM_SHAPE_H
#define IPCJAM_SHAPE_H

#include "shim.h"

enum look {
	LOOK_ID,     /* the number itself */
	LOOK_PLACE,  /* an address of a lock, which may be read */
	LOOK_BLIND,  /* an address of what is no lock yet, or no longer */
	LOOK_FUTEX,  /* an address, of which the operation says whether it is shared */
	LOOK_THREAD, /* a pthread_t */
	LOOK_FILE,   /* a descriptor, of which only the file counts */
};

struct shape {
	uint8_t object; /* enum object_kind of an argument that tells by itself, or OBJECT_NONE */
	uint8_t looks;  /* enum look: how the argument becomes the object */
	int8_t object_at, fd_at, fd2_at, wait_at;
	uint8_t wait_kind;  /* enum arg_kind */
	uint8_t wait_flags; /* of the call whatever its arguments */
	uint8_t timed_by;   /* enum fd_trait: the socket's time-out that ends it */
	bool blocks, traced;
	bool before; /* something is recorded before the call is made */
};
extern struct shape shapes[CALL_N];

/* What the arguments say of waiting: event flags. A descriptor's O_NONBLOCK is not asked for: the
 * kernel tells later. */
unsigned int shape_wait_flags(const struct shape *shape, const long a[6]);
/* What the object says, if it is a socket. */
static inline unsigned int shape_socket_flags(const struct shape *shape, uint64_t object,
					      const long a[6])
{
	unsigned int traits;

	if (object_kind_of(object) != OBJECT_SOCKET || shape->fd_at < 0)
		return 0;
	traits = fd_traits((int)a[shape->fd_at]);
	if (shape->fd2_at >= 0)
		traits |= fd_traits((int)a[shape->fd2_at]);
	return (traits & FD_MESSAGE ? EVENT_MESSAGE : 0) |
	       (traits & shape->timed_by ? EVENT_TIMED : 0);
}
/* OBJECT_REF, or 0: none is known. */
uint64_t shape_object(const struct shape *shape, const long a[6]);

#endif
