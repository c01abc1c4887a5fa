/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_writer.h - writes JSON as it comes, into a stream (open_memstream() gives one in memory).
 * Every function takes the member's key, or NULL where no key belongs: in arrays and at the top.
 * Misuse (a key too many or too few, an end too many) is a bug, and ends the process.
 */
#ifndef IPCJAM_JSON_WRITER_H
#define IPCJAM_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_WRITER_DEPTH 32

struct json_writer {
	FILE *to;
	bool lines; /* a member a line, indented; otherwise all in one line */
	unsigned int depth;
	struct {
		bool is_array;
		bool any;
	} level[JSON_WRITER_DEPTH + 1];
};

void json_write_begin(struct json_writer *writer, FILE *to, bool lines);
/* Ends the text with a newline. Returns 0, or -1 when the stream could not be written. */
int json_write_finish(struct json_writer *writer);

void json_write_object(struct json_writer *writer, const char *key);
void json_write_array(struct json_writer *writer, const char *key);
/* Ends the innermost object or array. */
void json_write_end(struct json_writer *writer);

/* NULL gives null. What is no UTF-8 becomes U+FFFD. */
void json_write_string(struct json_writer *writer, const char *key, const char *value);
void json_write_bytes(struct json_writer *writer, const char *key, const char *value,
		      size_t n_bytes);
void json_write_int(struct json_writer *writer, const char *key, int64_t value);
void json_write_uint(struct json_writer *writer, const char *key, uint64_t value);
void json_write_bool(struct json_writer *writer, const char *key, bool value);
void json_write_null(struct json_writer *writer, const char *key);
/* value / 10^decimals: json_write_fixed(w, "ms", 1234, 3) gives 1.234. At most 18 decimals. */
void json_write_fixed(struct json_writer *writer, const char *key, int64_t value,
		      unsigned int decimals);

#endif
