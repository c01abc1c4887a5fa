/* SPDX-License-Identifier: Apache-2.0 */
/* sample_lock.c - locks in the stage's shared memory, each fresh, which is all zeroes. */
#include "sample.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static const struct timespec never = { .tv_sec = 4000000000 }, past = { .tv_sec = 1 };

/* The stage's last bytes: a child that a watching sample forks shares them. */
union lock {
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
	pthread_spinlock_t spin;
	pthread_barrier_t barrier;
	uint32_t word;
};

struct locks {
	union lock lock;
	pthread_cond_t cond;
};

static struct locks *locks(void)
{
	return (struct locks *)(stage->in + sizeof(stage->in) - 256);
}

static pthread_mutex_t *mutex(void)
{
	return &locks()->lock.mutex;
}

static pthread_rwlock_t *rwlock(void)
{
	return &locks()->lock.rwlock;
}

static pthread_spinlock_t *spin(void)
{
	return &locks()->lock.spin;
}

static void prepare_fresh(void)
{
	memset(locks(), 0, sizeof(*locks()));
}

/* As a lock by this thread leaves it. */
static void prepare_locked(void)
{
	prepare_fresh();
	mutex()->__data.__lock = 1;
	mutex()->__data.__owner = (int)raw0(SYS_gettid);
	mutex()->__data.__nusers = 1;
}

static void state_mutex(void)
{
	print(" locked=%d owned=%d", mutex()->__data.__lock != 0, mutex()->__data.__owner != 0);
}

static long lock_locked(long (*lock)(void))
{
	prepare_locked();
	return lock();
}

static long trylock(void)
{
	return pthread_mutex_trylock(mutex());
}

static long timedlock(void)
{
	return pthread_mutex_timedlock(mutex(), &past);
}

static long clocklock(void)
{
	return pthread_mutex_clocklock(mutex(), CLOCK_REALTIME, &past);
}

CALLS(pthread_mutex_init, pthread_mutex_init(mutex(), NULL))
SAMPLE(pthread_mutex_init, .prepare = prepare_locked, .state = state_mutex);

CALLS(pthread_mutex_destroy, pthread_mutex_destroy(mutex()))
FAILS(pthread_mutex_destroy, (prepare_locked(), pthread_mutex_destroy(mutex())))
SAMPLE(pthread_mutex_destroy, .prepare = prepare_fresh, .fail = fail_pthread_mutex_destroy,
       .state = state_mutex);

CALLS(pthread_mutex_lock, pthread_mutex_lock(mutex()))
SAMPLE(pthread_mutex_lock, .prepare = prepare_fresh, .state = state_mutex);

CALLS(pthread_mutex_trylock, trylock())
FAILS(pthread_mutex_trylock, lock_locked(trylock))
SAMPLE(pthread_mutex_trylock, .prepare = prepare_fresh, .fail = fail_pthread_mutex_trylock,
       .state = state_mutex);

CALLS(pthread_mutex_timedlock, pthread_mutex_timedlock(mutex(), &never))
FAILS(pthread_mutex_timedlock, lock_locked(timedlock))
SAMPLE(pthread_mutex_timedlock, .prepare = prepare_fresh, .fail = fail_pthread_mutex_timedlock,
       .state = state_mutex, .holds = HOLDS(TIMEOUT));

CALLS(pthread_mutex_clocklock, pthread_mutex_clocklock(mutex(), CLOCK_REALTIME, &never))
FAILS(pthread_mutex_clocklock, lock_locked(clocklock))
SAMPLE(pthread_mutex_clocklock, .prepare = prepare_fresh, .fail = fail_pthread_mutex_clocklock,
       .state = state_mutex, .holds = HOLDS(TIMEOUT));

CALLS(pthread_mutex_unlock, pthread_mutex_unlock(mutex()))
SAMPLE(pthread_mutex_unlock, .prepare = prepare_locked, .state = state_mutex);

CALLS(pthread_mutex_consistent, pthread_mutex_consistent(mutex()))
FAILS(pthread_mutex_consistent, pthread_mutex_consistent(mutex()))
SAMPLE(pthread_mutex_consistent, .prepare = prepare_fresh, .fail = fail_pthread_mutex_consistent,
       .state = state_mutex);

/* Condition variables. A wait that is over at once: its time has come. */
CALLS(pthread_cond_init, pthread_cond_init(&locks()->cond, NULL))
SAMPLE(pthread_cond_init, .prepare = prepare_fresh);

CALLS(pthread_cond_destroy, pthread_cond_destroy(&locks()->cond))
SAMPLE(pthread_cond_destroy, .prepare = prepare_fresh);

/* Who waits without end is woken by another thread; the row's test needs only a mutex that is not
 * its own, which an error-checking one refuses at once. */
static void prepare_refusing(void)
{
	prepare_fresh();
	mutex()->__data.__kind = PTHREAD_MUTEX_ERRORCHECK;
}

CALLS(pthread_cond_wait, pthread_cond_wait(&locks()->cond, mutex()))
SAMPLE(pthread_cond_wait, .prepare = prepare_refusing, .state = state_mutex);

CALLS(pthread_cond_timedwait, pthread_cond_timedwait(&locks()->cond, mutex(), &past))
SAMPLE(pthread_cond_timedwait, .prepare = prepare_locked, .state = state_mutex,
       .holds = HOLDS(TIMEOUT));

CALLS(pthread_cond_clockwait,
      pthread_cond_clockwait(&locks()->cond, mutex(), CLOCK_REALTIME, &past))
FAILS(pthread_cond_clockwait, pthread_cond_clockwait(&locks()->cond, mutex(), 99, &past))
SAMPLE(pthread_cond_clockwait, .prepare = prepare_locked, .fail = fail_pthread_cond_clockwait,
       .state = state_mutex, .holds = HOLDS(TIMEOUT));

CALLS(pthread_cond_signal, pthread_cond_signal(&locks()->cond))
SAMPLE(pthread_cond_signal, .prepare = prepare_fresh);

CALLS(pthread_cond_broadcast, pthread_cond_broadcast(&locks()->cond))
SAMPLE(pthread_cond_broadcast, .prepare = prepare_fresh);

/* Read-write locks. */
enum { RWLOCK_READERS_SHIFT = 3, RWLOCK_WRITER = 2 | 1 };

static void prepare_read(void)
{
	prepare_fresh();
	rwlock()->__data.__readers = 1u << RWLOCK_READERS_SHIFT;
}

static void prepare_written(void)
{
	prepare_fresh();
	rwlock()->__data.__readers = RWLOCK_WRITER;
	rwlock()->__data.__wrphase_futex = 1;
	rwlock()->__data.__cur_writer = (int)raw0(SYS_gettid);
}

static void state_rwlock(void)
{
	print(" readers=%u written=%d", rwlock()->__data.__readers >> RWLOCK_READERS_SHIFT,
	      rwlock()->__data.__cur_writer != 0);
}

CALLS(pthread_rwlock_init, pthread_rwlock_init(rwlock(), NULL))
SAMPLE(pthread_rwlock_init, .prepare = prepare_read, .state = state_rwlock);

CALLS(pthread_rwlock_destroy, pthread_rwlock_destroy(rwlock()))
SAMPLE(pthread_rwlock_destroy, .prepare = prepare_fresh, .state = state_rwlock);

CALLS(pthread_rwlock_rdlock, pthread_rwlock_rdlock(rwlock()))
FAILS(pthread_rwlock_rdlock, (prepare_written(), pthread_rwlock_rdlock(rwlock())))
SAMPLE(pthread_rwlock_rdlock, .prepare = prepare_fresh, .fail = fail_pthread_rwlock_rdlock,
       .state = state_rwlock);

CALLS(pthread_rwlock_tryrdlock, pthread_rwlock_tryrdlock(rwlock()))
FAILS(pthread_rwlock_tryrdlock, (prepare_written(), pthread_rwlock_tryrdlock(rwlock())))
SAMPLE(pthread_rwlock_tryrdlock, .prepare = prepare_fresh, .fail = fail_pthread_rwlock_tryrdlock,
       .state = state_rwlock);

CALLS(pthread_rwlock_timedrdlock, pthread_rwlock_timedrdlock(rwlock(), &never))
FAILS(pthread_rwlock_timedrdlock, (prepare_written(), pthread_rwlock_timedrdlock(rwlock(), &past)))
SAMPLE(pthread_rwlock_timedrdlock, .prepare = prepare_fresh,
       .fail = fail_pthread_rwlock_timedrdlock, .state = state_rwlock, .holds = HOLDS(TIMEOUT));

CALLS(pthread_rwlock_clockrdlock, pthread_rwlock_clockrdlock(rwlock(), CLOCK_REALTIME, &never))
FAILS(pthread_rwlock_clockrdlock, pthread_rwlock_clockrdlock(rwlock(), 99, &never))
SAMPLE(pthread_rwlock_clockrdlock, .prepare = prepare_fresh,
       .fail = fail_pthread_rwlock_clockrdlock, .state = state_rwlock, .holds = HOLDS(TIMEOUT));

CALLS(pthread_rwlock_wrlock, pthread_rwlock_wrlock(rwlock()))
FAILS(pthread_rwlock_wrlock, (prepare_written(), pthread_rwlock_wrlock(rwlock())))
SAMPLE(pthread_rwlock_wrlock, .prepare = prepare_fresh, .fail = fail_pthread_rwlock_wrlock,
       .state = state_rwlock);

CALLS(pthread_rwlock_trywrlock, pthread_rwlock_trywrlock(rwlock()))
FAILS(pthread_rwlock_trywrlock, (prepare_read(), pthread_rwlock_trywrlock(rwlock())))
SAMPLE(pthread_rwlock_trywrlock, .prepare = prepare_fresh, .fail = fail_pthread_rwlock_trywrlock,
       .state = state_rwlock);

CALLS(pthread_rwlock_timedwrlock, pthread_rwlock_timedwrlock(rwlock(), &never))
FAILS(pthread_rwlock_timedwrlock, (prepare_read(), pthread_rwlock_timedwrlock(rwlock(), &past)))
SAMPLE(pthread_rwlock_timedwrlock, .prepare = prepare_fresh,
       .fail = fail_pthread_rwlock_timedwrlock, .state = state_rwlock, .holds = HOLDS(TIMEOUT));

CALLS(pthread_rwlock_clockwrlock, pthread_rwlock_clockwrlock(rwlock(), CLOCK_REALTIME, &never))
FAILS(pthread_rwlock_clockwrlock, pthread_rwlock_clockwrlock(rwlock(), 99, &never))
SAMPLE(pthread_rwlock_clockwrlock, .prepare = prepare_fresh,
       .fail = fail_pthread_rwlock_clockwrlock, .state = state_rwlock, .holds = HOLDS(TIMEOUT));

CALLS(pthread_rwlock_unlock, pthread_rwlock_unlock(rwlock()))
SAMPLE(pthread_rwlock_unlock, .prepare = prepare_read, .state = state_rwlock);

/* Barriers, of one. */
static void prepare_barrier(void)
{
	/* glibc's: who came in, the round, how many, whether it is shared */
	const unsigned int fresh[] = { 0, 0, 1, 0 };

	prepare_fresh();
	memcpy(&locks()->lock.barrier, fresh, sizeof(fresh));
}

static void state_barrier(void)
{
	unsigned int word[4];

	memcpy(word, &locks()->lock.barrier, sizeof(word));
	print(" count=%u", word[2]);
}

CALLS(pthread_barrier_init, pthread_barrier_init(&locks()->lock.barrier, NULL, 2))
FAILS(pthread_barrier_init, pthread_barrier_init(&locks()->lock.barrier, NULL, 0))
SAMPLE(pthread_barrier_init, .prepare = prepare_fresh, .fail = fail_pthread_barrier_init,
       .state = state_barrier);

CALLS(pthread_barrier_destroy, pthread_barrier_destroy(&locks()->lock.barrier))
SAMPLE(pthread_barrier_destroy, .prepare = prepare_barrier, .state = state_barrier);

CALLS(pthread_barrier_wait, pthread_barrier_wait(&locks()->lock.barrier))
SAMPLE(pthread_barrier_wait, .prepare = prepare_barrier, .state = state_barrier);

/* Spin locks: glibc's are 1 when free on this machine. */
enum { SPIN_FREE = 1, SPIN_TAKEN = 0 };

static void prepare_free(void)
{
	*spin() = SPIN_FREE;
}

static void prepare_taken(void)
{
	*spin() = SPIN_TAKEN;
}

static void state_spin(void)
{
	print(" taken=%d", *spin() != SPIN_FREE);
}

static long try_taken(void)
{
	prepare_taken();
	return pthread_spin_trylock(spin());
}

CALLS(pthread_spin_init, pthread_spin_init(spin(), PTHREAD_PROCESS_SHARED))
SAMPLE(pthread_spin_init, .prepare = prepare_taken, .state = state_spin);

CALLS(pthread_spin_destroy, pthread_spin_destroy(spin()))
SAMPLE(pthread_spin_destroy, .prepare = prepare_free, .state = state_spin);

CALLS(pthread_spin_lock, pthread_spin_lock(spin()))
SAMPLE(pthread_spin_lock, .prepare = prepare_free, .state = state_spin);

CALLS(pthread_spin_trylock, pthread_spin_trylock(spin()))
FAILS(pthread_spin_trylock, try_taken())
SAMPLE(pthread_spin_trylock, .prepare = prepare_free, .fail = fail_pthread_spin_trylock,
       .state = state_spin);

CALLS(pthread_spin_unlock, pthread_spin_unlock(spin()))
SAMPLE(pthread_spin_unlock, .prepare = prepare_taken, .state = state_spin);

/* Only as a system call. The value differs, so it does not wait. */
CALLS(futex, syscall(SYS_futex, &locks()->lock.word, FUTEX_WAKE, 1, NULL, NULL, 0))
FAILS(futex, syscall(SYS_futex, &locks()->lock.word, FUTEX_WAIT, 77, NULL, NULL, 0))
FAULTS(futex, syscall(SYS_futex, nowhere, FUTEX_WAIT, 77, NULL, NULL, 0))
SAMPLE(futex, .prepare = prepare_fresh, .fail = fail_futex, .fault = fault_futex,
       .refuses = { EINTR });
