/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.h - what is run and how: everything that a trial depends on. Made from the command line, or
 * read from a case; written into each case.
 */
#ifndef IPCJAM_SETUP_H
#define IPCJAM_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "plan.h"
#include "trial.h"

#define SETUP_ORDERS 16

struct setup {
	char **argv; /* the program's words, NULL-terminated */
	char **envp;
	char *cwd; /* absolute; the program starts there */
	struct plan plan;
	char *rule_text[PLAN_RULES]; /* as the user wrote them; plan.n_rules */
	struct order_declaration order[SETUP_ORDERS];
	char *order_text[SETUP_ORDERS];
	unsigned int n_orders;
	char *check; /* or NULL */
	uint64_t seed;
	uint64_t timeout_ns, linger_ns;
	int expect_exit;
	enum isolate isolate;
	enum reach reach;
	bool strict, stacks;
};

/* Fills in a zeroed setup. Returns 0 or the exit status, after one line on standard error. */
int setup_from_options(struct setup *setup, const struct options *options);

/* Adds one rule or order; `where` begins the error line ("run: -f"). Returns 0 or EXIT_USAGE. */
int setup_rule(struct setup *setup, const char *where, const char *text);
int setup_order(struct setup *setup, const char *where, const char *text);

/* Whether the program can be started from cwd; else one line and EXIT_USAGE. */
int setup_check_program(const struct setup *setup, const char *command);

void setup_free(struct setup *setup);

#endif
