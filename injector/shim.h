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

#include <sys/socket.h>
#include <sys/uio.h>

#include "arena.h"
#include "calls.h"
#include "fds.h"
#include "point.h"
/* what raw.h marks our system calls with */
extern uint32_t raw_cookie __attribute__((visibility("hidden")));
#define RAW_COOKIE raw_cookie
#include "seal.h"
#define RAW_PERMITS(nr) seal_permits(nr)
#include "raw.h"
#include "slots.h"

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define SELF_VFORKS 2

struct site_table;

/* Room of a thread for what is too large for its stack or for thread-local storage (which is taken
 * from every thread's stack, small ones too). */
#define SCRATCH_MESSAGES 255
struct request { /* one that was made shorter */
	struct iovec vector[POINT_IOVECS];
	struct msghdr header;
};
struct scratch {
	union {
		int64_t sops[EVENT_MORE_MAX * EVENT_MORE_BYTES / 8];
		struct event_message message[SCRATCH_MESSAGES];
	};
	struct request request[ARENA_DEPTH];
	uint8_t address[128]; /* of a socket */
};

/* A system call that came by its number, through syscall(). */
struct raw_call {
	const struct syscall_row *row; /* NULL: it came as a function, and libc's is called */
	long number;
	long a[6]; /* as the subject passed them */
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
	/* while syscall() does its work through another wrapper: its caller, and what is to do */
	const void *caller;
	struct raw_call raw;
	uint32_t child;  /* slot + 1 of the process about to be forked */
	uint32_t vforks; /* how many vforks deep; > 0: in a vfork child */
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
bool attach_alone_in_files(
	void);              /* nobody shares this process's descriptors, no thread uses them */
extern bool attach_guarded; /* a forked child finds *attached wiped */
bool attach_slowly(void);   /* attaches what is not yet */
void attach_first(const char *lineage);      /* from the constructor, after exec or at the start */
bool attach_forked(void);                    /* in a forked child */
void attach_vforked(struct arena_proc *own); /* in a vfork child: self becomes its own */
void attach_thread(uint32_t number);
void attach_thread_end(void);
struct scratch *attach_scratch(void); /* made when first asked for; NULL: no memory */
int64_t attach_reserve(int32_t pid);  /* slot for a child about to begin, or -1 */
void attach_cancel(int64_t slot);     /* it did not begin */
uint32_t attach_thread_number(void);  /* the next thread's number */

/* True: self is set, the call can be recorded. */
static inline bool attach_ready(void)
{
	if (__builtin_expect(arena && self.thread && *attached && !self.off, 1))
		return true;
	return attach_slowly();
}

/* site.c: where a call was made */
void site_init(void);
void site_prepare(void);          /* makes room while that is still permitted */
bool bind_to_libc(void *library); /* bind.c: the unwinder's calls are nobody's business */
void site_before_fork(void);
void site_after_fork(void); /* in the parent */
/* Until it is released other threads' forks wait, for a while, as for the unwinder: what is open
 * for a moment would stay open in the child. False: one is under way. */
bool site_hold_fork(void);
void site_release_fork(void);
void site_forked(void); /* in the child: counts start anew */
void site_thread_end(void);
/* Gates of this thread that are still on its stack below the one being entered, as the unwinder
 * sees them; UINT32_MAX: it cannot tell. */
uint32_t site_gates_below(void);
void site_find(const void *caller, struct event *e);
struct arena_stack *site_stack(uint32_t stack);

/* place.c: which object an address stands for. `asks`: the lock may be asked whether it is shared,
 * as libc will read its memory too. */
uint64_t place_object(enum object_kind kind, uintptr_t address, bool asks);
void place_process(const struct arena_proc *proc); /* whose private memory it is */
/* What is mapped where, by the wrappers that do it; is_memory: it is an OBJECT_MEMORY too. */
void place_add(uintptr_t start, size_t n_bytes, uint64_t file, uint64_t offset, bool is_memory);
bool place_look(uintptr_t address, bool is_memory); /* false: no shared mapping is there */
void place_move(uintptr_t from, uintptr_t to, size_t n_bytes);
void place_forget(uintptr_t start, size_t n_bytes);
void place_detach(uintptr_t start);       /* whatever begins there */
uint64_t place_memory(uintptr_t address); /* OBJECT_MEMORY, or 0 */

/* wrap_named.c: the same for rules. A lock has the name of the file that it lies in. */
uint64_t memory_path_object(const struct point *point, const char *path);

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
	bool late; /* the injected error comes after the call has been made */
	long *a;
	struct event *event;
	struct event deep; /* used when too many calls are in progress to show this one */
	const uint8_t *more;
	uint32_t n_more_bytes;
	uint32_t priority;     /* of a message, where the caller does not want to know it */
	struct msghdr *header; /* the caller's, where the kernel was given another one */
	struct raw_call raw;   /* what performs the call, if it came as a system call */
};
/* Returns false when the call is none of ours and is to be passed through untouched. */
bool gate_enter(struct gate *gate, enum call_id id, long a[6], uint64_t object, const void *caller,
		const void *frame);
/* Is this call the innermost one in progress itself? Some library that has put itself before libc
 * then does its work by libc's other names. */
bool gate_nested(enum call_id canonical, const long a[6]);
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
void gate_time(bool blind);
void gate_bell(void);
long gate_perform(struct gate *gate);

/* wrap_syscall.c */
void syscall_init(void);
/* Is this the call that syscall() has on hand? Then it is taken. */
bool syscall_take(enum call_id canonical, const long a[6], struct raw_call *raw);
/* With the arguments `a` of the call that its row describes; as real_call() gives it. */
long syscall_perform(const struct raw_call *raw, const long a[6]);

/* record.c: what is written into an event once the result is known */
void record_result(struct gate *gate, long result);
/* A blocking write above PIPE_BUF may be torn: what it finds in the pipe, and the pipe's capacity.
 */
void record_before_write(struct gate *gate, size_t n_bytes);
bool record_wanted(const struct gate *gate, long result);

/* record_lock.c: of locks in memory and of threads */
bool record_has_before(enum call_id id);
void record_before(struct gate *gate);
bool record_lock_result(struct gate *gate); /* false: the call is none of these */

/* wrap_thread.c */
void thread_init(void);                   /* from the constructor */
void thread_begin(uint32_t number);       /* this thread is that one */
void thread_forked(void);                 /* others are none of this process's */
void thread_forget(uint64_t pthread);     /* joined */
uint64_t thread_object(uint64_t pthread); /* OBJECT_THREAD, or 0: not known */

/* decide.c and fault.c */
void decide(struct gate *gate);
struct point gate_point(const struct gate *gate);
enum refusal fault_apply_error(struct gate *gate, int err, bool force);
enum refusal fault_apply_short(struct gate *gate, uint32_t n_bytes);
size_t fault_vector_bytes(const struct gate *gate,
			  unsigned int at); /* of the iovec array in argument at */
void fault_give_back(const struct gate *gate);
void fault_after_error(struct gate *gate, int err);
void fault_sleep(uint64_t ns);
enum refusal fault_stop(uint64_t ns);
void fault_signal(int signo);
void fault_kill(void) __attribute__((noreturn));

/* alone.c: without a runner */
bool alone_begin(void);
void alone_event(const struct event *e, const uint8_t *more);

/* seal.c */
int32_t own_pid(void);
int32_t own_tid(void);
void seal_forked(void); /* in the child */
void seal_put_on(const struct seal *next);
long seal_syscall(long number, const long a[6]); /* prctl or seccomp: as syscall() gives it */
void seal_format(char text[SEAL_TEXT]);          /* "" where there is no filter */
void seal_parse(const char *text);
void bind_sealed(void); /* bind.c: the unwinder makes only what is permitted */

/* init.c */
void init_options_sealed(void);
bool safe_read(const void *from, void *to, size_t n_bytes);
/* A copy that ends with 0, of as much as can be read and fits; false: not all of it. */
bool safe_string(const char *from, char *to, size_t room);
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
