/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_filter.c - children with filters of libseccomp, which kill for what is not listed:
 * read and write only; pipes, forks and waits too; message queues and semaphores; the filter put on
 * all threads; a list of what is forbidden, which answers EPERM, kept over exec; two filters. Each
 * does its work with what it has left. The last one breaks its filter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "real.h"

static scmp_filter_ctx allow_only(int first, ...)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	va_list list;

	NEED(filter);
	va_start(list, first);
	for (int nr = first; nr >= 0; nr = va_arg(list, int))
		NEED(seccomp_rule_add(filter, SCMP_ACT_ALLOW, nr, 0) == 0);
	va_end(list);
	return filter;
}

static void load(scmp_filter_ctx filter)
{
	NEED(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

/* Bytes through a pipe that was there before. */
static int bytes_through(int end[2], int n_rounds)
{
	char text[100] = { 0 };
	int n = 0;

	for (int i = 0; i < n_rounds; i++)
		if (write(end[1], text, sizeof(text)) == sizeof(text))
			n += (int)read(end[0], text, sizeof(text));
	return n;
}

/* For _exit() libc calls exit_group. */
static _Noreturn void only_read_and_write(int end[2])
{
	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), -1));
	_exit(bytes_through(end, 2000) == 200000 ? 21 : 90);
}

/* More events than a ring holds: nobody may be woken for it. */
static _Noreturn void many(int end[2])
{
	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), -1));
	_exit(bytes_through(end, 20000) == 2000000 ? 22 : 90);
}

static _Noreturn void makes_pipes_and_children(int end[2])
{
	int own[2], n = 0;

	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), SCMP_SYS(pipe2),
			SCMP_SYS(clone), SCMP_SYS(wait4), SCMP_SYS(close),
			SCMP_SYS(set_robust_list), SCMP_SYS(rt_sigprocmask), -1));
	for (int i = 0; i < 5; i++) {
		pid_t pid;

		if (pipe(own) != 0 || (pid = fork()) < 0)
			_exit(90);
		if (pid == 0)
			_exit(bytes_through(own, 10) == 1000 ? 5 : 91);
		n += ended(pid);
		close(own[0]);
		close(own[1]);
	}
	_exit(bytes_through(end, 1) == 100 ? n : 92);
}

static _Noreturn void queues_and_semaphores(int end[2])
{
	struct {
		long type;
		char text[16];
	} message = { 3, "queued" };
	struct sembuf up = { .sem_op = 1 }, down = { .sem_op = -1 };
	int queue = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600), n = 0;

	load(allow_only(SCMP_SYS(write), SCMP_SYS(exit_group), SCMP_SYS(msgsnd), SCMP_SYS(msgrcv),
			SCMP_SYS(semop), SCMP_SYS(semtimedop), SCMP_SYS(msgctl), SCMP_SYS(semctl),
			-1));
	for (int i = 0; i < 30; i++)
		if (semop(set, &up, 1) == 0 && msgsnd(queue, &message, 16, 0) == 0 &&
		    semop(set, &down, 1) == 0 && msgrcv(queue, &message, 16, 3, 0) == 16)
			n++;
	if (msgctl(queue, IPC_RMID, NULL) != 0 || semctl(set, 0, IPC_RMID) != 0)
		_exit(90);
	_exit(write(end[1], "x", 1) == 1 ? n : 91);
}

static sem_t begun;

static void *reader(void *data)
{
	char byte;

	NEED(sem_post(&begun) == 0);
	while (read(((int *)data)[0], &byte, 1) == 1 && byte != 'q')
		;
	return data;
}

static _Noreturn void all_threads(int end[2])
{
	scmp_filter_ctx filter = allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group),
					    SCMP_SYS(exit), SCMP_SYS(futex), SCMP_SYS(madvise),
					    SCMP_SYS(munmap), SCMP_SYS(rt_sigprocmask), -1);
	pthread_t thread;

	/* what a new thread tells the kernel of itself is not in the list */
	NEED(sem_init(&begun, 0, 0) == 0 && pthread_create(&thread, NULL, reader, end) == 0);
	NEED(sem_wait(&begun) == 0);
	NEED(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0);
	load(filter);
	if (write(end[1], "abcq", 4) != 4 || pthread_join(thread, NULL) != 0)
		_exit(90);
	_exit(23);
}

/* As containers have it: few calls are refused, all others go on as ever. */
static _Noreturn void forbids(int end[2])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	NEED(filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0) == 0 &&
	     seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0) == 0 &&
	     seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sched_setaffinity), 0) == 0);
	load(filter);
	NEED(dup2(end[1], 1) == 1);
	execl("/bin/sh", "sh", "-c", "seq 1 2000 | sort -n | tail -n 1; exit 24", NULL);
	_exit(90);
}

/* What others would make for themselves, and seq does not need, kills it. */
static _Noreturn void execs_without(int end[2])
{
	static const int numbers[] = { SCMP_SYS(getpid),           SCMP_SYS(getppid),
				       SCMP_SYS(gettid),           SCMP_SYS(madvise),
				       SCMP_SYS(readlink),         SCMP_SYS(sigaltstack),
				       SCMP_SYS(sched_yield),      SCMP_SYS(poll),
				       SCMP_SYS(process_vm_readv), SCMP_SYS(clock_gettime) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	NEED(filter && dup2(end[1], 1) == 1);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		NEED(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, numbers[i], 0) == 0);
	load(filter);
	execl("/usr/bin/seq", "seq", "1", "400", NULL);
	_exit(90);
}

static _Noreturn void two_filters(int end[2])
{
	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), SCMP_SYS(seccomp),
			SCMP_SYS(prctl), SCMP_SYS(fstat), SCMP_SYS(brk), SCMP_SYS(mmap),
			SCMP_SYS(munmap), -1));
	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), -1));
	_exit(bytes_through(end, 10) == 1000 ? 25 : 90);
}

static _Noreturn void breaks_it(int end[2])
{
	load(allow_only(SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group), -1));
	if (bytes_through(end, 1) != 100)
		_exit(91);
	_exit(pipe(end) == 0 ? 92 : 93);
}

static void run(const char *name, void (*work)(int end[2]))
{
	int end[2], status, n = 0;
	char text[4096];
	ssize_t got;
	pid_t pid;

	NEED(pipe(end) == 0 && (pid = fork()) >= 0);
	if (pid == 0)
		work(end);
	status = ended(pid);
	close(end[1]);
	while ((got = read(end[0], text, sizeof(text))) > 0)
		n += (int)got;
	close(end[0]);
	printf("%s: ended %d, %d bytes left\n", name, status, n);
}

int main(void)
{
	run("read and write", only_read_and_write);
	run("many", many);
	run("pipes and children", makes_pipes_and_children);
	run("queues and semaphores", queues_and_semaphores);
	run("all threads", all_threads);
	run("forbidden list", forbids);
	run("exec without", execs_without);
	run("two filters", two_filters);
	run("broken", breaks_it);
	return 0;
}
