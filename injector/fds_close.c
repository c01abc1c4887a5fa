/* SPDX-License-Identifier: Apache-2.0 */
/* fds_close.c - what goes when a descriptor goes: bytes that nobody has read, and locks on files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "shim.h"
#include "text.h"

#define LOCKED 64 /* files; of more than these the oldest are forgotten */

static uint64_t locked[LOCKED];
static _Atomic uint32_t n_locked;

static uint32_t available(int fd)
{
	int n = 0;

	return raw3(SYS_ioctl, fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (uint32_t)n;
}

static uint32_t unread(int fd)
{
	long flags = raw3(SYS_fcntl, fd, F_GETFL, 0);

	return flags < 0 || (flags & O_ACCMODE) != O_RDONLY ? 0 : available(fd);
}

/* Opening the write end by its name in /proc tells, once our read end is closed, whether there is
 * another. A FIFO's write end would let in a reader that waits in open. */
static int witness_of_pipe(int fd)
{
	char path[48];
	struct text t;

	text_begin(&t, path, sizeof(path));
	text_str(&t, "/proc/thread-self/fd/");
	text_int(&t, fd);
	return (int)raw4(SYS_openat, AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
}

/* An epoll forgets what is in it when the last descriptor of it is closed, in whichever process. */
static int witness_of_socket(int fd)
{
	struct epoll_event none = { 0 };
	int witness = (int)raw1(SYS_epoll_create1, EPOLL_CLOEXEC);

	if (witness >= 0 && raw4(SYS_epoll_ctl, witness, EPOLL_CTL_ADD, fd, &none) < 0) {
		raw1(SYS_close, witness);
		witness = -1;
	}
	return witness;
}

void fd_probe(int fd, struct fd_probe *probe)
{
	*probe = (struct fd_probe){ .kind = object_kind_of(fd_object(fd)), .witness = -1 };
	if (probe->kind == OBJECT_PIPE)
		probe->n_unread = unread(fd);
	else if (probe->kind == OBJECT_SOCKET)
		probe->n_unread = available(fd);
	if (!probe->n_unread || !site_hold_fork())
		return;
	probe->witness = probe->kind == OBJECT_PIPE ? witness_of_pipe(fd) : witness_of_socket(fd);
	if (probe->witness < 0)
		site_release_fork();
}

static bool is_read_by_others(const struct fd_probe *probe)
{
	struct pollfd poll = { probe->witness, 0, 0 };

	if (probe->kind == OBJECT_SOCKET)
		return fd_info(probe->witness, "tfd:") >= 0;
	return raw3(SYS_poll, &poll, 1, 0) != 1 || !(poll.revents & POLLERR);
}

uint32_t fd_probe_lost(struct fd_probe *probe)
{
	bool lost;

	if (probe->witness < 0)
		return 0;
	lost = !is_read_by_others(probe);
	raw1(SYS_close, probe->witness);
	site_release_fork();
	return lost ? probe->n_unread : 0;
}

void fd_close_readers(void (*visit)(int fd, uint64_t object, uint32_t n_lost))
{
	struct fd_probe probe;

	for (int fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1)) {
		uint64_t object = fd_object(fd);
		uint32_t n_lost;

		fd_probe(fd, &probe);
		if (probe.witness < 0)
			continue;
		raw1(SYS_close, fd);
		n_lost = fd_probe_lost(&probe);
		if (n_lost)
			visit(fd, object, n_lost);
	}
}

void fd_note_lock(uint64_t file)
{
	uint32_t n = atomic_load(&n_locked);

	for (uint32_t i = 0; i < n && i < LOCKED; i++)
		if (locked[i] == file)
			return;
	locked[atomic_fetch_add(&n_locked, 1) % LOCKED] = file;
}

uint64_t fd_closing(int fd)
{
	uint64_t object = fd_object(fd), file;
	uint32_t n = atomic_load_explicit(&n_locked, memory_order_relaxed);

	if (object || n == 0)
		return object;
	file = fd_file(fd, OBJECT_FILE);
	for (uint32_t i = 0; i < n && i < LOCKED; i++)
		if (locked[i] == file)
			return file;
	return 0;
}
