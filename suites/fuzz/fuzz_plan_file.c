/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_plan_file - any bytes are a plan, or are refused in a line that can be shown. */
#include "fuzz.h"
#include "plan_file.h"

static unsigned int n_lines(const uint8_t *data, size_t n_bytes)
{
	unsigned int n = 1;

	for (size_t i = 0; i < n_bytes; i++)
		n += data[i] == '\n';
	return n;
}

static void show(const char *text, const struct plan_error *error)
{
	char *output = NULL;
	size_t n_output = 0;
	FILE *to = open_memstream(&output, &n_output);

	FUZZ_CHECK(to);
	plan_complain(to, "plan", text, error);
	fclose(to);
	FUZZ_CHECK(n_output > 0 && output[n_output - 1] == '\n');
	FUZZ_CHECK(!strpbrk(output, "\033\r\t"));
	free(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static struct plan plan;
	char *text = fuzz_string(data, n_bytes);
	struct plan_error error;
	unsigned int line;

	memset(&plan, 0, sizeof(plan));
	if (plan_add_lines(&plan, text, n_bytes, &error, &line)) {
		FUZZ_CHECK(error.column <= n_bytes);
		show(text, &error);
	}
	FUZZ_CHECK(line <= n_lines(data, n_bytes));
	FUZZ_CHECK(plan.n_rules <= PLAN_RULES && plan.n_in <= plan.n_rules);
	free(text);
	return 0;
}
