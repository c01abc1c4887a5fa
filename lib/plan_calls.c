/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_calls.c - the CALLS of a rule: names and classes become a set of canonical calls. A name
 * that glibc makes another system call of (semop) is still that name here: rules go by function.
 */
#include "plan_parse.h"

#include <string.h>

#define NAME_BYTES 32 /* longer names are not compared for likeness */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, added or dropped to make one name of the other. */
static unsigned int distance(struct part name, const char *other)
{
	unsigned int row[NAME_BYTES + 1];
	size_t n = strlen(other);

	if (name.n_bytes > NAME_BYTES || n > NAME_BYTES)
		return NAME_BYTES;
	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= name.n_bytes; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned int above = row[j];

			row[j] = least(diagonal + (name.at[i - 1] != other[j - 1]),
				       1 + least(above, row[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

/* The known name that is most like it, or NULL when none is like it at all. */
static const char *nearest_call(struct part name)
{
	const char *best = NULL;
	unsigned int best_distance = 1 + (unsigned int)name.n_bytes / 3;

	for (unsigned int i = 0; i < CALL_N; i++) {
		unsigned int d;

		if (calls[i].flags & CALL_QUIET)
			continue;
		d = distance(name, calls[i].name);
		if (d < best_distance || (!best && d == best_distance)) {
			best = calls[i].name;
			best_distance = d;
		}
	}
	return best;
}

static int unknown_call(struct parser *parser, struct part name)
{
	const char *nearest = nearest_call(name);
	struct text message = plan_refuse_at(parser, name.at);

	text_str(&message, "unknown call ");
	text_quoted(&message, name.at, name.n_bytes);
	text_str(&message, ", expected a name of 'ipcjam list calls' or a class such as %sem");
	if (nearest) {
		text_str(&message, "; did you mean ");
		text_str(&message, nearest);
		text_char(&message, '?');
	}
	return -1;
}

static int unknown_class(struct parser *parser, struct part name)
{
	struct text message = plan_refuse_at(parser, name.at);
	unsigned int mask;
	const char *about, *class;

	text_str(&message, "unknown class ");
	text_quoted(&message, name.at, name.n_bytes);
	text_str(&message, ", expected one of");
	for (unsigned int i = 0; (class = class_name(i, &mask, &about)); i++) {
		text_str(&message, " %");
		text_str(&message, class);
	}
	return -1;
}

static int add_class(struct parser *parser, struct part name)
{
	unsigned int mask = class_find(name.at + 1, name.n_bytes - 1);
	bool any = false;

	if (!mask)
		return unknown_class(parser, name);
	for (unsigned int i = 0; i < CALL_N; i++) {
		if (class_selects(mask, i)) {
			set_add(parser->rule->calls, i);
			any = true;
		}
	}
	if (!any)
		return plan_refuse(parser, name, "no call belongs to class",
				   "another class or a call");
	parser->rule->classes |= mask;
	return 0;
}

static int add_name(struct parser *parser, struct part name)
{
	int call;

	if (name.n_bytes == 0)
		return plan_refuse(parser, name, "no call",
				   "a name such as semop or a class such as %sem");
	if (name.at[0] == '%')
		return add_class(parser, name);
	call = call_find(name.at, name.n_bytes);
	if (call < 0)
		return unknown_call(parser, name);
	call = (int)calls[call].canonical_id;
	if (calls[call].flags & CALL_QUIET)
		return plan_refuse(parser, name, "no fault is possible in",
				   "a call that takes faults (see 'ipcjam list calls')");
	set_add(parser->rule->calls, (unsigned int)call);
	set_add(parser->rule->named, (unsigned int)call);
	return 0;
}

int parse_calls(struct parser *parser, struct part part)
{
	const char *end = part.at + part.n_bytes;

	parser->calls = part;
	for (const char *at = part.at;;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct part name = { at, (size_t)((comma ? comma : end) - at) };

		if (add_name(parser, name))
			return -1;
		if (!comma)
			return 0;
		at = comma + 1;
	}
}

/* Only what says more than the classes do: equal rules are to be equal in memory. */
void normalise_calls(struct rule *rule)
{
	for (unsigned int i = 0; i < CALL_N; i++)
		if (!in_set(rule->calls, i) || rule->classes == ~0u ||
		    (class_selects(rule->classes, i) && !call_depends(i)))
			set_remove(rule->named, i);
}

bool rule_has_call(const struct rule *rule, unsigned int call)
{
	return call < CALL_N && in_set(rule->calls, calls[call].canonical_id);
}
