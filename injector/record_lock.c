/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_lock.c - what an event says of a lock in memory. Read before the call where libc will
 * read it as well, so that a waiter can be looked at while it waits; after the call only where the
 * caller has the lock: behind a post or an unlock others may already have given the memory back.
 */
#define _GNU_SOURCE
#include "lock_layout.h"
#include "record.h"

enum before {
	BEFORE_NOTHING,
	BEFORE_MUTEX,
	BEFORE_WAIT,   /* on a condition variable */
	BEFORE_SIGNAL, /* to one */
	BEFORE_POST,
};

static const uint8_t before[CALL_N] = {
	[CALL_pthread_mutex_destroy] = BEFORE_MUTEX,
	[CALL_pthread_mutex_lock] = BEFORE_MUTEX,
	[CALL_pthread_mutex_trylock] = BEFORE_MUTEX,
	[CALL_pthread_mutex_timedlock] = BEFORE_MUTEX,
	[CALL_pthread_mutex_clocklock] = BEFORE_MUTEX,
	[CALL_pthread_mutex_unlock] = BEFORE_MUTEX,
	[CALL_pthread_mutex_consistent] = BEFORE_MUTEX,
	[CALL_pthread_cond_wait] = BEFORE_WAIT,
	[CALL_pthread_cond_timedwait] = BEFORE_WAIT,
	[CALL_pthread_cond_clockwait] = BEFORE_WAIT,
	[CALL_pthread_cond_signal] = BEFORE_SIGNAL,
	[CALL_pthread_cond_broadcast] = BEFORE_SIGNAL,
	[CALL_sem_post] = BEFORE_POST,
};

bool record_has_before(enum call_id id)
{
	return before[id] != BEFORE_NOTHING || record_fd_has_before(id);
}

static void mutex_before(struct event *e, const pthread_mutex_t *m)
{
	e->arg[4] = mutex_bits(m->__data.__kind);
	e->arg[5] = m->__data.__owner;
}

static void wait_before(struct event *e, const pthread_mutex_t *m)
{
	e->arg[4] = mutex_bits(m->__data.__kind);
	e->arg[5] = (int64_t)place_object(OBJECT_MUTEX, (uintptr_t)m, true);
}

void record_before(struct gate *g)
{
	struct event *e = g->event;

	if (!g->perform)
		return;
	switch ((enum before)before[g->canonical]) {
	case BEFORE_MUTEX:
		mutex_before(e, (const pthread_mutex_t *)g->a[0]);
		break;
	case BEFORE_WAIT:
		wait_before(e, (const pthread_mutex_t *)g->a[1]);
		break;
	case BEFORE_SIGNAL:
		e->arg[5] =
			((const pthread_cond_t *)g->a[0])->__data.__wrefs >> COND_WREFS_SHIFT != 0;
		break;
	case BEFORE_POST:
		e->arg[5] = (int64_t)((const struct sem_layout *)g->a[0])->value + 1;
		break;
	default:
		record_fd_before(g);
		break;
	}
}

/* Only now does a lock that has just been made say whether it is shared. */
static void made(struct gate *g)
{
	enum object_kind kind = object_kind_of(g->event->object);

	g->event->object = place_object(kind, (uintptr_t)g->a[0], true);
	if (kind == OBJECT_MUTEX)
		g->event->arg[4] = mutex_bits(((const pthread_mutex_t *)g->a[0])->__data.__kind);
	else if (kind == OBJECT_PSEM)
		g->event->arg[4] = (g->event->object & OBJECT_PLACE_SHARED) != 0;
}

bool record_lock_result(struct gate *g)
{
	struct event *e = g->event;

	switch (g->canonical) {
	case CALL_sem_init:
	case CALL_pthread_mutex_init:
	case CALL_pthread_cond_init:
	case CALL_pthread_rwlock_init:
	case CALL_pthread_barrier_init:
		made(g);
		return true;
	case CALL_sem_wait:
	case CALL_sem_trywait:
	case CALL_sem_timedwait:
	case CALL_sem_clockwait:
		e->arg[5] = ((const struct sem_layout *)g->a[0])->value;
		return true;
	case CALL_sem_getvalue:
		e->arg[5] = *(const int *)g->a[1];
		return true;
	case CALL_pthread_barrier_wait:
		e->result = (int)e->result; /* PTHREAD_BARRIER_SERIAL_THREAD is negative */
		return true;
	case CALL_pthread_join:
	case CALL_pthread_tryjoin_np:
	case CALL_pthread_timedjoin_np:
	case CALL_pthread_clockjoin_np:
		thread_forget((uint64_t)g->a[0]);
		return true;
	default:
		return false;
	}
}
