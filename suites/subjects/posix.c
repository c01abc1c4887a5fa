/* SPDX-License-Identifier: Apache-2.0 */
/* Locks, queues and threads of POSIX as the subjects use them: EINTR retried, all else is fatal. */
#include "subject_posix.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

void check_number(int number, const char *what)
{
	if (number == 0)
		return;
	errno = number;
	die(what);
}

void *map_shared(size_t size_bytes)
{
	void *memory =
		mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

void raise_flag(atomic_int *flag)
{
	atomic_fetch_add(flag, 1);
}

void await_flag(const atomic_int *flag, int at_least)
{
	while (atomic_load(flag) < at_least)
		sched_yield();
}

struct timespec after_ms(clockid_t clock, long ms)
{
	struct timespec moment;

	CHECK(clock_gettime(clock, &moment));
	moment.tv_sec += ms / 1000;
	moment.tv_nsec += ms % 1000 * 1000 * 1000;
	if (moment.tv_nsec >= 1000 * 1000 * 1000) {
		moment.tv_nsec -= 1000 * 1000 * 1000;
		moment.tv_sec++;
	}
	return moment;
}

void init_mutex(pthread_mutex_t *mutex, int flags)
{
	pthread_mutexattr_t attributes;

	CHECK_NUMBER(pthread_mutexattr_init(&attributes));
	if (flags & MUTEX_SHARED)
		CHECK_NUMBER(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
	if (flags & MUTEX_ROBUST)
		CHECK_NUMBER(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
	if (flags & MUTEX_RECURSIVE)
		CHECK_NUMBER(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE));
	if (flags & MUTEX_ERRORCHECK)
		CHECK_NUMBER(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK));
	if (flags & MUTEX_INHERIT)
		CHECK_NUMBER(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
	CHECK_NUMBER(pthread_mutex_init(mutex, &attributes));
	CHECK_NUMBER(pthread_mutexattr_destroy(&attributes));
}

static void accept_dead_owner(pthread_mutex_t *mutex, int number, const char *what)
{
	if (number == EOWNERDEAD)
		number = pthread_mutex_consistent(mutex);
	check_number(number, what);
}

void lock_mutex(pthread_mutex_t *mutex)
{
	accept_dead_owner(mutex, pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

void unlock_mutex(pthread_mutex_t *mutex)
{
	CHECK_NUMBER(pthread_mutex_unlock(mutex));
}

void init_cond(pthread_cond_t *cond, bool shared)
{
	pthread_condattr_t attributes;

	CHECK_NUMBER(pthread_condattr_init(&attributes));
	if (shared)
		CHECK_NUMBER(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
	CHECK_NUMBER(pthread_cond_init(cond, &attributes));
	CHECK_NUMBER(pthread_condattr_destroy(&attributes));
}

void wait_cond(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	accept_dead_owner(mutex, pthread_cond_wait(cond, mutex), "pthread_cond_wait");
}

void init_psem(sem_t *sem, unsigned int value)
{
	CHECK(sem_init(sem, 1, value));
}

void init_psem_lock(sem_t *sem)
{
	init_psem(sem, 1);
	own_psem(sem, 1);
}

void wait_psem(sem_t *sem)
{
	CHECK(TEMP_FAILURE_RETRY(sem_wait(sem)));
}

void post_psem(sem_t *sem)
{
	CHECK(sem_post(sem));
}

int psem_value(sem_t *sem)
{
	int value;

	CHECK(sem_getvalue(sem, &value));
	return value;
}

mqd_t make_mq(const char *name, long n_messages, size_t size_bytes)
{
	struct mq_attr limits = { .mq_maxmsg = n_messages, .mq_msgsize = (long)size_bytes };

	return CHECK(mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &limits));
}

void send_mq(mqd_t queue, const void *message, size_t size_bytes, unsigned int priority)
{
	CHECK(TEMP_FAILURE_RETRY(mq_send(queue, message, size_bytes, priority)));
}

size_t receive_mq(mqd_t queue, void *message, size_t room_bytes, unsigned int *priority)
{
	return (size_t)CHECK(
		(int)TEMP_FAILURE_RETRY(mq_receive(queue, message, room_bytes, priority)));
}

static struct start {
	int (*body)(int who);
	int who;
} starts[16];
static atomic_size_t n_starts;

static void *run_thread(void *argument)
{
	const struct start *start = argument;

	return (void *)(intptr_t)start->body(start->who);
}

pthread_t start_thread(int (*body)(int who), int who)
{
	struct start *start = &starts[atomic_fetch_add(&n_starts, 1)];
	pthread_t thread;

	EXPECT(start < starts + sizeof(starts) / sizeof(starts[0]));
	*start = (struct start){ body, who };
	CHECK_NUMBER(pthread_create(&thread, NULL, run_thread, start));
	return thread;
}

int join_thread(pthread_t thread)
{
	void *result;

	CHECK_NUMBER(pthread_join(thread, &result));
	return (int)(intptr_t)result;
}
