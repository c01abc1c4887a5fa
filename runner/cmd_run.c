/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `ipcjam run`: one trial or many, the result's files, and what is shown of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "campaign.h"
#include "commands.h"
#include "memory.h"
#include "present.h"
#include "report_text.h"
#include "result.h"
#include "shim.h"

static int check_combinations(const struct options *options)
{
	if (options_given(options, "jobs") && !options_given(options, "trials"))
		return usage_error("run: --jobs=%llu: --trials=N was expected with it",
				   (unsigned long long)options->n_jobs);
	if (options_given(options, "budget") && !options_given(options, "trials"))
		return usage_error("run: --budget: --trials=N was expected with it");
	return 0;
}

static int run_setup(struct options *options, const struct setup *setup,
		     struct suppressions *suppressions)
{
	char shim[PATH_MAX], *out = out_directory(options->out ? options->out : "ipcjam-out");
	struct campaign campaign = {
		.setup = setup,
		.command = "run",
		.shim = shim,
		.out = out,
		.suppressions = suppressions,
		.n_trials = options->n_trials,
		.n_jobs = options->n_jobs,
		.budget_ns = options->budget_ns,
		.single = options->n_trials == 1,
		.trace = options->verbose,
		.quiet = options->quiet,
		.out_fd = json_on_stdout(options) ? STDERR_FILENO : STDOUT_FILENO,
	};
	int status = shim_find(shim, sizeof(shim)) == 0 ? 0 : EXIT_BROKEN;

	if (status == 0)
		status = out_make("run", out);
	if (status == 0) {
		status = campaign_run(&campaign);
		status = present(options, &campaign, NULL, status);
		if (status == EXIT_FINE && options->pass_exit)
			status = campaign.root_exited ? campaign.root_status
						      : 128 + campaign.root_signal;
	}
	json_decref(campaign.result);
	free(out);
	return status;
}

int cmd_run(struct options *options)
{
	struct setup setup = { 0 };
	struct suppressions *suppressions = NULL;
	int status = check_combinations(options);

	if (status == 0)
		status = setup_from_options(&setup, options);
	if (status == 0) {
		suppressions = suppressions_load("run", options->suppressions);
		status = suppressions ? run_setup(options, &setup, suppressions) : EXIT_USAGE;
	}
	if (suppressions)
		suppressions_free(suppressions);
	setup_free(&setup);
	return status;
}
