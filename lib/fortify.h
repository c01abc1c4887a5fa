/* SPDX-License-Identifier: Apache-2.0 */
/* fortify.h - libc's checking entry points that no public header declares without _FORTIFY_SOURCE.
 */
#ifndef IPCJAM_FORTIFY_H
#define IPCJAM_FORTIFY_H

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
		size_t room);

#endif
