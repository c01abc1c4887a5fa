/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - a trial's output and events, in files without a name: nothing is left of them when
 * the runner is killed.
 */
#ifndef IPCJAM_CAPTURE_H
#define IPCJAM_CAPTURE_H

#include <sys/types.h>

struct capture {
	int out_fd, err_fd, events_fd;
	off_t out_passed, err_passed; /* bytes passed through so far */
};

/* Opens the three files in `directory` (NULL: where temporary files go). Returns 0 or -1 with
 * errno. */
int capture_open(struct capture *capture, const char *directory);
void capture_close(struct capture *capture);

/* Copies what is new to out_fd and err_fd; what cannot be written there is dropped. */
void capture_pass(struct capture *capture, int out_fd, int err_fd);

/* Copies all of the file behind fd into a fresh file. Returns 0 or -1 with errno. */
int capture_save(int fd, const char *path);

/* All of it, or -1 with errno. */
int write_all(int fd, const void *data, size_t n_bytes);

#endif
