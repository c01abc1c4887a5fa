/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set that is found by its key before its maker has initialised it (Stevens's race), and the
 * cure: the maker's first semop sets sem_otime, and everybody else waits for that.
 */
#include "subject.h"

#include <sys/sem.h>

enum { KEY = 0x49500001, N_ROUNDS = 10 };

static void use(int set)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		sem_change(set, 0, -1, 0);
		sem_change(set, 0, 1, 0);
	}
}

static void wait_initialised(int set)
{
	struct semid_ds status = { .sem_otime = 0 };

	for (;;) {
		CHECK(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
		if (status.sem_otime != 0)
			return;
		nap();
	}
}

/* Whoever comes first makes the set. */
static int peer(int who)
{
	int set = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);

	(void)who;
	if (set != -1) {
		sem_change(set, 0, 1, 0);
	} else if (errno == EEXIST) {
		set = CHECK(semget(KEY, 1, 0));
		wait_initialised(set);
	} else {
		die("semget");
	}
	use(set);
	return 0;
}

static int run_right(int argc, char **argv)
{
	int bad, set;

	(void)argc, (void)argv;
	spawn(peer, 0);
	spawn(peer, 1);
	bad = reap_all();
	set = semget(KEY, 1, 0);
	if (set != -1)
		own_sem(set);
	return bad;
}

static int hasty_peer(int who)
{
	(void)who;
	use(CHECK(semget(KEY, 1, 0)));
	return 0;
}

static int run_used_before_init(int argc, char **argv)
{
	int set = CHECK(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600));

	(void)argc, (void)argv;
	own_sem(set);
	wait_blocked(spawn(hasty_peer, 0), IN_SEMOP);
	CHECK(semctl(set, 0, SETVAL, (union semun){ .val = 1 }));
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "used_before_init", run_used_before_init },
};

SUBJECT_MAIN(variants)
