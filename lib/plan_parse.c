/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_parse.c - the text of a rule, CALLS:FAULT[:SELECTOR]..., taken apart. A backslash takes away
 * the meaning of the character behind it: path:/a\:b is the path "/a:b".
 */
#include "plan_parse.h"

#include <string.h>

struct part part_until(const char *at, char stop)
{
	const char *end = at;

	while (*end && *end != stop)
		end += end[0] == '\\' && end[1] ? 2 : 1;
	return (struct part){ at, (size_t)(end - at) };
}

bool part_is(struct part part, const char *s)
{
	return strlen(s) == part.n_bytes && memcmp(part.at, s, part.n_bytes) == 0;
}

size_t part_unescape(struct part part, char *buffer, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < part.n_bytes; i++) {
		if (part.at[i] == '\\' && i + 1 < part.n_bytes)
			i++;
		if (n + 1 >= room)
			return room;
		buffer[n++] = part.at[i];
	}
	buffer[n] = '\0';
	return n;
}

struct text plan_refuse_at(struct parser *parser, const char *at)
{
	struct text message;

	parser->error->column = (size_t)(at - parser->text);
	text_begin(&message, parser->error->message, sizeof(parser->error->message));
	return message;
}

int plan_refuse(struct parser *parser, struct part found, const char *what, const char *expected)
{
	struct text message = plan_refuse_at(parser, found.at);

	text_str(&message, what);
	if (found.n_bytes) {
		text_char(&message, ' ');
		text_quoted(&message, found.at, found.n_bytes);
	}
	text_str(&message, ", expected ");
	text_str(&message, expected);
	return -1;
}

/* What no rule may contain, wherever it is. */
static int check_bytes(struct parser *parser)
{
	const char *text = parser->text;
	bool escaped = false;
	size_t n = 0;

	for (; text[n]; n++) {
		if (n >= PLAN_TEXT - 1)
			return plan_refuse(parser, (struct part){ text + n, 0 }, "rule too long",
					   "at most 255 bytes");
		if ((unsigned char)text[n] < ' ' || text[n] == 0x7f)
			return plan_refuse(parser, (struct part){ text + n, 0 },
					   "control character", "printable text");
		escaped = text[n] == '\\' && !escaped;
	}
	if (escaped)
		return plan_refuse(parser, (struct part){ text + n - 1, 1 },
				   "nothing behind the backslash", "a character");
	return 0;
}

/* object=KIND:VALUE is the one selector with a ':' in it. */
static struct part next_selector(const char *at)
{
	static const char object[] = "object=";
	struct part part = part_until(at, ':');

	if (strncmp(at, object, sizeof(object) - 1) == 0 && at[part.n_bytes] == ':')
		part.n_bytes += 1 + part_until(at + part.n_bytes + 1, ':').n_bytes;
	return part;
}

static int parse_parts(struct parser *parser)
{
	struct part part = part_until(parser->text, ':');
	const char *at = part.at + part.n_bytes;

	if (parse_calls(parser, part))
		return -1;
	if (!*at)
		return plan_refuse(parser, (struct part){ at, 0 }, "no fault",
				   "':' and one of error short delay kill signal stop");
	part = part_until(at + 1, ':');
	if (parse_fault(parser, part))
		return -1;
	for (at = part.at + part.n_bytes; *at; at = part.at + part.n_bytes) {
		part = next_selector(at + 1);
		if (parse_selector(parser, part))
			return -1;
	}
	return 0;
}

int rule_parse(const char *text, struct rule *rule, struct plan_error *error)
{
	struct parser parser = { .text = text, .rule = rule, .error = error };

	/* All bytes, so that equal rules are equal in memory. */
	memset(rule, 0, sizeof(*rule));
	rule->first = 1;
	rule->last = UINT64_MAX;
	rule->step = 1;
	rule->p_threshold = UINT64_MAX;
	rule->max = UINT64_MAX;
	if (check_bytes(&parser) || parse_parts(&parser))
		return -1;
	normalise_calls(rule);
	/* A rule's own text is kept in PLAN_TEXT bytes. */
	if (rule_format(rule, NULL, 0) >= PLAN_TEXT)
		return plan_refuse(&parser, (struct part){ text, 0 },
				   "rule too long when written out", "at most 255 bytes");
	return 0;
}
