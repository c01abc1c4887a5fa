/* SPDX-License-Identifier: Apache-2.0 */
/* sample_shm.c - System V shared memory, and ftok. */
#include "sample.h"

#include <sys/shm.h>

static void prepare_key(void)
{
	stage->key = 0x6a000000 | (int)(raw0(SYS_getpid) & 0xffffff);
}

static void prepare_segment(void)
{
	stage->id = (int)raw3(SYS_shmget, IPC_PRIVATE, 8192, 0600);
	need(stage->id, "shmget");
}

static void prepare_attached(void)
{
	prepare_segment();
	stage->pointer = (void *)raw3(SYS_shmat, stage->id, 0, 0);
}

/* The last look: nothing is left afterwards. */
static void state_segment(void)
{
	struct shmid_ds ds;

	if (print_gone(raw3(SYS_shmctl, stage->id, IPC_STAT, &ds)))
		return;
	print(" bytes=%zu", ds.shm_segsz);
	raw3(SYS_shmctl, stage->id, IPC_RMID, NULL);
}

static void data_attached(void)
{
	struct shmid_ds ds = { 0 };

	raw3(SYS_shmctl, stage->id, IPC_STAT, &ds);
	print(" attached=%lu", (unsigned long)ds.shm_nattch);
}

static void data_segment(void)
{
	const struct shmid_ds *ds = (const struct shmid_ds *)(const void *)stage->out;

	print(" segsz=%zu", ds->shm_segsz);
}

static void state_made(void)
{
	long id = raw3(SYS_shmget, stage->key, 0, 0);

	print(" made=%d", id >= 0);
	if (id >= 0)
		raw3(SYS_shmctl, id, IPC_RMID, NULL);
}

CALLS(shmget, shmget(stage->key, 4096, IPC_CREAT | 0600))
FAILS(shmget, shmget(IPC_PRIVATE, 0, 0600))
SAMPLE(shmget, .prepare = prepare_key, .fail = fail_shmget, .state = state_made, .shape = SHAPE_ID,
       .holds = HOLDS(CREATE));

CALLS(shmat, shmat(stage->id, NULL, 0))
FAILS(shmat, shmat(bad, NULL, 0))
SAMPLE(shmat, .prepare = prepare_segment, .fail = fail_shmat, .data = data_attached,
       .state = state_segment, .shape = SHAPE_POINTER, .holds = HOLDS(REMOVE));

CALLS(shmdt, shmdt(stage->pointer))
FAILS(shmdt, shmdt(nowhere))
SAMPLE(shmdt, .prepare = prepare_attached, .fail = fail_shmdt, .data = data_attached,
       .state = state_segment);

CALLS(shmctl, shmctl(stage->id, IPC_STAT, (void *)stage->out))
FAILS(shmctl, shmctl(bad, IPC_STAT, (void *)stage->out))
FAULTS(shmctl, shmctl(stage->id, IPC_STAT, nowhere))
SAMPLE(shmctl, .prepare = prepare_segment, .fail = fail_shmctl, .fault = fault_shmctl,
       .data = data_segment, .state = state_segment, .holds = HOLDS(REMOVE));

CALLS(ftok, ftok("r", 'x'))
FAILS(ftok, ftok("none", 'x'))
FAULTS(ftok, ftok(nowhere, 'x'))
SAMPLE(ftok, .prepare = prepare_file, .fail = fail_ftok, .fault = fault_ftok, .shape = SHAPE_ID);
