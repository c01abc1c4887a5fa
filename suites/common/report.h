/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every Check suite here shares: a filter, a way to skip with a reason, and a report that CI
 * and meson can read.
 *
 * Check's public interface tells only the name of a failed test's TCase, not of the test. So give
 * each test a TCase of its own, named "suite/test": suite_add_case() does that.
 */
#ifndef SUITES_COMMON_REPORT_H
#define SUITES_COMMON_REPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#define SUITE_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Check knows no skipped tests: they travel as failures whose message starts with this. */
#define SUITE_SKIP_MARK "SKIP: "

/* Ends the running test as skipped; the reason is printed. For what this machine cannot do. */
#define suite_skip(reason, ...) ck_abort_msg(SUITE_SKIP_MARK reason, ##__VA_ARGS__)

/* A TCase "suite/test" in `s`, or NULL if --only leaves it out. */
TCase *suite_add_case(Suite *s, const char *suite, const char *test);

/* Says which tests suite_add_case() lets in: those whose "suite/test" contains `only`; NULL means
 * all. */
void suite_set_only(const char *only);

/*
 * Runs `sr` silently, then prints. As text: a line for each failed and each skipped test, and last
 * `N passed, N failed, N skipped`; returns 0 or 1. As TAP: the plan first, a line for each test;
 * returns 0, because meson takes another status for a broken test program and not for a failed
 * test.
 */
int suite_report(SRunner *sr, bool tap);

/* The whole main() of a test program: --tap, --only=SUBSTRING, --help; the status to exit with. */
int suite_main(int argc, char **argv, Suite *(*const makers[])(void), size_t n_makers);

#endif
