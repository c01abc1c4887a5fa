/* SPDX-License-Identifier: Apache-2.0 */
/* fds_kind.c - what the kernel says of a descriptor or of a name: which kind of IPC object, and
 * which one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>

#include "place.h"
#include "shim.h"
#include "text.h"

#ifndef PIPEFS_MAGIC
#define PIPEFS_MAGIC 0x50495045
#endif
#define MQUEUE_MAGIC 0x19800202
#define FDINFO 1024 /* bytes: what is looked for comes before any list */

static bool is_on(int fd, long magic)
{
	struct statfs fs;

	return raw2(SYS_fstatfs, fd, &fs) == 0 && fs.f_type == magic;
}

static uint64_t file_ref(enum object_kind kind, const struct stat *st)
{
	return OBJECT_REF(kind, place_file(st->st_dev, st->st_ino));
}

static uint64_t look_pipe(int fd, const struct stat *st)
{
	if (is_on(fd, PIPEFS_MAGIC))
		return OBJECT_REF(OBJECT_PIPE, st->st_ino);
	return file_ref(OBJECT_FIFO, st);
}

static bool has_timeout(int fd, int option)
{
	struct timeval time = { 0 };
	socklen_t size = sizeof(time);

	return raw5(SYS_getsockopt, fd, SOL_SOCKET, option, &time, &size) == 0 &&
	       (time.tv_sec || time.tv_usec);
}

unsigned int fd_socket_traits(int fd)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (raw5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return 0;
	return (type == SOCK_STREAM ? 0 : FD_MESSAGE) |
	       (has_timeout(fd, SO_RCVTIMEO) ? FD_RCVTIMEO : 0) |
	       (has_timeout(fd, SO_SNDTIMEO) ? FD_SNDTIMEO : 0);
}

static uint64_t look_socket(int fd, const struct stat *st)
{
	return OBJECT_REF(OBJECT_SOCKET, st->st_ino) | (uint64_t)fd_socket_traits(fd)
							       << FD_TRAITS_SHIFT;
}

/* The thread's own folder: that of a process is empty once its first thread has ended. */
static void proc_path(char *path, size_t room, const char *folder, int fd)
{
	struct text t;

	text_begin(&t, path, room);
	text_str(&t, "/proc/thread-self/");
	text_str(&t, folder);
	text_char(&t, '/');
	text_int(&t, fd);
}

int64_t fd_info(int fd, const char *name)
{
	char path[48], content[FDINFO];
	const char *at;
	uint64_t value;
	long file, n;

	proc_path(path, sizeof(path), "fdinfo", fd);
	file = raw4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (file < 0)
		return -1;
	n = raw3(SYS_read, file, content, sizeof(content) - 1);
	raw1(SYS_close, file);
	content[n > 0 ? n : 0] = 0;
	at = strstr(content, name);
	if (!at)
		return -1;
	at += strlen(name);
	at += strspn(at, " \t");
	return text_read_uint(&at, &value) ? -1 : (int64_t)value;
}

static const struct {
	const char *link;
	enum object_kind kind;
	const char *number; /* in fdinfo; NULL: the kernel gives none */
} anonymous[] = {
	{ "anon_inode:[eventfd]", OBJECT_EVENTFD, "eventfd-id:" },
	{ "anon_inode:[timerfd]", OBJECT_TIMERFD, NULL },
	{ "anon_inode:[signalfd]", OBJECT_SIGNALFD, NULL },
	{ "anon_inode:inotify", OBJECT_INOTIFY, NULL },
	{ "anon_inode:[eventpoll]", OBJECT_EPOLL, NULL },
	{ "anon_inode:[pidfd]", OBJECT_PIDFD, "Pid:" },
	{ "anon_inode:[io_uring]", OBJECT_URING, NULL },
};

uint64_t fd_number(enum object_kind kind, uint64_t number)
{
	return OBJECT_REF(kind, arena_mix(number ^ arena_mix(kind)));
}

/* A descriptor that was made before exec, or by another process: numbered by where it is, for all
 * threads alike, and as the tracer does it. */
static uint64_t number_found(enum object_kind kind, int fd)
{
	uint64_t own = self.proc ? point_lineage_hash(self.proc, 0) : 0;

	return fd_number(kind, ~own ^ arena_mix((uint64_t)fd));
}

static uint64_t look_anonymous(int fd)
{
	char path[48], link[32];
	long n;

	proc_path(path, sizeof(path), "fd", fd);
	n = raw3(SYS_readlink, path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	for (size_t i = 0; i < sizeof(anonymous) / sizeof(anonymous[0]); i++) {
		enum object_kind kind = anonymous[i].kind;
		int64_t number = -1;

		if (strcmp(link, anonymous[i].link) != 0)
			continue;
		if (anonymous[i].number)
			number = fd_info(fd, anonymous[i].number);
		return number < 0 ? number_found(kind, fd) : OBJECT_REF(kind, number);
	}
	return FD_NOT_IPC;
}

uint64_t fd_look(int fd)
{
	struct stat st;

	if (raw2(SYS_fstat, fd, &st) < 0)
		return 0;
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO:
		return look_pipe(fd, &st);
	case S_IFSOCK:
		return look_socket(fd, &st);
	case S_IFREG:
		/* a file system without a device: ask which */
		return major(st.st_dev) == 0 && is_on(fd, MQUEUE_MAGIC) ? file_ref(OBJECT_MQ, &st)
									: FD_NOT_IPC;
	case 0:
		return look_anonymous(fd);
	default:
		return FD_NOT_IPC;
	}
}

uint64_t fd_file(int fd, enum object_kind kind)
{
	struct stat st;

	return raw2(SYS_fstat, fd, &st) < 0 ? 0 : file_ref(kind, &st);
}

uint64_t fd_stat_object(int dir, const char *path, int flags)
{
	struct stat st;

	/* the kernel follows the path, so a bad pointer gives EFAULT here and in the call itself */
	if (raw4(SYS_newfstatat, dir, path, &st, flags) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	return file_ref(OBJECT_FIFO, &st);
}
