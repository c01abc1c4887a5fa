/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_replay.c - `ipcjam replay`: the same trial again, and whether the same finding showed again.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign.h"
#include "case.h"
#include "commands.h"
#include "memory.h"
#include "present.h"
#include "result.h"
#include "shim.h"

struct replay {
	struct setup setup;
	json_t *finding;
	char *here; /* where ipcjam was called */
	char *out;  /* absolute, or NULL */
};

static void say_whether_again(const struct replay *r, const struct campaign *c,
			      const struct options *options)
{
	const char *kind = json_string_value(json_object_get(r->finding, "kind"));

	if (!c->result || options->quiet)
		return;
	if (result_find(c->result, c->until))
		fprintf(stderr, "ipcjam: replay: %s %s showed again\n", kind, c->until);
	else
		fprintf(stderr, "ipcjam: replay: %s %s did not show again in %lld %s\n", kind,
			c->until, json_integer_value(json_object_get(c->result, "trials")),
			c->n_trials == 1 ? "trial; --trials=N tries more often" : "trials");
}

static int run_replay(const struct replay *r, const struct options *options)
{
	char shim[PATH_MAX];
	struct campaign campaign = {
		.setup = &r->setup,
		.command = "replay",
		.shim = shim,
		.out = r->out,
		.until = json_string_value(json_object_get(r->finding, "fingerprint")),
		.n_trials = options->n_trials,
		.n_jobs = 1,
		.same_seed = true,
		.single = options->n_trials == 1,
		.trace = options->verbose,
		.quiet = options->quiet,
		.out_fd = json_on_stdout(options) ? STDERR_FILENO : STDOUT_FILENO,
	};
	int status = shim_find(shim, sizeof(shim)) == 0 ? 0 : EXIT_BROKEN;

	if (status != 0)
		return status;
	campaign.suppressions = suppressions_load("replay", NULL);
	/* The program runs where it did; our files keep the meaning that their names have here. */
	if (chdir(r->setup.cwd) != 0)
		status = usage_error("replay: %s: the program's folder cannot be entered",
				     r->setup.cwd);
	else
		status = campaign_run(&campaign);
	if (chdir(r->here) != 0)
		status = EXIT_BROKEN;
	say_whether_again(r, &campaign, options);
	status = present(options, &campaign, options->operand, status);
	suppressions_free(campaign.suppressions);
	json_decref(campaign.result);
	return status;
}

/* The program is looked for where it was looked for then. */
static void take_path(char *const *envp)
{
	unsetenv("PATH");
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			setenv("PATH", *envp + 5, 1);
}

static int prepare(struct replay *r, const struct options *options)
{
	int status = 0;

	r->here = getcwd(NULL, 0);
	if (!r->here)
		return usage_error("replay: the current directory cannot be told");
	take_path(r->setup.envp);
	if (options_given(options, "timeout"))
		r->setup.timeout_ns = options->timeout_ns;
	if (options_given(options, "isolate"))
		r->setup.isolate = (enum isolate)options->isolate;
	if (options->out) {
		char *absolute = options->out[0] == '/'
					 ? copy_text(options->out)
					 : format_text("%s/%s", r->here, options->out);

		r->out = out_directory(absolute);
		free(absolute);
		status = out_make("replay", r->out);
	}
	return status ? status : setup_check_program(&r->setup, "replay");
}

int cmd_replay(struct options *options)
{
	struct replay replay = { 0 };
	int status = case_read("replay", options->operand, &replay.setup, &replay.finding);

	if (status == 0)
		status = prepare(&replay, options);
	if (status == 0)
		status = run_replay(&replay, options);
	json_decref(replay.finding);
	free(replay.here);
	free(replay.out);
	setup_free(&replay.setup);
	return status;
}
