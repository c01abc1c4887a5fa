/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what a trial's events say about its processes and IPC objects: values, holders,
 * messages in flight, who touched what. Fed with events in the order of their exit times, it keeps
 * a bounded amount of state and calls each invariant (lib/invariants/, one file each) with each
 * event.
 *
 * Exit times only approximate the order in the kernel: a V can be seen after the P that it let
 * through. So values are kept as sums, which need no order, and nothing is concluded from a single
 * inversion.
 */
#ifndef IPCJAM_MODEL_H
#define IPCJAM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "finding.h"

struct model;

/* A declared order: --order='queue key:0x1234 by sender u32@0'. */
struct order_declaration {
	bool by_key; /* key:, else id: or a name */
	int64_t queue;
	unsigned int width;  /* bytes of the number: 1, 2, 4 or 8, little endian, unsigned */
	unsigned int offset; /* of the number in mtext */
	bool by_sender;      /* per sending process; else ("by type") per message type */
	char name[64];       /* of a POSIX queue, with its slash; "": System V */
};
/* Returns 0, or -1 with *column and *expected set for the error line. */
int order_parse(const char *text, struct order_declaration *order, unsigned int *column,
		const char **expected);

struct model_options {
	const struct order_declaration *order;
	unsigned int n_orders;
	bool strict; /* outcomes count as findings */
};

struct model *model_new(const struct model_options *options, struct finding_list *findings);
void model_free(struct model *model);

/* How a process ended. */
enum end_kind { END_UNKNOWN, END_EXIT, END_SIGNAL };
struct process_end {
	enum end_kind kind;
	int status;     /* exit status or signal number */
	bool by_rule;   /* a rule killed it */
	bool clean;     /* it reached exit, _exit or its destructor */
	bool by_runner; /* the supervisor ended it (deadlock found, time-out, end of the trial) */
};

/*
 * Process numbers are given by the caller: small, from 0, never used again in a trial. `parent` is
 * the parent's number, or -1 for the root. Strings are copied.
 */
void model_process_begin(struct model *model, uint32_t process, int32_t parent, const char *lineage,
			 const char *program, int32_t pid, uint64_t tsc);
void model_process_exec(struct model *model, uint32_t process, const char *program);
void model_process_end(struct model *model, uint32_t process, const struct process_end *end,
		       uint64_t tsc);
/* One of its threads has ended, which others outlive: all that it did has been told. What it holds
 * stays taken, unless it is a robust mutex. */
void model_thread_end(struct model *model, uint32_t process, uint32_t thread);
/* A process was seen that no shim follows: sums over events are then not the whole truth. */
void model_unfollowed(struct model *model);

/*
 * One event. `more` holds the bytes of its continuations (n_more * EVENT_MORE_BYTES, or NULL).
 * `thread` is 0 for the first thread, else its number.
 */
void model_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more);

/* The kernel's values of a set, read while no call on it was in progress and all events were fed
 * in. */
void model_kernel_sem(struct model *model, int semid, const uint16_t *value, unsigned int n_values);

/* What the kernel still holds at the end of the trial. */
struct leftover {
	enum object_kind kind;
	uint64_t object; /* OBJECT_REF; the path, where there is one, says more */
	int32_t key;
	int32_t maker_pid;
	uint64_t n_messages; /* queues: messages in it */
	uint64_t n_bytes;
	const char *path; /* FIFOs, sockets; names of queues, semaphores, memory; or NULL */
};
enum trial_end {
	TRIAL_ENDED,   /* everything ended by itself */
	TRIAL_STOPPED, /* ended by the supervisor: deadlock, time-out, interrupt */
};
void model_finish(struct model *model, enum trial_end how, const struct leftover *left,
		  unsigned int n_left);

/* Queries for the deadlock watch. */
/* Are the kernel's values those that the events add up to, where that is known? */
bool model_sem_agrees(struct model *model, int semid, const uint16_t *value, unsigned int n_values);
/* Has it been seen that the kernel gave units of this set back at a death with SEM_UNDO: were they
 * taken again, which nobody could have done without? */
bool model_undo_shown(const struct model *model, int semid);

/*
 * Holders of a lock of any kind: a semaphore of a set (num), a POSIX semaphore, a mutex, a
 * read-write lock, a spin lock, a locked file (num 0; flock's and record locks on any of its
 * bytes). Fills in up to n_max, dead ones too; returns how many there are.
 *
 * When all events have been told, those are the holders. Exceptions: a thread that sits in
 * pthread_cond_wait has given its mutex back, but stays a holder until somebody else takes it or
 * the wait is over; a lock whose holders cannot be followed has none (model_is_lock() is false
 * then); what was taken by a call that nobody saw is not known, nor who else inherited a flock.
 */
struct lock_holder {
	uint32_t process;
	uint32_t thread; /* that took it last */
	int units;
	bool restored;  /* the kernel gives it back at the holder's death (SEM_UNDO, robust, file
			   lock) */
	bool alive;     /* the thread that holds it, or for what a process holds the process */
	bool shared;    /* it lets others of its kind in: a reader, LOCK_SH */
	uint32_t stack; /* where it was taken */
	uint64_t site;
	uint64_t tsc;
};
unsigned int model_lock_holders(struct model *model, uint64_t object, unsigned int num,
				struct lock_holder *holder, unsigned int n_max);
/* Taken and given back by the same ones, so far: a semaphore that starts with 1 or more, and
 * anything else that was seen. True as well for one that nobody has now. Asked of what somebody
 * waits for. */
bool model_is_lock(struct model *model, uint64_t object, unsigned int num);

/*
 * A wake-up that came too early, at a time when nobody waited for it: a signal to a process or
 * thread (OBJECT_PROCESS, OBJECT_THREAD) that has a handler for it, or a pthread_cond_signal or
 * _broadcast. Surely before that thread began the wait that it is in since `waits_tsc`, and after
 * its last wait there (for signals: the last of any thread of its process). It must not have come
 * by in between: who has had the mutex, and given it back, after the wake-up could see what it was
 * to be told. Of several the newest. The answer says nothing of whether the thread will be woken
 * once more.
 */
struct lost_wake {
	uint32_t process, thread, stack;
	uint64_t site, tsc;
};
bool model_wake_lost(struct model *model, uint64_t object, uint32_t process, uint32_t thread,
		     uint64_t waits_tsc, struct lost_wake *wake);

/* Has this process ever done something to the object that could end another's wait for it?
 * For semaphores: V, Z-making P, SETVAL/SETALL after the first semop, RMID; for queues: msgsnd
 * (wakes receivers) and msgrcv (wakes senders); signals: kill and its like to that pid, or to any
 * group, whatever the role. Long ago is not forgotten, but for objects of which there are
 * thousands. */
enum wake_role {
	WAKES_SEM,      /* V on a semaphore of either kind */
	WAKES_RECEIVER, /* sent to the queue (either kind), wrote to the eventfd */
	WAKES_SENDER,   /* took from the queue, read the eventfd */
	WAKES_WAITER, /* signalled the condition variable, woke the futex, arrived at the barrier */
};
bool model_has_woken(struct model *model, uint32_t process, uint64_t object, enum wake_role role);

/* Names for people, stable from run to run: "semaphore set 0 (key 0x1234)", "queue 0 (private)",
 * "pipe 1.2#1" (the first pipe that 1.2 made), "FIFO /tmp/x". Returns buffer. */
const char *model_object_name(struct model *model, uint64_t object, char *buffer, size_t n_bytes);
/* A hash of that name without pids, ids or inode numbers: for fingerprints. */
uint64_t model_object_mark(struct model *model, uint64_t object);
const char *model_lineage(struct model *model, uint32_t process);
const char *model_program(struct model *model, uint32_t process);
/* The process with that pid that was begun last, or -1. */
int32_t model_find_pid(struct model *model, int32_t pid);

/*
 * An invariant: one file in lib/invariants/, one row in invariants.def. All functions may be NULL.
 * `state` is zeroed memory of n_state_bytes.
 */
struct invariant {
	const char *name;  /* the finding kind that it reports */
	const char *about; /* one sentence for `ipcjam list invariants` */
	size_t n_state_bytes;
	void (*event)(struct model *model, void *state, uint32_t process, uint32_t thread,
		      const struct event *event, const uint8_t *more);
	void (*process_end)(struct model *model, void *state, uint32_t process,
			    const struct process_end *end, uint64_t tsc);
	void (*kernel_sem)(struct model *model, void *state, int semid, const uint16_t *value,
			   unsigned int n_values);
	void (*finish)(struct model *model, void *state, enum trial_end how,
		       const struct leftover *left, unsigned int n_left);
	void (*release)(void *state);
};
extern const struct invariant *const invariants[]; /* NULL-terminated */

#endif
