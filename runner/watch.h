/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - the deadlock watch.
 *
 *   watch.c         decides when to look, and keeps what it has found
 *   watch_proc.c    reads what each task of the trial sits in, from the kernel
 *   watch_wait.c    what it waits for: System V objects, children, signals; timers
 *   watch_memory.c  ... locks and conditions in memory
 *   watch_fd.c      ... descriptors, one or several
 *   watch_file.c    what a descriptor stands for; locks on files
 *   watch_socket.c  which sockets are joined to which
 *   watch_hold.c    who has which descriptor open, and who shares which memory
 *   watch_wake.c    who could wake whom: who is left is stuck
 *   watch_graph.c   among the stuck ones: who waits for whom, and in which circle
 *   watch_cause.c   why
 *   watch_words.c   what is said of a task, in words
 *   watch_report.c  the finding
 */
#ifndef IPCJAM_WATCH_H
#define IPCJAM_WATCH_H

#include "proc_text.h"
#include "supervise.h"

#define SCENE_TASKS 1024
#define SCENE_PROCS 1024
#define SCENE_TARGETS 8192
#define SCENE_HOLDS 16384
#define SCENE_SHARES 4096
#define SCENE_LOCKS 1024
#define GRAPH_TASKS 256

enum wait_kind {
	WAIT_LIVE, /* it runs, or something outside of the trial, or a timer, will wake it */
	WAIT_SEM,  /* a System V semaphore */
	WAIT_PSEM,
	WAIT_MUTEX,
	WAIT_COND,
	WAIT_RWLOCK,
	WAIT_BARRIER,
	WAIT_FUTEX, /* something in memory, nobody knows what */
	WAIT_JOIN,
	WAIT_RECEIVE, /* a message */
	WAIT_SEND,    /* room in a queue */
	WAIT_READ,    /* bytes in a pipe, a socket, an eventfd */
	WAIT_WRITE,   /* room there */
	WAIT_ACCEPT,
	WAIT_CONNECT,
	WAIT_POLL, /* one of several descriptors */
	WAIT_MOVE, /* splice: bytes in one, or room in another */
	WAIT_OPEN, /* the other end of a FIFO */
	WAIT_FILE_LOCK,
	WAIT_CHILD,
	WAIT_SIGNAL,
	WAIT_N,
};

/* What a descriptor stands for. */
enum file_kind {
	FILE_OTHER,
	FILE_PIPE,
	FILE_SOCKET,
	FILE_QUEUE,
	FILE_EVENT,
	FILE_TIMER,
	FILE_SIGNALS,
	FILE_PROCESS,
	FILE_POLLER, /* epoll */
};

struct file {
	enum file_kind kind;
	bool reads, writes;
	bool named;        /* FILE_PIPE: a FIFO */
	bool plain;        /* nobody ever waits for it: a regular file */
	bool armed;        /* FILE_TIMER */
	uint64_t dev, ino; /* an eventfd's id, a pidfd's pid: ino */
	uint64_t signals;  /* FILE_SIGNALS */
};

/* Something that is waited for through a descriptor. */
struct target {
	struct file file;
	bool writes;     /* it waits to write */
	bool crowd;      /* nobody in particular has the other end: anybody could end the wait */
	uint64_t peer;   /* of a socket: the inode of its other end */
	uint64_t object; /* OBJECT_REF */
};

/* What /proc says of a thread: equal twice means that it has not moved. */
struct context {
	char state;
	long nr; /* system call; -1: in none */
	uint64_t arg[6];
	uint64_t sp, pc;
	uint64_t n_slices; /* how often it has been on a CPU */
	uint64_t n_calls;  /* from the arena */
};

/* A lock or condition in memory, as its waiter sees it. */
struct memory_wait {
	uint64_t address; /* of the word that it sleeps on */
	bool shared;      /* other processes may have that memory, at these bytes of that file: */
	uint64_t dev, ino, offset;
	pid_t owner;      /* thread id; 0: the lock's memory does not tell */
	bool robust;      /* its owner's death wakes */
	uint32_t word[3]; /* what the lock's memory held */
};

struct task {
	pid_t pid, tid;
	uint32_t proc; /* index into scene.proc */
	int32_t slot;  /* in the arena; -1: not followed */
	struct context context;
	enum wait_kind kind;
	bool live;
	int id;                     /* semaphore set or queue; WAIT_CHILD: idtype */
	unsigned int num;           /* semaphore; WAIT_CHILD: pid or group */
	bool to_zero;               /* waits for the semaphore to be 0 */
	uint64_t signals;           /* WAIT_SIGNAL: what ends it */
	uint64_t object;            /* OBJECT_REF, 0: none */
	uint32_t target, n_targets; /* in scene.target */
	struct memory_wait memory;
	struct file_lock wanted; /* WAIT_FILE_LOCK */
};

struct scene_proc {
	pid_t pid, ppid, pgrp;
	pid_t tid;       /* a thread of it that lives: through it /proc shows its descriptors */
	int32_t process; /* number; -1: not followed */
	bool zombie, live;
	bool asked, has_timer; /* something of its own will interrupt its waits, if it was asked */
	bool awaits_child;     /* SIGCHLD would interrupt it */
	bool acts_alone;       /* io_uring: the kernel acts for it while it sleeps */
};

/* A process has this open. */
struct hold {
	struct file file;
	uint32_t proc;
	bool flying; /* a socket: descriptors are on their way to whoever receives from it */
};

/* A process has these bytes of a file, or of memory without a name, mapped. */
struct share {
	uint64_t dev, ino, first, end;
	uint32_t proc;
};

/* A descriptor of that process holds a lock on a file. */
struct held_lock {
	struct file_lock lock;
	uint64_t dev, ino;
	uint32_t proc;
	int fd;
};

struct sockets;

struct scene {
	bool overflow;
	bool any_unfollowed;
	struct task task[SCENE_TASKS];
	struct scene_proc proc[SCENE_PROCS];
	struct target target[SCENE_TARGETS];
	struct hold hold[SCENE_HOLDS];
	struct share share[SCENE_SHARES];
	struct held_lock lock[SCENE_LOCKS];
	uint32_t n_tasks, n_procs, n_targets, n_holds, n_shares, n_locks;
	struct sockets *sockets; /* NULL: nobody has asked for them yet */
};

/* The edges among stuck tasks; strong ones are facts, weak ones history ("it has posted that
 * before"). */
struct graph {
	uint32_t task[GRAPH_TASKS]; /* indexes into scene.task */
	uint32_t n;
	uint8_t edge[GRAPH_TASKS][GRAPH_TASKS];
	uint32_t component[GRAPH_TASKS];
};
enum { EDGE_STRONG = 1, EDGE_CHILD = 2, EDGE_WEAK = 4 };
#define ALL_COMPONENTS UINT32_MAX

/* watch_proc.c */
void scene_read(struct supervisor *s, struct scene *scene);
void scene_forget(struct scene *scene); /* frees what it has on the heap */
bool context_read(struct supervisor *s, pid_t pid, pid_t tid, int32_t slot,
		  struct context *context);
bool context_same(const struct context *a, const struct context *b);
struct signals {
	uint64_t pending;
	uint64_t handled; /* by a handler, and not blocked */
};
struct signals signals_of(const struct task *task);
bool remote_read(pid_t pid, uint64_t from, void *to, size_t n_bytes);
/* A copy of the call that the thread is in, as the shim shows it. */
bool task_call(const struct supervisor *s, const struct task *t, struct event *event);
/* The thread with that id, or NULL. */
struct task *scene_task(struct scene *scene, pid_t tid);
/* Is that thread dead for sure, as far as numbers mean the same to everybody? */
bool scene_is_gone(const struct scene *scene, pid_t tid);

/* watch_wait.c */
void wait_decode(struct supervisor *s, struct scene *scene, struct task *task);

/* watch_memory.c */
void memory_decode(struct supervisor *s, struct task *task);
bool memory_same(struct supervisor *s, const struct task *task); /* nothing has changed there */
bool waits_in_memory(const struct task *task);

/* watch_fd.c: false: it is none of these calls */
bool fd_decode(struct supervisor *s, struct scene *scene, struct task *task);
bool is_outside(const struct supervisor *s, uint64_t dev, uint64_t ino);
const struct target *task_target(const struct scene *scene, const struct task *task,
				 unsigned int i);

/* watch_file.c */
bool file_look(pid_t pid, pid_t tid, int fd, struct file *file);
uint64_t file_object(const struct file *file);
/* Lines of /proc/PID/task/TID/fdinfo/FD, until `line` returns false. */
void fdinfo_read(pid_t pid, pid_t tid, int fd, bool (*line)(const char *text, void *data),
		 void *data);
void file_lock_decode(struct supervisor *s, struct task *task);

/* watch_socket.c */
enum joined {
	JOINED_UNKNOWN, /* to somebody outside, or to nobody knows whom */
	JOINED_PEER,
	JOINED_CROWD, /* a listener, or a socket to which anybody can send */
};
enum joined socket_joined(struct scene *scene, uint64_t ino, uint64_t *peer);
uint64_t socket_listener(struct scene *scene, const struct task *task, const void *address,
			 size_t n_bytes); /* of that name, its inode; 0: not known */
void sockets_free(struct sockets *sockets);

/* watch_hold.c */
void holds_read(struct supervisor *s, struct scene *scene);
/* Has it the other end of what is waited for? */
bool has_end(const struct scene *scene, uint32_t proc, const struct target *target);
/* Could it end the wait? Shutting the waiter's own socket does that too. */
bool can_end(const struct scene *scene, uint32_t proc, const struct target *target);
bool has_memory(const struct scene *scene, uint32_t proc, const struct task *waiter);
/* Has it locked what keeps the waiter from its lock? */
bool has_file_lock(const struct scene *scene, uint32_t proc, const struct task *waiter);
bool is_flying(const struct supervisor *s, const struct target *target);
bool was_used(const struct supervisor *s, const struct scene *scene, uint32_t proc,
	      const struct target *target);

/* watch_wake.c */
bool scene_solve(struct supervisor *s, struct scene *scene); /* true: somebody is stuck */
bool scene_all_stuck(const struct scene *scene);
bool child_matches(const struct scene *scene, const struct task *parent,
		   const struct scene_proc *child);
bool is_owner(const struct task *task, const struct task *waiter); /* as the lock's memory says */
enum wake_role role_of(const struct task *task);
uint64_t woken_object(const struct task *task);
/* Is that task, or its process for what processes hold, the holder that the model means? */
bool is_holder(const struct supervisor *s, const struct scene *scene, const struct task *task,
	       const struct lock_holder *holder);
/* A lock of any kind, which somebody holds, as far as is known. */
bool waits_for_lock(struct supervisor *s, const struct task *task);

/* watch_graph.c */
void graph_make(struct supervisor *s, struct scene *scene, struct graph *graph);
uint32_t graph_cycle(const struct graph *graph, uint32_t component,
		     uint32_t *cycle); /* length, or 0 */
bool holds_lock(struct supervisor *s, const struct scene *scene, const struct task *task,
		const struct task *waiter);

/* watch_cause.c: why a component is stuck, and which of its tasks it is about */
enum cause { CAUSE_ORPHANED, CAUSE_LOST, CAUSE_WITHHELD, CAUSE_CYCLE, CAUSE_MISSING };
struct stuck {
	struct supervisor *s;
	struct scene *scene;
	struct graph *graph;
	uint32_t component;
	enum cause cause;
	uint32_t core[GRAPH_TASKS]; /* nodes of the graph */
	uint32_t n_core;
	struct lock_holder dead; /* CAUSE_ORPHANED: who took it */
	bool dead_known;         /* else it is only known that it is dead */
	struct lost_wake wake;   /* CAUSE_LOST */
	struct finding *f;
};
bool cause_find(struct stuck *stuck);
const struct task *stuck_task(const struct stuck *stuck, uint32_t node);
bool stuck_has(const struct stuck *stuck, uint32_t node);

/* watch_words.c; all return buffer */
const char *words_lineage(const struct stuck *y, const struct task *t, char *buffer,
			  size_t n_bytes); /* "1.2", or "1.2/1" for a thread */
const char *words_who(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes);
const char *words_object(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes);
const char *words_waits(const struct stuck *y, const struct task *t, char *buffer,
			size_t n_bytes); /* "waits for ..." */
const char *words_relation(const struct stuck *y, const struct task *waiter, char *buffer,
			   size_t n_bytes); /* what somebody is to who waits for him */

/* watch_report.c */
struct finding *watch_report(struct supervisor *s, struct scene *scene, struct graph *graph,
			     uint32_t component);

#endif
