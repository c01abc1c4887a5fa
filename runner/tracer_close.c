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

static uint32_t available(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (uint32_t)n;
}

/* Closes it. What was in the pipe is lost if it has no reader any more. A socket is perhaps held by
 * others, and whether one of them reads what is there only time tells: the model waits for that. */
static uint32_t lost_in(int fd, uint64_t object, uint32_t n_bytes)
{
	struct pollfd poll_fd = { fd, 0, 0 };

	if (fd < 0)
		return 0;
	if (object_kind_of(object) == OBJECT_SOCKET)
		n_bytes = available(fd);
	else if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLERR))
		n_bytes = 0;
	close(fd);
	return n_bytes;
}

/* A descriptor of our own that outlives the task's: of a socket a copy. */
static int open_probe(struct tracer *t, struct task *task, int number, uint64_t object,
		      uint32_t *n_bytes)
{
	switch (object_kind_of(object)) {
	case OBJECT_PIPE:
		return open_writer(t, task->tid, number, n_bytes);
	case OBJECT_SOCKET:
		return socket_borrow(task, number);
	default:
		return -1;
	}
}

void close_probe(struct tracer *t, struct task *task, struct passage *p)
{
	bool replaces = p->canonical != CALL_close;
	int number = (int)p->a[replaces];

	if (replaces && p->a[0] == p->a[1])
		return;
	p->probe_object = object_of_fd(t, task, number);
	p->probe_fd = open_probe(t, task, number, p->probe_object, &p->probe_bytes);
}

uint32_t close_probe_lost(struct passage *p)
{
	int fd = p->probe_fd;

	p->probe_fd = -1;
	return lost_in(fd, p->probe_object, p->probe_bytes);
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
		lost->object = object_of_fd(t, task, lost->number);
		lost->fd = open_probe(t, task, lost->number, lost->object, &lost->n_bytes);
		if (lost->fd < 0)
			continue;
		if (object_kind_of(lost->object) == OBJECT_SOCKET && available(lost->fd) == 0)
			close(lost->fd);
		else
			program->n_lost++;
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
		uint32_t n_bytes = lost_in(lost->fd, lost->object, lost->n_bytes);

		if (n_bytes && task_slot(t, task))
			note_close(t, task->slot, lost->object, lost->number, n_bytes);
	}
	program->n_lost = 0;
}
