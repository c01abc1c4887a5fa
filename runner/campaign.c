/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.c - runs trials, merges what they tell, keeps a case of each finding. */
#define _GNU_SOURCE
#include "campaign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "capture.h"
#include "case.h"
#include "interrupt.h"
#include "memory.h"
#include "result.h"
#include "workers.h"

/* What is known only while it runs. */
struct progress {
	struct campaign *campaign;
	struct capture *capture; /* of the single trial */
	char *cases;             /* OUT/cases, or NULL */
	uint64_t start_ns;
	uint64_t n_started;
	int null_fd;
	bool found; /* the fingerprint that is looked for */
	bool stop;  /* no further trial makes sense */
	int status; /* EXIT_USAGE, EXIT_BROKEN, EXIT_LACKING from a verdict; or 0 */
	bool said_not_isolated;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Trial 0 has the campaign's own seed, so that `--seed` of a case shows it in one trial. */
static uint64_t trial_seed(const struct campaign *campaign, uint64_t i)
{
	uint64_t seed = campaign->setup->seed;

	return i == 0 || campaign->same_seed ? seed : arena_mix(seed + i) >> 11;
}

static void add_finding(struct progress *p, json_t *finding, uint64_t seed,
			const struct capture *capture)
{
	struct campaign *c = p->campaign;
	const char *fingerprint = json_string_value(json_object_get(finding, "fingerprint"));
	json_t *merged;
	char *name, *path;
	bool is_new;

	if (suppressions_match(c->suppressions, finding)) {
		result_count(c->result, "suppressed", 1);
		return;
	}
	merged = result_add_finding(c->result, finding, &is_new);
	if (c->until && fingerprint && strcmp(fingerprint, c->until) == 0)
		p->found = true;
	if (!is_new || !p->cases)
		return;
	name = case_name(finding);
	path = format_text("cases/%s", name);
	if (case_write(p->cases, name, c->setup, seed, finding, capture) == 0)
		json_object_set_new(merged, "case", json_string(path));
	else
		p->status = EXIT_BROKEN;
	free(path);
	free(name);
}

static void note_hello(struct campaign *c, const json_t *trial)
{
	const char *why = json_string_value(json_object_get(trial, "no_hello"));
	char *reason;

	if (!why || !*why)
		return;
	reason = format_text("the shim never reported in from %s: %s (see: ipcjam doctor -- %s)",
			     c->setup->argv[0], why, c->setup->argv[0]);
	result_inconclusive(c->result, reason);
	free(reason);
}

static void add_document(struct progress *p, const char *text, uint64_t seed,
			 const struct capture *capture)
{
	struct campaign *c = p->campaign;
	json_error_t error;
	json_t *trial = json_loads(text, 0, &error), *finding;
	size_t i;

	if (!json_is_object(trial)) {
		fprintf(stderr, "ipcjam: the trial's document: %d:%d: %s\n", error.line,
			error.column, error.text);
		json_decref(trial);
		p->status = EXIT_BROKEN;
		return;
	}
	result_add_trial(c->result, trial);
	note_hello(c, trial);
	json_array_foreach(json_object_get(trial, "findings"), i, finding)
		add_finding(p, finding, seed, capture);
	json_decref(trial);
}

static void note_isolation(struct progress *p, const struct trial_result *result)
{
	if (result->isolated || p->said_not_isolated || p->campaign->setup->isolate != ISOLATE_AUTO)
		return;
	p->said_not_isolated = true;
	if (!p->campaign->quiet)
		fprintf(stderr, "ipcjam: without namespaces: %s\n", result->why);
}

/* One trial has ended. Takes result->json. */
static void trial_ended(struct progress *p, struct trial_result *result, uint64_t seed,
			const struct capture *capture)
{
	struct campaign *c = p->campaign;

	switch (result->verdict) {
	case VERDICT_CANNOT_START:
		p->status = usage_error("%s: %s: %s: a program that can be started was expected",
					c->command, c->setup->argv[0], strerror(result->err));
		break;
	case VERDICT_CANNOT_ISOLATE:
		fprintf(stderr, "ipcjam: %s: --isolate=yes: %s\n", c->command, result->why);
		p->status = EXIT_LACKING;
		break;
	case VERDICT_CANNOT_REACH:
		fprintf(stderr, "ipcjam: %s: --reach=all: %s\n", c->command, result->why);
		p->status = EXIT_LACKING;
		break;
	case VERDICT_BROKEN:
		fprintf(stderr, "ipcjam: %s: the trial broke: %s\n", c->command, result->why);
		p->status = EXIT_BROKEN;
		break;
	case VERDICT_INTERRUPTED:
	case VERDICT_RAN:
		note_isolation(p, result);
		break;
	}
	p->stop |= p->status != 0;
	if (result->json)
		add_document(p, result->json, seed, capture);
	c->root_exited = result->root_exited;
	c->root_status = result->root_status;
	c->root_signal = result->root_signal;
	free(result->json);
	result->json = NULL;
}

static void trial_options_fill(const struct progress *p, uint64_t seed,
			       const struct capture *capture, struct trial_options *options)
{
	const struct campaign *c = p->campaign;
	const struct setup *s = c->setup;

	*options = (struct trial_options){
		.argv = s->argv,
		.envp = s->envp,
		.shim = c->shim,
		.plan = &s->plan,
		.seed = seed,
		.timeout_ns = s->timeout_ns,
		.linger_ns = s->linger_ns,
		.isolate = s->isolate,
		.reach = s->reach,
		.expect_exit = s->expect_exit,
		.stacks = s->stacks,
		.strict = s->strict,
		.trace = c->trace,
		.trace_fd = STDERR_FILENO,
		.cpu = -1,
		.order = s->order,
		.n_orders = s->n_orders,
		.check = s->check,
		.stdin_fd = c->single ? STDIN_FILENO : p->null_fd,
		.stdout_fd = capture->out_fd,
		.stderr_fd = capture->err_fd,
		.events_fd = capture->events_fd,
	};
}

static bool may_start(struct progress *p)
{
	struct campaign *c = p->campaign;

	if (p->stop || p->found || interrupted || p->n_started == c->n_trials)
		return false;
	if (!c->budget_ns || now_ns() - p->start_ns < c->budget_ns)
		return true;
	result_inconclusive(c->result, "the budget ended before all trials had been run");
	return false;
}

static int prepare(struct progress *p, struct capture *capture, uint64_t *seed,
		   struct trial_options *options)
{
	if (capture_open(capture, p->campaign->out) != 0) {
		fprintf(stderr, "ipcjam: %s: no file for the program's output: %s\n",
			p->campaign->command, strerror(errno));
		p->status = EXIT_BROKEN;
		p->stop = true;
		return -1;
	}
	*seed = trial_seed(p->campaign, p->n_started++);
	trial_options_fill(p, *seed, capture, options);
	return 0;
}

static void pass_output(void *data)
{
	struct progress *p = data;

	capture_pass(p->capture, p->campaign->out_fd, STDERR_FILENO);
}

static void run_in_turn(struct progress *p)
{
	while (may_start(p)) {
		struct trial_result result = { 0 };
		struct trial_options options;
		struct capture capture;
		uint64_t seed;

		if (prepare(p, &capture, &seed, &options) != 0)
			return;
		p->capture = &capture;
		trial_run(&options, &result, p->campaign->single ? pass_output : NULL, p,
			  &interrupted);
		if (p->campaign->single)
			pass_output(p);
		trial_ended(p, &result, seed, &capture);
		p->capture = NULL;
		capture_close(&capture);
	}
}

static void start_workers(struct progress *p, struct workers *workers)
{
	while (workers->n_running < p->campaign->n_jobs && may_start(p)) {
		struct trial_options options;
		struct capture capture;
		uint64_t seed;

		if (prepare(p, &capture, &seed, &options) != 0)
			return;
		if (workers_start(workers, &options, &capture) == 0)
			continue;
		fprintf(stderr, "ipcjam: %s: no process for a trial: %s\n", p->campaign->command,
			strerror(errno));
		capture_close(&capture);
		p->status = EXIT_BROKEN;
		p->stop = true;
	}
}

static void run_in_parallel(struct progress *p)
{
	struct workers *workers = must_allocate(sizeof(*workers));

	workers_init(workers);
	for (start_workers(p, workers); workers->n_running > 0; start_workers(p, workers)) {
		struct trial_result result;
		struct worker *worker = workers_wait(workers, &result);

		if (!worker)
			continue;
		trial_ended(p, &result, worker->seed, &worker->capture);
		workers_release(workers, worker);
	}
	free(workers);
}

static int exit_status(const struct progress *p)
{
	const json_t *result = p->campaign->result;

	if (interrupted)
		return 128 + interrupted;
	if (json_array_size(json_object_get(result, "findings")) > 0)
		return EXIT_FINDING;
	if (p->status)
		return p->status;
	return json_array_size(json_object_get(result, "inconclusive")) > 0 ? EXIT_INCONCLUSIVE
									    : EXIT_FINE;
}

int campaign_run(struct campaign *c)
{
	struct progress p = { .campaign = c, .start_ns = now_ns() };
	int status;

	p.cases = c->out ? format_text("%s/cases", c->out) : NULL;
	p.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	c->result = result_new(c->setup);
	interrupt_catch();
	if (c->n_jobs > 1)
		run_in_parallel(&p);
	else
		run_in_turn(&p);
	close(p.null_fd);
	free(p.cases);
	if (!interrupted && json_integer_value(json_object_get(c->result, "trials")) > 0)
		result_check_rules(c->result);
	status = exit_status(&p);
	json_object_set_new(c->result, "exit", json_integer(status));
	json_object_set_new(c->result, "duration_ms",
			    json_real((double)((now_ns() - p.start_ns) / 1000) / 1000.0));
	if (json_integer_value(json_object_get(c->result, "trials")) == 0 && p.status) {
		json_decref(c->result);
		c->result = NULL;
	}
	return status;
}
