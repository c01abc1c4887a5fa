/* SPDX-License-Identifier: Apache-2.0 */
/* json_writer.c - a streaming writer of JSON. */
#include "json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_write_begin(struct json_writer *writer, FILE *to, bool lines)
{
	memset(writer, 0, sizeof(*writer));
	writer->to = to;
	writer->lines = lines;
	writer->level[0].is_array = true;
}

int json_write_finish(struct json_writer *writer)
{
	assert(writer->depth == 0);
	fputc('\n', writer->to);
	return fflush(writer->to) || ferror(writer->to) ? -1 : 0;
}

static void new_line(struct json_writer *writer)
{
	if (!writer->lines)
		return;
	fputc('\n', writer->to);
	for (unsigned int i = 0; i < writer->depth; i++)
		fputs("  ", writer->to);
}

/* A sequence of 1 to 4 bytes that is UTF-8 (Unicode 15, table 3-7), or 0. */
static size_t utf8_bytes(const unsigned char *s, size_t n_bytes)
{
	unsigned char first = s[0], low = 0x80, high = 0xbf;
	size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (n == 0 || first > 0xf4 || n > n_bytes)
		return 0;
	/* No longer forms, no surrogates, nothing above U+10FFFF. */
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < n; i++, low = 0x80, high = 0xbf)
		if (s[i] < low || s[i] > high)
			return 0;
	return n;
}

static void write_ascii(FILE *to, unsigned char c)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *at = short_forms; *at; at += 2) {
		if ((unsigned char)*at == c) {
			fputc('\\', to);
			fputc(at[1], to);
			return;
		}
	}
	if (c < ' ' || c == 0x7f)
		fprintf(to, "\\u%04x", c);
	else
		fputc(c, to);
}

static void write_text(FILE *to, const char *text, size_t n_bytes)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	fputc('"', to);
	for (size_t i = 0; i < n_bytes; i += n) {
		n = utf8_bytes(s + i, n_bytes - i);
		if (n == 1) {
			write_ascii(to, s[i]);
		} else if (n > 1) {
			fwrite(s + i, 1, n, to);
		} else {
			fputs("\xef\xbf\xbd", to);
			n = 1;
		}
	}
	fputc('"', to);
}

/* What stands in front of every value: the comma, the line and the key. */
static void begin_value(struct json_writer *writer, const char *key)
{
	bool is_array = writer->level[writer->depth].is_array;

	assert(is_array == !key);
	assert(writer->depth > 0 || !writer->level[0].any);
	if (writer->level[writer->depth].any)
		fputs(writer->lines ? "," : ", ", writer->to);
	if (writer->depth > 0)
		new_line(writer);
	writer->level[writer->depth].any = true;
	if (!key)
		return;
	write_text(writer->to, key, strlen(key));
	fputs(": ", writer->to);
}

static void begin_level(struct json_writer *writer, const char *key, bool is_array)
{
	begin_value(writer, key);
	assert(writer->depth < JSON_WRITER_DEPTH);
	writer->depth++;
	writer->level[writer->depth].is_array = is_array;
	writer->level[writer->depth].any = false;
	fputc(is_array ? '[' : '{', writer->to);
}

void json_write_object(struct json_writer *writer, const char *key)
{
	begin_level(writer, key, false);
}

void json_write_array(struct json_writer *writer, const char *key)
{
	begin_level(writer, key, true);
}

void json_write_end(struct json_writer *writer)
{
	bool is_array = writer->level[writer->depth].is_array;
	bool any = writer->level[writer->depth].any;

	assert(writer->depth > 0);
	writer->depth--;
	if (any)
		new_line(writer);
	fputc(is_array ? ']' : '}', writer->to);
}

void json_write_bytes(struct json_writer *writer, const char *key, const char *value,
		      size_t n_bytes)
{
	begin_value(writer, key);
	write_text(writer->to, value, n_bytes);
}

void json_write_string(struct json_writer *writer, const char *key, const char *value)
{
	if (value)
		json_write_bytes(writer, key, value, strlen(value));
	else
		json_write_null(writer, key);
}

void json_write_int(struct json_writer *writer, const char *key, int64_t value)
{
	begin_value(writer, key);
	fprintf(writer->to, "%" PRId64, value);
}

void json_write_uint(struct json_writer *writer, const char *key, uint64_t value)
{
	begin_value(writer, key);
	fprintf(writer->to, "%" PRIu64, value);
}

void json_write_bool(struct json_writer *writer, const char *key, bool value)
{
	begin_value(writer, key);
	fputs(value ? "true" : "false", writer->to);
}

void json_write_null(struct json_writer *writer, const char *key)
{
	begin_value(writer, key);
	fputs("null", writer->to);
}

/* By hand, as printf("%f") would follow the locale and round. */
void json_write_fixed(struct json_writer *writer, const char *key, int64_t value,
		      unsigned int decimals)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, scale = 1;

	assert(decimals <= 18);
	for (unsigned int i = 0; i < decimals; i++)
		scale *= 10;
	begin_value(writer, key);
	fprintf(writer->to, "%s%" PRIu64, value < 0 ? "-" : "", size / scale);
	if (decimals > 0)
		fprintf(writer->to, ".%0*" PRIu64, (int)decimals, size % scale);
}
