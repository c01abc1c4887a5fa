/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c - which argument of a call is its object, and which ones say how long it waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shape.h"

struct shape shapes[CALL_N];

/* Arguments that are the object, or from which it is found. */
static const struct {
	uint8_t kind, looks;
} objects[] = {
	[ARG_SEMID] = { OBJECT_SEM, LOOK_ID },
	[ARG_MSQID] = { OBJECT_MSG, LOOK_ID },
	[ARG_SHMID] = { OBJECT_SHM, LOOK_ID },
	[ARG_PSEM] = { OBJECT_PSEM, LOOK_PLACE },
	[ARG_MUTEX] = { OBJECT_MUTEX, LOOK_PLACE },
	[ARG_COND] = { OBJECT_COND, LOOK_PLACE },
	[ARG_RWLOCK] = { OBJECT_RWLOCK, LOOK_PLACE },
	[ARG_BARRIER] = { OBJECT_BARRIER, LOOK_PLACE },
	[ARG_SPIN] = { OBJECT_SPIN, LOOK_BLIND },
	[ARG_FUTEX] = { OBJECT_FUTEX, LOOK_FUTEX },
	[ARG_THREAD] = { OBJECT_THREAD, LOOK_THREAD },
	[ARG_LOCKFD] = { OBJECT_FILE, LOOK_FILE },
};
#define N_OBJECTS (sizeof(objects) / sizeof(objects[0]))

static bool says_wait(enum arg_kind kind)
{
	return kind == ARG_TIMEOUT || kind == ARG_TIMEVAL || kind == ARG_MSEC ||
	       kind == ARG_OP_FLAGS || kind == ARG_WAIT_FLAGS || kind == ARG_OPEN_FLAGS ||
	       kind == ARG_FUTEX_OP || kind == ARG_SOCK_FLAGS || kind == ARG_FLOCK_OP ||
	       kind == ARG_LOCKF_CMD || kind == ARG_FCNTL_CMD;
}

/* A time-out is looked at only where no flags say more: recvmmsg's does not end its waiting. */
static bool says_more(enum arg_kind kind)
{
	return kind == ARG_FUTEX_OP || kind == ARG_SOCK_FLAGS;
}

static uint8_t timed_by(const struct call *call)
{
	if (call_arg(call, ARG_FD) < 0 || !(call->flags & CALL_BLOCKS))
		return 0;
	if (call->flags & CALL_READS || call->canonical_id == CALL_accept ||
	    call->canonical_id == CALL_accept4)
		return FD_RCVTIMEO;
	return call->flags & CALL_WRITES || call->canonical_id == CALL_connect ? FD_SNDTIMEO : 0;
}

/* libc copes with anything where it only makes or unmakes a lock. */
static bool is_blind(enum call_id id)
{
	switch (id) {
	case CALL_sem_init:
	case CALL_sem_destroy:
	case CALL_sem_close:
	case CALL_pthread_mutex_init:
	case CALL_pthread_cond_init:
	case CALL_pthread_rwlock_init:
	case CALL_pthread_rwlock_destroy:
	case CALL_pthread_barrier_init:
		return true;
	default:
		return false;
	}
}

static void shape_of(struct shape *s, const struct call *call)
{
	s->object_at = s->wait_at = -1;
	s->fd_at = (int8_t)call_arg(call, ARG_FD);
	s->fd2_at = (int8_t)call_arg(call, ARG_FD2);
	s->timed_by = timed_by(call);
	s->blocks = call->flags & CALL_BLOCKS;
	s->traced = call->flags & CALL_TRACED;
	s->wait_flags = call->classes & CLASS_TIME ? EVENT_TIMED >> EVENT_WAIT_SHIFT : 0;
	for (unsigned int i = 0; i < call->n_args; i++) {
		enum arg_kind kind = (enum arg_kind)call->arg[i];

		if (kind < N_OBJECTS && objects[kind].kind != OBJECT_NONE) {
			s->object = objects[kind].kind;
			s->looks = objects[kind].looks;
			s->object_at = (int8_t)i;
		} else if (says_wait(kind) && !says_more(s->wait_kind)) {
			s->wait_kind = (uint8_t)kind;
			s->wait_at = (int8_t)i;
		}
	}
	if (s->looks == LOOK_PLACE && is_blind((enum call_id)call->canonical_id))
		s->looks = LOOK_BLIND;
	s->before = record_has_before((enum call_id)call->canonical_id);
}

void gate_init(void)
{
	for (int i = 0; i < CALL_N; i++)
		shape_of(&shapes[i], &calls[calls[i].canonical_id]);
}

/* Only operations that wait have a time-out in that argument. */
static unsigned int futex_wait_flags(int operation, long timeout)
{
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return timeout ? EVENT_TIMED : 0;
	default:
		return EVENT_NONBLOCK;
	}
}

/* What the arguments say of waiting. A descriptor's O_NONBLOCK is not asked for: the kernel tells
 * later. */
unsigned int shape_wait_flags(const struct shape *shape, const long a[6])
{
	unsigned int flags = (unsigned int)shape->wait_flags << EVENT_WAIT_SHIFT;
	long value;

	if (!shape->blocks || shape->wait_at < 0)
		return shape->blocks ? flags : 0;
	value = a[shape->wait_at];
	switch (shape->wait_kind) {
	case ARG_MSEC:
		return flags | ((int)value > 0    ? EVENT_TIMED
				: (int)value == 0 ? EVENT_NONBLOCK
						  : 0);
	case ARG_OP_FLAGS:
		return flags | (value & IPC_NOWAIT ? EVENT_NONBLOCK : 0);
	case ARG_WAIT_FLAGS:
		return flags | (value & WNOHANG ? EVENT_NONBLOCK : 0);
	case ARG_OPEN_FLAGS:
		return flags | (value & O_NONBLOCK ? EVENT_NONBLOCK : 0);
	case ARG_SOCK_FLAGS:
		return flags | (value & MSG_DONTWAIT ? EVENT_NONBLOCK : 0);
	case ARG_FLOCK_OP:
		return flags | (value & (LOCK_NB | LOCK_UN) ? EVENT_NONBLOCK : 0);
	case ARG_LOCKF_CMD:
		return flags | (value != F_LOCK ? EVENT_NONBLOCK : 0);
	case ARG_FCNTL_CMD:
		return flags | (value != F_SETLKW && value != F_OFD_SETLKW ? EVENT_NONBLOCK : 0);
	case ARG_FUTEX_OP:
		return flags | futex_wait_flags((int)value, a[3]);
	default:
		return flags | (value ? EVENT_TIMED : 0);
	}
}

/* A place belongs to the process that attached: not to the parent of one that has not yet. */
static uint64_t object_in_memory(const struct shape *shape, const long a[6])
{
	bool asks = shape->looks == LOOK_PLACE;

	if (UNLIKELY(!*attached))
		attach_slowly();
	if (shape->looks == LOOK_FUTEX)
		asks = !(a[1] & FUTEX_PRIVATE_FLAG);
	return place_object((enum object_kind)shape->object, (uintptr_t)a[shape->object_at], asks);
}

uint64_t shape_object(const struct shape *shape, const long a[6])
{
	uint64_t object = 0;

	if (shape->object_at >= 0) {
		if (shape->looks == LOOK_ID)
			return OBJECT_REF(shape->object, a[shape->object_at]);
		if (shape->looks == LOOK_THREAD)
			return thread_object((uint64_t)a[shape->object_at]);
		if (shape->looks == LOOK_FILE)
			return fd_file((int)a[shape->object_at], OBJECT_FILE);
		return object_in_memory(shape, a);
	}
	if (shape->fd_at >= 0)
		object = fd_object((int)a[shape->fd_at]);
	if (!object && shape->fd2_at >= 0)
		object = fd_object((int)a[shape->fd2_at]);
	return object;
}
