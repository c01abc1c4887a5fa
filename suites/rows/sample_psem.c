/* SPDX-License-Identifier: Apache-2.0 */
/* sample_psem.c - POSIX semaphores: in the stage's shared memory, and named ones. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

static const struct timespec never = { .tv_sec = 4000000000 };
static int value_read;

/* The stage's last bytes: shared with the child that a watching sample forks. A fresh semaphore is
 * zero but for its value. */
static sem_t *sem(void)
{
	return (sem_t *)(stage->in + sizeof(stage->in) - 64);
}

static void set_value(unsigned int value)
{
	memset(sem(), 0, sizeof(*sem()));
	memcpy(sem(), &value, sizeof(value));
}

static void prepare_two(void)
{
	set_value(2);
}

static void prepare_zero(void)
{
	set_value(0);
}

static void state_value(void)
{
	unsigned int value;

	memcpy(&value, sem(), sizeof(value));
	print(" value=%u", value);
}

static void data_read_value(void)
{
	print(" read=%d", value_read);
}

static void prepare_name(void)
{
	snprintf(stage->out, sizeof(stage->out), "/dev/shm/sem.row-%ld", raw0(SYS_getpid));
}

static const char *name(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "/%s", stage->out + sizeof("/dev/shm/sem.") - 1);
	return text;
}

static void prepare_named(void)
{
	sem_t fresh;
	long fd;

	memset(&fresh, 0, sizeof(fresh));
	fresh.__size[0] = 1;
	prepare_name();
	fd = raw4(SYS_openat, AT_FDCWD, stage->out, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	need(fd, "openat");
	need(raw3(SYS_write, fd, &fresh, sizeof(fresh)), "write");
	raw1(SYS_close, fd);
}

static void prepare_opened(void)
{
	prepare_named();
	stage->pointer = sem_open(name(), 0);
}

static void state_named(void)
{
	long found = raw4(SYS_openat, AT_FDCWD, stage->out, O_RDWR | O_CLOEXEC, 0);

	print(" named=%d", found >= 0);
	raw3(SYS_unlinkat, AT_FDCWD, stage->out, 0);
}

CALLS(sem_open, sem_open(name(), O_CREAT, 0600, 1))
FAILS(sem_open, sem_open("/row-none", 0))
SAMPLE(sem_open, .prepare = prepare_name, .fail = fail_sem_open, .state = state_named,
       .shape = SHAPE_POINTER, .holds = HOLDS(CREATE));

CALLS(sem_close, sem_close(stage->pointer))
FAILS(sem_close, sem_close(sem()))
SAMPLE(sem_close, .prepare = prepare_opened, .fail = fail_sem_close, .state = state_named);

CALLS(sem_unlink, sem_unlink(name()))
FAILS(sem_unlink, sem_unlink("/row-none"))
SAMPLE(sem_unlink, .prepare = prepare_named, .fail = fail_sem_unlink, .state = state_named);

CALLS(sem_init, sem_init(sem(), 1, 7))
FAILS(sem_init, sem_init(sem(), 1, 0x80000000u))
SAMPLE(sem_init, .prepare = prepare_zero, .fail = fail_sem_init, .state = state_value);

CALLS(sem_destroy, sem_destroy(sem()))
SAMPLE(sem_destroy, .prepare = prepare_two, .state = state_value);

CALLS(sem_wait, sem_wait(sem()))
SAMPLE(sem_wait, .prepare = prepare_two, .state = state_value);

static long try_empty(void)
{
	set_value(0);
	return sem_trywait(sem());
}

CALLS(sem_trywait, sem_trywait(sem()))
FAILS(sem_trywait, try_empty())
SAMPLE(sem_trywait, .prepare = prepare_two, .fail = fail_sem_trywait, .state = state_value);

static long wait_empty(const struct timespec *until)
{
	set_value(0);
	return sem_timedwait(sem(), until);
}

static const struct timespec past = { .tv_sec = 1 };

CALLS(sem_timedwait, sem_timedwait(sem(), &never))
FAILS(sem_timedwait, wait_empty(&past))
SAMPLE(sem_timedwait, .prepare = prepare_two, .fail = fail_sem_timedwait, .state = state_value,
       .holds = HOLDS(TIMEOUT));

CALLS(sem_clockwait, sem_clockwait(sem(), CLOCK_MONOTONIC, &never))
FAILS(sem_clockwait, sem_clockwait(sem(), 99, &never))
SAMPLE(sem_clockwait, .prepare = prepare_two, .fail = fail_sem_clockwait, .state = state_value,
       .holds = HOLDS(TIMEOUT));

static long post_full(void)
{
	set_value(0x7fffffff);
	return sem_post(sem());
}

CALLS(sem_post, sem_post(sem()))
FAILS(sem_post, post_full())
SAMPLE(sem_post, .prepare = prepare_two, .fail = fail_sem_post, .state = state_value);

CALLS(sem_getvalue, sem_getvalue(sem(), &value_read))
SAMPLE(sem_getvalue, .prepare = prepare_two, .data = data_read_value, .state = state_value);
