/* SPDX-License-Identifier: Apache-2.0 */
/* plan_format.c - a rule as text again, in one canonical form that rule_parse() reads back. */
#include "plan_parse.h"

#include <string.h>

static void write_name(struct text *text, const char *mark, const char *name)
{
	if (text->n_bytes)
		text_char(text, ',');
	text_str(text, mark);
	text_str(text, name);
}

/* "all" is the last class, and one that says it all. */
static void write_calls(struct text *text, const struct rule *rule)
{
	unsigned int mask;
	const char *name, *about;

	for (unsigned int i = 0; (name = class_name(i, &mask, &about)); i++)
		if (rule->classes == ~0u ? mask == ~0u : (rule->classes & mask) == mask)
			write_name(text, "%", name);
	for (unsigned int i = 0; i < CALL_N; i++)
		if (in_set(rule->named, i))
			write_name(text, "", calls[i].name);
}

static void write_duration(struct text *text, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "s", 1000000000 },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "ns", 1 },
	};
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	text_uint(text, ns / units[i].ns);
	text_str(text, units[i].name);
}

static void write_fault(struct text *text, const struct rule *rule)
{
	text_str(text, fault_name((enum fault_kind)rule->fault));
	switch ((enum fault_kind)rule->fault) {
	case FAULT_ERROR:
		text_str(text, rule->force ? "!" : "");
		if (rule->err && errno_text(rule->err)) {
			text_char(text, '=');
			text_str(text, errno_text(rule->err));
		}
		break;
	case FAULT_SHORT:
		text_char(text, '=');
		text_uint(text, rule->short_bytes);
		break;
	case FAULT_DELAY:
	case FAULT_STOP:
		text_char(text, '=');
		write_duration(text, rule->min_ns);
		if (rule->max_ns != rule->min_ns) {
			text_str(text, "..");
			write_duration(text, rule->max_ns);
		}
		break;
	case FAULT_SIGNAL:
		text_char(text, '=');
		text_str(text, signal_text(rule->signal) ? signal_text(rule->signal) : "?");
		break;
	default:
		break;
	}
}

static void write_when(struct text *text, const struct rule *rule)
{
	if (rule->first == 1 && rule->last == UINT64_MAX && rule->step == 1)
		return;
	text_str(text, ":when=");
	text_uint(text, rule->first);
	if (rule->last == rule->first && rule->step == 1)
		return;
	if (rule->last != UINT64_MAX || rule->step == 1)
		text_str(text, "..");
	if (rule->last != UINT64_MAX)
		text_uint(text, rule->last);
	if (rule->step != 1) {
		text_char(text, '+');
		text_uint(text, rule->step);
	}
}

/* The shortest decimal number of at most 19 digits that gives this threshold. */
static void write_p(struct text *text, uint64_t threshold)
{
	__extension__ typedef unsigned __int128 wide;
	const uint64_t scale = UINT64_C(10000000000000000000);
	uint64_t fraction;
	unsigned int digits = 19;

	if (threshold == UINT64_MAX)
		return;
	fraction = (uint64_t)(((wide)threshold * scale + UINT64_MAX) >> 64);
	while (digits > 1 && fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	text_str(text, ":p=");
	text_fixed(text, fraction, digits);
}

/* A '#' would begin a comment in a plan file, and blanks at its line's end are dropped. */
static void write_text(struct text *text, const char *name, const char *value, size_t room)
{
	size_t n = strnlen(value, room);

	text_str(text, name);
	for (size_t i = 0; i < n; i++) {
		if (strchr(":\\# ", value[i]))
			text_char(text, '\\');
		text_char(text, value[i]);
	}
}

static void write_object(struct text *text, const struct rule *rule)
{
	switch ((enum object_selector)rule->object) {
	case SELECT_KEY:
		text_str(text, ":object=key:");
		text_hex(text, (uint32_t)rule->object_value);
		break;
	case SELECT_ID:
		text_str(text, ":object=id:");
		text_int(text, rule->object_value);
		break;
	case SELECT_FD:
		text_str(text, ":object=fd:");
		text_int(text, rule->object_value);
		break;
	case SELECT_PATH:
		write_text(text, ":object=path:", rule->object_path, sizeof(rule->object_path));
		break;
	default:
		break;
	}
}

size_t rule_format(const struct rule *rule, char *buffer, size_t n_bytes)
{
	struct text text;

	text_begin(&text, buffer, n_bytes);
	write_calls(&text, rule);
	text_char(&text, ':');
	write_fault(&text, rule);
	write_when(&text, rule);
	text_str(&text, rule->count_trial ? ":count=trial" : "");
	write_p(&text, rule->p_threshold);
	if (rule->proc[0])
		write_text(&text, ":proc=", rule->proc, sizeof(rule->proc));
	if (rule->site) {
		text_str(&text, ":site=");
		text_hex(&text, rule->site);
	}
	if (rule->in[0])
		write_text(&text, ":in=", rule->in, sizeof(rule->in));
	write_object(&text, rule);
	if (rule->max != UINT64_MAX) {
		text_str(&text, ":max=");
		text_uint(&text, rule->max);
	}
	text_str(&text, rule->optional ? ":optional" : "");
	return text.n_bytes;
}
