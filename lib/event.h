/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - the record of one call, as the shim writes it into a ring and as every model, invariant
 * and report reads it. One event is 128 bytes and is written once, when the call returns; the same
 * layout describes a call that is still in progress (see struct arena_thread.cur).
 */
#ifndef IPCJAM_EVENT_H
#define IPCJAM_EVENT_H

#include <errno.h>
#include <stdint.h>

#include "calls.h"

enum event_flag {
	EVENT_FAILED = 1 << 0,        /* the call returned its failure value; err holds errno */
	EVENT_INJECTED = 1 << 1,      /* a rule fired here; see rule */
	EVENT_NOT_PERFORMED = 1 << 2, /* the fault replaced the call: the kernel never saw it */
	EVENT_ABANDONED = 1 << 3,   /* left by longjmp, cancellation or exec: no result is known */
	EVENT_KILL_BEFORE = 1 << 4, /* last event of a process that a rule killed before the call */
	EVENT_KILL_AFTER = 1 << 5, /* last event of a process that a rule killed after the effect */
	EVENT_NONBLOCK = 1 << 6,   /* the call could not have blocked (flags or O_NONBLOCK) */
	EVENT_TIMED = 1 << 7,      /* the call has a finite time-out */
	EVENT_IN_HANDLER = 1 << 8, /* made inside a signal handler that interrupted another call */
	EVENT_VFORK_CHILD = 1 << 9, /* made by a vfork child, in its parent's memory */
	EVENT_SHORTENED = 1 << 10,  /* the request was made smaller by a rule */
};
#define EVENT_WAIT_SHIFT 6 /* EVENT_NONBLOCK and EVENT_TIMED, shifted by this, fit a byte */

/* Kinds of IPC object; the upper 8 bits of an object reference. */
enum object_kind {
	OBJECT_NONE,
	OBJECT_SEM,     /* System V semaphore set: value = id */
	OBJECT_MSG,     /* System V message queue: value = id */
	OBJECT_SHM,     /* System V shared memory: value = id */
	OBJECT_PIPE,    /* anonymous pipe: value = inode number on pipefs */
	OBJECT_FIFO,    /* named pipe: value = (device, inode) folded to 56 bits */
	OBJECT_PROCESS, /* a process: value = pid in the trial's namespace */
	OBJECT_EPOLL,   /* an epoll descriptor: value = process-local descriptor */
	OBJECT_N
};

#define OBJECT_VALUE_BITS 56
#define OBJECT_REF(kind, value) \
	(((uint64_t)(kind) << OBJECT_VALUE_BITS) | \
	 ((uint64_t)(value) & ((UINT64_C(1) << OBJECT_VALUE_BITS) - 1)))

static inline enum object_kind object_kind_of(uint64_t ref)
{
	return (enum object_kind)(ref >> OBJECT_VALUE_BITS);
}

static inline uint64_t object_value_of(uint64_t ref)
{
	return ref & ((UINT64_C(1) << OBJECT_VALUE_BITS) - 1);
}

/*
 * arg[] holds the arguments as the subject passed them. Where a call takes fewer than six, the rest
 * carries what the call table's "extra" column says:
 *   semop, semtimedop: arg[3..5] the first three operations, packed by event_pack_sop();
 *       n_more entries follow when there are more than three
 *   msgsnd: arg[4] the message's type; msgrcv: arg[5] the type received; length = bytes of mtext
 *   pipe, pipe2: arg[2] = read end | write end << 32; object = the pipe
 *   read, write and kin: length = bytes moved; digest = of the bytes
 *   open of a FIFO, fifo-creating and -removing calls: n_more entries hold the path
 *   close and exit: arg[4] = bytes left unread in the pipe whose read end was closed
 *   wait family: arg[4] = wait status, arg[5] = pid reaped (0: none)
 *   semget, msgget, shmget: object = what was returned
 *   sigaction: arg[3] the handler, arg[4] the flags that are set
 */
struct event {
	uint64_t commit; /* position in the ring + 1, written last with release order */
	uint64_t enter_tsc;
	uint64_t exit_tsc;
	int64_t result;
	uint64_t site;   /* hash of the return addresses; 0: unknown */
	uint64_t object; /* OBJECT_REF, or 0 */
	uint64_t digest; /* of the payload, FNV-1a 64 with the length folded in; 0: none */
	int64_t arg[6];
	uint32_t count;  /* how many times this thread has been at this site, from 1 */
	uint32_t stack;  /* index into the arena's stack table + 1; 0: none */
	uint32_t length; /* bytes of payload moved */
	int32_t err;     /* errno when EVENT_FAILED */
	uint16_t call;   /* enum call_id */
	uint16_t flags;  /* enum event_flag */
	uint8_t n_more;  /* continuation entries that follow in the ring */
	uint8_t rule;    /* index of the rule that fired + 1; 0: none */
	uint8_t fault;   /* enum fault_kind that was applied */
	uint8_t depth;   /* 0, or how many interrupted calls lie below this one */
};
_Static_assert(sizeof(struct event) == 128, "an event is two cache lines");

/* A continuation of the event before it: bytes of a path, of operations or of a payload. */
#define EVENT_MORE_BYTES 120
#define EVENT_MORE_MAX 34                   /* 4,080 bytes: a path; more is cut */
#define EVENT_MORE_MARK (UINT64_C(1) << 63) /* in commit: no event of its own */
struct event_more {
	uint64_t commit; /* position + 1, and EVENT_MORE_MARK */
	uint8_t data[EVENT_MORE_BYTES];
};
_Static_assert(sizeof(struct event_more) == sizeof(struct event), "same slot");

/* Does arg[3..5] hold operations? After success, and after the failures in which the kernel read
 * them. */
static inline int event_has_sops(const struct event *e)
{
	if ((e->call != CALL_semop && e->call != CALL_semtimedop) ||
	    e->flags & (EVENT_ABANDONED | EVENT_NOT_PERFORMED))
		return 0;
	return !(e->flags & EVENT_FAILED) || e->err == EAGAIN || e->err == EINTR ||
	       e->err == EIDRM || e->err == ERANGE;
}

/* One System V semaphore operation in 64 bits: number, operation, flags. */
static inline int64_t event_pack_sop(uint16_t num, int16_t op, int16_t flg)
{
	return (int64_t)((uint64_t)num | (uint64_t)(uint16_t)op << 16 |
			 (uint64_t)(uint16_t)flg << 32);
}

static inline uint16_t event_sop_num(int64_t packed)
{
	return (uint16_t)packed;
}

static inline int16_t event_sop_op(int64_t packed)
{
	return (int16_t)(uint16_t)((uint64_t)packed >> 16);
}

static inline int16_t event_sop_flg(int64_t packed)
{
	return (int16_t)(uint16_t)((uint64_t)packed >> 32);
}

#endif
