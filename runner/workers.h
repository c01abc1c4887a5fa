/* SPDX-License-Identifier: Apache-2.0 */
/* workers.h - trials in processes of their own, several at a time. */
#ifndef IPCJAM_WORKERS_H
#define IPCJAM_WORKERS_H

#include <stdint.h>

#include "capture.h"
#include "trial.h"

#define WORKERS_MAX 256

struct worker {
	int pidfd; /* -1: free */
	int pid;
	int result_fd;
	uint64_t seed;
	struct capture capture;
};

struct workers {
	struct worker worker[WORKERS_MAX];
	unsigned int n_running;
};

void workers_init(struct workers *workers);

/*
 * Starts a trial; the capture's files are the worker's from now on. options->stdout_fd and so on
 * must already be set. Returns 0 or -1 with errno.
 */
int workers_start(struct workers *workers, const struct trial_options *options,
		  const struct capture *capture);

/*
 * Waits until one has ended; fills in its result. Returns it (to be released), or NULL when a
 * signal came instead: the running ones have then been told to end.
 */
struct worker *workers_wait(struct workers *workers, struct trial_result *result);

void workers_release(struct workers *workers, struct worker *worker);

#endif
