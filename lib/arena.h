/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - the one shared mapping of a trial, in which the shim (in every subject process) and the
 * supervisor meet. Fixed size, offsets only, no pointers. A process may die between any two
 * instructions, so nothing here is protected by a lock: each word has one writer, or is claimed by
 * compare-and-swap, and a half-written entry is recognised (state, commit) and skipped or finished
 * by whoever finds it. The supervisor trusts nothing that it reads: copy first, check, then use.
 */
#ifndef IPCJAM_ARENA_H
#define IPCJAM_ARENA_H

#include <stdatomic.h>
#include <stdint.h>

#include "event.h"
#include "plan.h"

#define ARENA_MAGIC UINT64_C(0x6d616a6370692e31) /* "1.ipcjam" */
#define ARENA_VERSION 1
#define ARENA_PROCS 1024
#define ARENA_THREADS 1024
#define ARENA_RING 512 /* events in a ring; a power of two */
#define ARENA_MODULES 512
#define ARENA_STACKS 8192 /* a power of two */
#define ARENA_FRAMES 30
#define ARENA_DEPTH 4 /* calls in progress that one thread can show at once */
#define ARENA_LINEAGE 96
#define ARENA_NAME 32

/* A module (ELF file) of the subject: found by the hash of its path, written by whoever comes
 * first. All writers write the same bytes, so finishing another's entry is harmless. */
struct arena_module {
	_Atomic uint64_t hash; /* of the path; 0: free */
	_Atomic uint32_t ready;
	uint32_t reserved;
	char path[240];
};

/* A frame: module index in the upper 16 bits (0xffff: none), offset from the load base below. */
#define ARENA_FRAME(module, offset) ((uint64_t)(module) << 48 | ((uint64_t)(offset)&0xffffffffffff))
#define ARENA_FRAME_MODULE(frame) ((unsigned int)((frame) >> 48))
#define ARENA_FRAME_OFFSET(frame) ((frame)&UINT64_C(0xffffffffffff))
#define ARENA_NO_MODULE 0xffffu

enum in_state { IN_UNKNOWN, IN_ASKED, IN_ANSWERED };

/* A stack, innermost frame first, shim frames left out; open addressing by site hash. */
struct arena_stack {
	_Atomic uint64_t site; /* 0: free */
	_Atomic uint32_t ready;
	uint32_t n_frames;
	_Atomic uint32_t
		in_state; /* for in= rules: the shim asks, the supervisor answers (futex) */
	_Atomic uint32_t reserved;
	_Atomic uint64_t in_mask; /* bit r: rule r's function is on this stack */
	uint64_t frame[ARENA_FRAMES];
};

enum proc_state {
	PROC_FREE,
	PROC_RESERVED, /* by the parent, before fork; the child has not reported yet. pid: 0 for a
			* fork in progress, -1 for a program that libc starts (popen, system,
			* posix_spawn) and whose shim is to adopt the slot, else the child's */
	PROC_LIVE,
	PROC_GONE, /* set by the supervisor: dead and drained; then PROC_FREE */
};

enum proc_flag {
	PROC_ENDING = 1 << 0,            /* exit, _exit or the destructor has been reached */
	PROC_KILLED_BY_RULE = 1 << 1,    /* set before an injected SIGKILL */
	PROC_EXECED = 1 << 2,            /* has replaced its image at least once */
	PROC_SIGNALLED_BY_RULE = 1 << 3, /* signal= fired on it */
	PROC_PARTIAL = 1 << 4,           /* some of its threads could not be followed */
	PROC_TRACED = 1 << 5,            /* no shim: the supervisor's tracer serves it */
	PROC_SEALED = 1 << 6,   /* its own seccomp filter: the shim makes no system calls */
	PROC_URING = 1 << 7,    /* it uses io_uring, which carries IPC past us */
	PROC_SHIM = 1 << 8,     /* the shim has reported in from the present program */
	PROC_STOPPED = 1 << 9,  /* by a stop signal, as the tracer sees it */
	PROC_FOREIGN = 1 << 11, /* its program is a 32-bit one: nobody sees its calls */
	PROC_TRACES = 1 << 10,  /* it wanted to trace others, which the tracer keeps it from */
};

struct arena_proc {
	_Atomic uint32_t state; /* enum proc_state */
	_Atomic uint32_t flags; /* enum proc_flag */
	_Atomic int32_t pid;
	int32_t ppid;
	uint32_t parent;             /* slot of the parent + 1; 0: the runner started it */
	uint32_t child_no;           /* the how-manieth child of its parent, from 1 */
	_Atomic uint32_t n_children; /* children begun, for their numbers */
	_Atomic uint32_t n_threads;  /* threads begun besides the first */
	_Atomic uint32_t generation; /* grows each time the slot is used */
	uint32_t parent_generation;
	_Atomic uint64_t born_tsc;
	_Atomic int64_t timer_ns;    /* CLOCK_MONOTONIC at which alarm/ITIMER_REAL fires; 0: none */
	char lineage[ARENA_LINEAGE]; /* "1.2" */
	char name[ARENA_NAME];       /* program's base name */
	_Atomic uint32_t counted[PLAN_RULES]; /* matches of each rule, for when= */
};

/* A claimer goes FREE -> CLAIMED, fills the slot in, -> LIVE. head, tail and settled are never
 * reset. */
enum thread_state { THREAD_FREE, THREAD_LIVE, THREAD_ENDED, THREAD_CLAIMED };

struct arena_thread {
	/* line 0: written when the thread begins and ends */
	_Atomic uint32_t state;
	uint32_t proc; /* slot */
	_Atomic uint32_t generation;
	_Atomic int32_t tid;
	uint32_t number; /* 0: the process's first thread, else from 1 */
	uint32_t proc_generation;
	_Atomic uint64_t pthread; /* its pthread_t; 0: not known */
	uint64_t reserved0[4];

	/* line 1: the writer's */
	_Atomic uint64_t head __attribute__((aligned(64))); /* next entry to reserve */
	_Atomic uint64_t settled;   /* below it, an entry without commit never comes */
	_Atomic uint32_t depth;     /* calls in progress: cur[0 .. depth-1] are valid */
	_Atomic uint32_t leaving;   /* 1 + depth of the call whose result is being recorded; 0 */
	_Atomic uint64_t n_calls;   /* calls entered: a change means that the thread is alive */
	_Atomic uint32_t unwinding; /* 1: inside libunwind, which a fork must not interrupt */

	/* line 2: the supervisor's */
	_Atomic uint64_t tail __attribute__((aligned(64))); /* entries below it are free again */
	_Atomic uint32_t tail_seq;                          /* futex: grows when tail has grown */

	/* stop=: the thread asks, the supervisor sends SIGCONT when it is over */
	_Atomic uint64_t stop_ns; /* how long; 0: no request */

	struct event cur[ARENA_DEPTH] __attribute__((aligned(64)));
};

struct arena_rule_stat {
	_Atomic uint64_t matched; /* calls that fitted all selectors but when, p and max */
	_Atomic uint64_t fired;
	_Atomic uint64_t refused;    /* would have fired, but the kernel could not have done that */
	_Atomic int32_t refused_why; /* enum refusal */
} __attribute__((aligned(64)));

enum arena_mode {
	ARENA_SUPERVISED = 1, /* a supervisor drains the rings */
	ARENA_ALONE = 2,      /* no runner: the shim writes its own trace */
};

struct arena {
	uint64_t magic;
	uint32_t version;
	uint32_t mode;
	uint64_t bytes; /* of the whole mapping */
	uint64_t seed;
	uint32_t stacks;        /* 1: record stacks; 0: sites are the caller's address only */
	uint32_t payload_bytes; /* of each message to keep in n_more (declared order); 0 */
	uint32_t has_tsc;       /* 1: times are the TSC; 0: CLOCK_MONOTONIC in ns */
	uint32_t cookie; /* by which the seccomp filter knows the shim's own calls; 0: no filter */
	_Atomic uint32_t bell __attribute__((aligned(64))); /* futex: rung to wake the supervisor */
	_Atomic uint32_t closing; /* 1: nobody drains any more, do not wait */
	_Atomic uint32_t awake;   /* 1: the supervisor comes by itself, no need to ring */
	_Atomic uint64_t now;     /* when it last came, for threads that may not ask for the time */
	_Atomic uint32_t n_hello; /* processes that reported in */
	_Atomic uint32_t n_overflow; /* processes or threads for which there was no slot */
	/* Slots below these have been claimed at some time: nobody looks, or makes pages, beyond.
	 */
	_Atomic uint32_t procs_used, threads_used;
	struct plan plan __attribute__((aligned(64)));
	struct arena_rule_stat rule_stat[PLAN_RULES];
	struct arena_module module[ARENA_MODULES];
	struct arena_stack stack[ARENA_STACKS];
	struct arena_proc proc[ARENA_PROCS];
	struct arena_thread thread[ARENA_THREADS];
	struct event ring[ARENA_THREADS][ARENA_RING] __attribute__((aligned(4096)));
};

/* Writes a fresh arena's header into `arena` (zeroed memory of sizeof(struct arena) bytes). */
void arena_init(struct arena *arena, enum arena_mode mode, uint64_t seed);

/* Returns 0 when the header is one that this build can use, else a description of what differs. */
const char *arena_check(const struct arena *arena);

/* FNV-1a, 64 bits, never 0. Async-signal-safe. */
uint64_t arena_hash(const void *data, uint64_t n_bytes, uint64_t start);
#define ARENA_HASH_START UINT64_C(0xcbf29ce484222325)

/* One step of a 64-bit mixing function (splitmix64's finaliser): decisions are made with it. */
uint64_t arena_mix(uint64_t x);

#endif
