/* SPDX-License-Identifier: Apache-2.0 */
/* capture.c - files without a name for a trial's output and events. */
#define _GNU_SOURCE
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* O_TMPFILE first; not every file system has it. O_APPEND, since the program may open /dev/stdout
 * anew. */
static int open_nameless(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "%s/ipcjam-XXXXXX", directory);
	fd = mkostemp(path, O_APPEND | O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int capture_open(struct capture *capture, const char *directory)
{
	int err;

	*capture = (struct capture){ .out_fd = -1, .err_fd = -1, .events_fd = -1 };
	if (!directory)
		directory = getenv("TMPDIR");
	if (!directory || !*directory)
		directory = "/tmp";
	capture->out_fd = open_nameless(directory);
	capture->err_fd = open_nameless(directory);
	capture->events_fd = open_nameless(directory);
	if (capture->out_fd >= 0 && capture->err_fd >= 0 && capture->events_fd >= 0)
		return 0;
	err = errno;
	capture_close(capture);
	errno = err;
	return -1;
}

void capture_close(struct capture *capture)
{
	if (capture->out_fd >= 0)
		close(capture->out_fd);
	if (capture->err_fd >= 0)
		close(capture->err_fd);
	if (capture->events_fd >= 0)
		close(capture->events_fd);
	*capture = (struct capture){ .out_fd = -1, .err_fd = -1, .events_fd = -1 };
}

int write_all(int fd, const void *data, size_t n_bytes)
{
	const char *next = data;

	while (n_bytes > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, next, n_bytes));

		if (n < 0)
			return -1;
		next += n;
		n_bytes -= (size_t)n;
	}
	return 0;
}

/* Copies from *position on; *position moves even where nothing could be written. */
static int copy_from(int from, off_t *position, int to)
{
	char buffer[65536];
	ssize_t n;
	int status = 0;

	while ((n = TEMP_FAILURE_RETRY(pread(from, buffer, sizeof(buffer), *position))) > 0) {
		if (status == 0)
			status = write_all(to, buffer, (size_t)n);
		*position += n;
	}
	return n < 0 ? -1 : status;
}

void capture_pass(struct capture *capture, int out_fd, int err_fd)
{
	copy_from(capture->out_fd, &capture->out_passed, out_fd);
	copy_from(capture->err_fd, &capture->err_passed, err_fd);
}

int capture_save(int fd, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	off_t position = 0;
	int status;

	if (to < 0)
		return -1;
	status = copy_from(fd, &position, to);
	if (close(to) != 0)
		status = -1;
	return status;
}
