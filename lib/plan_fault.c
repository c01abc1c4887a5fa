/* SPDX-License-Identifier: Apache-2.0 */
/* plan_fault.c - the FAULT of a rule, and which calls can meet it. */
#include "plan_parse.h"

#include <string.h>

#define FAULTS "error short delay kill signal stop"

static bool has_errors(const struct call *call, bool by_right_use)
{
	for (const struct call_error *e = call->errors; e && e->err; e++)
		if (!by_right_use || (e->when != WHEN_ARGS && e->when != WHEN_STATE))
			return true;
	return false;
}

static bool any_has_errors(const struct rule *rule)
{
	for (unsigned int i = 0; i < CALL_N; i++)
		if (in_set(rule->calls, i) && has_errors(&calls[i], false))
			return true;
	return false;
}

static bool can_fail(const struct call *call, const struct rule *rule)
{
	if (call->result == RESULT_NEVER || call->result == RESULT_UINT)
		return false;
	if (rule->err == 0)
		return has_errors(call, !rule->force);
	return rule->force || call_error_find(call, rule->err);
}

static bool can_be_short(const struct call *call)
{
	return call_arg(call, ARG_LEN) >= 0 || call_arg(call, ARG_IOV_IN) >= 0 ||
	       call_arg(call, ARG_IOV_OUT) >= 0 || call_arg(call, ARG_MSGHDR_IN) >= 0 ||
	       call_arg(call, ARG_MSGHDR_OUT) >= 0;
}

bool call_can(unsigned int call, const struct rule *rule)
{
	switch ((enum fault_kind)rule->fault) {
	case FAULT_ERROR:
		return can_fail(&calls[call], rule);
	case FAULT_SHORT:
		return can_be_short(&calls[call]);
	case FAULT_KILL_AFTER:
		return calls[call].result != RESULT_NEVER;
	default:
		return true;
	}
}

void list_errors(const struct rule *rule, struct text *text)
{
	bool listed[256] = { false };
	const char *separator = "";

	for (unsigned int i = 0; i < CALL_N; i++) {
		const struct call_error *e = in_set(rule->calls, i) ? calls[i].errors : NULL;

		for (; e && e->err; e++) {
			if (e->err < 0 || e->err > 255 || listed[e->err])
				continue;
			listed[e->err] = true;
			text_str(text, separator);
			if (!text_try(text, errno_text(e->err), sizeof(" ..."))) {
				text_str(text, "...");
				return;
			}
			separator = " ";
		}
	}
}

static int refuse_errno(struct parser *parser, struct part name, const char *what)
{
	struct text message;

	if (parser->rule->force || !any_has_errors(parser->rule))
		return plan_refuse(parser, name, what, "the name of an errno, such as EINTR");
	message = plan_refuse_at(parser, name.at);
	text_str(&message, what);
	text_char(&message, ' ');
	text_quoted(&message, name.at, name.n_bytes);
	text_str(&message, ", expected one of ");
	list_errors(parser->rule, &message);
	return -1;
}

static int refuse_calls(struct parser *parser, struct part found)
{
	const struct rule *rule = parser->rule;

	if (rule->fault == FAULT_SHORT)
		return plan_refuse(parser, found, "nothing to shorten in these calls:",
				   "calls that take a length, such as read or write");
	if (rule->fault == FAULT_KILL_AFTER)
		return plan_refuse(parser, found,
				   "there is no after in a call that does not return:", "kill");
	if (rule->force || !any_has_errors(rule))
		return plan_refuse(parser, found,
				   "these calls cannot fail:", "delay, kill, signal or stop");
	if (rule->err)
		return refuse_errno(parser, found, "these calls never give");
	return plan_refuse(
		parser, found,
		"only wrong arguments or a wrong state make these calls fail:", "error!=ERRNO");
}

int narrow_calls(struct parser *parser, struct part found)
{
	struct rule *rule = parser->rule;
	bool any = false;

	for (unsigned int i = 0; i < CALL_N; i++)
		any = any || (in_set(rule->calls, i) && call_can(i, rule));
	if (!any)
		return refuse_calls(parser, found);
	for (unsigned int i = 0; i < CALL_N; i++)
		if (in_set(rule->calls, i) && !call_can(i, rule))
			set_remove(rule->calls, i);
	return 0;
}

static int fault_error(struct parser *parser, struct part value)
{
	parser->rule->err = errno_find(value.at, value.n_bytes);
	if (parser->rule->err < 0)
		return refuse_errno(parser, value, value.n_bytes ? "unknown error" : "no error");
	return 0;
}

static int fault_short(struct parser *parser, struct part value)
{
	const char *at = value.at;
	uint64_t n_bytes;

	if (text_read_uint(&at, &n_bytes) || at != value.at + value.n_bytes || n_bytes < 1 ||
	    n_bytes > INT32_MAX)
		return plan_refuse(parser, value, "wrong length", "a number from 1 to 2147483647");
	parser->rule->short_bytes = (uint32_t)n_bytes;
	return 0;
}

/* D or, where a range is allowed, D..D */
static int durations(struct parser *parser, struct part value, bool range)
{
	static const char expected[] = "a duration such as 10ms, 1.5s or 500us";
	struct rule *rule = parser->rule;
	const char *end = value.at + value.n_bytes, *at;
	struct part rest;

	if (duration_parse(value.at, &at, &rule->min_ns))
		return plan_refuse(parser, value, "wrong duration", expected);
	rule->max_ns = rule->min_ns;
	if (range && strncmp(at, "..", 2) == 0) {
		rest = (struct part){ at + 2, (size_t)(end - at) - 2 };
		if (duration_parse(at + 2, &at, &rule->max_ns))
			return plan_refuse(parser, rest, "wrong duration", expected);
		if (rule->max_ns < rule->min_ns)
			return plan_refuse(parser, rest, "range ends before it begins:",
					   "the longer duration last");
	}
	if (at != end) {
		rest = (struct part){ at, (size_t)(end - at) };
		return plan_refuse(parser, rest, "unknown text behind the duration:",
				   range ? "the end or ..DURATION" : "the end");
	}
	if (rule->max_ns == 0)
		return plan_refuse(parser, value, "duration of nothing", "more than 0");
	return 0;
}

static int fault_delay(struct parser *parser, struct part value)
{
	return durations(parser, value, true);
}

static int fault_stop(struct parser *parser, struct part value)
{
	return durations(parser, value, false);
}

static int fault_kill(struct parser *parser, struct part value)
{
	if (part_is(value, "after"))
		parser->rule->fault = FAULT_KILL_AFTER;
	else if (!part_is(value, "before"))
		return plan_refuse(parser, value, "unknown moment", "before or after");
	return 0;
}

static int fault_signal(struct parser *parser, struct part value)
{
	parser->rule->signal = signal_find(value.at, value.n_bytes);
	if (parser->rule->signal < 0)
		return plan_refuse(parser, value, "unknown signal",
				   "a name or a number such as SIGTERM, SIGRTMIN+1 or 15");
	return 0;
}

static const struct {
	const char *name;
	enum fault_kind kind;
	bool alone; /* is the name enough, without a value? */
	int (*value)(struct parser *parser, struct part value);
	const char *expected;
} faults[] = {
	{ "error", FAULT_ERROR, true, fault_error, "error, error=ERRNO or error!=ERRNO" },
	{ "short", FAULT_SHORT, false, fault_short, "short=BYTES" },
	{ "delay", FAULT_DELAY, false, fault_delay, "delay=DURATION or delay=SHORTEST..LONGEST" },
	{ "kill", FAULT_KILL, true, fault_kill, "kill, kill=before or kill=after" },
	{ "signal", FAULT_SIGNAL, false, fault_signal, "signal=NAME" },
	{ "stop", FAULT_STOP, false, fault_stop, "stop=DURATION" },
};

/* The name, and behind it nothing or '=' or (for errors) '!'. */
static bool names_fault(struct part part, const char *name)
{
	size_t n = strlen(name);

	return part.n_bytes >= n && memcmp(part.at, name, n) == 0 &&
	       (part.n_bytes == n || part.at[n] == '=' || part.at[n] == '!');
}

int parse_fault(struct parser *parser, struct part part)
{
	struct part value = part;
	size_t i = 0, n;

	while (i < sizeof(faults) / sizeof(faults[0]) && !names_fault(part, faults[i].name))
		i++;
	if (i == sizeof(faults) / sizeof(faults[0]))
		return plan_refuse(parser, part, part.n_bytes ? "unknown fault" : "no fault",
				   "one of " FAULTS);
	parser->rule->fault = faults[i].kind;
	n = strlen(faults[i].name);
	if (n < part.n_bytes && part.at[n] == '!') {
		parser->rule->force = faults[i].kind == FAULT_ERROR;
		if (!parser->rule->force)
			return plan_refuse(parser, part,
					   "'!' goes with error only:", faults[i].expected);
		n++;
	}
	if (n == part.n_bytes) {
		if (!faults[i].alone)
			return plan_refuse(parser, part, "no value in", faults[i].expected);
	} else {
		if (part.at[n] != '=')
			return plan_refuse(parser, part, "unknown fault", faults[i].expected);
		value = (struct part){ part.at + n + 1, part.n_bytes - n - 1 };
		if (faults[i].value(parser, value))
			return -1;
	}
	return narrow_calls(parser, value);
}

const char *fault_name(enum fault_kind kind)
{
	static const char *const names[FAULT_N] = {
		[FAULT_NONE] = "none",     [FAULT_ERROR] = "error",
		[FAULT_SHORT] = "short",   [FAULT_DELAY] = "delay",
		[FAULT_KILL] = "kill",     [FAULT_KILL_AFTER] = "kill=after",
		[FAULT_SIGNAL] = "signal", [FAULT_STOP] = "stop",
	};

	return (unsigned int)kind < FAULT_N ? names[kind] : "unknown";
}
