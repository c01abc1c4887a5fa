/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_case - any case.json is a whole case, or is refused in one line. */
#define _GNU_SOURCE
#include "case.h"
#include "fuzz.h"

/* One line; a rule may be shown under it with a caret: two lines that begin with white space. */
static void check_refusal(const char *text)
{
	const char *rest = strchr(text, '\n');

	FUZZ_CHECK(strncmp(text, "ipcjam: replay: case.json", 25) == 0 && rest);
	for (rest++; *rest; rest = strchr(rest, '\n') + 1)
		FUZZ_CHECK(*rest == ' ' && strchr(rest, '\n'));
}

static void check_case(const struct setup *setup, const json_t *finding)
{
	char text[PLAN_TEXT * 2];

	FUZZ_CHECK(setup->argv && setup->argv[0] && setup->envp);
	FUZZ_CHECK(setup->cwd && setup->cwd[0] == '/' && setup->timeout_ns > 0);
	FUZZ_CHECK(setup->plan.n_rules <= PLAN_RULES && setup->n_orders <= SETUP_ORDERS);
	FUZZ_CHECK(json_is_string(json_object_get(finding, "kind")));
	for (unsigned int i = 0; i < setup->plan.n_rules; i++)
		FUZZ_CHECK(rule_format(&setup->plan.rule[i], text, sizeof(text)) < sizeof(text));
	for (unsigned int i = 0; i < setup->n_orders; i++)
		FUZZ_CHECK(setup->order_text[i] && setup->order[i].width > 0);
}

/* Where the bytes are read from; an empty one cannot be opened in memory. */
static FILE *open_bytes(uint8_t *bytes, size_t n_bytes)
{
	FILE *file = n_bytes ? fmemopen(bytes, n_bytes, "r") : fopen("/dev/null", "re");

	FUZZ_CHECK(file);
	return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *bytes = fuzz_string(data, n_bytes), *said = NULL;
	FILE *file = open_bytes((uint8_t *)bytes, n_bytes), *screen = stderr, *memory;
	struct setup setup = { 0 };
	json_t *finding = NULL;
	size_t n_said = 0;
	int status;

	memory = open_memstream(&said, &n_said);
	FUZZ_CHECK(memory);
	stderr = memory;
	status = case_read_file("replay", "case.json", file, &setup, &finding);
	stderr = screen;
	fclose(memory);
	FUZZ_CHECK(status == 0 || status == EXIT_USAGE);
	if (status == 0) {
		FUZZ_CHECK(n_said == 0);
		check_case(&setup, finding);
	} else {
		FUZZ_CHECK(!finding);
		check_refusal(said);
	}
	json_decref(finding);
	setup_free(&setup);
	fclose(file);
	free(said);
	free(bytes);
	return 0;
}
