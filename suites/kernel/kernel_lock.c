/* SPDX-License-Identifier: Apache-2.0 */
/* See kernel_lock.h. */
#include "kernel_lock.h"
#include "kernel_test.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

int kt_lock_open(void)
{
	int fd = open(kt_path("locked"), O_RDWR | O_CREAT, 0600);

	KT_CHILD(fd >= 0);
	return fd;
}

int kt_lock(int fd, int cmd, short type, off_t start, off_t n_bytes)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = n_bytes,
	};

	return fcntl(fd, cmd, &lock) < 0 ? -errno : 0;
}

struct flock kt_lock_met(int fd, int cmd, off_t start, off_t n_bytes)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = n_bytes,
	};

	KT_CHILD(fcntl(fd, cmd, &lock) == 0);
	return lock;
}

int kt_flock(int fd, int operation)
{
	return flock(fd, operation) < 0 ? -errno : 0;
}
