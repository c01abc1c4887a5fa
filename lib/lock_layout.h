/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_layout.h - what glibc 2.36 keeps in the memory of its locks (nptl/, sysdeps/nptl/): the shim
 * reads it in place, the watch and the tracer copy it out of the process first.
 */
#ifndef IPCJAM_LOCK_LAYOUT_H
#define IPCJAM_LOCK_LAYOUT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* struct __pthread_mutex_s.__kind */
#define MUTEX_KIND_TYPE 3
#define MUTEX_KIND_ROBUST 16
#define MUTEX_KIND_INHERIT 32
#define MUTEX_KIND_PROTECT 64
#define MUTEX_KIND_SHARED 128

static inline int64_t mutex_bits(int kind)
{
	return (kind & MUTEX_KIND_TYPE) | (kind & MUTEX_KIND_ROBUST ? MUTEX_ROBUST : 0) |
	       (kind & MUTEX_KIND_SHARED ? MUTEX_SHARED : 0) |
	       (kind & MUTEX_KIND_INHERIT ? MUTEX_INHERIT : 0) |
	       (kind & MUTEX_KIND_PROTECT ? MUTEX_PROTECT : 0);
}

/* struct __pthread_cond_s.__wrefs: waiters above, two flags below */
#define COND_WREFS_SHARED 1
#define COND_WREFS_SHIFT 3

/* sem_t: struct new_sem, as machines with 64-bit atomics have it */
struct sem_layout {
	uint32_t value;
	uint32_t n_waiters;
	int shared; /* 0: private to the process */
	int reserved;
};
_Static_assert(sizeof(struct sem_layout) <= sizeof(sem_t), "a sem_t has room");

/* pthread_barrier_t: struct pthread_barrier */
struct barrier_layout {
	uint32_t in; /* threads that came, over all rounds that are not yet reset */
	uint32_t round;
	uint32_t count;
	int shared;
	uint32_t out;
};
_Static_assert(sizeof(struct barrier_layout) <= sizeof(pthread_barrier_t), "it has room");

/* Does the lock itself say that several processes use it? Spin locks say nothing. */
static inline bool lock_says_shared(enum object_kind kind, const void *lock)
{
	switch (kind) {
	case OBJECT_PSEM:
		return ((const struct sem_layout *)lock)->shared != 0;
	case OBJECT_MUTEX:
		return ((const pthread_mutex_t *)lock)->__data.__kind & MUTEX_KIND_SHARED;
	case OBJECT_COND:
		return ((const pthread_cond_t *)lock)->__data.__wrefs & COND_WREFS_SHARED;
	case OBJECT_RWLOCK:
		return ((const pthread_rwlock_t *)lock)->__data.__shared != 0;
	case OBJECT_BARRIER:
		return ((const struct barrier_layout *)lock)->shared != 0;
	default:
		return false;
	}
}

#endif
