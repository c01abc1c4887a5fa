/* SPDX-License-Identifier: Apache-2.0 */
/* plan_parse.h - what the files of the rule parser share; nobody else includes it. */
#ifndef IPCJAM_PLAN_PARSE_H
#define IPCJAM_PLAN_PARSE_H

#include "plan.h"
#include "text.h"

/* A piece of the rule's text, not terminated. */
struct part {
	const char *at;
	size_t n_bytes;
};

struct parser {
	const char *text;
	struct rule *rule;
	struct plan_error *error;
	struct part calls; /* the text in front of the first ':' */
	unsigned int seen; /* selectors given so far, a bit each */
};

/* The part up to the next byte `stop` that no backslash escapes, or up to the end. */
struct part part_until(const char *at, char stop);
bool part_is(struct part part, const char *s);
/* Copies without the escaping backslashes. Returns the length, or room when it does not fit. */
size_t part_unescape(struct part part, char *buffer, size_t room);

/* Begins the error message; what is appended to the result goes into it. */
struct text plan_refuse_at(struct parser *parser, const char *at);
/* The usual message: WHAT 'found', expected EXPECTED. Returns -1. */
int plan_refuse(struct parser *parser, struct part found, const char *what, const char *expected);

/* Each fills in its fields of the rule and returns 0, or -1 with the error filled in. */
int parse_calls(struct parser *parser, struct part part);
int parse_fault(struct parser *parser, struct part part);
int parse_selector(struct parser *parser, struct part part);
int parse_object(struct parser *parser, struct part value);

/* Can the call ever meet this fault? The calls that cannot are taken out of the rule. */
bool call_can(unsigned int call, const struct rule *rule);
/* Takes them out; -1 when none would be left. `found` is the fault's part or its value. */
int narrow_calls(struct parser *parser, struct part found);
void normalise_calls(struct rule *rule); /* last of all */
/* Says which errors the rule's calls can give, as "EAGAIN EINTR ..." */
void list_errors(const struct rule *rule, struct text *text);

static inline bool in_set(const uint64_t set[CALL_WORDS], unsigned int call)
{
	return set[call / 64] >> call % 64 & 1;
}

static inline void set_add(uint64_t set[CALL_WORDS], unsigned int call)
{
	set[call / 64] |= UINT64_C(1) << call % 64;
}

static inline void set_remove(uint64_t set[CALL_WORDS], unsigned int call)
{
	set[call / 64] &= ~(UINT64_C(1) << call % 64);
}

/* A canonical call that a class selects: no alias, and not bookkeeping only. */
static inline bool class_selects(unsigned int mask, unsigned int call)
{
	return calls[call].canonical_id == call && !(calls[call].flags & CALL_QUIET) &&
	       calls[call].classes & mask;
}

#endif
