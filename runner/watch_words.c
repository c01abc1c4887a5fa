/* SPDX-License-Identifier: Apache-2.0 */
/* watch_words.c - who a task is, what it waits for, and what it is to others, in words. */
#include <string.h>

#include "watch.h"

const char *words_lineage(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes)
{
	int32_t process = y->scene->proc[t->proc].process;

	if (process < 0 && t->tid != t->pid)
		snprintf(buffer, n_bytes, "thread %d of process %d", (int)t->tid, (int)t->pid);
	else if (process < 0)
		snprintf(buffer, n_bytes, "process %d", (int)t->pid);
	else if (t->slot >= 0 && y->s->thread[t->slot].number)
		snprintf(buffer, n_bytes, "%s/%u", y->s->process[process].lineage,
			 y->s->thread[t->slot].number);
	else if (t->slot < 0 && t->tid != t->pid)
		snprintf(buffer, n_bytes, "%s/?%d", y->s->process[process].lineage, (int)t->tid);
	else
		snprintf(buffer, n_bytes, "%s", y->s->process[process].lineage);
	return buffer;
}

const char *words_who(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes)
{
	int32_t process = y->scene->proc[t->proc].process;
	char lineage[ARENA_LINEAGE + 40];

	snprintf(buffer, n_bytes, "%s (%s)", words_lineage(y, t, lineage, sizeof(lineage)),
		 process < 0 ? "not followed" : y->s->process[process].name);
	return buffer;
}

const char *words_object(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes)
{
	size_t n;

	buffer[0] = '\0';
	if (t->object)
		model_object_name(y->s->model, t->object, buffer, n_bytes);
	n = strlen(buffer);
	if (t->kind == WAIT_SEM)
		snprintf(buffer + n, n_bytes - n, " #%u", t->num);
	return buffer;
}

struct words {
	const char *waits;    /* what it does; %s: the object */
	const char *relation; /* what somebody is to it who is waited for */
	const char *unnamed;  /* the object, where it has no name */
};

static const struct words words[WAIT_N] = {
	[WAIT_LIVE] = { "runs%.0s", "runs%.0s", "" },
	[WAIT_SEM] = { "waits for %s", "holds %s", "a semaphore" },
	[WAIT_PSEM] = { "waits for %s", "holds %s", "a semaphore" },
	[WAIT_MUTEX] = { "waits for %s", "holds %s", "a mutex" },
	[WAIT_COND] = { "waits for %s to be signalled", "has signalled %s", "a condition" },
	[WAIT_RWLOCK] = { "waits for %s", "holds %s", "a read-write lock" },
	[WAIT_BARRIER] = { "waits for the others at %s", "has not come to %s", "a barrier" },
	[WAIT_FUTEX] = { "waits to be woken at %s", "shares %s", "a place in memory" },
	[WAIT_JOIN] = { "waits for the end of %s", "is %s", "a thread" },
	[WAIT_RECEIVE] = { "waits for a message in %s", "sends to %s", "a queue" },
	[WAIT_SEND] = { "waits for room in %s", "receives from %s", "a queue" },
	[WAIT_READ] = { "waits for bytes from %s", "could write to %s", "a descriptor" },
	[WAIT_WRITE] = { "waits for room in %s", "could read from %s", "a descriptor" },
	[WAIT_ACCEPT] = { "waits for somebody to connect to %s", "could connect to %s",
			  "a socket" },
	[WAIT_CONNECT] = { "waits to be accepted by %s", "could accept from %s", "a socket" },
	[WAIT_POLL] = { "waits for one of its descriptors: %s", "has the other end of %s", "none" },
	[WAIT_MOVE] = { "waits for bytes from %s, or for room for them", "has an end of %s",
			"none" },
	[WAIT_OPEN] = { "waits for the other end of %s", "would open %s later", "a FIFO" },
	[WAIT_FILE_LOCK] = { "waits for the lock on %s", "has locked %s", "a file" },
	[WAIT_CHILD] = { "waits for the end of a child%.0s", "is its child%.0s", "" },
	[WAIT_SIGNAL] = { "waits for a signal%.0s", "has sent it signals%.0s", "" },
};

static void fill(char *buffer, size_t n_bytes, const char *format, const struct stuck *y,
		 const struct task *t)
{
	char object[128];

	words_object(y, t, object, sizeof(object));
	/* The table's formats all take one string. */
	snprintf(buffer, n_bytes, format, object[0] ? object : words[t->kind].unnamed);
}

const char *words_waits(const struct stuck *y, const struct task *t, char *buffer, size_t n_bytes)
{
	size_t n;

	fill(buffer, n_bytes, words[t->kind].waits, y, t);
	n = strlen(buffer);
	if (t->kind == WAIT_SEM && t->to_zero)
		snprintf(buffer + n, n_bytes - n, " to be 0");
	else if (t->kind == WAIT_BARRIER && t->memory.word[1])
		snprintf(buffer + n, n_bytes - n, ", where %u of %u are",
			 (t->memory.word[0] - 1) % t->memory.word[1] + 1, t->memory.word[1]);
	return buffer;
}

const char *words_relation(const struct stuck *y, const struct task *waiter, char *buffer,
			   size_t n_bytes)
{
	bool is_sem = waiter->kind == WAIT_SEM || waiter->kind == WAIT_PSEM;

	fill(buffer, n_bytes,
	     is_sem && !waits_for_lock(y->s, waiter) ? "raises %s" : words[waiter->kind].relation,
	     y, waiter);
	return buffer;
}
