/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds.c - which descriptors are pipes or FIFOs. Looked up once with fstat and remembered until the
 * descriptor is closed or replaced by a call that we see. Entries are only ever forgotten by others
 * and set by fstat, so a vfork child (which looks without remembering) cannot mislead its parent.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "shim.h"
#include "text.h"

#define FDS 1024
#define NOT_IPC UINT64_C(1)

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif

static uint64_t known[FDS];

static uint64_t fold(uint64_t dev, uint64_t ino)
{
	return arena_mix(dev) ^ ino;
}

static uint64_t look(int fd)
{
	struct statfs fs;
	struct stat st;

	if (raw2(SYS_fstat, fd, &st) < 0)
		return 0;
	if (!S_ISFIFO(st.st_mode))
		return NOT_IPC;
	if (raw2(SYS_fstatfs, fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC)
		return OBJECT_REF(OBJECT_PIPE, st.st_ino);
	return OBJECT_REF(OBJECT_FIFO, fold(st.st_dev, st.st_ino));
}

uint64_t fd_object(int fd)
{
	uint64_t object;

	if (fd < 0)
		return 0;
	if (fd >= FDS || UNLIKELY(self.vforks)) {
		object = look(fd);
		return object == NOT_IPC ? 0 : object;
	}
	object = known[fd];
	if (UNLIKELY(object == 0)) {
		object = look(fd);
		known[fd] = object;
	}
	return object == NOT_IPC ? 0 : object;
}

void fd_forget(int fd)
{
	if (fd >= 0 && fd < FDS)
		known[fd] = 0;
}

void fd_forget_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < FDS; fd++)
		known[fd] = 0;
}

uint64_t fd_stat_object(int dir, const char *path, int flags)
{
	struct stat st;

	/* the kernel follows the path, so a bad pointer gives EFAULT here and in the call itself */
	if (raw4(SYS_newfstatat, dir, path, &st, flags) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	return OBJECT_REF(OBJECT_FIFO, fold(st.st_dev, st.st_ino));
}

static uint32_t unread(int fd)
{
	long flags = raw3(SYS_fcntl, fd, F_GETFL, 0);
	int n = 0;

	if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY || raw3(SYS_ioctl, fd, FIONREAD, &n) < 0)
		return 0;
	return n > 0 ? (uint32_t)n : 0;
}

/* Opening the write end by its name in /proc tells, once our read end is closed, whether there is
 * another. */
void fd_probe(int fd, struct fd_probe *probe)
{
	char path[40];
	struct text t;

	probe->writer = -1;
	/* a FIFO's write end would let in a reader that waits in open */
	if (object_kind_of(fd_object(fd)) != OBJECT_PIPE)
		return;
	probe->n_unread = unread(fd);
	if (probe->n_unread == 0)
		return;
	text_begin(&t, path, sizeof(path));
	text_str(&t, "/proc/self/fd/");
	text_int(&t, fd);
	probe->writer = (int)raw4(SYS_openat, AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
}

uint32_t fd_probe_lost(struct fd_probe *probe)
{
	struct pollfd poll = { probe->writer, 0, 0 };
	long n;

	if (probe->writer < 0)
		return 0;
	n = raw3(SYS_poll, &poll, 1, 0);
	raw1(SYS_close, probe->writer);
	return n == 1 && poll.revents & POLLERR ? probe->n_unread : 0;
}

void fd_close_readers(void (*visit)(int fd, uint64_t object, uint32_t n_lost))
{
	struct fd_probe probe;

	for (int fd = 0; fd < FDS; fd++) {
		uint64_t object = known[fd];
		uint32_t n_lost;

		if (object <= NOT_IPC)
			continue;
		fd_probe(fd, &probe);
		if (probe.writer < 0)
			continue;
		raw1(SYS_close, fd);
		n_lost = fd_probe_lost(&probe);
		if (n_lost)
			visit(fd, object, n_lost);
	}
}
