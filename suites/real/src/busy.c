/* SPDX-License-Identifier: Apache-2.0 */
/*
 * busy.c - a program to be built with sanitizers: threads that share a counter under a mutex, a
 * semaphore and a condition variable, pipes, a Unix socket, System V messages and semaphores,
 * children by fork, posix_spawn and popen. No fault for a sanitizer to find - but with the
 * argument "race", "overflow" or "leak" one that it has to find.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>

#include "real.h"

#define THREADS 4
#define ROUNDS 500

extern char **environ;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static long counter, n_ready;
static int unguarded;
static volatile size_t room = 10; /* what compilers must not know */
static void *volatile kept;

static void *count(void *data)
{
	int to = *(int *)data;

	pthread_mutex_lock(&mutex);
	n_ready++;
	pthread_cond_broadcast(&changed);
	while (n_ready < THREADS)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		NEED(sem_wait(&semaphore) == 0);
		NEED(write(to, "x", 1) == 1);
		NEED(sem_post(&semaphore) == 0);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	char text[256];
	long n_bytes = 0;
	int end[2];

	NEED(pipe(end) == 0 && sem_init(&semaphore, 0, 1) == 0);
	for (int i = 0; i < THREADS; i++)
		NEED(pthread_create(&thread[i], NULL, count, &end[1]) == 0);
	while (n_bytes < THREADS * ROUNDS) {
		ssize_t n = read(end[0], text, sizeof(text));

		NEED(n > 0);
		n_bytes += n;
	}
	for (int i = 0; i < THREADS; i++)
		NEED(pthread_join(thread[i], NULL) == 0);
	printf("threads: counted %ld, %ld bytes\n", counter, n_bytes);
	close(end[0]);
	close(end[1]);
	sem_destroy(&semaphore);
}

static void sockets(void)
{
	char text[1000] = { 0 };
	long n_bytes = 0;
	ssize_t n;
	int end[2];
	pid_t pid;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		close(end[0]);
		for (int i = 0; i < 100; i++)
			NEED(send(end[1], text, sizeof(text), 0) == sizeof(text));
		_exit(11);
	}
	close(end[1]);
	while ((n = recv(end[0], text, sizeof(text), 0)) > 0)
		n_bytes += n;
	close(end[0]);
	printf("socket: %ld bytes, child %d\n", n_bytes, ended(pid));
}

static void system_v(void)
{
	struct {
		long type;
		char text[64];
	} message = { 7, "message" };
	int queue = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf op = { .sem_op = -3 };
	int n = 0;

	NEED(queue >= 0 && set >= 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			op.sem_op = 1;
			for (int j = 0; j < 20; j++)
				NEED(msgsnd(queue, &message, 64, 0) == 0);
			NEED(semop(set, &op, 1) == 0);
			_exit(0);
		}
		NEED(ended(pid) == 0);
	}
	NEED(semop(set, &op, 1) == 0);
	while (msgrcv(queue, &message, 64, 7, IPC_NOWAIT) == 64)
		n++;
	NEED(msgctl(queue, IPC_RMID, NULL) == 0 && semctl(set, 0, IPC_RMID) == 0);
	printf("system v: %d messages\n", n);
}

static void programs(void)
{
	char *argv[] = { (char *)(unsigned long)"sh", (char *)(unsigned long)"-c",
			 (char *)(unsigned long)"exit 4", NULL };
	char line[64] = "";
	FILE *from;
	pid_t pid;

	NEED(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0);
	printf("spawned: %d\n", ended(pid));
	NEED((from = popen("seq 1 300 | tail -n 1; exit 6", "r")));
	NEED(fgets(line, sizeof(line), from));
	line[strcspn(line, "\n")] = 0;
	printf("popen: %s, %d\n", line, WEXITSTATUS(pclose(from)));
	printf("system: %d\n", WEXITSTATUS(system("exit 8")));
}

static void *touch(void *unused)
{
	for (int i = 0; i < 1000; i++)
		unguarded++;
	return unused;
}

static void race(void)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		NEED(pthread_create(&thread[i], NULL, touch, NULL) == 0);
	for (int i = 0; i < 2; i++)
		NEED(pthread_join(thread[i], NULL) == 0);
}

/* The kernel writes behind the end: found by the sanitizer's own read(), below the shim's. */
static void overflow(void)
{
	char *text = malloc(room);
	int end[2];

	NEED(pipe(end) == 0 && write(end[1], "twelve bytes", 12) == 12);
	NEED(read(end[0], text, room + 2) == 12);
	free(text);
}

static void leak(void)
{
	kept = malloc(room * 100);
	if (kept)
		kept = NULL;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "race") == 0)
		race();
	else if (argc > 1 && strcmp(argv[1], "overflow") == 0)
		overflow();
	else if (argc > 1 && strcmp(argv[1], "leak") == 0)
		leak();
	else
		threads(), sockets(), system_v(), programs();
	puts("end");
	return 0;
}
