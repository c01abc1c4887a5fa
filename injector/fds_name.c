/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds_name.c - does a call concern what has this name? object=path: asks. A socket has the name
 * that it is bound to, the one that it is connected to and, on its way there, that of the address
 * in the call; a name that begins with @ is an abstract one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "place.h"
#include "shim.h"

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return raw4(SYS_newfstatat, AT_FDCWD, a, &sa, 0) == 0 &&
	       raw4(SYS_newfstatat, AT_FDCWD, b, &sb, 0) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static bool is_named(const struct sockaddr_un *address, size_t n_bytes, const char *path)
{
	const size_t start = offsetof(struct sockaddr_un, sun_path);
	char own[sizeof(address->sun_path) + 1] = { 0 };

	if (n_bytes <= start || n_bytes > sizeof(*address) || address->sun_family != AF_UNIX)
		return false;
	memcpy(own, address->sun_path, n_bytes - start);
	if (own[0])
		return strcmp(own, path) == 0 || same_file(own, path);
	return path[0] == '@' && strlen(path) == n_bytes - start &&
	       memcmp(own + 1, path + 1, n_bytes - start - 1) == 0;
}

static bool socket_is_named(int fd, long which, const char *path)
{
	struct sockaddr_un address;
	socklen_t n = sizeof(address);

	return raw3(which, fd, &address, &n) == 0 && is_named(&address, n, path);
}

static bool is_addressed(const struct point *p, const char *path)
{
	int at = call_arg(p->call, ARG_SOCKADDR);
	struct sockaddr_un address;
	socklen_t n;

	if (at < 0 || !p->a[at])
		return false;
	n = (socklen_t)p->a[at + 1];
	return n <= sizeof(address) && p->ops->read(p, (const void *)p->a[at], &address, n) &&
	       is_named(&address, n, path);
}

static uint64_t file_named(const char *path, enum object_kind kind)
{
	struct stat st;

	return raw4(SYS_newfstatat, AT_FDCWD, path, &st, 0) < 0
		       ? 0
		       : OBJECT_REF(kind, place_file(st.st_dev, st.st_ino));
}

static uint64_t queue_named(const char *path)
{
	static const char folder[] = "/dev/mqueue/";
	size_t n = sizeof(folder) - 1;

	return mq_named(strncmp(path, folder, n) == 0 ? path + n - 1 : path);
}

uint64_t fd_path_object(const struct point *p, const char *path)
{
	uint64_t object = p->event->object;
	int at = call_arg(p->call, ARG_FD);

	switch (object_kind_of(object)) {
	case OBJECT_SOCKET:
		return is_addressed(p, path) ||
				       (at >= 0 &&
					(socket_is_named((int)p->a[at], SYS_getsockname, path) ||
					 socket_is_named((int)p->a[at], SYS_getpeername, path)))
			       ? object
			       : 0;
	case OBJECT_MQ:
		return queue_named(path);
	case OBJECT_FILE:
		return file_named(path, OBJECT_FILE);
	case OBJECT_MEMORY:
	case OBJECT_PSEM:
	case OBJECT_MUTEX:
	case OBJECT_COND:
	case OBJECT_RWLOCK:
	case OBJECT_BARRIER:
	case OBJECT_SPIN:
	case OBJECT_FUTEX:
		return memory_path_object(p, path);
	default:
		return fd_stat_object(AT_FDCWD, path, 0);
	}
}

unsigned int fd_point_socket(int fd)
{
	int domain = AF_UNSPEC;
	socklen_t n = sizeof(domain);
	unsigned int is = fd_traits(fd) & FD_MESSAGE ? POINT_MESSAGE : 0;

	own6(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&n, 0);
	if (domain == AF_UNIX)
		return is | POINT_LOCAL;
	return domain == AF_INET || domain == AF_INET6 ? is | POINT_INET : is;
}
