/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a Check suite, written by ourselves: Check's own TAP puts failure texts into the
 * names and knows no skip, and its text output ends differently from what our CI reads.
 */
#include "report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum outcome { PASSED, FAILED, SKIPPED, N_OUTCOMES };

struct only_filter {
	const char *substring;
	unsigned int n_let_in;
};

static struct only_filter filter;

void suite_set_only(const char *only)
{
	filter.substring = only;
	filter.n_let_in = 0;
}

/* Check keeps the pointers to names for as long as it runs: they are kept here, and are no leak. */
static struct case_name {
	struct case_name *next;
	char text[];
} * case_names;

static const char *keep_name(const char *suite, const char *test)
{
	size_t n_bytes = strlen(suite) + strlen(test) + 2;
	struct case_name *name = malloc(sizeof(*name) + n_bytes);

	if (!name)
		abort();
	snprintf(name->text, n_bytes, "%s/%s", suite, test);
	name->next = case_names;
	case_names = name;
	return name->text;
}

TCase *suite_add_case(Suite *s, const char *suite, const char *test)
{
	const char *name = keep_name(suite, test);
	TCase *tc;

	if (filter.substring && !strstr(name, filter.substring))
		return NULL;
	filter.n_let_in++;
	tc = tcase_create(name);
	suite_add_tcase(s, tc);
	return tc;
}

static enum outcome outcome_of(TestResult *tr)
{
	if (tr_rtype(tr) == CK_PASS)
		return PASSED;
	if (!strncmp(tr_msg(tr), SUITE_SKIP_MARK, strlen(SUITE_SKIP_MARK)))
		return SKIPPED;
	return FAILED;
}

/* Messages go on one line of their own, whatever a test put into them. '#' would start a TAP
 * directive. */
static void print_one_line(const char *text, bool tap)
{
	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			putchar(' ');
		else if (tap && *text == '#')
			putchar('.');
		else
			putchar(*text);
	}
}

static void print_place_and_message(TestResult *tr, bool tap)
{
	printf("%s:%d: ", tr_lfile(tr) ? tr_lfile(tr) : "?", tr_lno(tr));
	print_one_line(tr_msg(tr), tap);
	putchar('\n');
}

static void print_text(TestResult *tr, enum outcome outcome)
{
	if (outcome == PASSED)
		return;
	printf("%s %s: ", outcome == FAILED ? "FAIL" : "SKIP", tr_tcname(tr));
	if (outcome == FAILED) {
		print_place_and_message(tr, false);
		return;
	}
	print_one_line(tr_msg(tr) + strlen(SUITE_SKIP_MARK), false);
	putchar('\n');
}

static void print_tap(TestResult *tr, enum outcome outcome, int number)
{
	printf("%s %d - ", outcome == FAILED ? "not ok" : "ok", number);
	print_one_line(tr_tcname(tr), true);
	if (outcome == SKIPPED) {
		printf(" # SKIP ");
		print_one_line(tr_msg(tr) + strlen(SUITE_SKIP_MARK), true);
	}
	putchar('\n');
	if (outcome == FAILED) {
		printf("# ");
		print_place_and_message(tr, true);
	}
}

int suite_report(SRunner *sr, bool tap)
{
	unsigned int n[N_OUTCOMES] = { 0 };
	TestResult **results;
	int n_run;

	srunner_run_all(sr, CK_SILENT);
	results = srunner_results(sr);
	n_run = srunner_ntests_run(sr);
	if (tap)
		printf("1..%d\n", n_run);
	for (int i = 0; i < n_run; i++) {
		enum outcome outcome = outcome_of(results[i]);

		n[outcome]++;
		if (tap)
			print_tap(results[i], outcome, i + 1);
		else
			print_text(results[i], outcome);
	}
	free(results);
	printf("%s%u passed, %u failed, %u skipped\n", tap ? "# " : "", n[PASSED], n[FAILED],
	       n[SKIPPED]);
	fflush(stdout);
	return !tap && n[FAILED] ? 1 : 0;
}

static const char usage[] = "usage: %s [--tap] [--only=SUBSTRING]\n"
			    "  --tap             print TAP, for meson\n"
			    "  --only=SUBSTRING  run the tests whose suite/test contains it\n";

static int run_suites(Suite *(*const makers[])(void), size_t n_makers, bool tap)
{
	SRunner *sr = srunner_create(NULL);
	int status;

	for (size_t i = 0; i < n_makers; i++)
		srunner_add_suite(sr, makers[i]());
	if (filter.substring && !filter.n_let_in) {
		fprintf(stderr, "ipcjam: tests: --only=%s: expected a part of a test's name\n",
			filter.substring);
		srunner_free(sr);
		return 2;
	}
	status = suite_report(sr, tap);
	srunner_free(sr);
	return status;
}

int suite_main(int argc, char **argv, Suite *(*const makers[])(void), size_t n_makers)
{
	static const struct option options[] = {
		{ "tap", no_argument, NULL, 't' },
		{ "only", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *only = NULL;
	bool tap = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't') {
			tap = true;
		} else if (option == 'o') {
			only = optarg;
		} else {
			fprintf(option == 'h' ? stdout : stderr, usage, argv[0]);
			return option == 'h' ? 0 : 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, usage, argv[0]);
		return 2;
	}
	suite_set_only(only);
	return run_suites(makers, n_makers, tap);
}
