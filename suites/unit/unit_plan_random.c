/* SPDX-License-Identifier: Apache-2.0 */
/* unit_plan_random - random rules: what is accepted comes back as it was, the rest is told well. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "plan.h"
#include "unit.h"

/* Random rules from the grammar's pieces. The same ones in every run. */
static uint64_t random_state;

static unsigned int pick(unsigned int n)
{
	random_state = arena_mix(random_state);
	return (unsigned int)(random_state % n);
}

static size_t add(char *text, size_t n, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	n += (size_t)vsnprintf(text + n, 1000 - n, format, list);
	va_end(list);
	return n;
}

static size_t random_calls(char *text)
{
	unsigned int mask;
	const char *about;
	size_t n = 0;

	for (unsigned int i = 1 + pick(4); i > 0; i--) {
		n = pick(3) ? add(text, n, "%s", calls[pick(CALL_N)].name)
			    : add(text, n, "%%%s", class_name(pick(13), &mask, &about));
		n = add(text, n, i > 1 ? "," : ":");
	}
	return n;
}

static void random_rule(char *text)
{
	static const char *const faults[] = {
		"error",        "error!",     "error=EINTR",  "error=ENOMEM",
		"error!=EPERM", "short=%llu", "delay=%lluns", "delay=5us..%llums",
		"kill",         "kill=after", "signal=%llu",  "stop=%llus",
	};
	static const char *const selectors[] = {
		"when=%llu",       "when=2..%llu",
		"when=%llu+3",     "when=%llu..",
		"when=1..9+%llu",  "count=trial",
		"p=0.%llu",        "p=.%019llu",
		"proc=a\\:%llu*",  "site=%llx",
		"in=f\\\\n%llu",   "max=%llu",
		"object=key:%llu", "object=key:0x%llx",
		"object=id:%llu",  "object=path:/\\:\\ x#%llu",
		"object=fd:%llu",  "optional",
	};
	size_t n = random_calls(text);

	for (unsigned int i = 0, n_parts = 1 + pick(5); i < n_parts; i++) {
		const char *part = i ? selectors[pick(SUITE_COUNT(selectors))]
				     : faults[pick(SUITE_COUNT(faults))];
		char spaced[100];

		snprintf(spaced, sizeof(spaced), "%s%s", i ? ":" : "", part);
		random_state = arena_mix(random_state);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n = add(text, n, spaced, (unsigned long long)(random_state >> pick(64)));
#pragma GCC diagnostic pop
	}
}

START_TEST(round_trip)
{
	char text[1000], first[PLAN_TEXT], second[PLAN_TEXT];
	struct rule rule, again;
	struct plan_error error;
	unsigned int n_good = 0;

	random_state = 1;
	for (unsigned int i = 0; i < 60000; i++) {
		random_rule(text);
		if (rule_parse(text, &rule, &error)) {
			ck_assert_msg(error.column <= strlen(text) &&
					      strstr(error.message, ", expected "),
				      "%s: %zu: %s", text, error.column, error.message);
			continue;
		}
		n_good++;
		ck_assert_uint_lt(rule_format(&rule, first, sizeof(first)), sizeof(first));
		ck_assert_msg(rule_parse(first, &again, &error) == 0, "%s -> %s: %s", text, first,
			      error.message);
		ck_assert_msg(memcmp(&rule, &again, sizeof(rule)) == 0, "%s -> %s", text, first);
		rule_format(&again, second, sizeof(second));
		ck_assert_str_eq(first, second);
	}
	ck_assert_uint_gt(n_good, 10000);
}
END_TEST

/* One byte of a good rule made wrong: the column is in the text, the message is complete. */
START_TEST(mutations)
{
	static const char good[] =
		"semop,%msg:error=EINTR:when=3..8+2:p=0.01:object=path:/a\\:b:max=3";
	struct plan_error error;
	struct rule rule;
	char text[sizeof(good)];

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (int c = 0; c < 256; c++) {
			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			memset(&error, 0xff, sizeof(error));
			if (rule_parse(text, &rule, &error) == 0)
				continue;
			ck_assert_msg(error.column <= strlen(text), "%s: %zu", text, error.column);
			ck_assert_ptr_nonnull(memchr(error.message, 0, sizeof(error.message)));
		}
	}
}
END_TEST

static Suite *random_suite(void)
{
	const struct unit_case cases[] = {
		{ "round-trip", round_trip },
		{ "mutations", mutations },
	};

	return unit_suite("plan-random", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { random_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
