/* SPDX-License-Identifier: Apache-2.0 */
/* System V shared memory: attached, counted, removed; two writers on one counter with and without a
 * semaphore. */
#include "subject.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

enum { SIZE_BYTES = 5000, N_ROUNDS = 25, N_WRITERS = 2 };

struct counter {
	volatile int value;
	atomic_bool was_read;    /* the slow writer has its old value */
	atomic_bool was_written; /* the fast writer is done */
};

static struct counter *counter;
static char *memory;
static int set;

static char *attach(int id)
{
	void *address = shmat(id, NULL, 0);

	if (address == (void *)-1)
		die("shmat");
	return address;
}

static int write_text(int who)
{
	(void)who;
	memcpy(memory, "hello", 6);
	CHECK(shmdt(memory));
	return 0;
}

/* The removal waits for the last detach, so it can come first: then nothing is left whoever dies.
 */
static int run_right(int argc, char **argv)
{
	struct shmid_ds status;
	int id;

	(void)argc, (void)argv;
	id = CHECK(shmget(IPC_PRIVATE, SIZE_BYTES, IPC_CREAT | 0600));
	memory = attach(id);
	CHECK(shmctl(id, IPC_RMID, NULL));
	EXPECT(memory[0] == 0 && memory[SIZE_BYTES - 1] == 0);
	spawn(write_text, 0);
	if (reap_all())
		return 1;
	EXPECT(strcmp(memory, "hello") == 0);
	CHECK(shmctl(id, IPC_STAT, &status));
	EXPECT(status.shm_nattch == 1 && status.shm_segsz == SIZE_BYTES);
	CHECK(shmdt(memory));
	return 0;
}

/* The child finds the segment by a key that both make with ftok from the same file. */
static int attach_by_key(int who)
{
	key_t key = CHECK(ftok("/proc/self/exe", 's'));

	memory = attach(CHECK(shmget(key, 0, 0)));
	return write_text(who);
}

static int run_by_key(int argc, char **argv)
{
	struct shmid_ds status;
	key_t key;
	int id;

	(void)argc, (void)argv;
	key = CHECK(ftok("/proc/self/exe", 's'));
	id = CHECK(shmget(key, SIZE_BYTES, IPC_CREAT | IPC_EXCL | 0600));
	own_shm(id);
	CHECK(shmctl(id, IPC_STAT, &status));
	status.shm_perm.mode = 0640;
	CHECK(shmctl(id, IPC_SET, &status));
	spawn(attach_by_key, 0);
	if (reap_all())
		return 1;
	memory = attach(id);
	EXPECT(strcmp(memory, "hello") == 0);
	CHECK(shmdt(memory));
	return 0;
}

/* Huge pages where the machine has some to give, ordinary ones elsewhere. */
static int run_huge(int argc, char **argv)
{
	size_t size_bytes = 2 * 1024 * 1024;
	int id = shmget(IPC_PRIVATE, size_bytes, IPC_CREAT | SHM_HUGETLB | 0600);

	(void)argc, (void)argv;
	if (id == -1)
		id = CHECK(shmget(IPC_PRIVATE, size_bytes, IPC_CREAT | 0600));
	own_shm(id);
	memory = attach(id);
	EXPECT(memory[size_bytes - 1] == 0);
	CHECK(shmdt(memory));
	return 0;
}

static int run_leak(int argc, char **argv)
{
	(void)argc, (void)argv;
	memory = attach(CHECK(shmget(IPC_PRIVATE, SIZE_BYTES, IPC_CREAT | 0600)));
	spawn(write_text, 0);
	return reap_all();
}

static int use_detached(int who)
{
	CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	CHECK(shmdt(memory));
	return ((volatile char *)memory)[who];
}

/* The root does not mind how the child ends; the child crashes all the same. */
static int run_used_detached(int argc, char **argv)
{
	(void)argc, (void)argv;
	memory = make_shared(SIZE_BYTES);
	EXPECT(WTERMSIG(reap(spawn(use_detached, 0))) == SIGSEGV);
	return 0;
}

static int slow_writer(int who)
{
	int value = counter->value;

	(void)who;
	counter->was_read = true;
	while (!counter->was_written)
		sched_yield();
	counter->value = value + 1;
	return 0;
}

static int fast_writer(int who)
{
	(void)who;
	while (!counter->was_read)
		sched_yield();
	counter->value = counter->value + 1;
	counter->was_written = true;
	return 0;
}

static int run_lost_update(int argc, char **argv)
{
	(void)argc, (void)argv;
	counter = make_shared(sizeof(*counter));
	spawn(slow_writer, 0);
	spawn(fast_writer, 1);
	return reap_all() || counter->value != 2;
}

static int locked_writer(int who)
{
	(void)who;
	for (int i = 0; i < N_ROUNDS; i++) {
		int value;

		sem_change(set, 0, -1, SEM_UNDO);
		value = counter->value;
		sched_yield();
		counter->value = value + 1;
		sem_change(set, 0, 1, SEM_UNDO);
	}
	return 0;
}

static int run_with_sem(int argc, char **argv)
{
	(void)argc, (void)argv;
	set = make_sem(IPC_PRIVATE, 1, 1);
	counter = make_shared(sizeof(*counter));
	for (int i = 0; i < N_WRITERS; i++)
		spawn(locked_writer, i);
	return reap_all() || counter->value != N_WRITERS * N_ROUNDS;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "by_key", run_by_key },
	{ "huge", run_huge },
	{ "with_sem", run_with_sem },
	{ "leak", run_leak },
	{ "used_detached", run_used_detached },
	{ "lost_update", run_lost_update },
};

SUBJECT_MAIN(variants)
