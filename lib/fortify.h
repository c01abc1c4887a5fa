/* SPDX-License-Identifier: Apache-2.0 */
/* fortify.h - libc's entry points that no public header declares: those that check (of
 * _FORTIFY_SOURCE), second names, and those of programs from before glibc 2.33. */
#ifndef IPCJAM_FORTIFY_H
#define IPCJAM_FORTIFY_H

#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>

pid_t __fork(void);
pid_t __wait(int *status);
pid_t __waitpid(pid_t pid, int *status, int flags);
int __close(int fd);
int __dup2(int fd, int fd2);
int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __fcntl(int fd, int cmd, ...);
int __pipe(int fds[2]);
int __connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size);
ssize_t __send(int fd, const void *buffer, size_t n, int flags);
int __select(int n, fd_set *reads, fd_set *writes, fd_set *excepts, struct timeval *timeout);
ssize_t __read(int fd, void *buffer, size_t n);
ssize_t __write(int fd, const void *buffer, size_t n);
int __poll(struct pollfd *fds, nfds_t n, int timeout);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room);
mqd_t __mq_open_2(const char *name, int flags);
ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
		       __SOCKADDR_ARG address, socklen_t *size);
int __xmknod(int version, const char *path, mode_t mode, dev_t *device);
int __xmknodat(int version, int dir, const char *path, mode_t mode, dev_t *device);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t room);

#endif
