/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - checks all that a run depends on before anything is started. */
#define _GNU_SOURCE
#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "memory.h"
#include "plan_file.h"
#include "program.h"

extern char **environ;

static int rule_refused(const char *where, const char *text, const struct plan_error *error)
{
	plan_complain(stderr, where, text, error);
	return EXIT_USAGE;
}

int setup_rule(struct setup *setup, const char *where, const char *text)
{
	struct plan_error error = { 0 };
	unsigned int n = setup->plan.n_rules;

	if (plan_add(&setup->plan, text, &error) != 0)
		return rule_refused(where, text, &error);
	setup->rule_text[n] = copy_text(text);
	return 0;
}

int setup_order(struct setup *setup, const char *where, const char *text)
{
	unsigned int column = 0;
	const char *expected = "";

	if (setup->n_orders == SETUP_ORDERS)
		return usage_error("%s%s: at most %d orders were expected", where, text,
				   SETUP_ORDERS);
	if (order_parse(text, &setup->order[setup->n_orders], &column, &expected) != 0)
		return usage_error("%s%s: column %u: %s", where, text, column + 1, expected);
	setup->order_text[setup->n_orders++] = copy_text(text);
	return 0;
}

/* The plan keeps no text: a rule from a file is known by its canonical form. */
static char *rule_text(const struct rule *rule)
{
	size_t n_bytes = rule_format(rule, NULL, 0) + 1;
	char *text = must_allocate(n_bytes);

	rule_format(rule, text, n_bytes);
	return text;
}

static int setup_plan_file(struct setup *setup, const char *path)
{
	struct plan_error error = { 0 };
	unsigned int line = 0;

	if (plan_load(path, &setup->plan, &error, &line) != 0) {
		plan_complain_file(stderr, path, line, &error);
		setup->plan.n_rules = 0;
		return EXIT_USAGE;
	}
	for (unsigned int i = 0; i < setup->plan.n_rules; i++)
		setup->rule_text[i] = rule_text(&setup->plan.rule[i]);
	return 0;
}

static int setup_rules(struct setup *setup, const struct options *options)
{
	char where[64];
	int status = 0;

	if (options->plan_file)
		status = setup_plan_file(setup, options->plan_file);
	snprintf(where, sizeof(where), "%s: -f", options->command);
	for (unsigned int i = 0; status == 0 && i < options->rules.n; i++)
		status = setup_rule(setup, where, options->rules.text[i]);
	snprintf(where, sizeof(where), "%s: --order=", options->command);
	for (unsigned int i = 0; status == 0 && i < options->orders.n; i++)
		status = setup_order(setup, where, options->orders.text[i]);
	return status;
}

static int setup_seed(struct setup *setup, const struct options *options)
{
	setup->seed = options->seed;
	if (options_given(options, "seed"))
		return 0;
	if (getrandom(&setup->seed, sizeof(setup->seed), 0) != sizeof(setup->seed)) {
		fprintf(stderr, "ipcjam: %s: no seed: getrandom: %s\n", options->command,
			strerror(errno));
		return EXIT_BROKEN;
	}
	/* JSON's readers keep whole numbers exactly only within 63 bits, many only within 53. */
	setup->seed &= (UINT64_C(1) << 53) - 1;
	return 0;
}

int setup_check_program(const struct setup *setup, const char *command)
{
	char path[4096];
	int err = program_resolve(setup->argv[0], setup->cwd, setup->envp, path, sizeof(path));

	if (err == 0)
		return 0;
	return usage_error("%s: %s: %s: a program that can be started was expected", command,
			   setup->argv[0], err == ENOENT ? "not found" : strerror(err));
}

int setup_from_options(struct setup *setup, const struct options *options)
{
	int status;

	setup->argv = copy_texts(options->program);
	setup->envp = copy_texts(environ);
	setup->cwd = getcwd(NULL, 0);
	if (!setup->cwd)
		return usage_error("%s: the current directory: %s", options->command,
				   strerror(errno));
	setup->check = options->check ? copy_text(options->check) : NULL;
	setup->timeout_ns = options->timeout_ns;
	setup->linger_ns = options->linger_ns;
	setup->expect_exit = (int)options->expect_exit;
	setup->isolate = (enum isolate)options->isolate;
	setup->reach = (enum reach)options->reach;
	setup->strict = options->strict;
	setup->stacks = options->stacks;
	status = setup_rules(setup, options);
	if (status == 0)
		status = setup_check_program(setup, options->command);
	return status ? status : setup_seed(setup, options);
}

void setup_free(struct setup *setup)
{
	free_texts(setup->argv);
	free_texts(setup->envp);
	free(setup->cwd);
	free(setup->check);
	for (unsigned int i = 0; i < setup->plan.n_rules; i++)
		free(setup->rule_text[i]);
	for (unsigned int i = 0; i < setup->n_orders; i++)
		free(setup->order_text[i]);
}
