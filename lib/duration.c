/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c - "10ms", "1.5s": a duration as nanoseconds, in integers only. */
#include "plan.h"

#include <string.h>

#include "text.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	/* Of two that begin alike the longer one is first. */
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
};

static uint64_t read_unit(const char **at)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(*at, units[i].name, n) == 0) {
			*at += n;
			return units[i].ns;
		}
	}
	return 0;
}

/* The digits behind the point: fraction / scale. More than 12 could not be whole nanoseconds. */
static int read_fraction(const char **at, uint64_t *fraction, uint64_t *scale)
{
	*fraction = 0;
	*scale = 1;
	/* In "1..5" no digit follows the first point: that is a range. */
	if ((*at)[0] != '.' || (*at)[1] < '0' || (*at)[1] > '9')
		return 0;
	for (++*at; **at >= '0' && **at <= '9'; ++*at) {
		if (*scale > UINT64_C(100000000000))
			return -1;
		*fraction = *fraction * 10 + (uint64_t)(**at - '0');
		*scale *= 10;
	}
	return 0;
}

/* fraction / scale * unit, or -1 when it is not a whole number. */
static int scaled(uint64_t fraction, uint64_t scale, uint64_t unit, uint64_t *ns)
{
	while (scale > 1 && fraction % 10 == 0) {
		fraction /= 10;
		scale /= 10;
	}
	while (scale > 1 && unit % 10 == 0) {
		unit /= 10;
		scale /= 10;
	}
	/* What is left of the unit has at most the factor 36 (an hour), so this cannot overflow. */
	if (fraction * unit % scale != 0)
		return -1;
	*ns = fraction * unit / scale;
	return 0;
}

int duration_parse(const char *text, const char **end, uint64_t *ns)
{
	uint64_t whole, fraction, scale, unit, rest;

	*end = text;
	if (text_read_uint(end, &whole) || read_fraction(end, &fraction, &scale))
		return -1;
	unit = read_unit(end);
	if (!unit && (whole || scale > 1))
		return -1;
	if (scaled(fraction, scale, unit, &rest) || __builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, rest, ns))
		return -1;
	/* So that a deadline in signed nanoseconds can hold it. */
	return *ns > INT64_MAX ? -1 : 0;
}
