/* SPDX-License-Identifier: Apache-2.0 */
/* row-thread NAME: as row-special, what programs with threads do that makes life hard for a
 * wrapper. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(99);
}

/* Is thread `tid` asleep in futex? */
static int is_blocked(int tid)
{
	char path[64], line[32] = "";
	long fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = raw4(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	check(fd >= 0, path);
	raw3(SYS_read, fd, line, sizeof(line) - 1);
	raw1(SYS_close, fd);
	return line[0] != 'r' && atol(line) == SYS_futex;
}

static pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t ready, go;

static void lock(void)
{
	check(pthread_mutex_lock(&heap_lock) == 0, "lock");
}

static void unlock(void)
{
	check(pthread_mutex_unlock(&heap_lock) == 0, "unlock");
}

/* Gives the lock back only when the first thread waits for it, in the midst of its fork. */
static void *holds(void *unused)
{
	lock();
	sem_post(&ready);
	while (!is_blocked(getpid()))
		raw0(SYS_sched_yield);
	unlock();
	return unused;
}

/* What an allocator does: nobody is inside of it while a process is copied. */
static void fork_handlers(void)
{
	pthread_t thread;
	int status;
	pid_t pid;

	check(pthread_atfork(lock, unlock, unlock) == 0, "pthread_atfork");
	check(pthread_create(&thread, NULL, holds, NULL) == 0, "pthread_create");
	/* not asleep in a futex before it is in the fork */
	while (sem_trywait(&ready) < 0)
		raw0(SYS_sched_yield);
	pid = fork();
	if (pid == 0)
		_exit(3);
	check(waitpid(pid, &status, 0) == pid, "waitpid");
	pthread_join(thread, NULL);
	printf("child exited %d\n", WEXITSTATUS(status));
}

static int ends[2];

/* The cancellation is there already when it comes to the close. */
static void *closes(void *unused)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	sem_post(&ready);
	sem_wait(&go);
	pthread_setcancelstate(state, NULL);
	close(ends[0]);
	return unused;
}

static int n_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 32; fd++)
		n += raw2(SYS_fcntl, fd, F_GETFD) >= 0;
	return n;
}

/* Of an end that has unread bytes. */
static void cancelled_close(void)
{
	pthread_t thread;
	void *result;
	int before = n_open();

	check(write(ends[1], "x", 1) == 1, "write");
	check(pthread_create(&thread, NULL, closes, NULL) == 0, "pthread_create");
	sem_wait(&ready);
	pthread_cancel(thread);
	sem_post(&go);
	pthread_join(thread, &result);
	printf("cancelled %d, %d more descriptors\n", result == PTHREAD_CANCELED,
	       n_open() - before);
}

static void cancel_close(void)
{
	check(pipe(ends) == 0, "pipe");
	cancelled_close();
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	cancelled_close();
}

enum { ROUNDS = 2000 };

static void *volatile its_memory;

static void *frees_name(void *unused)
{
	pthread_detach(pthread_self());
	raw2(SYS_munmap, its_memory, 4096);
	sem_post(&ready);
	return unused;
}

/* The thread gives back the memory in which its maker has its name, as an object does that a
 * thread of its own deletes. */
static void forgets_name(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		check(name != MAP_FAILED, "mmap");
		its_memory = name;
		check(pthread_create(name, NULL, frees_name, NULL) == 0, "pthread_create");
		sem_wait(&ready);
	}
	printf("made %d\n", ROUNDS);
}

static const struct {
	const char *name;
	void (*run)(void);
} specials[] = {
	{ "fork-handlers", fork_handlers },
	{ "cancel-close", cancel_close },
	{ "forgets-name", forgets_name },
};

int main(int argc, char **argv)
{
	sem_init(&ready, 0, 0);
	sem_init(&go, 0, 0);
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (argc > 1 && strcmp(argv[1], specials[i].name) == 0)
			specials[i].run();
	return 0;
}
