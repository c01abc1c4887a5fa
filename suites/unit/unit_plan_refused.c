/* SPDX-License-Identifier: Apache-2.0 */
/* unit_plan_refused - texts that are no rules: where they are wrong, and what is said of it. */
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "unit.h"

static const struct {
	const char *text;
	size_t column;
	const char *message; /* a part of it */
} refusals[] = {
	{ "", 0, "no call" },
	{ "semop", 5, "no fault" },
	{ "semop:", 6, "no fault" },
	{ "semop:kill:", 11, "empty selector" },
	{ ":kill", 0, "no call" },
	{ "semop,:kill", 6, "no call" },
	{ ",semop:kill", 0, "no call" },
	{ "semoq:kill", 0, "did you mean semop?" },
	{ "semop,smget:kill", 6, "unknown call 'smget'" },
	{ "zzzzzzzz:kill", 0, "a class such as %sem" },
	{ "semop :kill", 0, "unknown call 'semop '" },
	{ "%foo:kill", 0, "one of %sem %msg" },
	{ "%:kill", 0, "unknown class '%'" },
	{ "semop,fclose:kill", 6, "no fault is possible in 'fclose'" },
	{ "semop:kil", 6, "unknown fault 'kil', expected one of error short" },
	{ "semop:kills", 6, "unknown fault" },
	{ "semop:kill=now", 11, "before or after" },
	{ "semop:kill!", 6, "'!' goes with error only" },
	{ "semop:kill=", 11, "before or after" },
	{ "exit:kill=after", 10, "does not return" },
	{ "semop:error=EPIP:when=1", 12, "'EPIP', expected one of EAGAIN EINTR EIDRM" },
	{ "semop:error=EPIPE", 12, "these calls never give 'EPIPE', expected one of EAGAIN" },
	{ "semop:error=", 12, "no error" },
	{ "semop:error!=", 13, "no error" },
	{ "semop:error!EINTR", 6, "unknown fault" },
	{ "semop:error!=EPIP", 13, "the name of an errno" },
	{ "exit:error=EINTR", 11, "these calls cannot fail" },
	{ "exit:error!=EINTR", 12, "these calls cannot fail" },
	{ "alarm:error", 6, "these calls cannot fail" },
	{ "sigaction:error", 10, "error!=ERRNO" },
	{ "semop:short=1", 12, "nothing to shorten" },
	{ "read:short", 5, "no value" },
	{ "read:short=0", 11, "from 1 to 2147483647" },
	{ "read:short=2147483648", 11, "from 1 to 2147483647" },
	{ "read:short=1x", 11, "from 1 to 2147483647" },
	{ "read:short=-1", 11, "from 1 to 2147483647" },
	{ "semop:delay", 6, "no value" },
	{ "semop:delay=", 12, "a duration such as" },
	{ "semop:delay=10", 12, "a duration such as" },
	{ "semop:delay=0", 12, "more than 0" },
	{ "semop:delay=1ms..", 17, "a duration such as" },
	{ "semop:delay=5ms..1ms", 17, "the longer duration last" },
	{ "semop:delay=1ms..2ms..3ms", 20, "unknown text behind the duration" },
	{ "semop:stop=1ms..2ms", 14, "unknown text behind the duration" },
	{ "semop:delay=99999999999h", 12, "a duration such as" },
	{ "semop:signal=SIGFOO", 13, "unknown signal" },
	{ "semop:signal=", 13, "unknown signal" },
	{ "semop:signal=0", 13, "unknown signal" },
	{ "semop:kill:foo=1", 11, "one of when= count=" },
	{ "semop:kill:when", 11, "unknown selector" },
	{ "semop:kill:optional=1", 11, "unknown selector" },
	{ "semop:kill:when=3:when=4", 18, "given twice" },
	{ "semop:kill:optional:optional", 20, "given twice" },
	{ "semop:kill:when=", 16, "wrong count" },
	{ "semop:kill:when=0", 16, "wrong count" },
	{ "semop:kill:when=3..0", 16, "ends before it begins" },
	{ "semop:kill:when=8..3", 16, "ends before it begins" },
	{ "semop:kill:when=3+", 16, "wrong step" },
	{ "semop:kill:when=3+0", 16, "wrong step" },
	{ "semop:kill:when=3..x", 16, "wrong count" },
	{ "semop:kill:when=18446744073709551616", 16, "wrong count" },
	{ "semop:kill:when=1..18446744073709551616", 16, "wrong count" },
	{ "semop:kill:max=0", 15, "a number from 1 on" },
	{ "semop:kill:max=18446744073709551616", 15, "a number from 1 on" },
	{ "semop:kill:count=all", 17, "trial or process" },
	{ "semop:kill:p=0", 13, "above 0" },
	{ "semop:kill:p=", 13, "above 0" },
	{ "semop:kill:p=.", 13, "above 0" },
	{ "semop:kill:p=1.1", 13, "above 0" },
	{ "semop:kill:p=2", 13, "above 0" },
	{ "semop:kill:p=1e-3", 13, "above 0" },
	{ "semop:kill:p=-0.5", 13, "above 0" },
	{ "semop:kill:p=0.00000000000000000001", 13, "at most 19" },
	{ "semop:kill:proc=", 16, "empty value" },
	{ "semop:kill:site=0", 16, "hexadecimal" },
	{ "semop:kill:site=0x", 16, "hexadecimal" },
	{ "semop:kill:site=xyz", 16, "hexadecimal" },
	{ "semop:kill:site=11111111111111111", 16, "hexadecimal" },
	{ "semop:kill:object=", 18, "no object" },
	{ "semop:kill:object=key", 18, "unknown object" },
	{ "semop:kill:object=key:", 22, "wrong key" },
	{ "semop:kill:object=key:0x100000000", 22, "wrong key" },
	{ "semop:kill:object=key:4294967296", 22, "wrong key" },
	{ "semop:kill:object=key:-2147483649", 22, "wrong key" },
	{ "semop:kill:object=id:-1", 21, "wrong number" },
	{ "semop:kill:object=fd:2147483648", 21, "wrong number" },
	{ "semop:kill:object=path:", 23, "empty value" },
	{ "semop:kill:object=foo:1", 18, "unknown object 'foo:1'" },
	{ "semop:kill:object=id:5:6", 23, "unknown selector '6'" },
	{ "semop:kill:proc=a\nb", 17, "control character" },
	{ "semop:kill:proc=a\\", 17, "nothing behind the backslash" },
	{ "semop:kill:proc=0123456789012345678901234567890123456789012345678901", 16,
	  "at most 51 bytes" },
};

START_TEST(refused)
{
	struct plan_error error;
	struct rule rule;

	for (size_t i = 0; i < SUITE_COUNT(refusals); i++) {
		ck_assert_msg(rule_parse(refusals[i].text, &rule, &error) == -1, "%s: accepted",
			      refusals[i].text);
		ck_assert_msg(error.column == refusals[i].column &&
				      strstr(error.message, refusals[i].message) &&
				      strstr(error.message, ", expected "),
			      "%s: %zu: %s", refusals[i].text, error.column, error.message);
	}
}
END_TEST

START_TEST(refused_too_long)
{
	char text[2 * PLAN_TEXT];
	struct plan_error error;
	struct rule rule;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(rule_parse(text, &rule, &error), -1);
	ck_assert_uint_eq(error.column, PLAN_TEXT - 1);
	/* Short as it was typed, too long when it is written out. */
	memset(text, 0, sizeof(text));
	strcpy(text, "read:kill:proc=");
	memset(text + strlen(text), ' ', 51);
	strcat(text, ":object=path:");
	memset(text + strlen(text), '#', 100);
	strcat(text, "#:in=");
	memset(text + strlen(text), '#', 60);
	ck_assert_uint_lt(strlen(text), PLAN_TEXT);
	ck_assert_int_eq(rule_parse(text, &rule, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.message, "when written out"));
}
END_TEST

/* Each errno of each row is accepted for its call, and no other is without '!'. */
START_TEST(errors_by_the_table)
{
	char text[100];
	struct plan_error error;
	struct rule rule;

	for (unsigned int c = 0; c < CALL_N; c++) {
		const struct call *call = &calls[calls[c].canonical_id];
		bool fails = call->result != RESULT_NEVER && call->result != RESULT_UINT;

		if (call->flags & CALL_QUIET)
			continue;
		for (int err = 1; err < 134; err++) {
			if (!errno_text(err))
				continue;
			snprintf(text, sizeof(text), "%s:error=%s", calls[c].name, errno_text(err));
			ck_assert_msg((rule_parse(text, &rule, &error) == 0) ==
					      (fails && call_error_find(call, err)),
				      "%s", text);
			snprintf(text, sizeof(text), "%s:error!=%s", calls[c].name,
				 errno_text(err));
			ck_assert_msg((rule_parse(text, &rule, &error) == 0) == fails, "%s", text);
		}
	}
}
END_TEST

static Suite *refused_suite(void)
{
	const struct unit_case cases[] = {
		{ "texts", refused },
		{ "too-long", refused_too_long },
		{ "errors-by-the-table", errors_by_the_table },
	};

	return unit_suite("plan-refused", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { refused_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
