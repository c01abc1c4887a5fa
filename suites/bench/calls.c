/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-calls - the subject of the benchmarks: makes pairs of calls of one kind (a pair leaves all
 * as it found it) and prints what a pair takes, in wall time and in CPU time of this process.
 *   bench-calls KIND N_PAIRS [N_WARM_UP]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD_BYTES = 64 };

struct letter {
	long type;
	char text[PAYLOAD_BYTES];
};

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int set, queue, ends[2];

static void need(int is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "bench-calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void semop_begin(void)
{
	set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	need(set != -1, "semget");
	need(semctl(set, 0, SETVAL, (union semun){ .val = 1 }) == 0, "semctl");
}

static void semop_pair(void)
{
	struct sembuf take = { .sem_op = -1 }, give = { .sem_op = 1 };

	need(semop(set, &take, 1) == 0, "P");
	need(semop(set, &give, 1) == 0, "V");
}

static void semop_end(void)
{
	semctl(set, 0, IPC_RMID);
}

static void pipe_begin(void)
{
	need(pipe(ends) == 0, "pipe");
}

static void pipe_pair(void)
{
	char text[PAYLOAD_BYTES] = { 0 };

	need(write(ends[1], text, sizeof(text)) == sizeof(text), "write");
	need(read(ends[0], text, sizeof(text)) == sizeof(text), "read");
}

static void pipe_end(void)
{
	close(ends[1]);
	close(ends[0]);
}

static void msg_begin(void)
{
	queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	need(queue != -1, "msgget");
}

static void msg_pair(void)
{
	struct letter letter = { .type = 1 };

	need(msgsnd(queue, &letter, sizeof(letter.text), 0) == 0, "msgsnd");
	need(msgrcv(queue, &letter, sizeof(letter.text), 0, 0) == sizeof(letter.text), "msgrcv");
}

static void msg_end(void)
{
	msgctl(queue, IPC_RMID, NULL);
}

static void all_begin(void)
{
	semop_begin();
	pipe_begin();
	msg_begin();
}

/* A pair of each: three pairs in one. */
static void all_pair(void)
{
	semop_pair();
	pipe_pair();
	msg_pair();
}

static void all_end(void)
{
	semop_end();
	pipe_end();
	msg_end();
}

struct kind {
	const char *name;
	void (*begin)(void);
	void (*pair)(void);
	void (*end)(void);
};

static const struct kind kinds[] = {
	{ .name = "semop", .begin = semop_begin, .pair = semop_pair, .end = semop_end },
	{ .name = "pipe", .begin = pipe_begin, .pair = pipe_pair, .end = pipe_end },
	{ .name = "msg", .begin = msg_begin, .pair = msg_pair, .end = msg_end },
	{ .name = "all", .begin = all_begin, .pair = all_pair, .end = all_end },
};

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static double clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(const struct kind *kind, unsigned long n_pairs, unsigned long n_warm_up)
{
	double wall_ns, cpu_ns;

	kind->begin();
	for (unsigned long i = 0; i < n_warm_up; i++)
		kind->pair();
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall_ns = clock_ns(CLOCK_MONOTONIC);
	for (unsigned long i = 0; i < n_pairs; i++)
		kind->pair();
	wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	kind->end();
	printf("bench-calls kind=%s pairs=%lu wall_ns=%.1f cpu_ns=%.1f\n", kind->name, n_pairs,
	       wall_ns / (double)n_pairs, cpu_ns / (double)n_pairs);
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc > 2 ? kind_find(argv[1]) : NULL;
	unsigned long n_pairs = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (!kind || n_pairs == 0) {
		fputs("ipcjam: bench-calls: KIND N_PAIRS [N_WARM_UP] was expected,"
		      " KIND one of semop pipe msg all\n",
		      stderr);
		return 2;
	}
	measure(kind, n_pairs, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	return 0;
}
