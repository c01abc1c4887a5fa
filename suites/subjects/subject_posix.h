/* SPDX-License-Identifier: Apache-2.0 */
/* What the subjects of POSIX locks, queues and threads share beyond subject.h. */
#ifndef SUBJECT_POSIX_H
#define SUBJECT_POSIX_H

#include "subject.h"

#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* For calls that give an error number instead of setting errno. */
void check_number(int number, const char *what);
#define CHECK_NUMBER(call) check_number((call), #call)

/* Shared, anonymous memory, zero-filled; spawn() hands it on, the last to end takes it away. */
void *map_shared(size_t size_bytes);

/* A one-way gate between processes or threads. It spins, so that no call is seen. */
void raise_flag(atomic_int *flag);
void await_flag(const atomic_int *flag, int at_least);

/* A moment from now on this clock. */
struct timespec after_ms(clockid_t clock, long ms);

enum {
	MUTEX_SHARED = 1 << 0,
	MUTEX_ROBUST = 1 << 1,
	MUTEX_RECURSIVE = 1 << 2,
	MUTEX_ERRORCHECK = 1 << 3,
	MUTEX_INHERIT = 1 << 4,
};

void init_mutex(pthread_mutex_t *mutex, int flags);
/* One that a dead holder left is made consistent: its holder's end is the root's business. */
void lock_mutex(pthread_mutex_t *mutex);
void unlock_mutex(pthread_mutex_t *mutex);
void init_cond(pthread_cond_t *cond, bool shared);
void wait_cond(pthread_cond_t *cond, pthread_mutex_t *mutex);

void init_psem(sem_t *sem, unsigned int value);
void wait_psem(sem_t *sem);
void post_psem(sem_t *sem);
int psem_value(sem_t *sem);
/* Has this value when free: when workers died, the root gives back what they have taken. */
void own_psem(sem_t *sem, int value);
void init_psem_lock(sem_t *sem);

/* A new queue that the root takes away. */
mqd_t make_mq(const char *name, long n_messages, size_t size_bytes);
void send_mq(mqd_t queue, const void *message, size_t size_bytes, unsigned int priority);
size_t receive_mq(mqd_t queue, void *message, size_t room_bytes, unsigned int *priority);

/* Threads of this process. A body's result is what join_thread() gives; die() ends all of them. */
pthread_t start_thread(int (*body)(int who), int who);
int join_thread(pthread_t thread);

#endif
