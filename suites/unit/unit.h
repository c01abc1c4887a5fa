/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - a table of tests as a suite, each test with a case of its own as report.h wants it. */
#ifndef SUITES_UNIT_UNIT_H
#define SUITES_UNIT_UNIT_H

#include "report.h"

struct unit_case {
	const char *name;
	const TTest *test;
};

static inline Suite *unit_suite(const char *suite, const struct unit_case *cases, size_t n_cases)
{
	Suite *s = suite_create(suite);

	for (size_t i = 0; i < n_cases; i++) {
		TCase *tc = suite_add_case(s, suite, cases[i].name);

		if (!tc)
			continue;
		/* Some try thousands of inputs, and the machine may be slow. */
		tcase_set_timeout(tc, 30);
		tcase_add_test(tc, cases[i].test);
	}
	return s;
}

#endif
