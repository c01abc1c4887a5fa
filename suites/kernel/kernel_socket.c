/* SPDX-License-Identifier: Apache-2.0 */
/* See kernel_socket.h. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void kt_pair(int fd[2], int type)
{
	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fd), 0);
}

struct sockaddr_un kt_unix_at(const char *file)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", kt_dir(), file) >=
	    sizeof(at.sun_path))
		suite_skip("TMPDIR is too long for the address of a Unix socket");
	return at;
}

int kt_unix_bind(const struct sockaddr_un *at, int type)
{
	int fd = socket(AF_UNIX, type, 0);
	int error;

	KT_CHILD(fd >= 0);
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

int kt_unix_listen(const struct sockaddr_un *at, int type, int backlog)
{
	int fd = kt_unix_bind(at, type);

	KT_CHILD(fd >= 0);
	KT_CHILD(listen(fd, backlog) == 0);
	return fd;
}

int kt_unix_connect(const struct sockaddr_un *at, int type)
{
	int fd = socket(AF_UNIX, type, 0);
	int error;

	KT_CHILD(fd >= 0);
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

int kt_tcp_listen(struct sockaddr_in *at, int backlog)
{
	socklen_t n_bytes = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (fd < 0 || bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0)
		suite_skip("there is no IPv4 loopback here");
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &n_bytes), 0);
	return fd;
}

int kt_tcp_connect(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int error;

	KT_CHILD(fd >= 0);
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

void kt_tcp_pair(int fd[2])
{
	struct sockaddr_in at;
	int listener = kt_tcp_listen(&at, 1);

	fd[0] = kt_tcp_connect(&at);
	ck_assert_int_ge(fd[0], 0);
	fd[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd[1], 0);
	close(listener);
}

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int kt_send_fd(int socket_fd, int fd)
{
	union control control = { 0 };
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket_fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int kt_recv_fd(int socket_fd)
{
	union control control = { 0 };
	char c;
	struct iovec byte = { .iov_base = &c, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket_fd, &m, 0) < 0)
		return -errno;
	KT_CHILD(control.header.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

ssize_t kt_send_now(int fd, const void *bytes, size_t n_bytes)
{
	ssize_t n = send(fd, bytes, n_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

ssize_t kt_recv_now(int fd, void *bytes, size_t n_bytes)
{
	ssize_t n = recv(fd, bytes, n_bytes, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}
