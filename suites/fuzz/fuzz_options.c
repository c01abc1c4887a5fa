/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_options - any IPCJAM_OPTIONS is read and comes back as it was, or is refused inside it. */
#include "fuzz.h"
#include "shim_options.h"

static void check_round_trip(const struct shim_options *options)
{
	struct shim_options again;
	struct plan_error error;
	struct plan plan = { 0 };
	unsigned int line;
	char text[8192];

	FUZZ_CHECK(shim_options_format(options, text, sizeof(text)) < sizeof(text));
	FUZZ_CHECK(shim_options_parse(text, &again, &error) == 0);
	FUZZ_CHECK(strcmp(options->rules, again.rules) == 0 && options->seed == again.seed);
	FUZZ_CHECK(strcmp(options->arena, again.arena) == 0 && options->trace == again.trace);
	/* Rules that were accepted here are accepted later, too; there may only be too many. */
	FUZZ_CHECK(plan_add_lines(&plan, options->rules, strlen(options->rules), &error, &line) ==
			   0 ||
		   plan.n_rules == PLAN_RULES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *text = fuzz_string(data, n_bytes);
	struct shim_options options;
	struct plan_error error;

	memset(&error, 0xff, sizeof(error));
	if (shim_options_parse(text, &options, &error) == 0) {
		check_round_trip(&options);
	} else {
		FUZZ_CHECK(error.column <= strlen(text));
		FUZZ_CHECK(memchr(error.message, '\0', sizeof(error.message)));
	}
	free(text);
	return 0;
}
