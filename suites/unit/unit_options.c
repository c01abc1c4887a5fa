/* SPDX-License-Identifier: Apache-2.0 */
/* unit_options - IPCJAM_OPTIONS: what is read, what is refused and where, and what is written. */
#include <string.h>

#include "shim_options.h"
#include "unit.h"

static struct shim_options options;
static struct plan_error error;

START_TEST(reads)
{
	ck_assert_int_eq(shim_options_parse("", &options, &error), 0);
	ck_assert(options.stacks && !options.trace && !options.help && options.seed == 0);
	ck_assert_int_eq(shim_options_parse(
				 "arena=/dev/shm/a\\:b:seed=0x2a:trace_to=/t:stacks=0:lineage=1.2:"
				 "rule=semop\\:kill:rule=read\\:short=1\\:object=path\\:/a\\\\\\:b:"
				 "plan=/p:help=1",
				 &options, &error),
			 0);
	ck_assert_str_eq(options.arena, "/dev/shm/a:b");
	ck_assert_uint_eq(options.seed, 42);
	ck_assert(options.trace && !options.stacks && options.help);
	ck_assert_str_eq(options.trace_to, "/t");
	ck_assert_str_eq(options.lineage, "1.2");
	ck_assert_str_eq(options.plan, "/p");
	ck_assert_str_eq(options.rules, "semop:kill\nread:short=1:object=path:/a\\:b\n");
}
END_TEST

START_TEST(seeds)
{
	static const struct {
		const char *text;
		uint64_t seed;
	} cases[] = {
		{ "seed=0", 0 },
		{ "seed=42", 42 },
		{ "seed=052", 42 },
		{ "seed=0b101010", 42 },
		{ "seed=0X2A", 42 },
		{ "seed=18446744073709551615", UINT64_MAX },
		{ "seed=0xffffffffffffffff", UINT64_MAX },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		ck_assert_int_eq(shim_options_parse(cases[i].text, &options, &error), 0);
		ck_assert_uint_eq(options.seed, cases[i].seed);
	}
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text;
		size_t column;
		const char *message;
	} cases[] = {
		{ "foo=1", 0, "unknown key 'foo', expected one of arena" },
		{ "trace", 0, "no value in 'trace', expected key=value" },
		{ "trace=1:", 8, "nothing, expected key=value" },
		{ ":", 0, "nothing, expected key=value" },
		{ "=1", 0, "unknown key" },
		{ "trace=2", 6, "expected 0 or 1" },
		{ "trace=", 6, "expected 0 or 1" },
		{ "trace=1:trace=1", 8, "given twice" },
		{ "seed=", 5, "wrong number" },
		{ "seed=0x", 5, "wrong number" },
		{ "seed=08", 5, "wrong number" },
		{ "seed=18446744073709551616", 5, "wrong number" },
		{ "plan=", 5, "empty value" },
		{ "rule=semop:kill", 10, "no fault" },
		{ "rule=semop\\:kil", 12, "unknown fault 'kil'" },
		{ "seed=1:rule=read\\:kill\\:object=path\\:/a\\\\\\:b\\:x", 46,
		  "unknown selector 'x'" },
		{ "rule=", 5, "no call" },
		{ "lineage=00000000001111111111222222222233333333334444444444"
		  "555555555566666666667777777777"
		  "8888888888999999",
		  8, "at most 95 bytes" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		ck_assert_msg(shim_options_parse(cases[i].text, &options, &error) == -1, "%s",
			      cases[i].text);
		ck_assert_msg(error.column == cases[i].column &&
				      strstr(error.message, cases[i].message),
			      "%s: %zu: %s", cases[i].text, error.column, error.message);
	}
}
END_TEST

START_TEST(too_many_rules)
{
	char text[8192] = "";

	for (unsigned int i = 0; i < 100; i++)
		strcat(text, "rule=semop\\:kill\\:when=7:");
	text[strlen(text) - 1] = '\0';
	ck_assert_int_eq(shim_options_parse(text, &options, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.message, "plan=FILE"));
}
END_TEST

START_TEST(round_trip)
{
	static const char *const cases[] = {
		"",
		"arena=/a\\:b\\\\c:seed=0x7",
		"stacks=0:trace=1:help=1",
		"lineage=1:rule=semop\\:kill\\:in=a\\\\\\:b:rule=read\\:short=1:trace=1:trace_to=/t",
	};
	struct shim_options again;
	char text[4096];

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		ck_assert_int_eq(shim_options_parse(cases[i], &options, &error), 0);
		ck_assert_uint_eq(shim_options_format(&options, text, sizeof(text)), strlen(text));
		ck_assert_str_eq(text, cases[i]);
		ck_assert_int_eq(shim_options_parse(text, &again, &error), 0);
		ck_assert_mem_eq(&options, &again, sizeof(options));
	}
}
END_TEST

START_TEST(help)
{
	unsigned int n = 0;

	while (shim_options_help(n))
		n++;
	ck_assert_uint_eq(n, 11);
	ck_assert_ptr_null(shim_options_help(1000));
}
END_TEST

static Suite *options_suite(void)
{
	const struct unit_case cases[] = {
		{ "reads", reads },
		{ "seeds", seeds },
		{ "refused", refused },
		{ "help", help },
		{ "too-many-rules", too_many_rules },
		{ "round-trip", round_trip },
	};

	return unit_suite("options", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { options_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
