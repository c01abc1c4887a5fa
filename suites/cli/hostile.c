/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.c - a program that does what no runner likes: writes over the arena that it shares with
 * it, floods it, forks until it may not, closes all descriptors, stops itself, signals the runner,
 * nests namespaces, traces, puts functions of its own in the place of libc's.
 * Arguments: WHAT [NUMBER]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALLEST_ARENA (1 << 20)

/* P and V on a set of its own, in a child and here at the same time. */
static void use_semaphore(int n)
{
	struct sembuf take = { .sem_op = -1, .sem_flg = SEM_UNDO };
	struct sembuf give = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	pid_t child;

	semctl(set, 0, SETVAL, 1);
	child = fork();
	for (int i = 0; i < n; i++) {
		semop(set, &take, 1);
		semop(set, &give, 1);
	}
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	semctl(set, 0, IPC_RMID);
}

/* The runner's mapping: large, shared, and named after it. */
static unsigned char *find_arena(size_t *n_bytes)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[4352], mode[5];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || strcmp(mode, "rw-s") ||
		    !strstr(line, "ipcjam") || to - from < SMALLEST_ARENA)
			continue;
		fclose(maps);
		*n_bytes = to - from;
		return (unsigned char *)from;
	}
	fprintf(stderr, "hostile: /proc/self/maps: an arena was expected\n");
	exit(9);
}

/* Bytes anywhere, most of them in the first part, where all but the rings lies. */
static void scribble(int number)
{
	unsigned int random = (unsigned int)number;
	size_t n_bytes, first = 4 << 20;
	unsigned char *arena = find_arena(&n_bytes);

	if (n_bytes < first)
		first = n_bytes;
	use_semaphore(20);
	if (fork() == 0) {
		for (int i = 0; i < 50; i++)
			use_semaphore(5);
		_exit(0);
	}
	for (int i = 0; i < 30000; i++) {
		size_t at = (size_t)rand_r(&random) * 16 + (size_t)rand_r(&random) % 16;

		arena[at % (i % 4 ? first : n_bytes)] = (unsigned char)rand_r(&random);
		if (i % 3000 == 0)
			use_semaphore(3);
	}
	wait(NULL);
	use_semaphore(20);
}

/* Every byte of the first part. */
static void fill(int number)
{
	size_t n_bytes;
	unsigned char *arena = find_arena(&n_bytes);

	use_semaphore(5);
	memset(arena, number, n_bytes < 4 << 20 ? n_bytes : 4 << 20);
	use_semaphore(5);
}

static void cut_arena(int number)
{
	size_t n_bytes;
	unsigned char *arena = find_arena(&n_bytes);

	(void)number;
	use_semaphore(5);
	munmap(arena, n_bytes);
	use_semaphore(5);
}

/* The limit holds for others than root only, and counts what all processes of a user have begun. */
static void fork_all(int number)
{
	struct rlimit limit = { (rlim_t)number, (rlim_t)number };
	int n = 0;
	pid_t pid;

	if (geteuid() == 0 && setuid((uid_t)(60000000 + getpid())) != 0)
		exit(9);
	setrlimit(RLIMIT_NPROC, &limit);
	while ((pid = fork()) > 0)
		n++;
	if (pid == 0)
		pause();
	if (n == 0)
		exit(9);
	use_semaphore(5);
}

static void close_all(int number)
{
	(void)number;
	use_semaphore(5);
	close_range(0, ~0U, 0);
	use_semaphore(5);
}

static void stop(int number)
{
	(void)number;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	use_semaphore(5);
	raise(SIGSTOP);
}

/* The supervisor, and nobody but it: it must be PID 1 of a namespace, and ipcjam. */
static void kill_runner(int number)
{
	char path[4096] = "";
	ssize_t n = readlink("/proc/1/exe", path, sizeof(path) - 1);
	const char *name = strrchr(path, '/');

	if (getppid() != 1 || n < 0 || !name || strncmp(name, "/ipcjam", 7) != 0)
		exit(9);
	use_semaphore(5);
	kill(1, number);
	use_semaphore(5);
}

static void *flood_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++)
		sched_yield();
	return NULL;
}

/* Rings are filled by all of them at once, and slots by threads that come and go. */
static void flood(int number)
{
	pthread_t thread[16];

	for (int round = 0; round < number; round++) {
		for (int i = 0; i < 16; i++)
			if (pthread_create(&thread[i], NULL, flood_thread, NULL) != 0)
				exit(9);
		for (int i = 0; i < 16; i++)
			pthread_join(thread[i], NULL);
	}
	use_semaphore(5);
}

/* Each level has namespaces of its own, in which ids and pids begin anew. */
static void nest(int number)
{
	use_semaphore(5);
	if (number == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS) != 0)
		exit(errno == EPERM || errno == ENOSPC || errno == EUSERS ? 0 : 9);
	if (fork() == 0) {
		nest(number - 1);
		_exit(0);
	}
	wait(NULL);
	use_semaphore(5);
}

/* A tracer of its own; where somebody traces it already, it is refused. */
static void trace(int number)
{
	pid_t child = fork();

	(void)number;
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		use_semaphore(5);
		_exit(0);
	}
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	waitpid(child, NULL, 0);
	use_semaphore(5);
}

/* Dies by every signal there is, in threads, in the middle of calls. */
static void *die_thread(void *arg)
{
	for (;;)
		syscall(SYS_semop, *(int *)arg, &(struct sembuf){ .sem_op = 1 }, 1);
	return NULL;
}

static void die(int number)
{
	for (int signo = 1; signo < number; signo++) {
		pid_t child = fork();

		if (child == 0) {
			int set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
			pthread_t thread;

			pthread_create(&thread, NULL, die_thread, &set);
			pthread_create(&thread, NULL, die_thread, &set);
			for (int i = 0; i < 100; i++)
				sched_yield();
			semctl(set, 0, IPC_RMID);
			kill(getpid(), signo);
			_exit(0);
		}
		waitpid(child, NULL,
			signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU
				? WUNTRACED
				: 0);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*act)(int number);
	} acts[] = {
		{ "scribble", scribble }, { "fill", fill },       { "cut", cut_arena },
		{ "fork", fork_all },     { "close", close_all }, { "stop", stop },
		{ "kill", kill_runner },  { "flood", flood },     { "nest", nest },
		{ "trace", trace },       { "die", die },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(argv[1], acts[i].name) == 0) {
			acts[i].act(argc > 2 ? atoi(argv[2]) : 0);
			return 0;
		}
	return 2;
}
