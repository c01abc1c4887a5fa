/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise.h - the supervisor's state, and what its files offer one another. The supervisor is PID
 * 1 of an isolated trial (else a child subreaper): supervise.c is its main loop. Numbers of
 * processes are indexes into `process` and are never used again in a trial.
 */
#ifndef IPCJAM_SUPERVISE_H
#define IPCJAM_SUPERVISE_H

#include <limits.h>
#include <linux/filter.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "arena.h"
#include "symbols.h"
#include "trial.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define UNDO_ENTRIES 16
#define LAST_ENTERS 4
#define REAPED 64

/* Shared with the runner: an anonymous mapping that the subject never sees. */
struct trial_report {
	_Atomic uint32_t done; /* the document is complete */
	enum trial_verdict verdict;
	int err;
	bool isolated;
	bool root_exited;
	int root_status, root_signal;
	char why[200];
	char arena_path[PATH_MAX]; /* to be removed if the supervisor is killed; "": nothing */
};

/* What the supervisor is started with. */
struct supervisor_start {
	const struct trial_options *options;
	struct trial_report *report;
	bool isolated;
	int alive_fd; /* hangs up when the runner dies; a byte asks for the end */
	int json_fd;
	uid_t uid; /* the runner's: in a new user namespace they cannot be seen */
	gid_t gid;
};

enum ended { ENDED_NOT, ENDED_BY_ITSELF, ENDED_DEADLOCK, ENDED_HANG, ENDED_INTERRUPTED };

struct undo_entry {
	int semid;
	unsigned int num;
	int adjustment;
};

struct process {
	int32_t slot;   /* in the arena; -1: given back, or never had one */
	int32_t parent; /* number; -1: the root */
	pid_t pid;
	int pidfd;
	bool dead;  /* it will write no more */
	bool ended; /* model_process_end() has been told */
	bool by_runner;
	bool has_status;
	bool execed;
	bool notified;              /* it has asked for a signal when a queue gets a message */
	unsigned int n_rounds_dead; /* looks since, in which nobody told its status */
	int wait_status;
	uint64_t last_site;
	uint32_t last_stack;
	uint16_t last_call;
	unsigned int n_undo;
	struct undo_entry undo[UNDO_ENTRIES];
	char lineage[ARENA_LINEAGE];
	char name[ARENA_NAME];
	uint32_t served; /* PROC_SHIM, PROC_TRACED, PROC_FOREIGN: whose turn it is */
	const char *served_why;
	char reach[160]; /* how its calls were reached */
};

struct thread {
	bool used;
	uint32_t process;
	uint32_t number;
	uint64_t last_enter[LAST_ENTERS]; /* of the last events, to know a call in progress again */
	unsigned int n_last;
	uint64_t seen_calls;    /* n_calls at the last tick */
	uint64_t stop_until_ns; /* stop=: when to continue it; 0: none */
	uint64_t stop_asked_ns;
	uint64_t stale_ns; /* since when its process does not exist */
	uint64_t ended_ns; /* since when it has ended */
};

struct object_time {
	uint64_t object;
	uint64_t calls;
	uint64_t ticks;
};
#define OBJECT_TIMES 1024

struct fifo {
	char *path;
	dev_t dev;
	ino_t ino;
};

/* A socket that was bound, or listens. */
struct named_socket {
	uint64_t ino; /* on sockfs */
	char *path;   /* NULL: its name is no file */
	dev_t dev;
	ino_t file;
	pid_t maker;
};

/* A POSIX queue, semaphore or shared memory that has a name. */
struct named_object {
	enum object_kind kind;
	char *name; /* without the slash */
	pid_t maker;
};

struct made_object {
	uint64_t object;
	int32_t key;
	pid_t maker;
	bool certain; /* it cannot have been there before */
};

/* A set that shall be compared with the kernel, or that SEM_UNDO has changed. */
struct sem_note {
	int semid;
	bool pending;
	bool final; /* the values are those when everybody was stuck */
	uint64_t since_ns;
	uint64_t differs_ns; /* since when the kernel says something else than the model; 0 */
	unsigned int n_values;
	uint16_t value[16];
	char object[80];
	char note[160];
};
#define SEM_NOTES 32

struct reach_entry {
	char lineage[ARENA_LINEAGE + 16];
	char how[96];
	pid_t pid;
	uint64_t start_time;
	unsigned int n_seen;
	uint32_t n_scan; /* the last scan that saw it */
};
#define REACH_ENTRIES 256

struct trace;
struct tracer;
struct uses;
struct watch;

struct supervisor {
	const struct trial_options *options;
	struct trial_report *report;
	bool isolated;
	int alive_fd, json_fd;
	struct arena *arena;
	bool reach_all;
	struct sock_fprog filter; /* of --reach=all */
	struct tracer *tracer;    /* NULL: not tracing */
	char arena_path[PATH_MAX];
	struct model *model;
	struct finding_list findings;
	struct symbols *symbols;
	struct trace *trace;
	struct watch *watch;

	struct process *process;
	uint32_t n_processes, room_processes;
	uint32_t *live; /* numbers of those that have not ended */
	uint32_t n_live;
	struct {
		pid_t pid;
		int status;
	} reaped[REAPED]; /* ended before they were seen */
	unsigned int n_reaped;
	uint64_t n_reaped_ever;
	bool no_children;
	int32_t slot_process[ARENA_PROCS];
	uint64_t reserved_ns[ARENA_PROCS]; /* since when a reserved slot has no living parent */
	struct thread thread[ARENA_THREADS];
	uint32_t n_slots_procs, n_slots_threads; /* slots ever seen in use lie below */
	bool drained_something;
	/* of the present round: ticks in 1 us, its time, and before when nothing is to come */
	uint64_t us_ticks, drain_tsc, mark_tsc;

	uint64_t n_events, n_lost;
	uint64_t n_calls[CALL_N];
	struct object_time *time_in;
	bool scribbled;
	uint32_t n_unfollowed; /* at the last scan */
	uint32_t n_unfollowed_ever, n_scans;
	struct reach_entry reach[REACH_ENTRIES];
	uint32_t n_reach;

	struct fifo *fifo;
	unsigned int n_fifos;
	struct made_object *made;
	unsigned int n_made;
	struct named_socket *named;
	unsigned int n_named;
	struct named_object *opened, *old; /* made by the trial; there before it */
	unsigned int n_opened, n_old;
	struct uses *uses;    /* NULL: nothing was used yet */
	uint64_t passed[256]; /* OBJECT_REFs of what went through sockets as a descriptor */
	unsigned int n_passed;
	bool passed_more; /* others too */
	struct sem_note sem_note[SEM_NOTES];
	unsigned int n_sem_notes;
	struct {
		dev_t dev;
		ino_t ino;
	} outside[3]; /* the subject's standard descriptors */

	rlim_t n_files; /* the runner's limit, which the subject gets back */
	uint64_t start_ns, start_tsc, start_wall_s;
	uint64_t end_ns;
	enum ended ended;
	bool root_reaped;
	uint64_t root_ended_ns;
	bool interrupted, runner_gone;
	uint64_t next_stop_ns, next_scan_ns;
};

/* supervise.c */
int supervise(const struct supervisor_start *start);
uint64_t now_ns(void);
uint64_t ticks_now(const struct supervisor *s);
uint64_t ticks_to_ns(const struct supervisor *s, uint64_t ticks); /* since the trial's start */
uint64_t ticks_per_us(const struct supervisor *s);
bool runner_calls(struct supervisor *s); /* true: the trial has to end */
void text_put(char *to, size_t n_bytes, const char *from);

/* namespaces.c: 0, or -1 with report->why and ->err set */
int namespaces_enter(struct supervisor *s, uid_t uid, gid_t gid);
int arena_make(struct supervisor *s);
const char *arena_placeholder(const char *shim, char *path, size_t n_bytes);

/* supervise_start.c */
int root_start(struct supervisor *s);
void child_defaults(const struct supervisor *s);

/* supervise_process.c */
void processes_reap(struct supervisor *s);
void processes_update(struct supervisor *s); /* births, new images, deaths */
void processes_births(struct supervisor *s);
int process_adopt_root(struct supervisor *s, pid_t pid);
void process_finish(struct supervisor *s, struct process *p, uint64_t tsc);
struct process *process_by_pid(struct supervisor *s, pid_t pid);
bool children_left(struct supervisor *s);
uint64_t proc_start_time(pid_t pid, char *state, int *exit_code,
			 pid_t *ppid); /* 0: no such process */

/* supervise_kill.c */
void kill_all(struct supervisor *s);
void process_list(struct supervisor *s, pid_t *pid, unsigned int n_max,
		  unsigned int *n); /* of the trial */
#define PROCESS_LIST 4096

/* supervise_threads.c */
void threads_update(struct supervisor *s);
void threads_end(struct supervisor *s, uint32_t process); /* drains and frees them: it is dead */
void stops_update(struct supervisor *s, uint64_t now);
void answer_in(struct supervisor *s);

/* reach_filter.c: both 0, or an errno */
int filter_make(struct supervisor *s);
int filter_load(const struct supervisor *s);

/* tracer.c */
int tracer_follow(struct supervisor *s, pid_t root); /* 0 or an errno: it cannot be traced */
const char *tracer_why(const struct tracer *tracer, uint32_t slot); /* the shim does not serve it */
pid_t tracer_reap(struct tracer *tracer,
		  int *status); /* like waitpid(): 0: none, -1: nobody left */

/* supervise_reach.c */
bool reach_is_asked_for(const struct supervisor *s,
			pid_t pid);      /* does its environment preload us? */
void reach_choose(struct supervisor *s); /* sets reach_all, by the program's file */
bool process_is_followed(struct supervisor *s, const struct process *p);
void reach_scan(struct supervisor *s);
const char *reach_of(const struct supervisor *s, const struct process *p);
void reach_note(struct supervisor *s, struct process *p); /* it was born, or is another program */
void reach_end(struct supervisor *s, struct process *p);
const char *reach_no_hello(struct supervisor *s, char *buffer, size_t n_bytes);

/* drain.c */
void drain(struct supervisor *s);
void drain_thread(struct supervisor *s, uint32_t slot); /* to its end: it writes no more */
void drain_deliver(struct supervisor *s, uint32_t slot, const struct event *event,
		   const uint8_t *more);
bool thread_drained(struct supervisor *s, uint32_t slot);
bool drained(struct supervisor *s);

/* observe.c: what the supervisor itself wants to know of events */
void observe_event(struct supervisor *s, struct process *p, const struct event *event,
		   const uint8_t *more);
void observe_undo(struct supervisor *s, struct process *p); /* at its death */
/* A name of that process's as a path (PATH_MAX bytes). */
bool observe_path(const struct process *p, const char *name, char *path);
bool observe_name(const struct event *event, const uint8_t *more, char *name, size_t n_bytes);

/* observe_fd.c */
enum use_how { USE_READ = 1, USE_WRITTEN = 2, USE_MADE = 4, USE_UNKNOWN = 8 };
void observe_descriptors(struct supervisor *s, struct process *p, const struct event *event,
			 const uint8_t *more);
/* enum use_how: what that process has ever done with that pipe or socket. */
unsigned int observe_used(const struct supervisor *s, uint32_t process, uint64_t object);
bool observe_passed(const struct supervisor *s, uint64_t object);
bool socket_is_named(const struct supervisor *s, uint64_t ino);

/* observe_named.c */
void observe_named(struct supervisor *s, struct process *p, const struct event *event,
		   const uint8_t *more);
void names_remember(struct supervisor *s); /* before the trial, where it has none of its own */
/* What a file in /dev/shm is, and its name as programs know it, without the slash. */
enum object_kind name_kind(const char *file, const char **name);
int queues_open(void); /* the directory of all POSIX queues, or -1 */

/* supervise_trace.c */
struct trace *trace_new(struct supervisor *s);
void trace_event(struct supervisor *s, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more);
void trace_flush(struct supervisor *s);
void trace_finish(struct supervisor *s);
void trace_free(struct trace *trace);

/* watch.c */
struct watch *watch_new(void);
bool watch_tick(struct supervisor *s, bool now); /* true: everything is stuck, and is reported */
bool watch_finish(struct supervisor *s);         /* true: parts of the trial are stuck */
void watch_event(struct supervisor *s, uint32_t slot, const struct event *event);
void watch_death(struct supervisor *s, uint32_t process, const struct process_end *end);

/* leftovers.c */
bool object_is_made(const struct supervisor *s, uint64_t object);
void leftovers_finish(struct supervisor *s);
void leftovers_remove(struct supervisor *s);
void fifos_remove(struct supervisor *s);

/* supervise_sem.c */
void sems_note(struct supervisor *s, int semid, const char *lineage); /* SEM_UNDO has changed it */
void sems_update(struct supervisor *s);
void sems_final(struct supervisor *s);

/* supervise_end.c */
void counts_check(struct supervisor *s);
void report_death(struct supervisor *s, struct process *p, const struct process_end *end);
void report_hang(struct supervisor *s);
void report_left_running(struct supervisor *s);
void report_root(struct supervisor *s);
void run_check(struct supervisor *s);

/* document.c */
int document_write(struct supervisor *s);

#endif
