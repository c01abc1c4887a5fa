/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_event - any bytes in place of an event and its continuations give one line of text. */
#include "calls.h"
#include "format.h"
#include "fuzz.h"

static const char *object_name(void *data, uint64_t ref)
{
	(void)data;
	return ref & 1 ? "a\nname" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static char line[70000];
	const struct format_names names = { .object = object_name, .ticks_per_us = 7 };
	struct event event = { 0 };
	size_t n_more;
	uint8_t *more;
	int n;

	memcpy(&event, data, n_bytes < sizeof(event) ? n_bytes : sizeof(event));
	data += n_bytes < sizeof(event) ? n_bytes : sizeof(event);
	n_bytes -= n_bytes < sizeof(event) ? n_bytes : sizeof(event);
	/* Mostly calls that there are. */
	event.call = (uint16_t)(event.call % (CALL_N + 1));
	n_more = (size_t)event.n_more * EVENT_MORE_BYTES;
	more = calloc(1, n_more + 1);
	FUZZ_CHECK(more);
	memcpy(more, data, n_bytes < n_more ? n_bytes : n_more);
	n = event_format(&event, n_more ? more : NULL, &names, line, sizeof(line));
	FUZZ_CHECK(n > 0 &&
		   strlen(line) == ((size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1));
	FUZZ_CHECK(!strpbrk(line, "\n\r\t\033"));
	FUZZ_CHECK(event_format(&event, n_more ? more : NULL, NULL, line, 10) > 0 &&
		   strlen(line) == 9);
	free(more);
	return 0;
}
