/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer.h - what the files of the tracer share. The tracer is a thread of the supervisor that
 * serves calls which come past the shim: raw system calls, calls inside libc, programs into which
 * nothing can be preloaded. A seccomp filter stops each of these calls before it is made. The
 * tracer then acts as a shim from outside: it claims slots in the arena, decides, alters, records
 * into the thread's ring. The rest of the supervisor sees no difference.
 *
 * It is a thread of its own so that nobody waits for the supervisor's other work, and it touches
 * nothing of the supervisor's but the arena. All ptrace requests must come from it.
 */
#ifndef IPCJAM_TRACER_H
#define IPCJAM_TRACER_H

#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#include "point.h"
#include "slots.h"
#include "supervise.h"
#include "syscalls.h"

#define SIGNALS 65
#define LOST 8
#define PATCHES 2
#define TRACER_MORE (EVENT_MORE_MAX * EVENT_MORE_BYTES)

/* How the calls of a process's present program are reached. */
enum mode {
	MODE_START,   /* the runner's own code, before the program */
	MODE_LOADING, /* ld.so is at work: a shim may report in until the program's entry is reached
		       */
	MODE_SHIM,    /* the shim serves it; what comes past the shim is ours */
	MODE_SPAWNED, /* libc's child on the way to its exec: the parent's wrapper stands for it */
	MODE_TRACED,  /* all of it is ours */
	MODE_NONE,    /* a 32-bit program: none of our system calls */
};

struct image;

struct program { /* a process with its present program */
	struct program *next;
	pid_t pid;
	unsigned int n_tasks;
	enum mode mode;
	struct arena_proc *slot; /* NULL: not known, or none */
	uint32_t generation;     /* of the slot */
	bool reserved;           /* the slot was made here, not by a shim */
	struct image *image;     /* what is mapped, as far as stacks need it; NULL: not read yet */
	bool armed;              /* a breakpoint stands at its entry */
	uint64_t entry;
	long entry_word;          /* what stood there */
	bool is_go;               /* its runtime sleeps and handles signals all the time */
	int pidfd;                /* -1: not opened yet */
	char sem_made[40];        /* the file that sem_open makes before it gives it its name */
	uint8_t handler[SIGNALS]; /* enum point_handler */
	struct lost {
		int number, fd; /* of the process; our own write end of the pipe, or copy of the
				   socket */
		uint32_t n_bytes;
		uint64_t object;
	} lost[LOST]; /* at its end: pipes that hold bytes which nobody may read any more */
	unsigned int n_lost;
};

/* A call on its way through the kernel. */
struct passage {
	bool active;
	bool is_named; /* a call of libc's with a name that stands for a path */
	bool perform;  /* else the result is -err */
	bool kills;    /* before the call: its last */
	bool kill_after;
	bool late;    /* the injected error comes after the call has been made */
	bool put_off; /* so that a signal comes first */
	const struct syscall_row *row;
	const struct call *call;
	enum call_id canonical;
	enum fault_kind fault;
	int err;
	long a[6];         /* the call's arguments, as rules see and alter them */
	uint64_t given[6]; /* the system call's, as they were */
	uint64_t sp, pc;
	uint64_t frame; /* of the handler that has interrupted it and has not returned; 0: none */
	uint32_t depth;
	uint64_t delay_ns;
	struct patch {
		uint64_t at, old, new;
	} patch[PATCHES]; /* words of memory that are altered meanwhile */
	unsigned int n_patches;
	int probe_fd; /* close: see tracer_close.c */
	uint32_t probe_bytes;
	uint64_t probe_object;
	struct event event;
};

struct site_count {
	uint64_t site; /* 0: free */
	uint32_t count;
};

struct task { /* a thread */
	struct task *next;
	pid_t tid;
	struct program *program;
	struct arena_thread *slot;
	uint32_t generation;
	uint64_t lineage_hash;
	bool known;    /* whose child it is has been told */
	bool halted;   /* it waits for that */
	bool by_shim;  /* made by a wrapper: its shim gives it its place */
	bool stepping; /* into a signal handler, to see what becomes of the call that it interrupts
			*/
	bool ended;    /* it has made its last call */
	uint64_t clone_flags;
	pid_t made;      /* the last child */
	uint64_t due_ns; /* delay=: when its call goes on; 0: it is not held */
	struct passage now;
	struct passage
		suspended[ARENA_DEPTH]; /* interrupted, may come again; the last is the newest */
	unsigned int n_suspended;
	struct site_count *counts;
	uint32_t n_counts, room_counts;
};

#define TASK_BUCKETS 1024

struct tracer {
	struct supervisor *s;
	struct arena *arena;
	pid_t root;
	pthread_t thread;
	bool running; /* the thread was started */
	struct task *task[TASK_BUCKETS];
	struct program *program[TASK_BUCKETS];
	unsigned int n_held;
	bool impatient; /* nobody has drained a ring in time: no more waiting */
	timer_t timer;
	dev_t pipefs;
	const char *_Atomic why[ARENA_PROCS]; /* of processes that are traced: a static text */
	struct user_regs_struct regs;         /* of the task that has stopped */
	uint8_t more[TRACER_MORE];
	uint32_t n_more;

	/* told to the supervisor */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int attached; /* -1: not tried yet; 0, or an errno */
	bool over;    /* nobody is left */
	struct {
		pid_t pid;
		int status;
	} * ended;
	unsigned int n_ended, room_ended;
};

/* tracer.c */
void task_go_on(struct tracer *t, struct task *task);             /* to its next call */
void task_go_on_to_exit(struct tracer *t, struct task *task);     /* to the end of this one */
void task_hold(struct tracer *t, struct task *task, uint64_t ns); /* its call waits */
uint64_t tracer_now(const struct tracer *t);

/* tracer_task.c */
struct task *task_find(struct tracer *t, pid_t tid);
struct task *task_new(struct tracer *t, pid_t tid);
void task_join(struct task *task, struct program *program);
void task_free(struct tracer *t, struct task *task);
struct program *program_find(struct tracer *t, pid_t pid);
struct program *program_new(struct tracer *t, pid_t pid);
void task_born(struct tracer *t, struct task *parent, pid_t tid, bool is_thread);
/* Its maker may have died before it told of the birth. `silent`: a process whose threads tell of no
 * birth any more; 0: none. False: it is still to be told. */
bool task_adopt(struct tracer *t, struct task *task, pid_t silent);
void tasks_adopt(struct tracer *t, pid_t silent);
void tasks_drop_others(struct tracer *t, struct task *task); /* after exec */

/* tracer_slot.c */
bool program_refresh(struct tracer *t, struct program *program); /* has its shim reported in? */
/* From now on its calls are ours, since: */
void program_serve(struct tracer *t, struct task *task, const char *why);
bool task_slot(struct tracer *t, struct task *task); /* false: no place, or none yet */
void task_slot_end(struct task *task);
struct arena_proc *program_slot(struct tracer *t, struct program *program);

/* tracer_exec.c */
void exec_done(struct tracer *t, struct task *task, pid_t former);
bool exec_entry_reached(struct tracer *t, struct task *task);

/* tracer_call.c */
void call_enter(struct tracer *t, struct task *task);
void call_leave(struct tracer *t, struct task *task);
void call_resume(struct tracer *t, struct task *task);      /* after a delay */
void call_interrupted(struct tracer *t, struct task *task); /* a handler begins */
void call_left(struct tracer *t, struct task *task);        /* what never came again */

/* tracer_note.c */
void call_note(struct tracer *t, struct task *task, const struct syscall_row *row,
	       const uint64_t a[6]);
bool call_is_ours(struct tracer *t, struct task *task, const struct syscall_row *row);

/* tracer_event.c */
bool call_begin(struct tracer *t, struct task *task, const struct syscall_row *row,
		const uint64_t a[6]); /* false: no IPC object has to do with it */
void call_finish(struct tracer *t, struct task *task, struct passage *p, long result);
void call_show(struct task *task, struct passage *p);
void call_show_decision(struct task *task, const struct passage *p);
void call_show_no_more(struct task *task, const struct passage *p);

/* tracer_decide.c */
void tracer_decide(struct tracer *t, struct task *task);
void tracer_kill(struct tracer *t, struct task *task);

/* tracer_object.c */
uint64_t object_of_call(struct tracer *t, struct task *task, struct passage *p);
uint64_t object_of_fd(struct tracer *t, const struct task *task, int fd);
uint64_t object_of_file(const struct task *task, int fd, enum object_kind kind);
uint64_t object_of_path(const struct task *task, int dir, const char *name, bool follow);
uint64_t object_of_memory(const struct task *task, uint64_t address);
unsigned int wait_flags_of(const struct passage *p);
unsigned int object_flags_of(const struct task *task, const struct passage *p);
uint64_t object_of_queue(const struct task *task, const struct passage *p);

/* tracer_record.c */
void tracer_record(struct tracer *t, struct task *task, struct passage *p, long result);
bool tracer_concerns(struct tracer *t, struct task *task, const struct passage *p);
bool tracer_wanted(struct tracer *t, struct task *task, const struct passage *p, long result);
void tracer_before(struct tracer *t, struct task *task, struct passage *p);

/* tracer_close.c */
void close_probe(struct tracer *t, struct task *task, struct passage *p);
uint32_t close_probe_lost(struct passage *p);
void close_replaced(struct tracer *t, struct task *task, struct passage *p);
void close_all_probe(struct tracer *t, struct task *task);
void close_all_lost(struct tracer *t, struct task *task);

/* tracer_ring.c */
void ring_write(struct tracer *t, struct arena_thread *slot, struct event *event,
		const uint8_t *more, uint32_t n_more_bytes);
void tracer_bell(struct tracer *t);

/* tracer_memory.c */
bool peek(pid_t tid, uint64_t from, void *to, size_t n_bytes);
size_t peek_some(pid_t tid, uint64_t from, void *to, size_t n_bytes); /* up to the first hole */
bool peek_text(pid_t tid, uint64_t from, char *to, size_t n_bytes);
void set_regs(struct tracer *t, struct task *task);
bool poke(pid_t tid, uint64_t at, uint64_t word);

/* tracer_stack.c */
void stack_find(struct tracer *t, struct task *task, struct event *event);
struct image *image_share(struct image *image);
void image_drop(struct image *image);

#endif
