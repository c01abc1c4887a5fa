/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - the deadlock watch. watch.c decides when to look, watch_proc.c reads what each task of
 * the trial sits in (from the kernel), watch_wait.c what it waits for, watch_graph.c who could wake
 * whom, watch_report.c says it.
 */
#ifndef IPCJAM_WATCH_H
#define IPCJAM_WATCH_H

#include "supervise.h"

#define SCENE_TASKS 1024
#define SCENE_PROCS 1024
#define SCENE_ENDS 8192
#define POLL_TARGETS 16
#define GRAPH_TASKS 256

enum wait_kind {
	WAIT_LIVE, /* it runs, or something outside of the trial, or a timer, will wake it */
	WAIT_SEM,
	WAIT_RECEIVE, /* a message */
	WAIT_SEND,    /* room in a queue */
	WAIT_READ,    /* bytes in a pipe */
	WAIT_WRITE,   /* room in a pipe */
	WAIT_CHILD,
	WAIT_SIGNAL,
	WAIT_POLL,
	WAIT_FUTEX,
	WAIT_OPEN, /* the other end of a FIFO */
};

struct pipe_wait {
	dev_t dev;
	ino_t ino;
	bool writes; /* it waits to write */
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

struct task {
	pid_t pid, tid;
	uint32_t proc; /* index into scene.proc */
	int32_t slot;  /* in the arena; -1: not followed */
	struct context context;
	enum wait_kind kind;
	bool live;
	int id;           /* semaphore set or queue; WAIT_CHILD: idtype */
	unsigned int num; /* semaphore; WAIT_CHILD: pid or group */
	bool to_zero;     /* waits for the semaphore to be 0 */
	uint64_t signals; /* WAIT_SIGNAL: what ends it */
	uint64_t object;  /* OBJECT_REF, 0: none */
	struct pipe_wait pipe[POLL_TARGETS];
	unsigned int n_pipes;
};

struct scene_proc {
	pid_t pid, ppid, pgrp;
	int32_t process; /* number; -1: not followed */
	bool zombie, live;
	bool awaits_child; /* SIGCHLD would interrupt it */
};

struct pipe_end {
	dev_t dev;
	ino_t ino;
	uint32_t proc;
	bool reads, writes;
};

struct scene {
	bool overflow;
	bool any_unfollowed;
	struct task task[SCENE_TASKS];
	struct scene_proc proc[SCENE_PROCS];
	struct pipe_end end[SCENE_ENDS];
	uint32_t n_tasks, n_procs, n_ends;
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

/* watch_proc.c */
void scene_read(struct supervisor *s, struct scene *scene);
bool context_read(struct supervisor *s, pid_t pid, pid_t tid, int32_t slot,
		  struct context *context);
bool context_same(const struct context *a, const struct context *b);
uint64_t status_mask(pid_t pid, pid_t tid, const char *field);

/* watch_wait.c */
void wait_decode(struct supervisor *s, struct scene *scene, struct task *task);
bool is_outside(const struct supervisor *s, dev_t dev, ino_t ino);
void ends_read(struct scene *scene);

/* watch_graph.c */
bool scene_solve(struct supervisor *s, struct scene *scene); /* true: somebody is stuck */
bool scene_all_stuck(const struct scene *scene);
bool child_matches(const struct scene *scene, const struct task *parent,
		   const struct scene_proc *child);
void graph_make(struct supervisor *s, struct scene *scene, struct graph *graph);
uint32_t graph_cycle(const struct graph *graph, uint32_t component,
		     uint32_t *cycle); /* length, or 0 */
bool has_end(const struct scene *scene, uint32_t proc, const struct pipe_wait *wait);

/* watch_report.c */
struct finding *watch_report(struct supervisor *s, struct scene *scene, struct graph *graph,
			     uint32_t component);
#define ALL_COMPONENTS UINT32_MAX

#endif
