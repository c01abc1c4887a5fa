/* SPDX-License-Identifier: Apache-2.0 */
/* The other calls on semaphore sets: several at once, values and counts read, time-outs, nowait, an
 * existing set's size. */
#include "subject.h"

#include <sys/sem.h>
#include <time.h>

enum { KEY = 0x49500002, N_SEMS = 3 };

static int set;

/* Both at once or neither: no order, hence no deadlock. */
static int pair_worker(int who)
{
	struct sembuf take[2] = { { 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO } };
	struct sembuf release[2] = { { 1, 1, SEM_UNDO }, { 0, 1, SEM_UNDO } };

	(void)who;
	for (int i = 0; i < 10; i++) {
		CHECK(TEMP_FAILURE_RETRY(semop(set, take, 2)));
		CHECK(TEMP_FAILURE_RETRY(semop(set, release, 2)));
	}
	return 0;
}

static void check_values(void)
{
	unsigned short values[N_SEMS] = { 0 };
	struct semid_ds status;

	CHECK(semctl(set, 0, GETALL, (union semun){ .array = values }));
	EXPECT(values[0] == 1 && values[1] == 1 && values[2] == 1);
	EXPECT(CHECK(semctl(set, 0, GETNCNT)) == 0);
	EXPECT(CHECK(semctl(set, 0, GETZCNT)) == 0);
	CHECK(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
	EXPECT(status.sem_nsems == N_SEMS);
	status.sem_perm.mode = 0640;
	CHECK(semctl(set, 0, IPC_SET, (union semun){ .buf = &status }));
}

static void check_refusals(void)
{
	struct sembuf take = { 2, -2, 0 };
	struct sembuf take_now = { 2, -2, IPC_NOWAIT };
	struct timespec limit = { .tv_nsec = 2 * 1000 * 1000 };

	EXPECT(TEMP_FAILURE_RETRY(semtimedop(set, &take, 1, &limit)) == -1 && errno == EAGAIN);
	EXPECT(TEMP_FAILURE_RETRY(semop(set, &take_now, 1)) == -1 && errno == EAGAIN);
	EXPECT(semget(KEY, N_SEMS + 1, 0) == -1 && errno == EINVAL);
	EXPECT(CHECK(semget(KEY, 0, 0)) == set);
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(KEY, N_SEMS, 1);
	check_values();
	check_refusals();
	for (int i = 0; i < 3; i++)
		spawn(pair_worker, i);
	if (reap_all())
		return 1;
	check_values();
	return 0;
}

static int waiter(int who)
{
	struct sembuf take = { (unsigned short)who, -1, 0 };

	return !(TEMP_FAILURE_RETRY(semop(set, &take, 1)) == -1 && errno == EIDRM);
}

/* The set goes while somebody waits, who learns of it. */
static int run_removed(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = CHECK(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	own_sem(set);
	wait_blocked(spawn(waiter, 0), IN_SEMOP);
	CHECK(semctl(set, 0, IPC_RMID));
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "removed", run_removed },
};

SUBJECT_MAIN(variants)
