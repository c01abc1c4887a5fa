/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c - each subject alone: a right one shows nothing, a faulty one exactly the kinds of its
 * row. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_test.h"

static const struct subject {
	const char *program, *variant, *arguments, *mechanisms, *kinds, *options;
} subjects[] = {
#define SUBJECT(program, variant, ...) { #program, #variant, __VA_ARGS__ },
#include "subjects.def"
#undef SUBJECT
};

START_TEST(shows)
{
	const struct subject *s = &subjects[_i];
	int n = *s->kinds ? 1 : cli_repeat(1);

	for (int i = 0; i < n; i++) {
		const struct cli_run *r =
			cli("\"$ipcjam\" run --json=result.json --timeout=20s %s -- "
			    "\"$subjects/%s\" %s %s",
			    s->options, s->program, s->variant, s->arguments);
		json_t *result;

		ck_assert_msg(access("result.json", F_OK) == 0, "status %d; err: %.900s", r->status,
			      r->err);
		result = cli_json_file("result.json");
		ck_assert_msg(strcmp(cli_kinds(result), s->kinds) == 0,
			      "round %d: kinds '%s' were expected, got '%s': %.900s", i + 1,
			      s->kinds, cli_kinds(result), r->out);
		ck_assert_msg(r->status == (*s->kinds ? 1 : 0),
			      "round %d: status %d; out: %.500s; err: %.500s", i + 1, r->status,
			      r->out, r->err);
		ck_assert_int_eq(json_integer_value(json_object_get(result, "exit")), r->status);
		ck_assert_int_eq(json_integer_value(json_object_get(result, "lost")), 0);
		if (*s->kinds)
			cli_has(cli_last_line(r->out), " replay ipcjam-out/cases/");
		json_decref(result);
	}
}
END_TEST

/* A row without a program is a mistake in the table or in the build, not a failed test. */
static void check_row(const struct subject *s)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", CLI_SUBJECTS, s->program);
	if (access(path, X_OK) == 0)
		return;
	fprintf(stderr, "ipcjam: tests: subjects.def: %s: a program in %s was expected\n",
		s->program, CLI_SUBJECTS);
	abort();
}

Suite *matrix_suite(void)
{
	Suite *s = suite_create("matrix");
	char name[160];

	for (size_t i = 0; i < SUITE_COUNT(subjects); i++) {
		check_row(&subjects[i]);
		snprintf(name, sizeof(name), "%s/%s%s%s", subjects[i].program, subjects[i].variant,
			 *subjects[i].arguments ? ":" : "", subjects[i].arguments);
		cli_add(s, "matrix", name, shows, (int)i,
			60 * (*subjects[i].kinds ? 1 : cli_repeat(1)));
	}
	return s;
}
