/* SPDX-License-Identifier: Apache-2.0 */
/* invariants.c - the table of invariants, from invariants.def. */
#include "invariants.h"

#define INVARIANT(symbol)
#define WATCHED(kind, sentence) { .name = (kind), .about = (sentence) },
static const struct invariant watched[] = {
#include "invariants.def"
};
#undef INVARIANT
#undef WATCHED

/* The position of a watched row among the watched ones: they all come first. */
#define INVARIANT(symbol) &symbol##_invariant,
#define WATCHED(kind, sentence) &watched[__COUNTER__ - FIRST],
enum { FIRST = __COUNTER__ + 1 };
const struct invariant *const invariants[] = {
#include "invariants.def"
	NULL,
};
