/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.c - each subject alone: a right one shows nothing, a faulty one exactly the kinds of its
 * row; under the shim, and built statically with --reach=all. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_test.h"

/* Whether the static half is run. */
enum { WITH_STATIC = 1 };

enum { NOT_POSSIBLE = 77 };

static const struct subject {
	const char *program, *variant, *arguments, *mechanisms, *kinds, *options;
} subjects[] = {
#define SUBJECT(program, variant, ...) { #program, #variant, __VA_ARGS__ },
#include "subjects.def"
#undef SUBJECT
};

static const struct exception {
	const char *program, *variant, *kinds, *reason;
} exceptions[] = {
#define STATIC(program, variant, ...) { #program, #variant, __VA_ARGS__ },
#include "static.def"
#undef STATIC
};

/* What a kernel may lack: a mechanism, and what is there where it has it. */
static const struct need {
	const char *mechanism, *path;
} needs[] = {
	{ "mq", "/proc/sys/fs/mqueue" }, { "inotify", "/proc/sys/fs/inotify" },
	{ "sem", "/proc/sysvipc/sem" },  { "msg", "/proc/sysvipc/msg" },
	{ "shm", "/proc/sysvipc/shm" },
};

static bool uses(const struct subject *s, const char *mechanism)
{
	size_t n = strlen(mechanism);

	for (const char *at = s->mechanisms; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, mechanism, n) == 0 && (at[n] == ',' || at[n] == '\0'))
			return true;
	}
	return false;
}

static void skip_without(const struct subject *s)
{
	for (size_t i = 0; i < SUITE_COUNT(needs); i++)
		if (uses(s, needs[i].mechanism) && access(needs[i].path, F_OK) != 0)
			suite_skip("%s: this kernel has none", needs[i].mechanism);
}

static bool is_about(const struct exception *e, const struct subject *s)
{
	return strcmp(e->program, s->program) == 0 && strcmp(e->variant, s->variant) == 0;
}

static const char *static_kinds(const struct subject *s)
{
	for (size_t i = 0; i < SUITE_COUNT(exceptions); i++)
		if (is_about(&exceptions[i], s))
			return exceptions[i].kinds;
	return s->kinds;
}

static void check_result(const struct cli_run *r, const char *kinds)
{
	json_t *result;

	ck_assert_msg(access("result.json", F_OK) == 0, "status %d; err: %.900s", r->status,
		      r->err);
	result = cli_json_file("result.json");
	ck_assert_msg(strcmp(cli_kinds(result), kinds) == 0,
		      "kinds '%s' were expected, got '%s': %.900s", kinds, cli_kinds(result),
		      r->out);
	ck_assert_msg(r->status == (*kinds ? 1 : 0), "status %d; out: %.500s; err: %.500s",
		      r->status, r->out, r->err);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "exit")), r->status);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "lost")), 0);
	if (*kinds)
		cli_has(cli_last_line(r->out), " replay ipcjam-out/cases/");
	json_decref(result);
}

static const struct cli_run *run_subject(const struct subject *s, const char *reach,
					 const char *suffix)
{
	return cli("rm -f result.json; "
		   "\"$ipcjam\" run --json=result.json --timeout=20s %s %s -- "
		   "\"$subjects/%s%s\" %s %s",
		   reach, s->options, s->program, suffix, s->variant, s->arguments);
}

static int n_rounds(const char *kinds)
{
	return *kinds ? 1 : cli_repeat(1);
}

/* Silence counts only where it was seen. */
static void check_reach(void)
{
	json_t *result = cli_json_file("result.json");
	const char *way = json_string_value(json_object_get(json_object_get(result, "reach"), "1"));

	ck_assert_msg(way && strncmp(way, "trace", 5) == 0, "reach of the root: '%s'",
		      way ? way : "none");
	json_decref(result);
}

START_TEST(shows)
{
	const struct subject *s = &subjects[_i];

	skip_without(s);
	for (int i = 0; i < n_rounds(s->kinds); i++)
		check_result(run_subject(s, "", ""), s->kinds);
}
END_TEST

START_TEST(shows_static)
{
	const struct subject *s = &subjects[_i];
	const char *kinds = static_kinds(s);

	skip_without(s);
	for (int i = 0; i < n_rounds(kinds); i++) {
		const struct cli_run *r = run_subject(s, "--reach=all", "-static");

		if (r->status == NOT_POSSIBLE)
			suite_skip("%.200s", r->err);
		check_result(r, kinds);
		check_reach();
	}
}
END_TEST

/* A row without a program is a mistake in the table or in the build, not a failed test. */
static void check_program(const struct subject *s, const char *suffix)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", CLI_SUBJECTS, s->program, suffix);
	if (access(path, X_OK) == 0)
		return;
	fprintf(stderr, "ipcjam: tests: subjects.def: %s%s: a program in %s was expected\n",
		s->program, suffix, CLI_SUBJECTS);
	abort();
}

/* So is an exception from no row, or from one that says the same. */
static void check_exception(const struct exception *e)
{
	for (size_t i = 0; i < SUITE_COUNT(subjects); i++)
		if (is_about(e, &subjects[i]) && strcmp(e->kinds, subjects[i].kinds) != 0)
			return;
	fprintf(stderr,
		"ipcjam: tests: static.def: %s %s: a row of subjects.def that it differs from was "
		"expected\n",
		e->program, e->variant);
	abort();
}

static void add_row(Suite *s, int row, const char *suffix, const TTest *test, const char *kinds)
{
	const struct subject *subject = &subjects[row];
	char name[160];

	check_program(subject, suffix);
	snprintf(name, sizeof(name), "%s%s/%s%s%s", subject->program, suffix, subject->variant,
		 *subject->arguments ? ":" : "", subject->arguments);
	cli_add(s, "matrix", name, test, row, 60 * n_rounds(kinds));
}

Suite *matrix_suite(void)
{
	Suite *s = suite_create("matrix");

	for (size_t i = 0; i < SUITE_COUNT(exceptions); i++)
		check_exception(&exceptions[i]);
	for (int i = 0; i < (int)SUITE_COUNT(subjects); i++)
		add_row(s, i, "", shows, subjects[i].kinds);
	for (int i = 0; WITH_STATIC && i < (int)SUITE_COUNT(subjects); i++)
		add_row(s, i, "-static", shows_static, static_kinds(&subjects[i]));
	return s;
}
