/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - what the files of rows-suite share: running a sample without the shim, under it while it
 * is idle, and under it while it records, with a rule or without.
 */
#ifndef SUITES_ROWS_ROWS_H
#define SUITES_ROWS_ROWS_H

#include "report.h"

#include <stdbool.h>

#include "calls.h"
#include "sample.h"

enum how { BARE, IDLE, RECORDING };

struct run {
	int status;
	char out[8192];
	char trace[32768];
	char what[512]; /* for messages: how it was run */
};

/* Runs `program` (of this suite) with words separated by spaces. `rule`, or NULL, as a user writes
 * it. */
void rows_run(struct run *run, enum how how, const char *rule, const char *program,
	      const char *words);

/* The sample of a row, with words; the rule is only what comes behind the call's name. */
void rows_sample(struct run *run, enum how how, const char *fault, int id, const char *words);

/* Fails the test unless both printed the same and ended in the same way. */
void rows_same(const struct run *expected, const struct run *got);

/* How many lines of the trace begin with `start`, and the first of them (else ""). */
int rows_lines(const struct run *run, const char *start, char *first, size_t n_bytes);
/* The one line of the row's own call; fails the test if there are none or more. */
void rows_one_line(const struct run *run, int id, char *line, size_t n_bytes);
bool rows_injected(const struct run *run);

bool row_is_quiet(int id);
bool row_executes(int id); /* success becomes another program */
bool row_ends(int id);     /* success is the end of the process */
const struct call *row_call(int id);

/* A test for each row that `wanted` lets in. */
void rows_add(Suite *s, const char *name, const TTest *test, bool (*wanted)(int id));

/* The folder of this run's files; removed at the end. */
extern char rows_dir[];

Suite *pass_suite(void);
Suite *fault_suite(void);
Suite *error_suite(void);
Suite *short_suite(void);
Suite *kernel_call_suite(void);
Suite *special_suite(void);

#endif
