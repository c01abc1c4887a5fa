/* SPDX-License-Identifier: Apache-2.0 */
/* quote.c - quoting for the shell and for the terminal. */
#include "quote.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

char *quote_shell(const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-";
	char *quoted, *end;

	if (*text && text[strspn(text, plain)] == '\0')
		return copy_text(text);
	quoted = must_allocate(4 * strlen(text) + 3);
	end = quoted;
	*end++ = '\'';
	for (; *text; text++) {
		if (*text == '\'') {
			memcpy(end, "'\\''", 4);
			end += 4;
		} else {
			*end++ = *text;
		}
	}
	*end = '\'';
	return quoted;
}

char *quote_terminal(const char *text)
{
	char *quoted = must_allocate(4 * strlen(text) + 1), *end = quoted;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			end += sprintf(end, "\\x%02x", c);
		else
			*end++ = *text;
	}
	return quoted;
}
