/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - which rules fire at a point, and what they do: lib/point.c decides, this file answers
 * what it asks of the kernel, from inside of the caller.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "shim.h"

static int64_t key_of(const struct point *point, uint64_t object)
{
	union {
		struct semid_ds sem;
		struct msqid_ds msg;
		struct shmid_ds shm;
	} ds;
	int id = (int)object_value_of(object);

	(void)point;
	switch (object_kind_of(object)) {
	case OBJECT_SEM:
		return raw4(SYS_semctl, id, 0, IPC_STAT, &ds) < 0 ? -1 : ds.sem.sem_perm.__key;
	case OBJECT_MSG:
		return raw3(SYS_msgctl, id, IPC_STAT, &ds) < 0 ? -1 : ds.msg.msg_perm.__key;
	case OBJECT_SHM:
		return raw3(SYS_shmctl, id, IPC_STAT, &ds) < 0 ? -1 : ds.shm.shm_perm.__key;
	default:
		return -1;
	}
}

static bool read_memory(const struct point *point, const void *from, void *to, size_t n_bytes)
{
	(void)point;
	return safe_read(from, to, n_bytes);
}

static long fd_flags(const struct point *point, int fd)
{
	(void)point;
	return raw3(SYS_fcntl, fd, F_GETFL, 0);
}

static unsigned int socket_is(const struct point *point, int fd)
{
	(void)point;
	return fd_point_socket(fd);
}

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static unsigned int handler(const struct point *point, int signo)
{
	struct kernel_sigaction action;

	(void)point;
	if (raw4(SYS_rt_sigaction, signo, NULL, &action, sizeof(action.mask)) != 0 ||
	    action.handler == SIG_DFL || action.handler == SIG_IGN)
		return 0;
	return POINT_HANDLED | (action.flags & SA_RESTART ? POINT_RESTARTS : 0);
}

static uint64_t blocked(const struct point *point)
{
	uint64_t mask = 0;

	(void)point;
	raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	return mask;
}

static const struct point_ops ops = { key_of,    fd_path_object, read_memory, fd_flags,
				      socket_is, handler,        blocked };

struct point gate_point(const struct gate *g)
{
	return (struct point){ .arena = arena,
			       .plan = &arena->plan,
			       .proc = self.proc,
			       .call = g->call,
			       .canonical = g->canonical,
			       .a = g->a,
			       .event = g->event,
			       .lineage_hash = self.lineage_hash,
			       .ops = &ops,
			       .data = g };
}

static enum refusal draw_error(struct gate *g, const struct point *point, unsigned int i)
{
	enum refusal why;
	int err = point_draw_error(point, i, &why);

	return err ? fault_apply_error(g, err, false) : why;
}

/* Would the shim have to make a system call that the program's own filter does not allow? */
static bool sealed(enum fault_kind fault)
{
	static const long needed[] = {
		[FAULT_DELAY] = SYS_clock_nanosleep,
		[FAULT_SIGNAL] = SYS_tgkill,
		[FAULT_KILL] = SYS_kill,
		[FAULT_KILL_AFTER] = SYS_kill,
		[FAULT_STOP] = SYS_kill,
		[FAULT_SHORT] = SYS_process_vm_writev,
	};

	return fault < sizeof(needed) / sizeof(needed[0]) && needed[fault] &&
	       !seal_permits(needed[fault]);
}

static enum refusal apply(struct gate *g, const struct point *point, unsigned int i)
{
	const struct rule *r = &arena->plan.rule[i];

	if (sealed(r->fault))
		return REFUSED_SEALED;
	switch (r->fault) {
	case FAULT_ERROR:
		return r->err ? fault_apply_error(g, r->err, r->force) : draw_error(g, point, i);
	case FAULT_SHORT:
		return fault_apply_short(g, r->short_bytes);
	case FAULT_DELAY:
		fault_sleep(point_duration(point, i));
		return REFUSED_NOT;
	case FAULT_KILL_AFTER:
		if (arena->mode == ARENA_ALONE && slot_call_execs(g->canonical))
			return REFUSED_NO_SUPERVISOR; /* the new program's shim kills, and has
							 another arena */
		g->kill_after = true;
		return REFUSED_NOT;
	case FAULT_SIGNAL:
		fault_signal(r->signal);
		return REFUSED_NOT;
	case FAULT_STOP:
		return fault_stop(point_duration(point, i));
	default:
		return REFUSED_NOT;
	}
}

/* A kill never comes back: it is recorded before it is done. */
static void fire(struct gate *g, const struct point *point, unsigned int i)
{
	struct event *e = g->event;
	enum refusal why;

	if (!point_fires(point, i))
		return;
	if (arena->plan.rule[i].fault == FAULT_KILL && !sealed(FAULT_KILL)) {
		e->flags |= EVENT_INJECTED | EVENT_KILL_BEFORE | EVENT_NOT_PERFORMED;
		e->rule = (uint8_t)(i + 1);
		e->fault = FAULT_KILL;
		g->perform = false;
		gate_leave(g, -1);
		fault_kill();
	}
	why = apply(g, point, i);
	if (why == REFUSED_NOT) {
		e->flags |= EVENT_INJECTED;
		e->rule = (uint8_t)(i + 1);
		e->fault = (uint8_t)arena->plan.rule[i].fault;
		return;
	}
	point_refused(point, i, why);
}

/* All rules count, in order. One that ends or alters the call leaves nothing to do for a second of
 * its kind. */
void decide(struct gate *g)
{
	const struct point point = gate_point(g);
	uint32_t n = arena->plan.n_rules;

	for (uint32_t i = 0; i < n && i < PLAN_RULES; i++) {
		uint32_t fault = arena->plan.rule[i].fault;
		bool altered = !g->perform || g->fault != FAULT_NONE;

		if (!rule_has_call(&arena->plan.rule[i], g->canonical) ||
		    !point_selected(&point, i) || !point_due(&point, i))
			continue;
		if (altered && (fault == FAULT_ERROR || fault == FAULT_SHORT))
			continue;
		fire(g, &point, i);
	}
}
