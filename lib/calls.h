/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - what is known of each intercepted call, as data (rows: calls.def). Everything that
 * needs to know a call - wrappers, rule names, decoding, error realism, blocking - asks here.
 */
#ifndef IPCJAM_CALLS_H
#define IPCJAM_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Classes, as rules name them: %sem selects CLASS_SEM. A call can belong to several. */
enum call_class {
	CLASS_SEM = 1 << 0,
	CLASS_MSG = 1 << 1,
	CLASS_SHM = 1 << 2,
	CLASS_MQ = 1 << 3,
	CLASS_PIPE = 1 << 4,
	CLASS_SOCKET = 1 << 5,
	CLASS_SIGNAL = 1 << 6,
	CLASS_PROCESS = 1 << 7,
	CLASS_LOCK = 1 << 8,
	CLASS_DESC = 1 << 9, /* descriptors: close, dup, fcntl */
	CLASS_POLL = 1 << 10,
	CLASS_TIME = 1 << 11,
	CLASS_MOVE = CLASS_PIPE | CLASS_SOCKET | CLASS_DESC, /* one of these, by the object */
};

/* The role of an argument: how it is decoded, and what the gate may do with it. */
enum arg_kind {
	ARG_NONE,
	ARG_INT,
	ARG_HEX,
	ARG_SEMID, /* the object: a semaphore set */
	ARG_MSQID,
	ARG_SHMID,
	ARG_KEY,
	ARG_FD,      /* the object: the pipe, socket, queue ... behind this descriptor */
	ARG_FD2,     /* a second descriptor (splice, tee, dup2's target) */
	ARG_LEN,     /* bytes asked for: what short= makes smaller */
	ARG_BUF_OUT, /* memory that the call fills */
	ARG_BUF_IN,  /* memory that the call reads */
	ARG_IOV_OUT, /* struct iovec array, filled; the next ARG_COUNT is its length */
	ARG_IOV_IN,
	ARG_COUNT,   /* number of entries */
	ARG_SOPS,    /* struct sembuf array */
	ARG_MSG_OUT, /* struct msgbuf, filled */
	ARG_MSG_IN,
	ARG_MTYPE,
	ARG_IPC_FLAGS, /* IPC_CREAT, IPC_EXCL and mode bits */
	ARG_OP_FLAGS,  /* IPC_NOWAIT, MSG_NOERROR ... */
	ARG_SHM_FLAGS,
	ARG_IPC_CMD, /* IPC_RMID, SETVAL ... */
	ARG_OPEN_FLAGS,
	ARG_PIPE_FLAGS,
	ARG_FCNTL_CMD,
	ARG_WAIT_FLAGS,
	ARG_MODE,
	ARG_PATH,
	ARG_STR,
	ARG_PTR,
	ARG_PID,
	ARG_SIGNAL,
	ARG_TIMEOUT, /* struct timespec, relative or absolute: NULL waits for ever */
	ARG_TIMEVAL, /* struct timeval: NULL waits for ever */
	ARG_MSEC,    /* int milliseconds: negative waits for ever */
	ARG_FDS,     /* int[2] */
	ARG_POLLFDS, /* struct pollfd array */
	ARG_FDSET,
	ARG_STATUS, /* int *: a wait status */
	ARG_OFFSET, /* loff_t * or off_t */
	ARG_CLOCK,
	ARG_PSEM,   /* the object: a POSIX semaphore; with the next ones an address in memory */
	ARG_MUTEX,  /* the object: a mutex */
	ARG_MUTEX2, /* the mutex that goes with the condition variable before it */
	ARG_COND,
	ARG_RWLOCK,
	ARG_BARRIER,
	ARG_SPIN,
	ARG_FUTEX,
	ARG_FUTEX_OP,
	ARG_THREAD, /* pthread_t; the object: that thread */
	ARG_LOCKFD, /* the object: the file behind this descriptor, as something that is locked */
	ARG_FLOCK_OP,
	ARG_LOCKF_CMD,
	ARG_SOCKADDR, /* const struct sockaddr *; the next argument is its size */
	ARG_SOCK_DOMAIN,
	ARG_SOCK_TYPE,  /* SOCK_STREAM ... with SOCK_NONBLOCK and SOCK_CLOEXEC */
	ARG_SOCK_FLAGS, /* MSG_DONTWAIT ... */
	ARG_MSGHDR_IN,  /* const struct msghdr * that is sent */
	ARG_MSGHDR_OUT,
	ARG_MMSG_IN, /* struct mmsghdr array that is sent; the next ARG_COUNT is its length */
	ARG_MMSG_OUT,
	ARG_MMAP_PROT,
	ARG_MMAP_FLAGS,
};

/* How the call gives its result, and what failure looks like. */
enum call_result {
	RESULT_INT,   /* int, -1 and errno */
	RESULT_LONG,  /* ssize_t, -1 and errno */
	RESULT_PTR0,  /* pointer, NULL and errno */
	RESULT_PTRM1, /* pointer, (void *)-1 and errno */
	RESULT_ERRNO, /* int, the error number itself, 0 for success */
	RESULT_UINT,  /* cannot fail */
	RESULT_NEVER, /* does not return */
};

/* When the kernel gives an error: what has to hold before ipcjam may inject it without "!". */
enum error_when {
	WHEN_ANY,     /* a shortage that may strike at any time */
	WHEN_CREATE,  /* the flags ask for a new object (a limit is reached) */
	WHEN_EXCL,    /* ... and for it to be new (it is there already) */
	WHEN_LOOKUP,  /* the flags do not create (it is not there yet) */
	WHEN_NOWAIT,  /* IPC_NOWAIT, or O_NONBLOCK on the descriptor */
	WHEN_TIMEOUT, /* a finite time-out is given */
	WHEN_SIGNAL,  /* a signal whose handler has no SA_RESTART */
	WHEN_HANDLER, /* any handled signal: this call is never restarted */
	WHEN_STOP,    /* any handled signal, or a stop and continue without one */
	WHEN_REMOVE,  /* the object is removed meanwhile (ipcjam really removes it) */
	WHEN_ENV,     /* permissions, limits, file systems: another machine could differ */
	WHEN_ARGS,    /* the arguments decide: never injected without "!" */
	WHEN_STATE,   /* the object's state decides: never injected without "!" */
};

struct call_error {
	int err;
	enum error_when when;
};

enum call_flag {
	CALL_BLOCKS = 1 << 0, /* may wait for somebody else */
	CALL_MAKES = 1 << 1,  /* its result is a new object, or the look-up of one */
	CALL_READS = 1 << 2,  /* moves payload from the object */
	CALL_WRITES = 1 << 3, /* moves payload to the object */
	CALL_EARLY =
		1 << 5, /* before the constructor: the system call itself, argument by argument */
	CALL_TRACED =
		1 << 6,      /* always an event; otherwise only when an argument is an IPC object */
	CALL_QUIET = 1 << 7, /* bookkeeping only: never an event, never a fault (fclose ...) */
};

struct call {
	const char *name;
	const char *canonical; /* for an alias the row that describes it, else the same */
	unsigned int canonical_id;
	unsigned int classes; /* enum call_class */
	unsigned int flags;   /* enum call_flag */
	enum call_result result;
	int syscall_nr; /* what glibc 2.36 really makes of it; -1: none or several */
	unsigned int n_args;
	unsigned char arg[6];            /* enum arg_kind */
	const struct call_error *errors; /* ends with err 0 */
};

#define CALL(ret, name, params, args, kinds, result, classes, flags, sys, ...) CALL_##name,
#define ALIAS(ret, name, params, args, canonical, flags) CALL_##name,
enum call_id {
#include "calls.def"
	CALL_N
};
#undef CALL
#undef ALIAS

#define CALL_WORDS 6
_Static_assert(CALL_N <= CALL_WORDS * 64, "rules keep a bit for each call");

extern const struct call calls[CALL_N];

/* Index of a call by its name (canonical or alias), or -1. */
int call_find(const char *name, size_t n_bytes);
/* Mask of a class by its name without '%' ("sem", ..., "all" gives ~0), or 0. */
unsigned int class_find(const char *name, size_t n_bytes);
/* Name of the i-th class and its one-line description, or NULL behind the last. */
const char *class_name(unsigned int i, unsigned int *mask, const char **about);
/* Does what a call is made on say to which of its classes it belongs there? */
bool call_depends(unsigned int call);
/* Position of the first argument of that kind, or -1. */
int call_arg(const struct call *call, enum arg_kind kind);
/* The call's entry for an errno, or NULL: it never gives that. */
const struct call_error *call_error_find(const struct call *call, int err);

/* errno, signal and constant names: the number for a name or -1; the name for a number or NULL. */
int errno_find(const char *name, size_t n_bytes);
const char *errno_text(int err);
int signal_find(const char *name, size_t n_bytes); /* "SIGTERM", "TERM" or "15" */
const char *signal_text(int signo);
const char *when_text(enum error_when when);

#endif
