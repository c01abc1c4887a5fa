/* SPDX-License-Identifier: Apache-2.0 */
/* sample_sem.c - System V semaphores. */
#include "sample.h"

#include <sys/sem.h>
#include <time.h>

static void prepare_key(void)
{
	stage->key = 0x6a000000 | (int)(raw0(SYS_getpid) & 0xffffff);
}

static void prepare_set(void)
{
	unsigned short values[2] = { 1, 2 };

	stage->id = (int)raw3(SYS_semget, IPC_PRIVATE, 2, 0600);
	need(stage->id, "semget");
	need(raw4(SYS_semctl, stage->id, 0, SETALL, values), "semctl");
}

/* The last look: nothing is left afterwards. */
static void state_set(void)
{
	unsigned short values[2] = { 0 };

	if (print_gone(raw4(SYS_semctl, stage->id, 0, GETALL, values)))
		return;
	print(" values=%u,%u", values[0], values[1]);
	raw4(SYS_semctl, stage->id, 0, IPC_RMID, 0);
}

static void state_made(void)
{
	long id = raw3(SYS_semget, stage->key, 0, 0);

	print(" made=%d", id >= 0);
	if (id >= 0)
		raw4(SYS_semctl, id, 0, IPC_RMID, 0);
}

static struct sembuf *take(void)
{
	static struct sembuf sops[2] = { { 0, -1, 0 }, { 1, 3, 0 } };

	sops[0].sem_flg = stage->nowait ? IPC_NOWAIT : 0;
	return sops;
}

static const struct timespec second = { .tv_sec = 1 };
static unsigned short values_to_set[] = { 7, 8 };

CALLS(semget, semget(stage->key, 3, IPC_CREAT | 0600))
FAILS(semget, semget(IPC_PRIVATE, bad, 0600))
SAMPLE(semget, .prepare = prepare_key, .fail = fail_semget, .state = state_made, .shape = SHAPE_ID,
       .holds = HOLDS(CREATE));

CALLS(semop, semop(stage->id, take(), 2))
FAILS(semop, semop(bad, take(), 2))
FAULTS(semop, semop(stage->id, nowhere, 2))
SAMPLE(semop, .prepare = prepare_set, .fail = fail_semop, .fault = fault_semop, .state = state_set,
       .holds = HOLDS(REMOVE));

CALLS(semtimedop, semtimedop(stage->id, take(), 2, &second))
FAILS(semtimedop, semtimedop(bad, take(), 2, &second))
FAULTS(semtimedop, semtimedop(stage->id, take(), 2, nowhere))
SAMPLE(semtimedop, .prepare = prepare_set, .fail = fail_semtimedop, .fault = fault_semtimedop,
       .state = state_set, .holds = HOLDS(REMOVE) | HOLDS(TIMEOUT));

CALLS(semctl, semctl(stage->id, 0, SETALL, values_to_set))
FAILS(semctl, semctl(bad, 0, GETVAL))
FAULTS(semctl, semctl(stage->id, 0, IPC_STAT, nowhere))
SAMPLE(semctl, .prepare = prepare_set, .fail = fail_semctl, .fault = fault_semctl,
       .state = state_set, .holds = HOLDS(REMOVE));
