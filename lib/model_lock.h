/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock.h - locks other than System V semaphores (model_sem.c has those), and the threads that
 * hold them.
 *
 * The moment at which a taking returned lies within the time for which the lock was held. So when
 * somebody is seen to have a lock that lets in nobody else, whoever had it before has given it back
 * by then, and the event that says so is on its way; and who is seen to have had it at an earlier
 * moment than somebody else does not have it any more. No order of events is needed for that.
 */
#ifndef IPCJAM_MODEL_LOCK_H
#define IPCJAM_MODEL_LOCK_H

#include "model_private.h"

struct lock;

#define ACTOR_UNLOCKS 8
#define ACTOR_WAITS 4

struct actor_mark {
	uint64_t serial, tsc;
};

/* A thread. Forgotten when it has ended, unless an invariant keeps it. */
struct actor {
	uint32_t process, thread;
	unsigned int n_refs;
	bool ended;
	bool claimed; /* the call that made it was seen: it can return after the thread has ended */
	struct actor *creator;   /* in the same process; kept; NULL: not known */
	unsigned int n_above;    /* creators of creators */
	uint64_t begin;          /* before that it was not there */
	uint64_t joined_exit;    /* 0: nobody has joined it */
	uint32_t joiner;         /* a thread of its process */
	uint32_t n_segments;     /* processes and threads that it has made, and those waited for */
	struct lock_hold *holds; /* newest first */
	unsigned int n_holds;
	uint64_t blocked_ref;                      /* a lock that it waited for at its end; 0 */
	struct actor_mark unlocked[ACTOR_UNLOCKS]; /* when it last gave back which mutex */
	struct actor_mark waited[ACTOR_WAITS];     /* when it was last woken from which condition */
	uint64_t waited_exit;          /* the last of those that are not there any more */
	struct actor *next, *previous; /* of its process */
};

/* To whom a lock belongs. */
enum lock_owner {
	OWNED_BY_THREAD,
	OWNED_BY_FILE, /* flock, F_OFD_SETLK: to what was opened, told by the descriptor's number */
	OWNED_BY_PROCESS, /* F_SETLK, lockf */
};

/* What a call asks for, or what somebody has. */
struct lock_part {
	bool shared; /* lets in others who share it: readers, LOCK_SH */
	bool fcntl;  /* of a file: a record lock, which does not meet flock's */
	uint8_t owner;
	int fd;
	int64_t start, last; /* bytes of a file */
};

struct lock_hold {
	struct lock *lock;
	struct actor *actor;      /* NULL: dead */
	uint32_t process, thread; /* that took it */
	int32_t units;            /* or how deep */
	struct lock_part part;
	bool inconsistent; /* by EOWNERDEAD, and pthread_mutex_consistent has not been called */
	bool uncertain;    /* it may have been given back by a call that nobody saw return */
	uint32_t stack;
	uint64_t site;
	uint64_t taken_exit; /* of the call that took it */
	uint64_t sure_exit;  /* it surely had it then */
	struct lock_hold *newer_of_lock, *older_of_lock;
	struct lock_hold *newer_of_actor, *older_of_actor;
};

struct lock {
	struct object object;
	struct lock_hold *holds; /* newest first, the dead too */
	unsigned int n_holds, n_dead;
	uint64_t taken_exit;     /* the last time that somebody surely had it */
	uint64_t exclusive_exit; /* ... and nobody else */
	uint64_t refused_exit;   /* when a process last found that it was not to be had */
	uint32_t refused_process;
	uint64_t destroyed_exit; /* 0: it was not */
	bool replaced;           /* initialised anew */
	bool odd;                /* given back by others than those who took it: no lock */
	uint8_t bits;            /* enum mutex_bit */
	struct pipe_users users; /* processes */
};

/* A POSIX semaphore. It knows no owner, so a thread that has waited and not posted counts as one.
 */
#define PSEM_USES 2

struct psem {
	struct lock lock;
	bool has_initial;
	bool posted;        /* used before it was set, so setting it was a message */
	bool tried, waited; /* it has been taken by sem_trywait; by one who was ready to wait */
	int32_t initial;
	struct wake_sent init;           /* what set it */
	struct wake_sent use[PSEM_USES]; /* the first of the first processes that used it */
	bool set_before;                 /* there was a semaphore in its place that had been set */
	struct wake_sent early[PSEM_USES]; /* else: uses of the place before it was set */
	uint64_t first_enter;              /* of the first operation */
	uint32_t n_foreign, n_pairs;       /* posts by others than holders, and by holders */
};

#define COND_SIGNALS 4

struct cond {
	struct object object;
	struct wake_sent unheard[COND_SIGNALS]; /* nobody waited: the last ones, a ring */
	unsigned int n_unheard;
};

/* What a call does with a lock. */
enum lock_act {
	LOCK_NOTHING,
	LOCK_LOOKS,
	LOCK_INIT,
	LOCK_DESTROYS,
	LOCK_TAKES,
	LOCK_TRIES, /* takes it, and would not wait for ever */
	LOCK_GIVES,
	LOCK_MENDS,
	LOCK_WAITS, /* pthread_cond_wait: gives it, and takes it again */
};

static inline bool is_lock_kind(enum object_kind kind)
{
	return (kind >= OBJECT_PSEM && kind <= OBJECT_SPIN && kind != OBJECT_COND &&
		kind != OBJECT_BARRIER) ||
	       kind == OBJECT_FILE;
}

/* In memory, where its first use says all that is known of its making. */
static inline bool is_memory_kind(enum object_kind kind)
{
	return (kind >= OBJECT_PSEM && kind <= OBJECT_FUTEX) || kind == OBJECT_FILE;
}

static inline bool lock_in_shared_memory(const struct object *object)
{
	return object_kind_of(object->ref) != OBJECT_FILE && object->ref & OBJECT_PLACE_SHARED;
}

/* The call had the lock when it returned. */
static inline bool lock_was_taken(const struct event *event)
{
	return event_took_effect(event) ||
	       (event->err == EOWNERDEAD && (event->flags & (EVENT_FAILED | EVENT_NOT_PERFORMED |
							     EVENT_ABANDONED)) == EVENT_FAILED);
}

/* model_lock.c */
enum lock_act lock_act(const struct event *event, struct lock_part *part);
/* Before the invariants see the event: the lock is there, and new if this call made it. */
void lock_see(struct model *model, uint32_t process, const struct event *event);
/* After they saw it. */
void lock_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event);
/* The mutex that a wait for a condition gives and takes again, or NULL. */
struct lock *lock_of_wait(struct model *model, const struct event *event);
void lock_release(struct model *model, struct lock *lock);
void lock_process_end(struct model *model, uint32_t process, const struct process_end *end,
		      uint64_t tsc);

/* model_lock_hold.c */
struct lock_hold *hold_find(const struct lock *lock, const struct actor *actor);
struct lock_hold *hold_new(struct model *model, struct lock *lock, struct actor *actor,
			   const struct event *event, const struct lock_part *part);
void hold_drop(struct model *model, struct lock_hold *hold);
/* Its thread, or process, is no more. */
void hold_bury(struct model *model, struct lock_hold *hold, bool with_process);
void hold_give_to(struct lock_hold *hold, struct actor *actor);
bool hold_is_restored(const struct lock_hold *hold);
void holds_free(struct model *model);

/* model_lock_sem.c */
/* The same place in memory, before and after. */
void psem_renew(struct psem *sem, const struct psem *old);
void psem_event(struct model *model, struct psem *sem, struct actor *actor,
		const struct event *event, enum lock_act act);
/* A lock so far, and proven to be one: as sem_is_lock(), sem_is_proven_lock(). */
bool psem_is_lock(const struct psem *sem);
bool psem_is_proven_lock(const struct psem *sem);

/* model_lock_file.c */
enum lock_act lock_file_act(const struct event *event, struct lock_part *part);
void lock_file_event(struct model *model, struct lock *lock, struct actor *actor,
		     const struct event *event, enum lock_act act, const struct lock_part *part);

/* model_lock_actor.c */
struct actor *actor_see(struct model *model, uint32_t process, uint32_t thread,
			const struct event *event);
struct actor *actor_find(const struct model *model, uint32_t process, uint32_t thread);
void actor_keep(struct actor *actor);
void actor_release(struct actor *actor);
void actor_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event);
void actors_process_end(struct model *model, struct process *p);
void actors_free(struct model *model);
void actor_note(struct actor_mark *marks, unsigned int n_marks, uint64_t serial, uint64_t tsc);
uint64_t actor_noted(const struct actor_mark *marks, unsigned int n_marks, uint64_t serial);
/* Did the one (or its process) come from the other? */
bool actor_descends(const struct model *model, const struct actor *actor,
		    const struct actor *ancestor);
/* "1.2/1 (perl)"; the first thread is the process. */
const char *actor_title(struct model *model, uint32_t process, uint32_t thread, char *buffer,
			size_t n_bytes);

/* model_lock_query.c: all kinds of lock, System V semaphores too */
struct lock_node {
	struct object *object;
	unsigned int num; /* of a semaphore in its set; else 0 */
	struct lock_part part;
};

/* A lock that somebody has, or has just got. */
struct lock_taken {
	struct lock_node node;
	uint32_t stack;
	uint64_t taken_exit;
};

#define LOCKS_TAKEN 32
/* What a thread has now; of more than LOCKS_TAKEN the newest. Only what is certain, and a lock so
 * far. */
unsigned int locks_held(struct model *model, uint32_t process, uint32_t thread,
			struct lock_taken held[LOCKS_TAKEN]);
/* Quickly: can there be any at all? */
bool locks_any_held(const struct model *model, uint32_t process, uint32_t thread);
/* What the call got, and could have waited for for ever. */
unsigned int locks_waited_for(struct model *model, uint32_t process, uint32_t thread,
			      const struct event *event, const uint8_t *more,
			      struct lock_node wanted[LOCKS_TAKEN]);
bool lock_same(const struct lock_node *a, const struct lock_node *b);
/* Does it turn out to be a lock, and how many can have it at once? */
bool lock_is_proven(const struct lock_node *node);
int lock_places(const struct lock_node *node);
const char *lock_name(struct model *model, const struct lock_node *node, char *buffer,
		      size_t n_bytes);

#endif
