/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_sem.c - the kernel's semaphore values against the model's: read when nobody is in a
 * call on the set and every event has been handed on, twice the same.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "supervise.h"

#define VALUES 32000 /* SEMMSL */
#define PATIENCE_NS (2 * NS_PER_S)
/* An exiting process gives back what SEM_UNDO holds before its death can be seen. */
#define DIFFERENCE_NS (300 * NS_PER_MS)

union semun {
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static struct sem_note *note_find(struct supervisor *s, int semid)
{
	for (unsigned int i = 0; i < s->n_sem_notes; i++)
		if (s->sem_note[i].semid == semid)
			return &s->sem_note[i];
	return NULL;
}

static struct sem_note *note_add(struct supervisor *s, int semid)
{
	struct sem_note *note = note_find(s, semid);

	if (note || s->n_sem_notes == SEM_NOTES)
		return note;
	note = &s->sem_note[s->n_sem_notes++];
	memset(note, 0, sizeof(*note));
	note->semid = semid;
	model_object_name(s->model, OBJECT_REF(OBJECT_SEM, semid), note->object,
			  sizeof(note->object));
	return note;
}

void sems_note(struct supervisor *s, int semid, const char *lineage)
{
	struct sem_note *note = note_add(s, semid);

	if (!note)
		return;
	note->pending = true;
	note->since_ns = now_ns();
	snprintf(note->note, sizeof(note->note), "restored by SEM_UNDO after %s died", lineage);
}

static int read_values(int semid, uint16_t *value)
{
	struct semid_ds ds;

	if (semctl(semid, 0, IPC_STAT, (union semun){ .buf = &ds }) < 0 || ds.sem_nsems > VALUES ||
	    semctl(semid, 0, GETALL, (union semun){ .array = value }) < 0)
		return -1;
	return (int)ds.sem_nsems;
}

/* Nobody is in a call on the set, and n_calls tells whether anybody was meanwhile. */
static bool quiet(const struct supervisor *s, int semid, uint64_t *n_calls)
{
	*n_calls = 0;
	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		const struct arena_thread *t = &s->arena->thread[i];
		uint32_t depth = atomic_load(&t->depth);

		/* somebody whom we do not know yet may be at it */
		if (!s->thread[i].used && atomic_load(&t->state) != THREAD_FREE)
			return false;
		if (!s->thread[i].used)
			continue;
		*n_calls += atomic_load(&t->n_calls);
		if (atomic_load(&t->leaving))
			return false;
		for (uint32_t d = 0; d < depth && d < ARENA_DEPTH; d++)
			if (t->cur[d].object == OBJECT_REF(OBJECT_SEM, semid))
				return false;
	}
	return true;
}

static void keep_values(struct sem_note *note, const uint16_t *value, int n)
{
	note->n_values = n < 16 ? (unsigned int)n : 16;
	memcpy(note->value, value, note->n_values * sizeof(*value));
}

/* A difference counts when it lasts. */
static bool may_still_agree(struct supervisor *s, struct sem_note *note, const uint16_t *value,
			    int n)
{
	if (model_sem_agrees(s->model, note->semid, value, (unsigned int)n)) {
		note->differs_ns = 0;
		return false;
	}
	if (note->differs_ns == 0)
		note->differs_ns = now_ns();
	return now_ns() - note->differs_ns < DIFFERENCE_NS;
}

/* Returns false when it has to be tried again later. `still`: nobody moves any more. */
static bool snapshot(struct supervisor *s, int semid, bool still)
{
	static uint16_t first[VALUES], second[VALUES];
	uint64_t before = 0, after = 0;
	struct sem_note *note;
	int n;

	processes_births(s);
	threads_update(s);
	drain(s);
	if (!still && (s->n_unfollowed || !quiet(s, semid, &before)))
		return false;
	n = read_values(semid, first);
	if (n < 0)
		return true;
	processes_births(s);
	threads_update(s);
	drain(s);
	if (!still && (!drained(s) || !quiet(s, semid, &after) || before != after))
		return false;
	if (read_values(semid, second) != n ||
	    memcmp(first, second, (size_t)n * sizeof(first[0])) != 0)
		return false;
	note = note_find(s, semid);
	if (!still && note && may_still_agree(s, note, first, n))
		return false;
	model_kernel_sem(s->model, semid, first, (unsigned int)n);
	if (note && !note->final)
		keep_values(note, first, n);
	return true;
}

void sems_update(struct supervisor *s)
{
	for (unsigned int i = 0; i < s->n_sem_notes; i++) {
		struct sem_note *note = &s->sem_note[i];

		if (!note->pending)
			continue;
		note->pending = !snapshot(s, note->semid, false);
		if (now_ns() - note->since_ns > PATIENCE_NS)
			note->pending = false;
	}
}

/* All sets that are there, when nobody moves any more: everybody is stuck, or dead. */
void sems_final(struct supervisor *s)
{
	struct sem_note *note;
	struct seminfo info;
	struct semid_ds ds;
	int top = semctl(0, 0, SEM_INFO, (union semun){ .info = &info });

	for (int i = 0; i <= top; i++) {
		int id = semctl(i, 0, SEM_STAT_ANY, (union semun){ .buf = &ds });

		if (id < 0 || (!s->isolated && !object_is_made(s, OBJECT_REF(OBJECT_SEM, id))))
			continue;
		note = note_add(s, id);
		if (snapshot(s, id, true) && note)
			note->final = true;
	}
}
