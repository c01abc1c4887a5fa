/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replace.c - a program that has functions of libc's names: its own are called, by itself and by
 * the libraries that it loads, and do nothing right. The shim must get along with them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

/* Each with the prototype of libc's, so that the compiler has nothing to say. */
ssize_t read(int fd, void *buffer, size_t n)
{
	(void)fd, (void)buffer, (void)n;
	errno = EIO;
	return -1;
}

int close(int fd)
{
	(void)fd;
	return 0;
}

int semop(int id, struct sembuf *sops, size_t n)
{
	(void)id, (void)sops, (void)n;
	return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

pid_t fork(void)
{
	errno = EAGAIN;
	return -1;
}

char *getenv(const char *name)
{
	(void)name;
	return NULL;
}

int main(void)
{
	struct sembuf take = { .sem_op = -1 };
	int ends[2], set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	char byte = 'x';

	if (pipe(ends) != 0 || write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != -1)
		return 9;
	if (semop(set, &take, 1) != 0 || fork() != -1)
		return 9;
	semctl(set, 0, IPC_RMID);
	puts("done");
	return 0;
}
