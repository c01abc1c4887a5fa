/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_private.h - the model's inside, shared by model_*.c and by the invariants.
 *
 * While an event is handled, the state of semaphores and of other locks is as before it and that of
 * processes, queues and pipes as after it: an invariant sees which locks were held when another was
 * taken, and which message a call delivered.
 */
#ifndef IPCJAM_MODEL_PRIVATE_H
#define IPCJAM_MODEL_PRIVATE_H

#include <stddef.h>

#include "calls.h"
#include "model.h"

#define MODEL_SEM_MAX 32767 /* SEMVMX */
#define MODEL_SIGCHLD 17
#define MODEL_SIGPIPE 13

/* Memory: these end the process when there is none. */
void *model_alloc(size_t n_bytes);
char *model_copy_text(const char *text);
/* Makes room for `needed` entries, zeroed; returns the array, which may have moved. */
void *model_grow(void *array, unsigned int *room, unsigned int needed, size_t entry_bytes);

/* A hash table from 64-bit keys to pointers, open addressing; zeroed memory is an empty one. */
struct model_table {
	struct model_slot *slot;
	unsigned int n, n_slots;
};
struct model_slot {
	uint64_t key;
	void *value; /* NULL: free */
};
void *table_get(const struct model_table *table, uint64_t key);
void table_put(struct model_table *table, uint64_t key, void *value);
void table_remove(struct model_table *table, uint64_t key);
void table_free(struct model_table *table);

/* A wake-up that was sent. */
struct wake_sent {
	uint32_t process, thread, stack;
	int32_t to_thread; /* or -1: whichever thread of the process it meets */
	int signo;
	uint64_t site, enter, exit;
};
#define WAKES_KEPT 4

struct process {
	char *lineage;
	char *program;
	int32_t parent;
	int32_t pid;
	uint64_t begin_tsc;
	uint64_t last_exit;       /* of its last event */
	uint64_t last_call_enter; /* of its last event that is no exit, nor on the way to it */
	uint64_t alive_tsc;       /* it surely lived then */
	uint64_t exit_enter;      /* of its exit or _exit; 0: none */
	uint32_t exit_thread;     /* that called it */
	uint64_t fork_enter;      /* of its last fork */
	uint64_t exec_exit;       /* of its last successful exec; 0 */
	uint64_t chld_tsc;        /* it changed what SIGCHLD does, and has reaped nobody since; 0 */
	uint64_t kill_enter;      /* somebody sent it kill_signal */
	int kill_signal;
	uint64_t end_tsc;
	struct process_end end;
	bool ended, reaped, threaded;
	int32_t first_child, next_sibling; /* process numbers, or -1 */
	uint32_t n_made[OBJECT_N];
	uint64_t reaped_exit; /* of the call that reaped it; 0 */
	int32_t fork_pid;     /* of its last fork, and where that was */
	uint32_t fork_stack;
	uint64_t fork_site;
	uint32_t born_stack;            /* where its parent made it */
	uint64_t born_site, born_enter; /* 0: not known */
	struct sem_user *users;
	struct sem_user *last_user; /* a cache: what it touched last */
	struct sem_hold *hold;      /* what it holds units of */
	unsigned int n_holds, room_holds;
	struct actor *actors;                /* its threads, see model_lock.h */
	struct actor *last_actor;            /* a cache */
	uint64_t caught;                     /* signals that it has a handler for, a bit each */
	struct wake_sent signal[WAKES_KEPT]; /* sent to it, the last ones: a ring */
	unsigned int n_signals;
	uint64_t signal_wait_exit; /* of the last wait for signals of one of its threads */
};

/* A semaphore that a process holds units of. SETVAL can have voided it: then touch_held() is 0. */
struct sem_hold {
	struct sem_user *user;
	unsigned int num;
};

/* What all kinds of object share; the first member of each. */
struct object {
	uint64_t ref;
	uint64_t serial; /* never used twice in a trial */
	uint64_t mark;
	int32_t key;
	bool has_key;    /* made or found with a key (that may be IPC_PRIVATE) */
	bool maker_sure; /* nobody else can have made it: no two semgets overlapped */
	bool fresh;      /* made by a call that cannot find: IPC_PRIVATE or IPC_EXCL */
	bool removed;
	int32_t maker;          /* process number, or -1 */
	uint32_t maker_ordinal; /* the how-manieth of its kind that the maker made, from 1 */
	uint32_t maker_stack;
	uint64_t maker_site;
	uint64_t made_enter, made_exit;
	int32_t remover;
	uint32_t remover_stack;
	uint64_t removed_enter, removed_exit;
	char *path;
	bool adopted;    /* nobody saw it being made: its maker is who used it first */
	uint32_t *waker; /* processes that wake_note() knows of */
	unsigned int n_wakers, room_wakers;
	unsigned int n_refs;
	struct object *older, *newer; /* in the list of those that may be forgotten */
	bool listed;
};

/* What one process did to one semaphore. */
struct sem_touch {
	int32_t held_plain,
		held_undo; /* units taken and not given back, by the flag they were taken with */
	int32_t adjust;    /* the kernel's SEM_UNDO adjustment */
	int32_t promised;  /* what it would be if nobody had cleared it */
	bool uncertain;    /* an operation's effect, or its place in time, is unknown */
	bool cleared_by_other;
	bool listed;     /* in its process's holds */
	bool is_dead;    /* its process is, and undo has been applied */
	uint32_t thread; /* of the last P */
	uint32_t stack;
	uint64_t site;
	uint64_t taken_exit; /* exit of the last P */
	uint64_t last_exit;  /* exit of the last operation */
	uint32_t undo_stack; /* of the last operation with SEM_UNDO */
	uint64_t undo_site;
	uint64_t cleared_exit; /* exit of the SETVAL or SETALL that cleared it */
	uint32_t cleared_stack;
	uint32_t cleared_process;
};

/* One process and one set. */
struct sem_user {
	struct sem_set *set;
	uint32_t process;
	bool found; /* by its own semget with a key */
	bool has_woken;
	bool has_made_zero;
	unsigned int n_touches;
	struct sem_touch *touch;
	struct sem_user *next_of_process;
	struct sem_user *next_of_set, *previous_of_set;
};

struct sem {
	int64_t value;       /* the sum of all that was done; no clamping */
	int64_t clamped;     /* what deaths could not take back (below 0), so far as seen */
	int64_t undone;      /* what deaths have given back; a part of value */
	uint64_t below_exit; /* of a P that could not have been without what a death gave back; 0 */
	bool known;          /* the sum started from something certain */
	bool suspect;        /* somebody died in the midst of a call, perhaps */
	bool posted;         /* used before it was set, so setting it was a message */
	bool has_initial;
	int32_t initial; /* by the last SETVAL or SETALL before the first operation */
	uint32_t initial_process;
	uint64_t initial_exit;
	uint32_t n_operations;
	uint32_t n_foreign; /* units given by processes that held none */
	uint32_t n_pairs;   /* units given by their holders */
	uint32_t n_sets;    /* SETVAL, SETALL */
	uint64_t set_exit;  /* of the last of them */
	uint64_t last_exit; /* of the last operation */
	/* sem-init's: how the maker initialised it */
	uint64_t init_enter, init_site; /* 0: not yet */
	uint32_t init_stack;
	bool init_by_semop, init_void;
};

struct sem_set {
	struct object object;
	unsigned int n_sems;
	struct sem *sem;
	struct sem_user *users;
	unsigned int n_dead; /* users that died holding something */
	bool zero_seen;      /* somebody waits for zero on it at times */
};

/* A message that was sent, until it is received. */
struct message {
	struct message *older, *newer; /* in its queue, as sent */
	struct message *next_same;     /* with the same hash slot */
	uint64_t digest;
	int64_t type;
	uint32_t length;
	uint32_t process;
	uint32_t stack;
	uint64_t site;
	uint64_t enter, exit;
	uint32_t n_peeks;
	uint32_t peek_process, peek_stack;
	uint64_t number[2]; /* of each declared order, see order.c */
	bool has_number[2];
};

/* A receipt whose sending has not been seen yet: exit times lag behind the kernel. */
struct receipt {
	uint64_t digest;
	int64_t type;
	uint32_t length;
	uint32_t process;
	uint32_t stack;
	uint64_t site;
	uint64_t enter, exit;
	bool copy; /* MSG_COPY: it stays in the queue */
	bool cut;  /* MSG_NOERROR may have cut it */
	uint64_t number[2];
	bool has_number[2];
};

#define QUEUE_RECEIPTS 1024
#define QUEUE_SLOTS 1024
#define MODEL_ORDERS 2 /* declared orders that can apply to one queue */

struct queue {
	struct object object;
	struct message *oldest, *newest;
	struct message *spare;
	struct message **slot; /* QUEUE_SLOTS chains by digest */
	uint64_t n_messages;
	struct receipt *early; /* QUEUE_RECEIPTS, oldest first */
	unsigned int n_early;
	uint64_t n_unknown; /* calls whose effect is not known */
	uint32_t *user;     /* processes that sent or received */
	unsigned int n_users, room_users;
	const struct order_declaration *order[MODEL_ORDERS];
	unsigned int n_orders;
	void *order_state; /* the order invariant's, freed with the queue */
};

/* One message met its receipt: what the order checks look at. */
struct delivery {
	struct queue *queue;
	struct message message; /* copies */
	struct receipt receipt;
	bool left_queue; /* false: it was only looked at */
};

/* One reading end: of the maker of a pipe, or of who opened a FIFO. */
#define PIPE_WRITES 16
#define PIPE_USERS 8

struct pipe_write {
	uint32_t process, thread, stack;
	uint64_t site, enter, exit;
	uint32_t length;
};

/* The first few processes that read, or wrote. */
struct pipe_users {
	uint32_t process[PIPE_USERS];
	unsigned int n;
};

struct pipe_object {
	struct object object;
	struct pipe_write write[PIPE_WRITES]; /* the last ones, a ring */
	unsigned int n_writes;
	struct pipe_users writers, readers;
	uint64_t epipe_exit; /* of the last write that found no reader */
	uint64_t
		peer; /* of a socket made by socketpair: what is sent to it comes in here; else 0 */
	/* the last close of a reading end, with what it left unread */
	uint64_t left_bytes;
	uint32_t left_process, left_stack;
};

#define MODEL_UNDO_SHOWN 32

struct model {
	struct model_options options;
	struct finding_list *findings;
	struct process **process;
	unsigned int n_processes, room_processes;
	struct model_table pids;      /* pid -> process, the last that was begun */
	struct model_table objects;   /* reference -> object */
	struct model_table users;     /* set serial and process -> struct sem_user */
	struct model_table woken;     /* object serial and process -> flags */
	struct model_table ftok_keys; /* key -> site of the ftok that made it */
	struct model_table actors;    /* process and thread -> struct actor */
	unsigned int n_unclaimed;     /* of them that ended before it was seen who made them */
	struct lock_hold *spare_holds;
	struct wake_sent group_signal[WAKES_KEPT]; /* to groups of processes: a ring */
	unsigned int n_group_signals;
	uint64_t n_serials;
	struct object *forget_oldest, *forget_newest;
	unsigned int n_forgettable;
	bool has_forgotten;               /* because there were too many */
	int undo_shown[MODEL_UNDO_SHOWN]; /* ids of sets, see model_undo_shown() */
	unsigned int n_undo_shown;
	bool unfollowed;           /* processes that nobody follows */
	uint32_t n_unsure_deaths;  /* a call may have taken effect that nobody recorded */
	bool shared_undo;          /* clone with CLONE_SYSVSEM: adjustments are shared */
	struct object *lock;       /* in memory, or a file: of the event in hand, or NULL */
	struct delivery *delivery; /* of the event in hand, or NULL */
	struct delivery delivery_room;
	void **state; /* of each invariant */
	unsigned int n_invariants;
};

/* Did the kernel do it? Failed, replaced and abandoned calls did nothing that is known. */
static inline bool event_took_effect(const struct event *event)
{
	return !(event->flags &
		 (EVENT_FAILED | EVENT_NOT_PERFORMED | EVENT_ABANDONED | EVENT_KILL_BEFORE));
}

/* The event's object when it is of that kind (the subject could have written anything), else the
 * one with that id. */
static inline uint64_t event_ref(const struct event *event, enum object_kind kind, int64_t id)
{
	return object_kind_of(event->object) == kind ? event->object
						     : OBJECT_REF(kind, (uint32_t)id);
}

/* Bytes that follow an event, of those that its call moved. */
static inline uint32_t event_payload_bytes(const struct event *event, const uint8_t *more)
{
	uint32_t n_there = more ? event->n_more * (uint32_t)EVENT_MORE_BYTES : 0;

	return event->length < n_there ? event->length : n_there;
}

/* model_process.c */
/* Was every call that this process made recorded? A killed one may have died within a call's
 * return. */
static inline bool process_end_is_sure(const struct process *p, const struct process_end *end)
{
	return !p->threaded && (end->by_rule || end->kind == END_EXIT);
}
void processes_free(struct model *model);
struct process *process_get(const struct model *model, uint32_t process);
void process_event(struct model *model, uint32_t process, uint32_t thread,
		   const struct event *event);
/* "1.2 (perl)" */
const char *process_title(struct model *model, uint32_t process, char *buffer, size_t n_bytes);
const char *process_fate(const struct process_end *end, char *buffer, size_t n_bytes);
/* Is it certain that it died before then? Deaths are noticed late. */
bool process_died_before(const struct process *p, const struct process_end *end, uint64_t tsc);
bool process_descends(const struct model *model, uint32_t process, uint32_t ancestor);

/* model_object.c */
struct object *object_find(struct model *model, uint64_t ref);
/* The object, made when it is seen for the first time. */
struct object *object_see(struct model *model, uint64_t ref);
/* It is in use: others of those that can be forgotten go before it. */
void object_touch(struct model *model, struct object *object);
void object_event(struct model *model, uint32_t process, const struct event *event,
		  const uint8_t *more);
void object_keep(struct object *object);
void object_release(struct model *model, struct object *object);
void objects_free(struct model *model);
/* The first call that was seen on it: who makes it takes its maker's place. */
void object_adopt(struct model *model, struct object *object, uint32_t process,
		  const struct event *event);
/* A new one, made by this call. */
struct object *object_made(struct model *model, uint32_t process, const struct event *event,
			   uint64_t ref);
const char *object_name(struct model *model, const struct object *object, char *buffer,
			size_t n_bytes);
uint64_t object_mark(const struct object *object);

/* model_sem_user.c */
struct sem_user *sem_user_see(struct model *model, struct sem_set *set, uint32_t process);
struct sem_touch *sem_touch_see(struct sem_user *user, unsigned int num);
void sem_user_free(struct model *model, struct sem_user *user);
void sem_hold_note(struct process *p, struct sem_user *user, unsigned int num,
		   struct sem_touch *touch);
void sem_hold_drop(struct process *p, const struct sem_user *user, unsigned int num);

/* model_sem.c: the invariants see a set before sem_event changes it */
struct sem_op {
	uint16_t num;
	int16_t op, flg;
};
#define SEM_OPS_MAX 512
struct sem_set *sem_set_find(struct model *model, int semid);
struct sem_user *sem_user_find(struct model *model, const struct sem_set *set, uint32_t process);
struct sem *sem_get(struct sem_set *set, unsigned int num);
const struct sem_touch *sem_user_touch(const struct sem_user *user, unsigned int num);
/* The set of a semop, semtimedop or semctl event, or NULL. */
struct sem_set *sem_event_set(struct model *model, const struct event *event);
/* Unpacks the operations of a semop; returns their number, 0 when they are not known. */
unsigned int sem_event_ops(const struct event *event, const uint8_t *more, struct sem_op *ops,
			   unsigned int n_max);
void sem_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event,
	       const uint8_t *more);
void sem_mark_found(struct model *model, struct sem_set *set, uint32_t process);
void sem_set_release(struct model *model, struct sem_set *set);
void sem_process_end(struct model *model, uint32_t process, const struct process_end *end);
/* A lock so far: set to 1 or more before its first use, and given back only by its holders. */
bool sem_is_lock(const struct sem *sem);
/* ... and there is proof that it is one: a binary one, or one that a holder has given back. */
bool sem_is_proven_lock(const struct sem *sem);
const char *sem_name(struct model *model, const struct sem_set *set, unsigned int num, char *buffer,
		     size_t n_bytes);

static inline int32_t touch_held(const struct sem_touch *touch)
{
	return touch->held_plain + touch->held_undo;
}

/* Was SEM_UNDO applied to the set at this death? Not if the set was gone by then. */
static inline bool sem_undo_applies(const struct sem_set *set, const struct process *p)
{
	return !set->object.removed ||
	       (p->reaped_exit && p->reaped_exit < set->object.removed_enter);
}

/* model_msg.c */
void queue_event(struct model *model, uint32_t process, const struct event *event,
		 const uint8_t *more);
bool queue_sends(const struct event *event);   /* msgsnd, mq_send ... */
uint64_t queue_ref(const struct event *event); /* the queue of a call on one */
void queue_release(struct model *model, struct queue *queue);

/* model_pipe.c: pipes, FIFOs, and the two directions of a socket pair */
void pipe_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event);

void pipe_note_write(struct pipe_object *pipe, uint32_t process, uint32_t thread,
		     const struct event *event);
void pipe_note_reader(struct pipe_object *pipe, uint32_t process);
/* A close, with the bytes that it left unread. */
void pipe_note_close(struct pipe_object *pipe, uint32_t process, const struct event *event);

/* model_socket.c */
void see_socket(struct model *model, uint32_t process, const struct event *event,
		const uint8_t *more);
void socket_event(struct model *model, uint32_t process, uint32_t thread,
		  const struct event *event);

static inline bool pipe_used_by(const struct pipe_users *users, uint32_t process)
{
	for (unsigned int i = 0; i < users->n; i++)
		if (users->process[i] == process)
			return true;
	return false;
}

/* model_wake.c */
enum wake_bit {
	WOKEN_SEM = 1,
	WOKEN_RECEIVER = 2,
	WOKEN_SENDER = 4,
	WOKEN_SIGNAL = 8,
	WOKEN_WAITER = 16,
};
/* Returns true when it is the first that is noted of that process and object. */
bool wake_note(struct model *model, uint64_t object_serial, uint32_t process, enum wake_bit bit);
void wake_forget(struct model *model, uint64_t object_serial, uint32_t process);
void wake_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event);
void wakers_release(struct model *model, struct object *object);

/* model_wake_lost.c: wake-ups that nobody waited for */
void wake_lost_event(struct model *model, uint32_t process, uint32_t thread,
		     const struct event *event);

/* order.c: the number at its place in a message; false when the message is too short for it. */
bool order_number(const struct order_declaration *order, const uint8_t *text, uint32_t length,
		  uint64_t *number);

/* For findings: stable marks of a semaphore, a place. */
uint64_t mark_mix(uint64_t a, uint64_t b);

#endif
