/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms of the calls on sockets, for tests and their children. */
#ifndef SUITES_KERNEL_KERNEL_SOCKET_H
#define SUITES_KERNEL_KERNEL_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

void kt_pair(int fd[2], int type);
/* The Unix address of this file in kt_dir(). */
struct sockaddr_un kt_unix_at(const char *file);
/* A bound Unix socket, one that listens there, one that has connected to it: a descriptor, or
 * -errno. */
int kt_unix_bind(const struct sockaddr_un *at, int type);
int kt_unix_listen(const struct sockaddr_un *at, int type, int backlog);
int kt_unix_connect(const struct sockaddr_un *at, int type);

/* A TCP socket that listens at a free port of this machine, whose address is written to `at`; two
 * that are connected. */
int kt_tcp_listen(struct sockaddr_in *at, int backlog);
int kt_tcp_connect(const struct sockaddr_in *at);
void kt_tcp_pair(int fd[2]);

/* Sends and receives one byte with a descriptor: 0 or -errno; the descriptor or -errno. */
int kt_send_fd(int socket_fd, int fd);
int kt_recv_fd(int socket_fd);

/* send() and recv() at once, without SIGPIPE: what they return, or -errno. */
ssize_t kt_send_now(int fd, const void *bytes, size_t n_bytes);
ssize_t kt_recv_now(int fd, void *bytes, size_t n_bytes);

#endif
