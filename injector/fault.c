/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - carrying out faults, and refusing those that the kernel could not have made: EINTR
 * comes with a signal whose handler runs, EIDRM with a removal, a short transfer by a smaller
 * request that never splits what PIPE_BUF keeps whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/uio.h>
#include <time.h>

#include "shim.h"

#define STOP_EINTR_NS 1000000 /* how long a stop is that only has to interrupt */
#define MASK_BYTES 8

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* Those that programs handle to go on, before those that make them end. */
static const unsigned char interrupters[] = {
	SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGWINCH, SIGIO,   SIGURG,  SIGVTALRM,
	SIGPROF, SIGCONT, SIGHUP,  SIGPIPE, SIGINT,   SIGTERM, SIGQUIT,
};

static bool handled(int signo, bool restart_too)
{
	struct kernel_sigaction action;

	return raw4(SYS_rt_sigaction, signo, NULL, &action, MASK_BYTES) == 0 &&
	       action.handler != SIG_DFL && action.handler != SIG_IGN &&
	       (restart_too || !(action.flags & SA_RESTART));
}

static bool blocked(int signo)
{
	uint64_t mask = 0;

	raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, MASK_BYTES);
	return mask >> (signo - 1) & 1;
}

/* The mask that the call itself sets while it waits, if it takes one. */
static bool own_mask(const struct gate *g, uint64_t *mask)
{
	long at;

	switch (g->canonical) {
	case CALL_sigsuspend:
		at = g->a[0];
		break;
	case CALL_ppoll:
		at = g->a[3];
		break;
	case CALL_pselect:
		at = g->a[5];
		break;
	case CALL_epoll_pwait:
	case CALL_epoll_pwait2:
		at = g->a[4];
		break;
	default:
		return false;
	}
	return at && safe_read((const void *)at, mask, sizeof(*mask));
}

/* A signal that would interrupt this call here and now: its number, or 0. */
static int interrupter(const struct gate *g, enum error_when when, bool *pending)
{
	uint64_t mask;
	bool has_mask = own_mask(g, &mask);

	*pending = false;
	for (size_t i = 0; i < sizeof(interrupters); i++) {
		int signo = interrupters[i];

		if (!handled(signo, when != WHEN_SIGNAL))
			continue;
		if (has_mask && mask >> (signo - 1) & 1)
			continue;
		if (!blocked(signo))
			return signo;
		if (!has_mask)
			continue;
		*pending = true;
		return signo;
	}
	return 0;
}

static bool sops_nowait(const struct gate *g)
{
	struct sembuf sop[16];
	size_t n = (size_t)g->a[2] < 16 ? (size_t)g->a[2] : 16;

	if (!safe_read((const void *)g->a[1], sop, n * sizeof(sop[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (sop[i].sem_flg & IPC_NOWAIT && sop[i].sem_op <= 0)
			return true;
	return false;
}

/* Operations that all give can always proceed. */
static bool sops_only_give(const struct gate *g)
{
	struct sembuf sop[16];
	size_t n = (size_t)g->a[2];

	if (n > 16 || !safe_read((const void *)g->a[1], sop, n * sizeof(sop[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (sop[i].sem_op <= 0)
			return false;
	return true;
}

static bool nowait(const struct gate *g)
{
	for (unsigned int i = 0; i < g->call->n_args; i++) {
		long a = g->a[i];

		if (g->call->arg[i] == ARG_SOPS)
			return sops_nowait(g);
		if (g->call->arg[i] == ARG_OP_FLAGS)
			return a & IPC_NOWAIT;
		if (g->call->arg[i] == ARG_OPEN_FLAGS)
			return a & O_NONBLOCK;
		if (g->call->arg[i] == ARG_FD)
			return raw3(SYS_fcntl, a, F_GETFL, 0) & O_NONBLOCK;
	}
	return false;
}

/* A call that cannot sleep is not interrupted. poll() looks for signals even when it does not
 * sleep. */
static bool never_waits(const struct gate *g)
{
	if (g->call->classes & CLASS_POLL)
		return false;
	if (call_arg(g->call, ARG_SOPS) >= 0 && sops_only_give(g))
		return true;
	return nowait(g) || g->event->flags & EVENT_NONBLOCK;
}

static bool has_timeout(const struct gate *g)
{
	for (unsigned int i = 0; i < g->call->n_args; i++)
		if ((g->call->arg[i] == ARG_TIMEOUT || g->call->arg[i] == ARG_TIMEVAL) && g->a[i])
			return true;
	return false;
}

/* IPC_CREAT/IPC_EXCL or O_CREAT/O_EXCL among the flags. */
static bool creates(const struct gate *g, bool exclusive)
{
	int ipc = call_arg(g->call, ARG_IPC_FLAGS), opens = call_arg(g->call, ARG_OPEN_FLAGS);
	int key = call_arg(g->call, ARG_KEY);

	if (ipc >= 0 && key >= 0 && g->a[key] == IPC_PRIVATE)
		return !exclusive;
	if (ipc >= 0)
		return g->a[ipc] & IPC_CREAT && (!exclusive || g->a[ipc] & IPC_EXCL);
	if (opens >= 0)
		return g->a[opens] & O_CREAT && (!exclusive || g->a[opens] & O_EXCL);
	return g->canonical == CALL_creat && !exclusive;
}

static bool when_holds(const struct gate *g, enum error_when when, enum refusal *why)
{
	bool pending;

	switch (when) {
	case WHEN_ANY:
	case WHEN_ENV:
		return true;
	case WHEN_CREATE:
	case WHEN_EXCL:
		*why = REFUSED_FLAGS;
		return creates(g, when == WHEN_EXCL);
	case WHEN_LOOKUP:
		*why = REFUSED_FLAGS;
		return !creates(g, false);
	case WHEN_NOWAIT:
		*why = REFUSED_WOULD_WAIT;
		return nowait(g);
	case WHEN_TIMEOUT:
		*why = REFUSED_NO_TIMEOUT;
		return has_timeout(g) || (call_arg(g->call, ARG_SOPS) >= 0 && sops_nowait(g));
	case WHEN_SIGNAL:
	case WHEN_HANDLER:
		*why = REFUSED_NO_HANDLER;
		return !never_waits(g) && interrupter(g, when, &pending) != 0;
	case WHEN_STOP:
		*why = never_waits(g) ? REFUSED_FLAGS : REFUSED_NO_SUPERVISOR;
		return !never_waits(g) &&
		       (interrupter(g, when, &pending) != 0 || arena->mode == ARENA_SUPERVISED);
	case WHEN_REMOVE:
		*why = REFUSED_STATE;
		return g->event->object != 0;
	case WHEN_STATE:
		*why = REFUSED_STATE;
		return false;
	case WHEN_ARGS:
		*why = REFUSED_ARGUMENTS;
		return false;
	}
	return false;
}

bool fault_error_legal(const struct gate *g, int err, enum refusal *why)
{
	const struct call_error *e = call_error_find(g->call, err);

	*why = REFUSED_ARGUMENTS;
	return e && when_holds(g, e->when, why);
}

/* What an interrupted relative sleep has left: all of it, as the signal came at once. */
static void leave_rest(struct gate *g)
{
	int time_at = call_arg(g->call, ARG_TIMEOUT);
	struct iovec from = { NULL, sizeof(struct timespec) }, to = from;

	if (g->canonical != CALL_nanosleep && g->canonical != CALL_clock_nanosleep)
		return;
	from.iov_base = (void *)g->a[time_at];
	to.iov_base = (void *)g->a[time_at + 1];
	if (to.iov_base && !(g->canonical == CALL_clock_nanosleep && g->a[1] & TIMER_ABSTIME))
		raw6(SYS_process_vm_writev, raw0(SYS_getpid), (long)&from, 1, (long)&to, 1, 0);
}

static enum refusal interrupt(struct gate *g, enum error_when when)
{
	bool pending;
	int signo = interrupter(g, when, &pending);

	if (signo == 0)
		return when == WHEN_STOP ? fault_stop(STOP_EINTR_NS) : REFUSED_NO_HANDLER;
	fault_signal(signo);
	leave_rest(g);
	/* blocked here but not during the call: the kernel itself makes the EINTR */
	g->perform = pending;
	return REFUSED_NOT;
}

static enum refusal remove_object(uint64_t object)
{
	int id = (int)object_value_of(object);
	long result;

	switch (object_kind_of(object)) {
	case OBJECT_SEM:
		result = raw4(SYS_semctl, id, 0, IPC_RMID, 0);
		break;
	case OBJECT_MSG:
		result = raw3(SYS_msgctl, id, IPC_RMID, 0);
		break;
	case OBJECT_SHM:
		result = raw3(SYS_shmctl, id, IPC_RMID, 0);
		break;
	default:
		return REFUSED_STATE;
	}
	return result < 0 ? REFUSED_NOT_PERMITTED : REFUSED_NOT;
}

enum refusal fault_apply_error(struct gate *g, int err, bool force)
{
	const struct call_error *e = call_error_find(g->call, err);
	enum refusal why;

	if (g->call->result == RESULT_NEVER || g->call->result == RESULT_UINT)
		return REFUSED_ARGUMENTS;
	if (!force && !fault_error_legal(g, err, &why))
		return why;
	g->err = err;
	g->fault = FAULT_ERROR;
	if (!force && (e->when == WHEN_SIGNAL || e->when == WHEN_HANDLER || e->when == WHEN_STOP)) {
		g->perform = false;
		why = interrupt(g, e->when);
	} else {
		why = force || e->when != WHEN_REMOVE ? REFUSED_NOT
						      : remove_object(g->event->object);
		g->perform = false;
	}
	if (why != REFUSED_NOT) {
		g->perform = true;
		g->fault = FAULT_NONE;
	}
	return why;
}

/* Copies as much of the vector as makes up n bytes. */
static bool shorten_vector(struct gate *g, unsigned int at, uint32_t n_bytes)
{
	struct scratch *scratch = attach_scratch();
	struct iovec *vector = scratch ? scratch->vector : NULL;
	long n = g->a[at + 1] < SCRATCH_IOVECS ? g->a[at + 1] : SCRATCH_IOVECS;
	size_t total = 0;
	long used = 0;

	if (n <= 0 || !vector ||
	    !safe_read((const void *)g->a[at], vector, (size_t)n * sizeof(vector[0])))
		return false;
	for (; used < n && total < n_bytes; used++) {
		if (vector[used].iov_len > n_bytes - total)
			vector[used].iov_len = n_bytes - total;
		total += vector[used].iov_len;
	}
	g->a[at] = (long)vector;
	g->a[at + 1] = used;
	return true;
}

size_t fault_vector_bytes(const struct gate *g, unsigned int at)
{
	struct iovec vector[SCRATCH_IOVECS];
	long n = g->a[at + 1] < SCRATCH_IOVECS ? g->a[at + 1] : SCRATCH_IOVECS;
	size_t total = 0;

	if (n <= 0 || !safe_read((const void *)g->a[at], vector, (size_t)n * sizeof(vector[0])))
		return 0;
	for (long i = 0; i < n; i++)
		total += vector[i].iov_len;
	return total;
}

enum refusal fault_apply_short(struct gate *g, uint32_t n_bytes)
{
	int at = call_arg(g->call, ARG_LEN), vector = -1;
	size_t asked;

	if (at < 0) {
		vector = call_arg(g->call, ARG_IOV_IN);
		vector = vector >= 0 ? vector : call_arg(g->call, ARG_IOV_OUT);
	}
	if (at < 0 && vector < 0)
		return REFUSED_ATOMIC;
	asked = at >= 0 ? (size_t)g->a[at] : fault_vector_bytes(g, (unsigned int)vector);
	if (asked <= n_bytes ||
	    (g->call->flags & CALL_WRITES && !(g->call->flags & CALL_READS) && asked <= PIPE_BUF))
		return REFUSED_ATOMIC;
	if (at >= 0)
		g->a[at] = n_bytes;
	else if (!shorten_vector(g, (unsigned int)vector, n_bytes))
		return REFUSED_ARGUMENTS;
	g->event->flags |= EVENT_SHORTENED;
	g->fault = FAULT_SHORT;
	return REFUSED_NOT;
}

void fault_sleep(uint64_t ns)
{
	struct timespec until;

	raw2(SYS_clock_gettime, CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	while (raw4(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == -EINTR)
		;
}

/* Somebody else has to send the SIGCONT: the supervisor does, once it sees the process stopped. */
enum refusal fault_stop(uint64_t ns)
{
	if (arena->mode != ARENA_SUPERVISED)
		return REFUSED_NO_SUPERVISOR;
	atomic_store(&self.thread->stop_ns, ns ? ns : 1);
	gate_bell();
	raw2(SYS_kill, raw0(SYS_getpid), SIGSTOP);
	return REFUSED_NOT;
}

void fault_signal(int signo)
{
	atomic_fetch_or(&self.proc->flags, PROC_SIGNALLED_BY_RULE);
	raw3(SYS_tgkill, raw0(SYS_getpid), raw0(SYS_gettid), signo);
}

void fault_kill(void)
{
	atomic_fetch_or(&self.proc->flags, PROC_KILLED_BY_RULE);
	for (;;)
		raw2(SYS_kill, raw0(SYS_getpid), SIGKILL);
}
