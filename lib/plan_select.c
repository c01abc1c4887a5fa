/* SPDX-License-Identifier: Apache-2.0 */
/* plan_select.c - the SELECTORs of a rule. */
#include "plan_parse.h"

#include <string.h>

/* Digits up to the end of the part, and nothing else. */
static int whole_uint(struct part part, uint64_t *value)
{
	const char *at = part.at;

	return text_read_uint(&at, value) || at != part.at + part.n_bytes ? -1 : 0;
}

static int select_when(struct parser *parser, struct part value)
{
	static const char expected[] = "FIRST[..[LAST]][+STEP], numbers from 1 on";
	struct rule *rule = parser->rule;
	const char *at = value.at, *end = value.at + value.n_bytes;
	bool range = false, step = false;

	if (text_read_uint(&at, &rule->first) || rule->first == 0)
		return plan_refuse(parser, value, "wrong count", expected);
	if (strncmp(at, "..", 2) == 0) {
		range = true;
		at += 2;
		if (at < end && *at != '+') {
			if (text_read_uint(&at, &rule->last))
				return plan_refuse(parser, value, "wrong count", expected);
			if (rule->last < rule->first)
				return plan_refuse(parser, value, "range ends before it begins:",
						   "the greater number last");
		}
	}
	if (at < end && *at == '+') {
		step = true;
		at++;
		if (text_read_uint(&at, &rule->step) || rule->step == 0)
			return plan_refuse(parser, value, "wrong step", expected);
	}
	if (at != end)
		return plan_refuse(parser, value, "wrong count", expected);
	if (!range && !step)
		rule->last = rule->first;
	return 0;
}

static int select_count(struct parser *parser, struct part value)
{
	parser->rule->count_trial = part_is(value, "trial");
	if (!parser->rule->count_trial && !part_is(value, "process"))
		return plan_refuse(parser, value, "unknown count", "trial or process");
	return 0;
}

/* 0 < p <= 1 as a part of 2^64. In integers: this runs in programs that trap floating point faults.
 */
static int select_p(struct parser *parser, struct part value)
{
	static const char expected[] = "a number above 0 and at most 1, such as 0.01";
	__extension__ typedef unsigned __int128 wide;
	const char *at = value.at, *end = value.at + value.n_bytes;
	uint64_t whole = 0, fraction = 0, scale = 1;

	if (at < end && *at != '.' && text_read_uint(&at, &whole))
		return plan_refuse(parser, value, "wrong probability", expected);
	if (at < end && *at == '.') {
		if (at + 1 == end)
			return plan_refuse(parser, value, "wrong probability", expected);
		for (at++; at < end && *at >= '0' && *at <= '9'; at++) {
			if (scale >= UINT64_C(10000000000000000000))
				return plan_refuse(parser, value, "too many digits in",
						   "at most 19");
			fraction = fraction * 10 + (uint64_t)(*at - '0');
			scale *= 10;
		}
	}
	if (at != end || value.n_bytes == 0 || whole > 1 || (whole == 1 && fraction > 0))
		return plan_refuse(parser, value, "wrong probability", expected);
	parser->rule->p_threshold = whole ? UINT64_MAX : (uint64_t)(((wide)fraction << 64) / scale);
	if (parser->rule->p_threshold == 0)
		return plan_refuse(parser, value, "probability of nothing", expected);
	return 0;
}

static int select_max(struct parser *parser, struct part value)
{
	if (whole_uint(value, &parser->rule->max) || parser->rule->max == 0)
		return plan_refuse(parser, value, "wrong bound", "a number from 1 on");
	return 0;
}

static int select_site(struct parser *parser, struct part value)
{
	const char *at = value.at;

	if (strncmp(at, "0x", 2) == 0)
		at += 2;
	if (text_read_base(&at, 16, &parser->rule->site) || at != value.at + value.n_bytes ||
	    parser->rule->site == 0)
		return plan_refuse(parser, value, "wrong site",
				   "1 to 16 hexadecimal digits, not 0");
	return 0;
}

/* A text that must not be empty and has to fit with its NUL. */
static int copy_text(struct parser *parser, struct part value, char *buffer, size_t room)
{
	struct text message;
	size_t n = part_unescape(value, buffer, room);

	if (value.n_bytes == 0)
		return plan_refuse(parser, value, "empty value", "a text");
	if (n < room)
		return 0;
	message = plan_refuse_at(parser, value.at);
	text_str(&message, "too long: ");
	text_quoted(&message, value.at, value.n_bytes);
	text_str(&message, ", expected at most ");
	text_uint(&message, room - 1);
	text_str(&message, " bytes");
	return -1;
}

static int select_proc(struct parser *parser, struct part value)
{
	return copy_text(parser, value, parser->rule->proc, sizeof(parser->rule->proc));
}

static int select_in(struct parser *parser, struct part value)
{
	return copy_text(parser, value, parser->rule->in, sizeof(parser->rule->in));
}

/* Keys are 32 bits: 0x1234, or a decimal number that may be negative as key_t is. */
static int object_key(struct parser *parser, struct part value)
{
	const char *at = value.at;
	uint64_t key;
	bool minus = *at == '-', wrong;

	if (strncmp(at, "0x", 2) == 0) {
		at += 2;
		wrong = text_read_base(&at, 16, &key) || key > UINT32_MAX;
	} else {
		at += minus;
		wrong = text_read_uint(&at, &key) || key > (minus ? UINT64_C(1) << 31 : UINT32_MAX);
	}
	if (wrong || at != value.at + value.n_bytes)
		return plan_refuse(parser, value, "wrong key", "32 bits such as 0x1234");
	parser->rule->object_value = (int32_t)(uint32_t)(minus ? -key : key);
	return 0;
}

static int object_number(struct parser *parser, struct part value)
{
	uint64_t number;

	if (whole_uint(value, &number) || number > INT32_MAX)
		return plan_refuse(parser, value, "wrong number", "a number from 0 to 2147483647");
	parser->rule->object_value = (int64_t)number;
	return 0;
}

static int object_path(struct parser *parser, struct part value)
{
	return copy_text(parser, value, parser->rule->object_path,
			 sizeof(parser->rule->object_path));
}

static const struct {
	const char *prefix;
	enum object_selector selector;
	int (*value)(struct parser *parser, struct part value);
} objects[] = {
	{ "key:", SELECT_KEY, object_key },
	{ "id:", SELECT_ID, object_number },
	{ "path:", SELECT_PATH, object_path },
	{ "fd:", SELECT_FD, object_number },
};

int parse_object(struct parser *parser, struct part value)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		size_t n = strlen(objects[i].prefix);

		if (value.n_bytes < n || memcmp(value.at, objects[i].prefix, n) != 0)
			continue;
		parser->rule->object = objects[i].selector;
		return objects[i].value(parser, (struct part){ value.at + n, value.n_bytes - n });
	}
	return plan_refuse(parser, value, value.n_bytes ? "unknown object" : "no object",
			   "key:0x1234, id:5, path:/x or fd:3");
}

static int select_optional(struct parser *parser, struct part value)
{
	(void)value;
	parser->rule->optional = 1;
	return 0;
}

static const struct {
	const char *name; /* with '=' where a value follows */
	int (*value)(struct parser *parser, struct part value);
} selectors[] = {
	{ "when=", select_when }, { "count=", select_count },  { "p=", select_p },
	{ "proc=", select_proc }, { "site=", select_site },    { "in=", select_in },
	{ "max=", select_max },   { "object=", parse_object }, { "optional", select_optional },
};

static bool names_selector(struct part part, const char *name)
{
	size_t n = strlen(name);

	if (part.n_bytes < n || memcmp(part.at, name, n) != 0)
		return false;
	return name[n - 1] == '=' || part.n_bytes == n;
}

int parse_selector(struct parser *parser, struct part part)
{
	struct part value;

	for (unsigned int i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		size_t n = strlen(selectors[i].name);

		if (!names_selector(part, selectors[i].name))
			continue;
		if (parser->seen >> i & 1)
			return plan_refuse(parser, part, "given twice:", "each selector once");
		parser->seen |= 1u << i;
		value = (struct part){ part.at + n, part.n_bytes - n };
		return selectors[i].value(parser, value);
	}
	return plan_refuse(parser, part, part.n_bytes ? "unknown selector" : "empty selector",
			   "one of when= count= p= proc= site= in= object= max= optional");
}
