/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - carrying out faults, and refusing those that the kernel could not have made: EINTR
 * comes with a signal whose handler runs, EIDRM with a removal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/uio.h>
#include <time.h>

#include "shim.h"

#define STOP_EINTR_NS 1000000 /* how long a stop is that only has to interrupt */

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
		own6(SYS_process_vm_writev, own_pid(), (long)&from, 1, (long)&to, 1, 0);
}

static enum refusal interrupt(struct gate *g, enum error_when when)
{
	const struct point point = gate_point(g);
	bool pending;
	int signo = point_interrupter(&point, when, &pending);

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

static enum refusal carry_out(struct gate *g, enum error_when when)
{
	switch (when) {
	case WHEN_SIGNAL:
	case WHEN_HANDLER:
	case WHEN_STOP:
		return interrupt(g, when);
	case WHEN_REMOVE:
		return remove_object(g->event->object);
	default:
		return REFUSED_NOT;
	}
}

enum refusal fault_apply_error(struct gate *g, int err, bool force)
{
	const struct call_error *e = call_error_find(g->call, err);
	const struct point point = gate_point(g);
	enum refusal why = REFUSED_NOT;

	if (g->call->result == RESULT_NEVER || g->call->result == RESULT_UINT)
		return REFUSED_ARGUMENTS;
	if (!force && !point_error_legal(&point, err, &why))
		return why;
	g->err = err;
	g->fault = FAULT_ERROR;
	g->perform = false;
	if (!force)
		why = carry_out(g, point_error_when(&point, e));
	if (!force && why == REFUSED_NOT)
		fault_after_error(g, err);
	if (why != REFUSED_NOT) {
		g->perform = true;
		g->fault = FAULT_NONE;
	}
	return why;
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
	raw2(SYS_kill, own_pid(), SIGSTOP);
	return REFUSED_NOT;
}

void fault_signal(int signo)
{
	atomic_fetch_or(&self.proc->flags, PROC_SIGNALLED_BY_RULE);
	raw3(SYS_tgkill, own_pid(), own_tid(), signo);
}

void fault_kill(void)
{
	atomic_fetch_or(&self.proc->flags, PROC_KILLED_BY_RULE);
	for (;;)
		raw2(SYS_kill, own_pid(), SIGKILL);
}
