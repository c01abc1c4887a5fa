/* SPDX-License-Identifier: Apache-2.0 */
/*
 * early.c - a library whose constructor makes calls. It is initialised before the preloaded shim,
 * which must then pass on what it has no state for yet.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile bool begun, over;
static pthread_t thread;

/* Also while the shim is initialised. */
static void *locks(void *unused)
{
	while (!over) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		begun = true;
	}
	return unused;
}

static char found[128];
static volatile int bad = -1;

__attribute__((visibility("default"))) const char *early_found(void);

__attribute__((constructor)) static void call_early(void)
{
	int fds[2], set, copy, result;
	struct sembuf add = { 0, 2, 0 };
	char text[8] = "";
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], "early", 5) != 5)
		return;
	copy = dup(fds[0]);
	n = read(copy, text, sizeof(text));
	set = semget(IPC_PRIVATE, 1, 0600);
	result = semop(set, &add, 1);
	snprintf(found, sizeof(found), "read %zd %s, semop %d, value %d, bad close %d", n, text,
		 result, semctl(set, 0, GETVAL), close(bad));
	semctl(set, 0, IPC_RMID);
	close(copy);
	close(fds[0]);
	close(fds[1]);
	pthread_create(&thread, NULL, locks, NULL);
	while (!begun)
		sched_yield();
}

const char *early_found(void)
{
	over = true;
	pthread_join(thread, NULL);
	return found;
}
