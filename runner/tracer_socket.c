/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_socket.c - what a task's socket is, asked of a copy of its descriptor. */
#define _GNU_SOURCE
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "tracer_record.h"

int socket_borrow(const struct task *task, int fd)
{
	struct program *program = task->program;

	if (program->pidfd < 0)
		program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
	return (int)syscall(SYS_pidfd_getfd, program->pidfd, fd, 0);
}

static int option(int fd, int name)
{
	socklen_t n = sizeof(int);
	int value = -1;

	getsockopt(fd, SOL_SOCKET, name, &value, &n);
	return value;
}

static bool has_timeout(int fd, int name)
{
	struct timeval time = { 0 };
	socklen_t n = sizeof(time);

	return getsockopt(fd, SOL_SOCKET, name, &time, &n) == 0 && (time.tv_sec || time.tv_usec);
}

unsigned int socket_is(const struct task *task, int fd)
{
	int copy = socket_borrow(task, fd), domain, type;

	if (copy < 0)
		return 0;
	domain = option(copy, SO_DOMAIN);
	type = option(copy, SO_TYPE);
	close(copy);
	return (domain == AF_UNIX ? POINT_LOCAL : 0) |
	       (domain == AF_INET || domain == AF_INET6 ? POINT_INET : 0) |
	       (type == SOCK_STREAM ? 0 : POINT_MESSAGE);
}

/* Event flags: does it keep boundaries, and does this direction have a time-out? */
unsigned int socket_flags(const struct task *task, int fd, bool receives)
{
	int copy = socket_borrow(task, fd);
	unsigned int flags = 0;

	if (copy < 0)
		return 0;
	if (option(copy, SO_TYPE) != SOCK_STREAM)
		flags |= EVENT_MESSAGE;
	if (has_timeout(copy, receives ? SO_RCVTIMEO : SO_SNDTIMEO))
		flags |= EVENT_TIMED;
	close(copy);
	return flags;
}
