/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork_thread.c - forks from threads, while others hold malloc's locks and write into pipes: each
 * child talks to its parent through a pipe and a semaphore, makes a thread of its own, and every
 * third one execs.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "real.h"

#define FORKERS 3
#define ROUNDS 20

static int set;
static atomic_bool done;

static void sem(int num, int by)
{
	struct sembuf op = { .sem_num = (unsigned short)num, .sem_op = (short)by };

	NEED(semop(set, &op, 1) == 0);
}

static void *own_thread(void *to)
{
	NEED(write(*(int *)to, "thread", 6) == 6);
	return NULL;
}

static _Noreturn void child(int to, int number)
{
	pthread_t thread;
	char *text = malloc(1000);

	snprintf(text, 1000, "%d", number);
	NEED(pthread_create(&thread, NULL, own_thread, &to) == 0);
	NEED(pthread_join(thread, NULL) == 0);
	sem(0, 1);
	if (number % 3 == 0) {
		NEED(dup2(to, 1) == 1);
		execlp("echo", "echo", "-n", "execed", NULL);
	}
	NEED(write(to, "child!", 6) == 6);
	free(text);
	_exit(number);
}

static void *forker(void *unused)
{
	long n_bytes = 0;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		char text[64];
		ssize_t n;
		int end[2], status;
		pid_t pid;

		NEED(pipe(end) == 0);
		NEED((pid = fork()) >= 0);
		if (pid == 0)
			child(end[1], i);
		close(end[1]);
		while ((n = read(end[0], text, sizeof(text))) > 0)
			n_bytes += n;
		close(end[0]);
		status = ended(pid);
		NEED(status == (i % 3 ? i : 0));
	}
	return (void *)n_bytes;
}

static void *busy(void *unused)
{
	long n = 0;

	while (!atomic_load(&done)) {
		int end[2];
		char byte;

		free(malloc(100 + (size_t)n % 5000));
		/* closed at once in a child that inherits them: it only lives for a moment */
		NEED(pipe(end) == 0 && write(end[1], "x", 1) == 1 && read(end[0], &byte, 1) == 1);
		close(end[0]);
		close(end[1]);
		n++;
	}
	return unused;
}

int main(void)
{
	pthread_t thread[FORKERS], disturber[2];
	long n_bytes = 0;
	void *result;

	NEED((set = semget(IPC_PRIVATE, 1, 0600)) >= 0);
	for (int i = 0; i < 2; i++)
		NEED(pthread_create(&disturber[i], NULL, busy, NULL) == 0);
	for (int i = 0; i < FORKERS; i++)
		NEED(pthread_create(&thread[i], NULL, forker, NULL) == 0);
	for (int i = 0; i < FORKERS; i++) {
		NEED(pthread_join(thread[i], &result) == 0);
		n_bytes += (long)result;
	}
	atomic_store(&done, 1);
	for (int i = 0; i < 2; i++)
		NEED(pthread_join(disturber[i], NULL) == 0);
	printf("%d children, %ld bytes, semaphore %d\n", FORKERS * ROUNDS, n_bytes,
	       semctl(set, 0, GETVAL));
	NEED(semctl(set, 0, IPC_RMID) == 0);
	return 0;
}
