/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign.h - the trials of one command: one after another or several at a time, merged into one
 * result, with a case for each new finding.
 */
#ifndef IPCJAM_CAMPAIGN_H
#define IPCJAM_CAMPAIGN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "setup.h"
#include "suppress.h"

struct campaign {
	const struct setup *setup;
	const char *command; /* "run", for error lines */
	const char *shim;
	const char *out; /* where cases go; NULL: nothing is written */
	struct suppressions *suppressions;
	const char *until; /* stop once this fingerprint was found; or NULL */
	uint64_t n_trials, n_jobs;
	uint64_t budget_ns; /* 0: none */
	bool same_seed;     /* each trial has the setup's seed (replay) */
	bool single;        /* one trial: it reads our input, and its output is passed through */
	bool trace;
	bool quiet;
	int out_fd; /* where the program's standard output is passed through to */

	json_t *result;   /* made by campaign_run */
	bool root_exited; /* how the last trial's root ended */
	int root_status, root_signal;
};

/*
 * Runs it. Returns the exit status, which is also in the result. The result is NULL when nothing
 * was run (unusable arguments, isolation insisted on and impossible).
 */
int campaign_run(struct campaign *campaign);

#endif
