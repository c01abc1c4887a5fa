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
	/* The call could not have blocked. O_NONBLOCK of a descriptor is not asked for each time:
	 * where it made the call fail, EAGAIN has told it. */
	EVENT_NONBLOCK = 1 << 6,
	EVENT_TIMED = 1 << 7,       /* the call, or the socket it is made on, has a time-out */
	EVENT_IN_HANDLER = 1 << 8,  /* made inside a signal handler that interrupted another call */
	EVENT_VFORK_CHILD = 1 << 9, /* made by a vfork child, in its parent's memory */
	EVENT_SHORTENED = 1 << 10,  /* the request was made smaller by a rule */
	EVENT_MESSAGE = 1 << 11,    /* on a socket that keeps boundaries: datagram, seqpacket */
	/* Its thread may not ask for the time (seccomp's strict mode takes the TSC away too): it
	 * began after enter_tsc, and ended before it was read. */
	EVENT_OPEN = 1 << 12,
	EVENT_FLAGS_END = 1 << 13,
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
	OBJECT_EPOLL,   /* an epoll descriptor: as OBJECT_TIMERFD */
	OBJECT_MQ,      /* POSIX message queue: value = (device, inode) folded */
	OBJECT_PSEM,    /* POSIX semaphore; this and the next ones: value = its place, see below */
	OBJECT_MUTEX,
	OBJECT_COND,
	OBJECT_RWLOCK,
	OBJECT_BARRIER,
	OBJECT_SPIN,
	OBJECT_FUTEX,
	OBJECT_THREAD,  /* value = pid << 16 | the thread's number in its process */
	OBJECT_MEMORY,  /* memory that can be shared (shm_open, memfd, mapped file): as OBJECT_MQ */
	OBJECT_SOCKET,  /* value = inode number on sockfs */
	OBJECT_FILE,    /* a file as something that is locked: as OBJECT_MQ */
	OBJECT_EVENTFD, /* value = the kernel's eventfd-id */
	/* These the kernel gives no identity: value = a number that the maker gave, see fds.c.
	 * After exec, and where the descriptor came over a socket, it is another one. */
	OBJECT_TIMERFD,
	OBJECT_SIGNALFD,
	OBJECT_INOTIFY,
	OBJECT_PIDFD, /* value = the pid */
	OBJECT_URING,
	OBJECT_N
};

/*
 * A place in memory: (device, inode) of what is mapped there, folded, plus the offset in it, so
 * that a lock in shared memory is one object wherever each process has mapped it; in private memory
 * the process (its lineage) and the address, folded. OBJECT_PLACE_SHARED tells the two apart.
 */
#define OBJECT_PLACE_SHARED (UINT64_C(1) << 55)

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
 *   close and exit: arg[4] = bytes left unread in the pipe or socket whose last read end was
 *       closed. Of a file on which the process has set a lock: object = that file; such locks end
 *   wait family: arg[4] = wait status, arg[5] = pid reaped (0: none)
 *   semget, msgget, shmget: object = what was returned
 *   sigaction: arg[3] the handler, arg[4] the flags that are set
 *   mq_open: n_more entries hold the name; arg[4] = mq_maxmsg, arg[5] = mq_msgsize of the queue
 *   mq_unlink, sem_unlink, shm_unlink: n_more: the name; object: what it named, 0: not known
 *   mq_send and kin: length, digest. mq_receive, mq_timedreceive: arg[5] = the priority received,
 *       also where the caller did not ask for it; length, digest. No priority is in the digest
 *   mq_notify: arg[2] = sigev_notify, or -1 for a NULL event; arg[3] = sigev_signo
 *   sem_open, shm_open, memfd_create: n_more: the name
 *   sem_init: arg[4] = 1 in shared memory; sem_wait and kin, sem_post: arg[5] = the value after it
 *   pthread_mutex_*: arg[4] = enum mutex_bit and the type; arg[5] = the owner's tid that the mutex
 *       held before the call (0: nobody)
 *   pthread_cond_wait and kin: arg[4] = the mutex's enum mutex_bit, arg[5] = its OBJECT_REF
 *   pthread_cond_signal, _broadcast: arg[5] = 1 when somebody waits, as far as the memory tells
 *   pthread_create: object = the new thread; arg[5] = its number. pthread_join and kin,
 *       pthread_detach, pthread_cancel, pthread_kill: object = the thread, 0: not known
 *   futex: arg as the system call; object = the word
 *   socket: object; socketpair: arg[4], arg[5] = both OBJECT_REFs; accept, accept4: arg[5] = the
 *       new socket's OBJECT_REF, arg[4] = its descriptor; bind, connect: n_more: the address
 *   sendto: n_more: the address, if there is one (and no payload is kept)
 *   send, recv ...: length, digest; EVENT_MESSAGE. On a stream a result of 0 is the end of file.
 *       What is only looked at (MSG_PEEK, MSG_ERRQUEUE) has length 0 and no digest. Of a stream
 *       the digest is of the first DIGEST_STREAM bytes, of a message of the first DIGEST_MESSAGE
 *   sendmsg, recvmsg: arg[3] = descriptors passed, arg[4], arg[5] = OBJECT_REFs of the first two
 *   sendmmsg, recvmmsg: length = of all together, digest = of the first message, arg[5] =
 *       descriptors passed in all; n_more: a struct event_message for each
 *   getsockopt, setsockopt: arg[5] = the value, where it is an int (SO_ERROR: the errno)
 *   mmap: object = what is mapped, when MAP_SHARED; munmap: object likewise
 *   flock: object; fcntl locks: arg[3] = l_type | l_whence << 16, arg[4] = l_start, arg[5] = l_len,
 *       from the beginning of the file (SEEK_SET) wherever that is known; F_GETLK: what was found.
 *       lockf: arg[3] = start, arg[4] = length (0: to the end)
 *   eventfd: object; read, write, eventfd_read, eventfd_write on one: arg[4] = the value moved
 *   timerfd_settime: arg[4] = it_value, arg[5] = it_interval in ns; signalfd: arg[3] = the mask
 *   inotify_add_watch: n_more: the path
 *   timerfd_create, inotify_init, epoll_create, io_uring_setup, pidfd_open and kin: object = the
 *       new one; pidfd_getfd: arg[4] = OBJECT_REF of what was got
 */
enum mutex_bit {
	MUTEX_RECURSIVE = 1, /* the type, as in PTHREAD_MUTEX_* */
	MUTEX_ERRORCHECK = 2,
	MUTEX_ADAPTIVE = 3,
	MUTEX_TYPE = 3,
	MUTEX_ROBUST = 1 << 2,
	MUTEX_SHARED = 1 << 3,  /* PTHREAD_PROCESS_SHARED */
	MUTEX_INHERIT = 1 << 4, /* PTHREAD_PRIO_INHERIT */
	MUTEX_PROTECT = 1 << 5,
};

struct event {
	uint64_t commit; /* position in the ring + 1, written last with release order */
	uint64_t enter_tsc;
	uint64_t exit_tsc;
	int64_t result;
	uint64_t site;   /* hash of the return addresses; 0: unknown */
	uint64_t object; /* OBJECT_REF, or 0 */
	uint64_t digest; /* of the payload, with the length folded in (digest.h); 0: none */
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

/* One of the messages of sendmmsg and recvmmsg: what n_more entries hold of them. */
struct event_message {
	uint64_t digest;
	uint32_t length;
	uint32_t n_passed; /* descriptors */
};

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
