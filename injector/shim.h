/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.h - what the files of the preload shim share.
 *
 * The shim lives in other people's processes. Rules for every line of code in this directory:
 *  - async-signal-safe: no malloc, no stdio, no locks, no libc function that could take one. Memory
 *    comes from .bss, the stack, the arena or mmap.
 *  - errno is the subject's: use raw system calls; whatever happens in a gate, the subject sees the
 *    errno of the real call, or its own from before.
 *  - no descriptor stays open, no signal is blocked, no handler is installed, nothing is registered
 *    that the subject could notice.
 *  - a pointer that the subject passed is followed only after the kernel has accepted it, or
 * through safe_read(): the kernel answers EFAULT, the shim does not crash.
 *  - cancellation points stay cancellation points: the real function is called, with nothing held.
 *  - killed at any instruction, it leaves an arena that everybody else can go on using.
 *  - a gate can be left by longjmp, by cancellation or by exec and is then never finished; a signal
 *    handler can enter a gate in the middle of another one of the same thread.
 *  - vfork children run in their parent's memory: nothing of theirs may stay in it.
 */
#ifndef IPCJAM_SHIM_H
#define IPCJAM_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "arena.h"
#include "calls.h"
#include "raw.h"

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define SELF_VFORKS 2

struct site_table;

/* Room of a thread for what is too large for its stack or for thread-local storage (which is taken
 * from every thread's stack, small ones too). */
#define SCRATCH_IOVECS 16
struct scratch {
	int64_t sops[EVENT_MORE_MAX * EVENT_MORE_BYTES / 8];
	struct iovec vector[SCRATCH_IOVECS];
};

/* What a thread knows of itself. Copied by fork with everything else; attach_*() sets it anew. */
struct self {
	struct arena_thread *thread; /* NULL: not attached */
	struct arena_proc *proc;
	struct event *ring;
	struct site_table *sites;
	struct scratch *scratch;
	uint64_t lineage_hash;        /* of "1.2/1": what decisions are drawn from */
	uintptr_t frame[ARENA_DEPTH]; /* stack addresses of the gates in progress */
	uint32_t depth;
	uint32_t off;       /* do not record this thread */
	uint32_t siting;    /* inside site_find(): a handler's gates must not touch the table */
	uint32_t unwinding; /* inside libunwind or the dynamic linker, for the shim */
	uint32_t child;     /* slot + 1 of the process about to be forked */
	uint32_t vforks;    /* how many vforks deep; > 0: in a vfork child */
};

extern __thread struct self self __attribute__((tls_model("initial-exec")));
extern struct arena *arena; /* NULL: the shim is idle */
/* A page of its own that fork wipes (MADV_WIPEONFORK): 0 in a child that has not attached yet,
 * however it was forked. */
extern volatile uint32_t *attached;

/* real.c: libc's own functions */
long real_call(enum call_id id, const long a[6]);
/* Any function: cast to its own type before it is called. */
typedef void (*any_function)(void);
any_function real_function(enum call_id id);
void real_resolve(void);

/* attach.c: this process's and this thread's place in the arena */
bool attach_execs(uint32_t call); /* exec or one of its relatives */
bool attach_alone_in_files(
	void);            /* nobody shares this process's descriptors, no thread uses them */
bool attach_slowly(void); /* attaches what is not yet */
void attach_first(const char *lineage);      /* from the constructor, after exec or at the start */
bool attach_forked(void);                    /* in a forked child */
void attach_vforked(struct arena_proc *own); /* in a vfork child: self becomes its own */
void attach_thread(uint32_t number);
void attach_thread_end(void);
struct scratch *attach_scratch(void); /* made when first asked for; NULL: no memory */
int64_t attach_reserve(int32_t pid);  /* slot for a child about to begin, or -1 */
void attach_cancel(int64_t slot);     /* it did not begin */
uint32_t attach_thread_number(void);  /* the next thread's number */
uint64_t attach_lineage_hash(const struct arena_proc *proc, uint32_t number);

/* True: self is set, the call can be recorded. */
static inline bool attach_ready(void)
{
	if (__builtin_expect(arena && self.thread && *attached && !self.off, 1))
		return true;
	return attach_slowly();
}

/* site.c: where a call was made */
void site_init(void);
/* libunwind checks addresses by writing to a pipe that it would keep open in the subject: it is
 * given one that does not exist. True: the call was such a check, *result its answer. */
bool site_emulate(enum call_id id, const long a[6], long *result);
bool site_is_unwinder(const void *caller); /* a call that libunwind makes while it works for us */
void site_before_fork(void);
void site_after_fork(void); /* in the parent */
void site_forked(void);     /* in the child: counts start anew */
void site_thread_end(void);
/* Gates of this thread that are still on its stack below the one being entered, as the unwinder
 * sees them; UINT32_MAX: it cannot tell. */
uint32_t site_gates_below(void);
void site_find(const void *caller, struct event *e);
struct arena_stack *site_stack(uint32_t stack);

/* fds.c: which descriptors are pipes or FIFOs */
uint64_t fd_object(int fd); /* OBJECT_REF, or 0: no IPC object */
void fd_forget(int fd);
void fd_forget_range(unsigned int first, unsigned int last);
uint64_t fd_stat_object(int dir, const char *path, int flags); /* of a path: FIFO or 0 */
/* Are bytes lost when this read end goes? fd_probe() before it is closed, fd_probe_lost() after:
 * bytes that nobody can read any more. */
struct fd_probe {
	uint32_t n_unread;
	int writer; /* a write end for the moment of the close, or -1 */
};
void fd_probe(int fd, struct fd_probe *probe);
uint32_t fd_probe_lost(struct fd_probe *probe);
/* At the end of the process: closes the read ends that have unread bytes, and tells what is lost.
 */
void fd_close_readers(void (*visit)(int fd, uint64_t object, uint32_t n_lost));

/* gate.c */
void gate_init(void);
struct gate {
	const struct call *call;
	enum call_id id; /* the function called, for real_call */
	enum call_id canonical;
	uint32_t depth;
	uint32_t fault; /* enum fault_kind that ends or alters the call */
	int32_t err;    /* of an injected error */
	bool perform;   /* else the result is that of the injected error */
	bool kill_after;
	long *a;
	struct event *event;
	struct event deep; /* used when too many calls are in progress to show this one */
	const uint8_t *more;
	uint32_t n_more_bytes;
};
/* Returns false when the call is none of ours and is to be passed through untouched. */
bool gate_enter(struct gate *gate, enum call_id id, long a[6], uint64_t object, const void *caller,
		const void *frame);
/* Records the result and gives it back; errno is as the call left it. */
long gate_leave(struct gate *gate, long result);
/* The failure value for an injected error; sets errno. */
long gate_failure(const struct gate *gate);
/* Calls in progress at this depth and above were left by longjmp or cancellation. */
void gate_abandon(uint32_t depth);
/* enter, perform, leave. */
long gate(enum call_id id, long a[6], const void *caller, const void *frame);
/* Appends an event of the shim's own making (unread bytes at the end of a process). */
void gate_note(enum call_id id, uint64_t object, long arg0, long arg4);
uint64_t gate_now(void);
void gate_bell(void);
long gate_perform(struct gate *gate);

/* record.c: what is written into an event once the result is known */
void record_result(struct gate *gate, long result);
/* A blocking write above PIPE_BUF may be torn: what it finds in the pipe, and the pipe's capacity.
 */
void record_before_write(struct gate *gate, size_t n_bytes);
bool record_wanted(const struct gate *gate, long result);

/* decide.c and fault.c */
void decide(struct gate *gate);
bool fault_error_legal(const struct gate *gate, int err, enum refusal *why);
enum refusal fault_apply_error(struct gate *gate, int err, bool force);
enum refusal fault_apply_short(struct gate *gate, uint32_t n_bytes);
size_t fault_vector_bytes(const struct gate *gate,
			  unsigned int at); /* of the iovec array in argument at */
void fault_sleep(uint64_t ns);
enum refusal fault_stop(uint64_t ns);
void fault_signal(int signo);
void fault_kill(void) __attribute__((noreturn));

/* alone.c: without a runner */
bool alone_begin(void);
void alone_event(const struct event *e, const uint8_t *more);

/* init.c */
bool safe_read(const void *from, void *to, size_t n_bytes);
/* envp with LD_PRELOAD, IPCJAM and IPCJAM_OPTIONS as they must be: itself, or a copy in `vector`
 * (room for five entries more) and `room` (init_environment_room() bytes). */
char **init_environment(char *const envp[], char **vector, char *room);
size_t init_environment_room(char *const envp[]);
/* False: the kernel cannot read it and will refuse it, or it is too long to be copied. */
bool init_environment_readable(char *const envp[]);
void shim_end(void); /* the process is about to end */
extern char shim_path[256];
extern char shim_program[256]; /* path of the executable */

#endif
