/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_close.c - bytes that nobody can read any more: of a pipe whose read end is closed, or goes
 * with its process. A write end of our own, opened by its name in /proc before, tells afterwards
 * whether there is another reader.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer_record.h"

/* A write end of the pipe that this descriptor reads, or -1: there is nothing in it, or it is no
 * pipe's read end. A FIFO's write end would let in a reader that waits in open. */
static int open_writer(struct tracer *t, pid_t tid, int number, uint32_t *n_bytes)
{
	struct stat info, link;
	char path[48];
	int fd, n = 0;

	*n_bytes = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, number);
	if (lstat(path, &link) < 0 || !(link.st_mode & S_IRUSR) || (link.st_mode & S_IWUSR) ||
	    stat(path, &info) < 0 || !S_ISFIFO(info.st_mode) || info.st_dev != t->pipefs)
		return -1;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (ioctl(fd, FIONREAD, &n) < 0 || n <= 0)) {
		close(fd);
		fd = -1;
	}
	*n_bytes = (uint32_t)n;
	return fd;
}

/* Closes it. True: there is no reader any more. */
static bool nobody_reads(int writer)
{
	struct pollfd poll_fd = { writer, 0, 0 };
	bool nobody = poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLERR;

	close(writer);
	return nobody;
}

/* A socket is perhaps held by others, and whether one of them reads what is there only time tells:
 * the model waits for that. */
static uint32_t unread_in_socket(const struct task *task, int number)
{
	int copy = socket_borrow(task, number), n = 0;

	if (copy < 0)
		return 0;
	if (ioctl(copy, FIONREAD, &n) < 0)
		n = 0;
	close(copy);
	return n > 0 ? (uint32_t)n : 0;
}

void close_probe(struct tracer *t, struct task *task, struct passage *p)
{
	bool replaces = p->canonical != CALL_close;
	int number = (int)p->a[replaces];

	if (replaces && p->a[0] == p->a[1])
		return;
	p->probe_object = object_of_fd(t, task, number);
	if (object_kind_of(p->probe_object) == OBJECT_PIPE)
		p->probe_fd = open_writer(t, task->tid, number, &p->probe_bytes);
	else if (object_kind_of(p->probe_object) == OBJECT_SOCKET)
		p->probe_bytes = unread_in_socket(task, number);
}

uint32_t close_probe_lost(struct passage *p)
{
	int writer = p->probe_fd;
	uint32_t n_bytes = p->probe_bytes;

	p->probe_fd = -1;
	p->probe_bytes = 0;
	return writer < 0 || nobody_reads(writer) ? n_bytes : 0;
}

/* An event of our own making, as if it had been closed. */
static void note_close(struct tracer *t, struct arena_thread *slot, uint64_t object, int number,
		       uint32_t n_bytes)
{
	struct event e = { .call = CALL_close, .object = object };

	e.arg[0] = number;
	e.arg[4] = n_bytes;
	e.enter_tsc = e.exit_tsc = tracer_now(t);
	ring_write(t, slot, &e, NULL, 0);
}

/* dup2 and dup3 close their target without saying so. */
void close_replaced(struct tracer *t, struct task *task, struct passage *p)
{
	uint32_t n_bytes = close_probe_lost(p);

	if (n_bytes)
		note_close(t, task->slot, p->probe_object, (int)p->a[1], n_bytes);
}

void close_all_probe(struct tracer *t, struct task *task)
{
	struct program *program = task->program;
	struct dirent *entry;
	char path[48];
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)task->tid);
	fds = opendir(path);
	while (fds && program->n_lost < LOST && (entry = readdir(fds))) {
		struct lost *lost = &program->lost[program->n_lost];

		if (entry->d_name[0] == '.')
			continue;
		lost->number = atoi(entry->d_name);
		lost->writer = -1;
		lost->n_bytes = 0;
		lost->object = object_of_fd(t, task, lost->number);
		if (object_kind_of(lost->object) == OBJECT_PIPE)
			lost->writer = open_writer(t, task->tid, lost->number, &lost->n_bytes);
		else if (object_kind_of(lost->object) == OBJECT_SOCKET)
			lost->n_bytes = unread_in_socket(task, lost->number);
		program->n_lost += lost->n_bytes > 0;
	}
	if (fds)
		closedir(fds);
}

/* The process is dead, and its descriptors are closed. */
void close_all_lost(struct tracer *t, struct task *task)
{
	struct program *program = task->program;

	for (unsigned int i = 0; i < program->n_lost; i++) {
		struct lost *lost = &program->lost[i];
		bool nobody = lost->writer < 0 || nobody_reads(lost->writer);

		if (nobody && task_slot(t, task))
			note_close(t, task->slot, lost->object, lost->number, lost->n_bytes);
	}
	program->n_lost = 0;
}
