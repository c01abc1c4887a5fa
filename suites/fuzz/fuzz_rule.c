/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_rule - any text is a rule that comes back as it was, or is refused at a place inside it. */
#include "fuzz.h"
#include "plan.h"

static void check_round_trip(const struct rule *rule)
{
	char text[PLAN_TEXT];
	struct plan_error error;
	struct rule again;

	FUZZ_CHECK(rule_format(rule, text, sizeof(text)) < sizeof(text));
	FUZZ_CHECK(rule_parse(text, &again, &error) == 0);
	FUZZ_CHECK(memcmp(rule, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = fuzz_string(data, n_bytes);
	struct plan_error error;
	struct rule rule;

	memset(&error, 0xff, sizeof(error));
	if (rule_parse(text, &rule, &error) == 0) {
		check_round_trip(&rule);
	} else {
		FUZZ_CHECK(error.column <= strlen(text));
		FUZZ_CHECK(memchr(error.message, '\0', sizeof(error.message)));
		FUZZ_CHECK(strstr(error.message, ", expected "));
	}
	free(text);
	return 0;
}
