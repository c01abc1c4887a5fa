/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that block for ever, for interrupt.c: semaphores, futexes, locks, threads. */
#include "interrupt.h"
#include "kernel_lock.h"
#include "kernel_test.h"

#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A pthread function's result as a system call's. */
static long as_errno(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static sem_t *empty_semaphore(void)
{
	static sem_t sem;

	KT_CHILD(sem_init(&sem, 1, 0) == 0);
	return &sem;
}

long block_sem_wait(void)
{
	return sem_wait(empty_semaphore());
}

long block_sem_timedwait(void)
{
	struct timespec moment = interrupt_never();

	return sem_timedwait(empty_semaphore(), &moment);
}

long block_sem_clockwait(void)
{
	struct timespec moment = interrupt_never();

	return sem_clockwait(empty_semaphore(), CLOCK_REALTIME, &moment);
}

long block_futex(void)
{
	return syscall(SYS_futex, &(uint32_t){ 0 }, FUTEX_WAIT, 0, NULL, NULL, 0);
}

long block_futex_timeout(void)
{
	return syscall(SYS_futex, &(uint32_t){ 0 }, FUTEX_WAIT, 0, &interrupt_long, NULL, 0);
}

/* Locked by our parent, which lives. */
long block_futex_lock_pi(void)
{
	uint32_t word = (uint32_t)getppid();

	return syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

long block_futex_waitv(void)
{
	uint32_t word = 0;
	struct futex_waitv waiter = { .uaddr = (uintptr_t)&word, .flags = FUTEX_32 };
	long got = syscall(SYS_futex_waitv, &waiter, 1, 0, NULL, 0);

	if (got < 0 && errno == ENOSYS)
		suite_skip("this kernel has no futex_waitv (Linux 5.16)");
	return got;
}

static void *lock_it(void *mutex)
{
	KT_CHILD(pthread_mutex_lock(mutex) == 0);
	pause();
	return NULL;
}

/* A mutex that another thread has locked. */
static pthread_mutex_t *locked(int robust, int protocol)
{
	static pthread_mutex_t mutex;
	static struct kt_thread owner;
	pthread_mutexattr_t attr;

	KT_CHILD(pthread_mutexattr_init(&attr) == 0);
	KT_CHILD(pthread_mutexattr_setrobust(&attr, robust) == 0);
	KT_CHILD(pthread_mutexattr_setprotocol(&attr, protocol) == 0);
	KT_CHILD(pthread_mutex_init(&mutex, &attr) == 0);
	kt_thread_start(&owner, lock_it, &mutex);
	kt_wait_blocked(owner.tid, SYS_pause);
	return &mutex;
}

long block_mutex(void)
{
	return as_errno(pthread_mutex_lock(locked(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE)));
}

long block_mutex_timed(void)
{
	struct timespec moment = interrupt_never();

	return as_errno(
		pthread_mutex_timedlock(locked(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE), &moment));
}

long block_mutex_robust(void)
{
	return as_errno(pthread_mutex_lock(locked(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE)));
}

long block_mutex_inherit(void)
{
	return as_errno(pthread_mutex_lock(locked(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT)));
}

long block_cond(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	KT_CHILD(pthread_mutex_lock(&mutex) == 0);
	return as_errno(pthread_cond_wait(&cond, &mutex));
}

long block_cond_timed(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct timespec moment = interrupt_never();

	KT_CHILD(pthread_mutex_lock(&mutex) == 0);
	return as_errno(pthread_cond_timedwait(&cond, &mutex, &moment));
}

static void *write_lock(void *lock)
{
	KT_CHILD(pthread_rwlock_wrlock(lock) == 0);
	pause();
	return NULL;
}

static pthread_rwlock_t *write_locked(void)
{
	static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
	static struct kt_thread owner;

	kt_thread_start(&owner, write_lock, &lock);
	kt_wait_blocked(owner.tid, SYS_pause);
	return &lock;
}

long block_rwlock_read(void)
{
	return as_errno(pthread_rwlock_rdlock(write_locked()));
}

long block_rwlock_write(void)
{
	return as_errno(pthread_rwlock_wrlock(write_locked()));
}

long block_barrier(void)
{
	static pthread_barrier_t barrier;

	KT_CHILD(pthread_barrier_init(&barrier, NULL, 2) == 0);
	return as_errno(pthread_barrier_wait(&barrier));
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

long block_join(void)
{
	struct kt_thread thread;

	kt_thread_start(&thread, sleep_for_ever, NULL);
	return as_errno(pthread_join(thread.thread, NULL));
}

long block_flock(void)
{
	KT_CHILD(flock(kt_lock_open(), LOCK_EX) == 0);
	return flock(kt_lock_open(), LOCK_EX);
}

/* Locked by a description, which is in the way of a process too, also its own. */
static int locked_file(void)
{
	KT_CHILD(kt_lock(kt_lock_open(), F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
	return kt_lock_open();
}

static struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

long block_setlkw(void)
{
	return fcntl(locked_file(), F_SETLKW, &whole);
}

long block_ofd_setlkw(void)
{
	return fcntl(locked_file(), F_OFD_SETLKW, &whole);
}

long block_lockf(void)
{
	return lockf(locked_file(), F_LOCK, 0);
}
