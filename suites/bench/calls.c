/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-calls - the subject of the benchmarks: makes pairs of calls of one kind (a pair leaves all
 * as it found it) and prints what a pair takes, in wall time and in CPU time of this process.
 *   bench-calls KIND N_PAIRS [N_WARM_UP]
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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
static mqd_t letters;

/* Locks in shared memory, as processes would share them. */
static struct shared {
	sem_t sem;
	pthread_mutex_t mutex;
} * shared;

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

static void shared_begin(void)
{
	pthread_mutexattr_t attributes;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	need(shared != MAP_FAILED, "mmap");
	need(sem_init(&shared->sem, 1, 1) == 0, "sem_init");
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	need(pthread_mutex_init(&shared->mutex, &attributes) == 0, "pthread_mutex_init");
}

static void shared_end(void)
{
	munmap(shared, sizeof(*shared));
}

static void psem_pair(void)
{
	need(sem_wait(&shared->sem) == 0, "sem_wait");
	need(sem_post(&shared->sem) == 0, "sem_post");
}

static void mutex_pair(void)
{
	need(pthread_mutex_lock(&shared->mutex) == 0, "pthread_mutex_lock");
	need(pthread_mutex_unlock(&shared->mutex) == 0, "pthread_mutex_unlock");
}

static void socket_begin(void)
{
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
}

static void socket_pair(void)
{
	char text[PAYLOAD_BYTES] = { 0 };

	need(send(ends[1], text, sizeof(text), 0) == sizeof(text), "send");
	need(recv(ends[0], text, sizeof(text), 0) == sizeof(text), "recv");
}

static void mq_begin(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = PAYLOAD_BYTES };
	char name[64];

	snprintf(name, sizeof(name), "/bench-calls-%d", (int)getpid());
	letters = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	need(letters != (mqd_t)-1, "mq_open");
	mq_unlink(name);
}

static void mq_pair(void)
{
	char text[PAYLOAD_BYTES] = { 0 };

	need(mq_send(letters, text, sizeof(text), 1) == 0, "mq_send");
	need(mq_receive(letters, text, sizeof(text), NULL) == sizeof(text), "mq_receive");
}

static void mq_end(void)
{
	mq_close(letters);
}

/* The system calls themselves, as a program makes them that no wrapper serves. */
static long raw_call(long nr, long a, const void *b, long c)
{
	register long r10 __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

static void raw_semop_pair(void)
{
	struct sembuf take = { .sem_op = -1 }, give = { .sem_op = 1 };

	need(raw_call(SYS_semtimedop, set, &take, 1) == 0, "P");
	need(raw_call(SYS_semtimedop, set, &give, 1) == 0, "V");
}

static void raw_pipe_pair(void)
{
	char text[PAYLOAD_BYTES] = { 0 };

	need(raw_call(SYS_write, ends[1], text, sizeof(text)) == sizeof(text), "write");
	need(raw_call(SYS_read, ends[0], text, sizeof(text)) == sizeof(text), "read");
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
	{ .name = "psem", .begin = shared_begin, .pair = psem_pair, .end = shared_end },
	{ .name = "mutex", .begin = shared_begin, .pair = mutex_pair, .end = shared_end },
	{ .name = "socket", .begin = socket_begin, .pair = socket_pair, .end = pipe_end },
	{ .name = "mq", .begin = mq_begin, .pair = mq_pair, .end = mq_end },
	{ .name = "raw-semop", .begin = semop_begin, .pair = raw_semop_pair, .end = semop_end },
	{ .name = "raw-pipe", .begin = pipe_begin, .pair = raw_pipe_pair, .end = pipe_end },
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
		      " KIND one of",
		      stderr);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			fprintf(stderr, " %s", kinds[i].name);
		fputs("\n", stderr);
		return 2;
	}
	measure(kind, n_pairs, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	return 0;
}
