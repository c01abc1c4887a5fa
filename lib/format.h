/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - an event as one line of a trace, in strace's manner. Async-signal-safe: the shim
 * writes its own trace with it. Whatever bytes an event has, the line is text and the reading stays
 * inside.
 */
#ifndef IPCJAM_FORMAT_H
#define IPCJAM_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

#define FORMAT_LINE 4096 /* enough for any line but one with a very long path */

/* What only the caller knows. */
struct format_names {
	/* A name for an object reference ("key 0x1234"), or NULL; the function may be missing too.
	 */
	const char *(*object)(void *data, uint64_t ref);
	void *data;
	uint64_t ticks_per_us; /* of the event's times; 0: leave the duration out */
};

/*
 * Writes `semop(5 "key 0x1234", [{0, -1, SEM_UNDO}]) = 0 <0.000012>`, NUL-terminated. `more` holds
 * the event's n_more * EVENT_MORE_BYTES continuation bytes, or is NULL; `names` may be NULL.
 * Returns the length that the line needs (as snprintf does).
 */
int event_format(const struct event *event, const uint8_t *more, const struct format_names *names,
		 char *buffer, size_t n_bytes);

/* Only the call and its arguments, without result: for calls that are in progress. */
int event_format_call(const struct event *event, const uint8_t *more,
		      const struct format_names *names, char *buffer, size_t n_bytes);

/* What stands in front of the line: `1.2 perl `. */
int event_format_prefix(const char *lineage, const char *program, char *buffer, size_t n_bytes);

#endif
