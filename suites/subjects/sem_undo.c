/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of SEM_UNDO at a death: the value restored, and two ways in which it is not. */
#include "subject.h"

#include <signal.h>
#include <sys/sem.h>
#include <sys/wait.h>

static int set;

static int dying_holder(int who)
{
	sem_change(set, who, -1, SEM_UNDO);
	return 0;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 1);
	for (int i = 0; i < 3; i++) {
		spawn(dying_holder, 0);
		if (reap_all())
			return 1;
		EXPECT(sem_value(set, 0) == 1);
	}
	return 0;
}

static int paused_holder(int who)
{
	sem_change(set, who, -1, SEM_UNDO);
	pause();
	return 1;
}

/* The root "resets" the semaphore to the value that it has. That forgets the holder's adjustment.
 */
static int run_setval_clears_undo(int argc, char **argv)
{
	pid_t holder;

	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 1);
	holder = spawn(paused_holder, 0);
	wait_blocked(holder, IN_PAUSE);
	CHECK(semctl(set, 0, SETVAL, (union semun){ .val = 0 }));
	CHECK(kill(holder, SIGKILL));
	EXPECT(WIFSIGNALED(reap(holder)));
	EXPECT(sem_value(set, 0) == 0);
	return 0;
}

/* Adds one with SEM_UNDO and ends when somebody has used it up: nothing is left to take back. */
static int giver(int who)
{
	sem_change(set, who, 1, SEM_UNDO);
	sem_change(set, who, 0, 0);
	return 0;
}

static int run_undo_clamped(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 0);
	spawn(giver, 0);
	sem_change(set, 0, -1, 0);
	if (reap_all())
		return 1;
	EXPECT(sem_value(set, 0) == 0);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "setval_clears_undo", run_setval_clears_undo },
	{ "undo_clamped", run_undo_clamped },
};

SUBJECT_MAIN(variants)
