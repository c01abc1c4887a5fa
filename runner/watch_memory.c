/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_memory.c - waits for locks and conditions in memory. The kernel tells on which word a
 * thread sleeps; the arena in which call it is, and so what that word belongs to; the lock's own
 * memory who has it. A word that belongs to nothing known is a futex, and anybody who runs may wake
 * it.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>

#include "lock_layout.h"
#include "watch.h"

#define RWLOCK_READER_SHIFT 3 /* __readers: waiting and held bits are below */

static bool is_within(const struct task *t, uint64_t object, size_t n_bytes)
{
	return t->memory.address >= object && t->memory.address < object + n_bytes;
}

static void psem_decode(struct task *t, const struct event *e)
{
	struct sem_layout sem;

	if (!is_within(t, (uint64_t)e->arg[0], sizeof(sem)) ||
	    !remote_read(t->pid, (uint64_t)e->arg[0], &sem, sizeof(sem)) || sem.value)
		return;
	t->kind = WAIT_PSEM;
	t->object = e->object;
	t->memory.word[0] = sem.value;
}

static void mutex_decode(struct task *t, uint64_t address, uint64_t object)
{
	pthread_mutex_t mutex;
	uint32_t lock;
	int kind;

	if (!is_within(t, address, sizeof(mutex)) ||
	    !remote_read(t->pid, address, &mutex, sizeof(mutex)))
		return;
	kind = mutex.__data.__kind;
	lock = (uint32_t)mutex.__data.__lock;
	/* Given back a moment ago: somebody is about to wake it, or died before that. */
	if (lock == 0)
		return;
	t->kind = WAIT_MUTEX;
	t->object = object_kind_of(object) == OBJECT_MUTEX ? object : 0;
	t->memory.robust = kind & MUTEX_KIND_ROBUST;
	t->memory.owner = kind & (MUTEX_KIND_ROBUST | MUTEX_KIND_INHERIT)
				  ? (pid_t)(lock & FUTEX_TID_MASK)
				  : mutex.__data.__owner;
	t->memory.word[0] = lock;
	t->memory.word[1] = (uint32_t)mutex.__data.__owner;
}

static void cond_decode(struct task *t, const struct event *e)
{
	uint32_t word;

	if (!is_within(t, (uint64_t)e->arg[0], sizeof(pthread_cond_t))) {
		mutex_decode(t, (uint64_t)e->arg[1], (uint64_t)e->arg[5]);
		return;
	}
	/* Another value than it went to sleep on: somebody is about to wake it. */
	if (!remote_read(t->pid, t->memory.address, &word, sizeof(word)) ||
	    word != (uint32_t)t->context.arg[2])
		return;
	t->kind = WAIT_COND;
	t->object = e->object;
	t->memory.word[0] = word;
}

static void rwlock_decode(struct task *t, const struct event *e)
{
	pthread_rwlock_t lock;

	if (!is_within(t, (uint64_t)e->arg[0], sizeof(lock)) ||
	    !remote_read(t->pid, (uint64_t)e->arg[0], &lock, sizeof(lock)))
		return;
	t->kind = WAIT_RWLOCK;
	t->object = e->object;
	t->memory.owner = lock.__data.__cur_writer;
	t->memory.word[0] = lock.__data.__readers >> RWLOCK_READER_SHIFT;
	t->memory.word[1] = (uint32_t)lock.__data.__cur_writer;
	t->memory.word[2] = lock.__data.__writers;
}

static void barrier_decode(struct task *t, const struct event *e)
{
	struct barrier_layout barrier;

	if (!is_within(t, (uint64_t)e->arg[0], sizeof(barrier)) ||
	    !remote_read(t->pid, (uint64_t)e->arg[0], &barrier, sizeof(barrier)))
		return;
	t->kind = WAIT_BARRIER;
	t->object = e->object;
	t->memory.word[0] = barrier.in;
	t->memory.word[1] = barrier.count;
	t->memory.word[2] = barrier.round;
}

/* The kernel clears the word at the thread's end. */
static void join_decode(struct task *t, const struct event *e)
{
	uint32_t tid;

	if (!remote_read(t->pid, t->memory.address, &tid, sizeof(tid)) || tid == 0 ||
	    tid != (uint32_t)t->context.arg[2])
		return;
	t->kind = WAIT_JOIN;
	t->object = e->object;
	t->memory.owner = (pid_t)tid;
	t->memory.word[0] = tid;
}

static void call_decode(struct task *t, const struct event *e)
{
	if (!(calls[e->call].flags & CALL_BLOCKS))
		return;
	switch (calls[e->call].arg[0]) {
	case ARG_PSEM:
		psem_decode(t, e);
		break;
	case ARG_MUTEX:
		mutex_decode(t, (uint64_t)e->arg[0], e->object);
		break;
	case ARG_COND:
		cond_decode(t, e);
		break;
	case ARG_RWLOCK:
		rwlock_decode(t, e);
		break;
	case ARG_BARRIER:
		barrier_decode(t, e);
		break;
	case ARG_THREAD:
		join_decode(t, e);
		break;
	case ARG_FUTEX:
		if ((uint64_t)e->arg[0] == t->memory.address)
			t->object = e->object;
		break;
	default:
		break;
	}
}

/* Where in which file is the word, if others can have it mapped too? */
static void place_decode(struct task *t)
{
	char path[64], line[512];
	struct mapping m;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/maps", (int)t->pid, (int)t->tid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = mapping_parse(line, &m) && t->memory.address >= m.start &&
			t->memory.address < m.end;
	if (maps)
		fclose(maps);
	if (!found || !m.shared)
		return;
	t->memory.shared = true;
	t->memory.dev = m.dev;
	t->memory.ino = m.ino;
	t->memory.offset = t->memory.address - m.start + m.offset;
}

static bool is_forever(const struct context *c)
{
	int op = (int)c->arg[1] & FUTEX_CMD_MASK;

	return c->arg[3] == 0 && (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET ||
				  op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2);
}

void memory_decode(struct supervisor *s, struct task *t)
{
	struct event e;

	if (!is_forever(&t->context))
		return;
	t->kind = WAIT_FUTEX;
	t->memory.address = t->context.arg[0];
	if (!task_call(s, t, &e))
		return;
	call_decode(t, &e);
	/* A futex that is private by its own word is woken by threads of this process alone. */
	if (t->kind != WAIT_FUTEX && t->kind != WAIT_JOIN &&
	    !(t->context.arg[1] & FUTEX_PRIVATE_FLAG))
		place_decode(t);
}

bool waits_in_memory(const struct task *t)
{
	return t->kind >= WAIT_PSEM && t->kind <= WAIT_JOIN;
}

bool memory_same(struct supervisor *s, const struct task *t)
{
	struct task again = *t;

	if (!waits_in_memory(t))
		return true;
	again.kind = WAIT_LIVE;
	again.object = 0;
	memset(&again.memory, 0, sizeof(again.memory));
	memory_decode(s, &again);
	return again.kind == t->kind && again.object == t->object &&
	       memcmp(&again.memory, &t->memory, sizeof(again.memory)) == 0;
}
