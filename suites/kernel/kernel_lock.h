/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms of the calls for file locks, for tests and their children. */
#ifndef SUITES_KERNEL_KERNEL_LOCK_H
#define SUITES_KERNEL_KERNEL_LOCK_H

#include <fcntl.h>

/* Opens the test's file for reading and writing: each call makes a description of its own. */
int kt_lock_open(void);

/* fcntl() with `cmd` (F_SETLK, F_OFD_SETLKW ...), `type` (F_WRLCK ...) and this range, where a
 * length of 0 is all from there on: 0 or -errno. */
int kt_lock(int fd, int cmd, short type, off_t start, off_t n_bytes);
/* What F_GETLK or F_OFD_GETLK tells of whom a write lock of that range would meet. */
struct flock kt_lock_met(int fd, int cmd, off_t start, off_t n_bytes);
/* flock(): 0 or -errno. */
int kt_flock(int fd, int operation);

#endif
