/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_test.h - runs the built ipcjam as a shell would, in a scratch folder of each test's own, and
 * keeps what it printed.
 */
#ifndef SUITES_CLI_CLI_TEST_H
#define SUITES_CLI_CLI_TEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "report.h"

struct cli_run {
	int status;      /* exit status, as a shell gives it: 128 + signal */
	char *out, *err; /* never NULL */
};

/* Every suite's tests go in here: a TCase of its own, with a scratch folder. The timeout is in
 * seconds. */
void cli_add(Suite *s, const char *suite, const char *name, const TTest *test, int row,
	     int timeout_s);

/*
 * Runs a shell command in the scratch folder; $ipcjam, $subjects, $programs and $sources say
 * where things are. What the run before it printed is gone.
 */
const struct cli_run *cli(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and the status must be this one. */
const struct cli_run *cli_expect(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes a file into the scratch folder. */
void cli_write(const char *name, const char *text);

/* The scratch folder, which is also TMPDIR. */
const char *cli_scratch(void);

/* Reads JSON from a file of the scratch folder, or from text; the test fails if it is none. */
json_t *cli_json_file(const char *name);
json_t *cli_json_text(const char *text);

/* The kinds of all findings, sorted, each once, with commas between; in a static buffer. */
const char *cli_kinds(const json_t *result);

/* The last line of a text, without its newline; in a static buffer. */
const char *cli_last_line(const char *text);

/* How often to repeat: IPCJAM_REPEAT, or this. */
int cli_repeat(int otherwise);

#define cli_has(text, part) \
	ck_assert_msg(strstr(text, part) != NULL, "expected '%s' in: %s", part, text)
#define cli_has_not(text, part) \
	ck_assert_msg(strstr(text, part) == NULL, "did not expect '%s' in: %s", part, text)

Suite *matrix_suite(void);
Suite *bad_input_suite(void);
Suite *status_suite(void);
Suite *cases_suite(void);
Suite *causes_suite(void);
Suite *hostile_suite(void);
Suite *kill_anywhere_suite(void);
Suite *kill_runner_suite(void);
Suite *same_seed_suite(void);
Suite *reach_suite(void);

#endif
