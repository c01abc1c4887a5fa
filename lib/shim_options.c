/* SPDX-License-Identifier: Apache-2.0 */
/* shim_options.c - IPCJAM_OPTIONS, read and written by one table. */
#include "shim_options.h"

#include <string.h>

#include "plan_parse.h"

enum value_kind { VALUE_TEXT, VALUE_BOOL, VALUE_NUMBER, VALUE_RULE };

#define FIELD(name) offsetof(struct shim_options, name), sizeof(((struct shim_options *)0)->name)
static const struct {
	const char *key;
	enum value_kind kind;
	size_t offset, room;
	const char *about;
} keys[] = {
	{ "arena", VALUE_TEXT, FIELD(arena),
	  "  arena=FILE     the trial's shared memory (set by the runner)" },
	{ "lineage", VALUE_TEXT, FIELD(lineage),
	  "  lineage=NAME   the lineage of this process (set by the runner)" },
	{ "plan", VALUE_TEXT, FIELD(plan), "  plan=FILE      rules, one a line" },
	{ "rule", VALUE_RULE, FIELD(rules),
	  "  rule=RULE      one rule; may be repeated; write \\: for each ':' in it" },
	{ "seed", VALUE_NUMBER, FIELD(seed),
	  "  seed=N         what is random follows from it; 0x... too" },
	{ "stacks", VALUE_BOOL, FIELD(stacks),
	  "  stacks=0|1     record the stack of each call; default 1" },
	{ "trace", VALUE_BOOL, FIELD(trace), "  trace=0|1      write a line for each call" },
	{ "trace_to", VALUE_TEXT, FIELD(trace_to),
	  "  trace_to=FILE  ... there; default standard error" },
	{ "sealed", VALUE_TEXT, FIELD(sealed),
	  "  sealed=HEX     what the program's seccomp filters allow (set by the shim)" },
	{ "help", VALUE_BOOL, FIELD(help), "  help=1         print this text and end" },
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static int read_text(struct parser *parser, struct part value, char *to, size_t room)
{
	struct text message;

	if (value.n_bytes == 0)
		return plan_refuse(parser, value, "empty value", "a text");
	if (part_unescape(value, to, room) < room)
		return 0;
	message = plan_refuse_at(parser, value.at);
	text_str(&message, "too long: ");
	text_quoted(&message, value.at, value.n_bytes);
	text_str(&message, ", expected at most ");
	text_uint(&message, room - 1);
	text_str(&message, " bytes");
	return -1;
}

static int read_bool(struct parser *parser, struct part value, bool *to)
{
	*to = part_is(value, "1");
	if (!*to && !part_is(value, "0"))
		return plan_refuse(parser, value, "wrong value", "0 or 1");
	return 0;
}

/* "42", "0x2a", "052" or "0b101010", as the command line has them. */
static int read_number(struct parser *parser, struct part value, uint64_t *to)
{
	const char *at = value.at, *end = value.at + value.n_bytes;
	unsigned int base = 10;

	if (value.n_bytes > 1 && at[0] == '0') {
		base = at[1] == 'x' || at[1] == 'X' ? 16 : at[1] == 'b' || at[1] == 'B' ? 2 : 8;
		at += base == 8 ? 1 : 2;
	}
	if (text_read_base(&at, base, to) || at != end)
		return plan_refuse(parser, value, "wrong number", "0 to 2^64-1 such as 42 or 0x2a");
	return 0;
}

/* Which byte of the escaped text became byte n of the other. */
static size_t escaped_column(struct part value, size_t n)
{
	size_t at = 0;

	while (n > 0 && at < value.n_bytes) {
		at += value.at[at] == '\\' ? 2 : 1;
		n--;
	}
	return at < value.n_bytes ? at : value.n_bytes;
}

/* The rule is tried at once, so that its error has a place in this text. */
static int read_rule(struct parser *parser, struct part value, char *to, size_t room)
{
	size_t used = strlen(to);
	char text[PLAN_TEXT + 1];
	struct rule rule;

	if (part_unescape(value, text, sizeof(text)) == sizeof(text))
		return plan_refuse(parser, value, "rule too long:", "at most 255 bytes");
	if (rule_parse(text, &rule, parser->error)) {
		parser->error->column = (size_t)(value.at - parser->text) +
					escaped_column(value, parser->error->column);
		return -1;
	}
	/* In its canonical form, in which nothing can be taken for a comment. */
	rule_format(&rule, text, sizeof(text));
	if (used + strlen(text) + 2 > room)
		return plan_refuse(parser, value, "no room for rule", "less rules, or plan=FILE");
	memcpy(to + used, text, strlen(text));
	to[used + strlen(text)] = '\n';
	to[used + strlen(text) + 1] = '\0';
	return 0;
}

static int unknown_key(struct parser *parser, struct part key)
{
	struct text message = plan_refuse_at(parser, key.at);

	text_str(&message, "unknown key ");
	text_quoted(&message, key.at, key.n_bytes);
	text_str(&message, ", expected one of");
	for (size_t i = 0; i < N_KEYS; i++) {
		text_char(&message, ' ');
		text_str(&message, keys[i].key);
	}
	return -1;
}

static int read_pair(struct parser *parser, struct part pair, struct shim_options *options)
{
	struct part key = part_until(pair.at, '='), value;
	size_t i = 0;
	char *field;

	if (key.n_bytes >= pair.n_bytes)
		return plan_refuse(parser, pair, pair.n_bytes ? "no value in" : "nothing",
				   "key=value");
	while (i < N_KEYS && !part_is(key, keys[i].key))
		i++;
	if (i == N_KEYS)
		return unknown_key(parser, key);
	if (parser->seen >> i & 1 && keys[i].kind != VALUE_RULE)
		return plan_refuse(parser, key, "given twice:", "each key but rule once");
	parser->seen |= 1u << i;
	value = (struct part){ key.at + key.n_bytes + 1, pair.n_bytes - key.n_bytes - 1 };
	field = (char *)options + keys[i].offset;
	switch (keys[i].kind) {
	case VALUE_TEXT:
		return read_text(parser, value, field, keys[i].room);
	case VALUE_BOOL:
		return read_bool(parser, value, (bool *)field);
	case VALUE_NUMBER:
		return read_number(parser, value, (uint64_t *)(void *)field);
	default:
		return read_rule(parser, value, field, keys[i].room);
	}
}

int shim_options_parse(const char *text, struct shim_options *options, struct plan_error *error)
{
	struct parser parser = { .text = text, .error = error };
	struct part pair = { text, 0 };

	memset(options, 0, sizeof(*options));
	options->stacks = true;
	if (!*text)
		return 0;
	for (const char *at = text;; at = pair.at + pair.n_bytes + 1) {
		pair = part_until(at, ':');
		if (read_pair(&parser, pair, options))
			return -1;
		if (!pair.at[pair.n_bytes])
			break;
	}
	options->trace = options->trace || options->trace_to[0];
	return 0;
}

static void write_key(struct text *text, const char *key)
{
	if (text->n_bytes)
		text_char(text, ':');
	text_str(text, key);
	text_char(text, '=');
}

static void write_value(struct text *text, const char *value, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes && value[i]; i++) {
		if (value[i] == ':' || value[i] == '\\')
			text_char(text, '\\');
		text_char(text, value[i]);
	}
}

static void write_rules(struct text *text, const char *key, const char *rules)
{
	for (size_t n; *rules; rules += n + (rules[n] == '\n')) {
		n = strcspn(rules, "\n");
		write_key(text, key);
		write_value(text, rules, n);
	}
}

size_t shim_options_format(const struct shim_options *options, char *buffer, size_t n_bytes)
{
	struct shim_options defaults;
	struct plan_error error;
	struct text text;

	shim_options_parse("", &defaults, &error);
	text_begin(&text, buffer, n_bytes);
	for (size_t i = 0; i < N_KEYS; i++) {
		const char *field = (const char *)options + keys[i].offset;

		if (memcmp(field, (const char *)&defaults + keys[i].offset, keys[i].room) == 0)
			continue;
		if (keys[i].kind == VALUE_RULE) {
			write_rules(&text, keys[i].key, field);
			continue;
		}
		write_key(&text, keys[i].key);
		if (keys[i].kind == VALUE_TEXT)
			write_value(&text, field, keys[i].room);
		else if (keys[i].kind == VALUE_BOOL)
			text_str(&text, *(const bool *)field ? "1" : "0");
		else
			text_hex(&text, *(const uint64_t *)(const void *)field);
	}
	return text.n_bytes;
}

const char *shim_options_help(unsigned int i)
{
	if (i == 0)
		return "IPCJAM_OPTIONS is key=value:key=value (in a value, write \\: and \\\\):";
	return i <= N_KEYS ? keys[i - 1].about : NULL;
}
