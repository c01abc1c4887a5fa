/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - a list of rules, and lines of text that hold them. */
#include "plan.h"

#include <string.h>

#include "text.h"

static int refuse_text(struct plan_error *error, size_t column, const char *message)
{
	struct text text;

	error->column = column;
	text_begin(&text, error->message, sizeof(error->message));
	text_str(&text, message);
	return -1;
}

int plan_add(struct plan *plan, const char *text, struct plan_error *error)
{
	_Static_assert(PLAN_RULES == 64, "the message below, and the bits of a mask");

	if (plan->n_rules >= PLAN_RULES)
		return refuse_text(error, 0, "one rule too many, expected at most 64");
	if (rule_parse(text, &plan->rule[plan->n_rules], error))
		return -1;
	plan->n_in += plan->rule[plan->n_rules].in[0] != '\0';
	plan->n_rules++;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The length without a comment ('#' at the start or behind a blank) and without blanks at the end.
 */
static size_t rule_bytes(const char *line, size_t n_bytes)
{
	size_t n = 0, used = 0;

	while (n < n_bytes && !(line[n] == '#' && (n == 0 || n > used))) {
		size_t step = line[n] == '\\' && n + 1 < n_bytes ? 2 : 1;

		if (step == 2 || !is_blank(line[n]))
			used = n + step;
		n += step;
	}
	return used;
}

static int add_line(struct plan *plan, const char *line, size_t n_bytes, struct plan_error *error)
{
	char rule[PLAN_TEXT + 1];
	size_t indent = 0;

	while (indent < n_bytes && is_blank(line[indent]))
		indent++;
	n_bytes = rule_bytes(line + indent, n_bytes - indent);
	if (n_bytes == 0)
		return 0;
	if (memchr(line + indent, '\0', n_bytes))
		return refuse_text(error, indent, "zero byte in a line, expected text");
	/* One byte more than is allowed is enough for rule_parse() to refuse it. */
	if (n_bytes > PLAN_TEXT)
		n_bytes = PLAN_TEXT;
	memcpy(rule, line + indent, n_bytes);
	rule[n_bytes] = '\0';
	if (plan_add(plan, rule, error) == 0)
		return 0;
	error->column += indent;
	return -1;
}

int plan_add_lines(struct plan *plan, const char *text, size_t n_bytes, struct plan_error *error,
		   unsigned int *line)
{
	*line = 0;
	while (n_bytes > 0) {
		const char *end = memchr(text, '\n', n_bytes);
		size_t n = end ? (size_t)(end - text) : n_bytes;

		++*line;
		if (add_line(plan, text, n, error))
			return -1;
		n += end ? 1 : 0;
		text += n;
		n_bytes -= n;
	}
	return 0;
}

const char *refusal_text(enum refusal why)
{
	static const char *const texts[REFUSED_N] = {
		[REFUSED_NOT] = "it was not refused",
		[REFUSED_NO_HANDLER] =
			"no signal handler is installed that would interrupt the call",
		[REFUSED_WOULD_WAIT] = "the call is a blocking one",
		[REFUSED_NO_TIMEOUT] = "the call has no time-out that could run out",
		[REFUSED_FLAGS] = "the call's flags exclude this error",
		[REFUSED_ARGUMENTS] = "only wrong arguments give this error, and these are right",
		[REFUSED_STATE] = "only the object's state gives this error",
		[REFUSED_ATOMIC] =
			"there is nothing to shorten, or PIPE_BUF keeps this write whole",
		[REFUSED_NOT_PERMITTED] = "the kernel did not permit what the error needs",
		[REFUSED_NO_SUPERVISOR] = "it needs a runner",
		[REFUSED_SEALED] = "the program's own seccomp filter would not allow it",
		[REFUSED_OBJECT] = "what the call is made on never gives this error",
	};

	return (unsigned int)why < REFUSED_N ? texts[why] : "unknown reason";
}
