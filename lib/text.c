/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - appending to a buffer and reading numbers, async-signal-safe. */
#include "text.h"

#include <string.h>

#define QUOTED_BYTES 40

void text_begin(struct text *text, char *buffer, size_t room)
{
	text->start = buffer;
	text->room = room;
	text->n_bytes = 0;
	if (room > 0)
		buffer[0] = '\0';
}

void text_char(struct text *text, char c)
{
	if (text->n_bytes + 1 < text->room) {
		text->start[text->n_bytes] = c;
		text->start[text->n_bytes + 1] = '\0';
	}
	text->n_bytes++;
}

void text_bytes(struct text *text, const char *s, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		text_char(text, s[i]);
}

void text_str(struct text *text, const char *s)
{
	text_bytes(text, s, strlen(s));
}

static void text_number(struct text *text, uint64_t value, unsigned int base, unsigned int least)
{
	char digits[64];
	unsigned int n = 0;

	for (; value > 0 || n < least; value /= base)
		digits[n++] = "0123456789abcdef"[value % base];
	while (n > 0)
		text_char(text, digits[--n]);
}

void text_uint(struct text *text, uint64_t value)
{
	text_number(text, value, 10, 1);
}

void text_int(struct text *text, int64_t value)
{
	if (value < 0)
		text_char(text, '-');
	text_uint(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_hex(struct text *text, uint64_t value)
{
	text_str(text, "0x");
	text_number(text, value, 16, 1);
}

void text_octal(struct text *text, uint64_t value)
{
	text_char(text, '0');
	text_number(text, value, 8, 0);
}

void text_fixed(struct text *text, uint64_t value, unsigned int decimals)
{
	uint64_t scale = 1;

	for (unsigned int i = 0; i < decimals; i++)
		scale *= 10;
	text_uint(text, value / scale);
	if (decimals == 0)
		return;
	text_char(text, '.');
	text_number(text, value % scale, 10, decimals);
}

void text_quoted(struct text *text, const char *s, size_t n_bytes)
{
	text_char(text, '\'');
	for (size_t i = 0; i < n_bytes && i < QUOTED_BYTES; i++)
		text_char(text, (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i]);
	text_str(text, n_bytes > QUOTED_BYTES ? "...'" : "'");
}

int text_try(struct text *text, const char *s, size_t reserve)
{
	if (text->n_bytes + strlen(s) + reserve >= text->room)
		return 0;
	text_str(text, s);
	return 1;
}

/* Behind the last digit there is one that no base knows. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 99;
}

int text_read_base(const char **at, unsigned int base, uint64_t *value)
{
	const char *c = *at;

	for (*value = 0; digit_of(*c) < base; c++)
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit_of(*c), value))
			return -1;
	if (c == *at)
		return -1;
	*at = c;
	return 0;
}

int text_read_uint(const char **at, uint64_t *value)
{
	return text_read_base(at, 10, value);
}
