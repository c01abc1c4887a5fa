/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_decide.c - which rules fire at a call that has stopped, and how its registers are changed
 * for it. lib/point.c decides, as it does in the shim; the faults are carried out from outside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracer_record.h"

#define STOP_EINTR_NS 1000000 /* how long a stop is that only has to interrupt */

union semun {
	int val;
	struct semid_ds *buf;
};

static int64_t key_of(const struct point *point, uint64_t object)
{
	int id = (int)object_value_of(object);
	struct semid_ds sem;
	struct msqid_ds msg;
	struct shmid_ds shm;

	(void)point;
	switch (object_kind_of(object)) {
	case OBJECT_SEM:
		return semctl(id, 0, IPC_STAT, (union semun){ .buf = &sem }) < 0
			       ? -1
			       : sem.sem_perm.__key;
	case OBJECT_MSG:
		return msgctl(id, IPC_STAT, &msg) < 0 ? -1 : msg.msg_perm.__key;
	case OBJECT_SHM:
		return shmctl(id, IPC_STAT, &shm) < 0 ? -1 : shm.shm_perm.__key;
	default:
		return -1;
	}
}

static uint64_t path_object(const struct point *point, const char *path)
{
	return object_of_path(point->data, AT_FDCWD, path, true);
}

static bool read_memory(const struct point *point, const void *from, void *to, size_t n_bytes)
{
	const struct task *task = point->data;

	return peek(task->tid, (uint64_t)(uintptr_t)from, to, n_bytes);
}

static long fd_flags(const struct point *point, int fd)
{
	return record_fd_flags(point->data, fd);
}

static unsigned int socket_of(const struct point *point, int fd)
{
	return socket_is(point->data, fd);
}

static unsigned int handler(const struct point *point, int signo)
{
	const struct task *task = point->data;

	return task->program->handler[signo];
}

static uint64_t blocked(const struct point *point)
{
	const struct task *task = point->data;
	uint64_t mask = 0;

	ptrace(PTRACE_GETSIGMASK, task->tid, (void *)sizeof(mask), &mask);
	return mask;
}

static const struct point_ops ops = { key_of,    path_object, read_memory, fd_flags,
				      socket_of, handler,     blocked };

static void send_signal(struct task *task, int signo)
{
	struct arena_proc *proc = task->program->slot;

	atomic_fetch_or(&proc->flags, PROC_SIGNALLED_BY_RULE);
	syscall(SYS_tgkill, task->program->pid, task->tid, signo);
}

static void stop(struct tracer *t, struct task *task, uint64_t ns)
{
	atomic_store(&task->slot->stop_ns, ns ? ns : 1);
	tracer_bell(t);
	kill(task->program->pid, SIGSTOP);
}

void tracer_kill(struct tracer *t, struct task *task)
{
	struct arena_proc *proc = program_slot(t, task->program);

	if (proc)
		atomic_fetch_or(&proc->flags, PROC_KILLED_BY_RULE);
	kill(task->program->pid, SIGKILL);
}

/* What an interrupted relative sleep has left: all of it, as the signal came at once. */
static void leave_rest(struct task *task, const struct passage *p)
{
	int time_at = call_arg(p->call, ARG_TIMEOUT);
	struct timespec time;
	struct iovec local = { &time, sizeof(time) }, remote;

	if ((p->canonical != CALL_nanosleep && p->canonical != CALL_clock_nanosleep) ||
	    !p->a[time_at + 1] || (p->canonical == CALL_clock_nanosleep && p->a[1] & TIMER_ABSTIME))
		return;
	remote = (struct iovec){ (void *)p->a[time_at + 1], sizeof(time) };
	if (peek(task->tid, (uint64_t)p->a[time_at], &time, sizeof(time)))
		process_vm_writev(task->tid, &local, 1, &remote, 1, 0);
}

static enum refusal interrupt(struct tracer *t, struct task *task, const struct point *point,
			      enum error_when when)
{
	bool pending;
	int signo = point_interrupter(point, when, &pending);

	if (signo == 0 && when != WHEN_STOP)
		return REFUSED_NO_HANDLER;
	if (signo == 0)
		stop(t, task, STOP_EINTR_NS);
	else
		send_signal(task, signo);
	leave_rest(task, &task->now);
	/* blocked here but not during the call: the kernel itself makes the EINTR */
	task->now.perform = pending;
	return REFUSED_NOT;
}

static enum refusal remove_object(uint64_t object)
{
	int id = (int)object_value_of(object);
	int result;

	switch (object_kind_of(object)) {
	case OBJECT_SEM:
		result = semctl(id, 0, IPC_RMID);
		break;
	case OBJECT_MSG:
		result = msgctl(id, IPC_RMID, NULL);
		break;
	case OBJECT_SHM:
		result = shmctl(id, IPC_RMID, NULL);
		break;
	default:
		return REFUSED_STATE;
	}
	return result < 0 ? REFUSED_NOT_PERMITTED : REFUSED_NOT;
}

/*
 * An error is not all that the caller sees. A connection that was reset is gone for both sides: it
 * is really reset, and the kernel says so itself. One that has been begun goes on behind the
 * caller's back: it is really made, and the error given all the same.
 */
static void after_error(struct task *task, struct passage *p, int err)
{
	static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	unsigned int is;
	int copy;

	if (object_kind_of(p->event.object) != OBJECT_SOCKET)
		return;
	is = socket_is(task, (int)p->a[0]);
	copy = err == ECONNRESET && is == POINT_INET ? socket_borrow(task, (int)p->a[0]) : -1;
	if (copy >= 0) {
		p->perform = connect(copy, &nowhere, sizeof(nowhere)) == 0;
		close(copy);
	}
	if (p->canonical == CALL_connect && is & POINT_INET && (err == EINTR || err == EINPROGRESS))
		p->perform = p->late = true;
}

static bool is_interruption(enum error_when when)
{
	return when == WHEN_SIGNAL || when == WHEN_HANDLER || when == WHEN_STOP;
}

static enum refusal apply_error(struct tracer *t, struct task *task, const struct point *point,
				int err, bool force)
{
	const struct call_error *e = call_error_find(point->call, err);
	enum error_when when = e ? point_error_when(point, e) : WHEN_ARGS;
	struct passage *p = &task->now;
	enum refusal why = REFUSED_NOT;

	if (p->call->result == RESULT_NEVER || p->call->result == RESULT_UINT)
		return REFUSED_ARGUMENTS;
	if (!force && !point_error_legal(point, err, &why))
		return why;
	p->perform = false;
	why = REFUSED_NOT;
	if (!force && is_interruption(when))
		why = interrupt(t, task, point, when);
	else if (!force && when == WHEN_REMOVE)
		why = remove_object(p->event.object);
	if (why != REFUSED_NOT) {
		p->perform = true;
		return why;
	}
	p->err = err;
	p->fault = FAULT_ERROR;
	if (!force)
		after_error(task, p, err);
	return REFUSED_NOT;
}

static void patch(struct passage *p, uint64_t at, uint64_t old, uint64_t new)
{
	p->patch[p->n_patches++] = (struct patch){ at, old, new };
}

/* Of a vector the entry in which it is to end is made smaller where it stands, and later put back.
 * Returns how many entries are left; 0: it cannot be done. */
static size_t shorten_vector(struct task *task, struct passage *p, uint64_t from, size_t n,
			     uint32_t n_bytes)
{
	struct iovec vector[POINT_IOVECS];
	size_t total = 0;

	n = n < POINT_IOVECS ? n : POINT_IOVECS;
	if (n == 0 || !peek(task->tid, from, vector, n * sizeof(vector[0])))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (total + vector[i].iov_len >= n_bytes) {
			patch(p, from + i * sizeof(vector[0]) + offsetof(struct iovec, iov_len),
			      vector[i].iov_len, n_bytes - total);
			return i + 1;
		}
		total += vector[i].iov_len;
	}
	return 0;
}

static bool shorten_header(struct task *task, struct passage *p, int at, uint32_t n_bytes)
{
	uint64_t from = (uint64_t)p->a[at];
	struct msghdr header;
	size_t n;

	if (!peek(task->tid, from, &header, sizeof(header)))
		return false;
	n = shorten_vector(task, p, (uint64_t)(uintptr_t)header.msg_iov, header.msg_iovlen,
			   n_bytes);
	if (n)
		patch(p, from + offsetof(struct msghdr, msg_iovlen), header.msg_iovlen, n);
	return n > 0;
}

static enum refusal apply_short(struct task *task, const struct point *point, uint32_t n_bytes)
{
	struct passage *p = &task->now;
	struct point_length length;
	enum refusal why = point_shorten(point, n_bytes, &length);
	size_t n;

	if (why != REFUSED_NOT)
		return why;
	if (length.is_header) {
		if (!shorten_header(task, p, length.at, n_bytes))
			return REFUSED_ARGUMENTS;
	} else if (length.is_vector) {
		n = shorten_vector(task, p, (uint64_t)p->a[length.at], (size_t)p->a[length.at + 1],
				   n_bytes);
		if (n == 0)
			return REFUSED_ARGUMENTS;
		p->a[length.at + 1] = (long)n;
	} else {
		p->a[length.at] = n_bytes;
	}
	p->event.flags |= EVENT_SHORTENED;
	p->fault = FAULT_SHORT;
	return REFUSED_NOT;
}

static enum refusal apply(struct tracer *t, struct task *task, const struct point *point,
			  unsigned int i)
{
	const struct rule *r = &t->s->options->plan->rule[i];
	struct passage *p = &task->now;
	enum refusal why;
	int err;

	why = REFUSED_NOT;
	switch (r->fault) {
	case FAULT_ERROR:
		err = r->err ? r->err : point_draw_error(point, i, &why);
		return err ? apply_error(t, task, point, err, r->force) : why;
	case FAULT_SHORT:
		return apply_short(task, point, r->short_bytes);
	case FAULT_DELAY:
		p->delay_ns += point_duration(point, i);
		return REFUSED_NOT;
	case FAULT_KILL:
		p->kills = true;
		p->event.flags |= EVENT_KILL_BEFORE;
		return REFUSED_NOT;
	case FAULT_KILL_AFTER:
		p->kill_after = true;
		return REFUSED_NOT;
	case FAULT_SIGNAL:
		send_signal(task, r->signal);
		p->put_off = true;
		return REFUSED_NOT;
	case FAULT_STOP:
		stop(t, task, point_duration(point, i));
		p->put_off = true;
		return REFUSED_NOT;
	default:
		return REFUSED_NOT;
	}
}

static void fire(struct tracer *t, struct task *task, const struct point *point, unsigned int i)
{
	struct event *e = &task->now.event;
	enum refusal why;

	if (!point_fires(point, i))
		return;
	why = apply(t, task, point, i);
	if (why != REFUSED_NOT) {
		point_refused(point, i, why);
		return;
	}
	e->flags |= EVENT_INJECTED;
	e->rule = (uint8_t)(i + 1);
	e->fault = (uint8_t)t->s->options->plan->rule[i].fault;
}

void tracer_decide(struct tracer *t, struct task *task)
{
	struct passage *p = &task->now;
	const struct point point = { .arena = t->arena,
				     .plan = t->s->options->plan,
				     .proc = program_slot(t, task->program),
				     .call = p->call,
				     .canonical = p->canonical,
				     .a = p->a,
				     .event = &p->event,
				     .lineage_hash = task->lineage_hash,
				     .ops = &ops,
				     .data = task };
	uint32_t n = t->s->options->plan->n_rules;

	for (uint32_t i = 0; point.proc && i < n && i < PLAN_RULES && !p->kills; i++) {
		uint32_t fault = t->s->options->plan->rule[i].fault;
		bool altered = !p->perform || p->fault != FAULT_NONE;

		if (!rule_has_call(&t->s->options->plan->rule[i], p->canonical) ||
		    !point_selected(&point, i) || !point_due(&point, i))
			continue;
		if (altered && (fault == FAULT_ERROR || fault == FAULT_SHORT))
			continue;
		fire(t, task, &point, i);
	}
}
