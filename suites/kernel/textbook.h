/* SPDX-License-Identifier: Apache-2.0 */
/* docs/textbook.md, made from the tests that have a claim: what is measured is what they say. */
#ifndef SUITES_KERNEL_TEXTBOOK_H
#define SUITES_KERNEL_TEXTBOOK_H

#include "kernel_test.h"

/* While the suites are made: whether this test is run, and one that will be, in the order of runs.
 */
bool kt_textbook_wants(const struct kt_test *test);
void kt_textbook_add(const char *suite, const struct kt_test *test, int row);
/* In the runner, after each test: what it measured. */
void kt_textbook_take(const char *measured);

/* Runs the tests with claims and prints the page. 0, or 1 when one failed or measured nothing. */
int kt_textbook(Suite *(*const makers[])(void), size_t n_makers);

#endif
