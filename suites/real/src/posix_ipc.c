/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_ipc.c - every call of POSIX semaphores, message queues and shared memory, between processes
 * and threads, with the errors that they give.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "real.h"

#define CHILDREN 4
#define ROUNDS 300
#define NAME "/ipcjam-real"

struct shared {
	sem_t lock, filled;
	long count;
};

static const char *name_of(int result)
{
	return result == 0 ? "0" : strerrorname_np(errno);
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void named_child(struct shared *s)
{
	sem_t *lock = sem_open(NAME, 0);

	NEED(lock != SEM_FAILED);
	for (int i = 0; i < ROUNDS; i++) {
		NEED(sem_wait(lock) == 0);
		s->count++;
		NEED(sem_post(lock) == 0);
	}
	NEED(sem_close(lock) == 0);
}

static void unnamed_child(struct shared *s)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct timespec t = in_ms(CLOCK_REALTIME, 20000);
		struct timespec m = in_ms(CLOCK_MONOTONIC, 20000);

		NEED((i % 2 ? sem_timedwait(&s->lock, &t)
			    : sem_clockwait(&s->lock, CLOCK_MONOTONIC, &m)) == 0);
		s->count++;
		NEED(sem_post(&s->lock) == 0);
	}
	NEED(sem_post(&s->filled) == 0);
}

static void in_children(void (*work)(struct shared *), struct shared *s)
{
	pid_t pid[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		NEED((pid[i] = fork()) >= 0);
		if (pid[i] == 0) {
			work(s);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		NEED(ended(pid[i]) == 0);
}

static void semaphores(struct shared *s)
{
	sem_t *lock = sem_open(NAME, O_CREAT | O_EXCL, 0600, 1);
	struct timespec soon = in_ms(CLOCK_REALTIME, 10);
	int value;

	NEED(lock != SEM_FAILED);
	NEED(sem_open(NAME, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED);
	printf("semaphore again: %s\n", name_of(-1));
	in_children(named_child, s);
	NEED(sem_getvalue(lock, &value) == 0);
	printf("named: counted %ld, value %d\n", s->count, value);
	NEED(sem_trywait(lock) == 0);
	printf("taken: %s", name_of(sem_trywait(lock)));
	printf(" %s\n", name_of(sem_timedwait(lock, &soon)));
	NEED(sem_close(lock) == 0 && sem_unlink(NAME) == 0);
	printf("unlinked: %s\n", name_of(sem_unlink(NAME)));
	NEED(sem_init(&s->lock, 1, 1) == 0 && sem_init(&s->filled, 1, 0) == 0);
	in_children(unnamed_child, s);
	for (int i = 0; i < CHILDREN; i++)
		NEED(sem_wait(&s->filled) == 0);
	printf("unnamed: counted %ld, left: %s\n", s->count, name_of(sem_trywait(&s->filled)));
	NEED(sem_destroy(&s->lock) == 0 && sem_destroy(&s->filled) == 0);
}

static void memory(void)
{
	int fd = shm_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600), from;
	char *at, *seen;
	pid_t pid;

	NEED(fd >= 0 && ftruncate(fd, 8192) == 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(at != MAP_FAILED && (pid = fork()) >= 0);
	if (pid == 0) {
		from = shm_open(NAME, O_RDWR, 0);
		seen = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, from, 0);
		NEED(from >= 0 && seen != MAP_FAILED);
		strcpy(seen + 100, "near");
		strcpy(seen + 5000, "far");
		NEED(msync(seen, 8192, MS_SYNC) == 0 && munmap(seen, 8192) == 0);
		_exit(0);
	}
	NEED(ended(pid) == 0);
	at = mremap(at, 4096, 8192, MREMAP_MAYMOVE);
	NEED(at != MAP_FAILED);
	printf("memory: %s %s\n", at + 100, at + 5000);
	NEED(munmap(at, 8192) == 0 && close(fd) == 0 && shm_unlink(NAME) == 0);
	printf("unlinked: %s\n", name_of(shm_open(NAME, O_RDWR, 0) < 0 ? -1 : 0));
	NEED((fd = memfd_create("jam", MFD_CLOEXEC)) >= 0 && write(fd, "memfd", 6) == 6);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	NEED(at != MAP_FAILED);
	printf("memory: %s\n", at);
	NEED(munmap(at, 4096) == 0 && close(fd) == 0);
}

static volatile sig_atomic_t n_signals;

static void on_signal(int number)
{
	n_signals += number == SIGUSR1;
}

static void on_note(union sigval value)
{
	NEED(sem_post(value.sival_ptr) == 0);
}

static void notified(mqd_t queue)
{
	struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigevent by_thread = { .sigev_notify = SIGEV_THREAD,
				      .sigev_notify_function = on_note };
	char text[64];
	sem_t told;

	signal(SIGUSR1, on_signal);
	NEED(mq_notify(queue, &by_signal) == 0);
	printf("notify again: %s\n", name_of(mq_notify(queue, &by_signal)));
	NEED(mq_send(queue, "note", 5, 0) == 0 && mq_receive(queue, text, 64, NULL) == 5);
	NEED(sem_init(&told, 0, 0) == 0);
	by_thread.sigev_value.sival_ptr = &told;
	NEED(mq_notify(queue, &by_thread) == 0);
	NEED(mq_send(queue, "note", 5, 0) == 0 && mq_receive(queue, text, 64, NULL) == 5);
	NEED(sem_wait(&told) == 0 && sem_destroy(&told) == 0);
	NEED(mq_notify(queue, &by_signal) == 0 && mq_notify(queue, NULL) == 0);
	NEED(mq_send(queue, "note", 5, 0) == 0 && mq_receive(queue, text, 64, NULL) == 5);
	printf("notified: %d\n", (int)n_signals);
}

static void queue_child(struct shared *s)
{
	mqd_t queue = mq_open(NAME, O_WRONLY);
	struct timespec later = in_ms(CLOCK_REALTIME, 20000);
	char text[64];

	(void)s;
	NEED(queue >= 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		snprintf(text, sizeof(text), "%u", i);
		NEED((i % 2 ? mq_send(queue, text, 64, i % 5)
			    : mq_timedsend(queue, text, 64, i % 5, &later)) == 0);
	}
	NEED(mq_close(queue) == 0);
}

static void *receiver(void *data)
{
	struct timespec later = in_ms(CLOCK_REALTIME, 20000);
	mqd_t queue = *(mqd_t *)data;
	unsigned int priority;
	char text[64];
	long sum = 0;

	for (int i = 0; i < CHILDREN * ROUNDS; i++) {
		NEED((i % 2 ? mq_receive(queue, text, 64, &priority)
			    : mq_timedreceive(queue, text, 64, &priority, &later)) == 64);
		NEED((unsigned int)atoi(text) % 5 == priority);
		sum += atoi(text);
	}
	return (void *)sum;
}

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 }, old;
	mqd_t queue = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	struct timespec soon = in_ms(CLOCK_REALTIME, 10);
	pthread_t thread;
	char text[80];
	void *sum;

	NEED(queue >= 0 && pthread_create(&thread, NULL, receiver, &queue) == 0);
	in_children(queue_child, NULL);
	NEED(pthread_join(thread, &sum) == 0);
	printf("queue: sum %ld\n", (long)sum);
	printf("empty: %s", name_of((int)mq_timedreceive(queue, text, 64, NULL, &soon)));
	attr.mq_flags = O_NONBLOCK;
	NEED(mq_setattr(queue, &attr, &old) == 0 && mq_getattr(queue, &attr) == 0);
	printf(" %s, %ld -> %ld\n", name_of((int)mq_receive(queue, text, 64, NULL)), old.mq_flags,
	       attr.mq_flags);
	for (int i = 0; i < 4; i++)
		NEED(mq_send(queue, "x", 1, 0) == 0);
	printf("full: %s", name_of(mq_send(queue, "x", 1, 0)));
	printf(", long: %s", name_of(mq_send(queue, text, 65, 0)));
	printf(", small: %s\n", name_of((int)mq_receive(queue, text, 63, NULL)));
	for (int i = 0; i < 4; i++)
		NEED(mq_receive(queue, text, 64, NULL) == 1);
	notified(queue);
	NEED(mq_close(queue) == 0 && mq_unlink(NAME) == 0);
	queue = mq_open(NAME, O_RDONLY);
	printf("unlinked: %s\n", name_of((int)queue));
}

int main(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	NEED(s != MAP_FAILED);
	setvbuf(stdout, NULL, _IOLBF, 0);
	semaphores(s);
	memory();
	queues();
	return 0;
}
