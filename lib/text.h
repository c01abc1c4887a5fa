/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - appends to a buffer of fixed size without stdio, locale or allocation, so that it can
 * run in a signal handler of somebody else's process. What does not fit is counted, but not
 * written.
 */
#ifndef IPCJAM_TEXT_H
#define IPCJAM_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *start;
	size_t room;    /* bytes at start, with the closing NUL */
	size_t n_bytes; /* bytes appended so far, also those that did not fit */
};

/* The buffer is a string at any time (when it has room for one byte at all). */
void text_begin(struct text *text, char *buffer, size_t room);

void text_char(struct text *text, char c);
void text_str(struct text *text, const char *s);
void text_bytes(struct text *text, const char *s, size_t n_bytes);
void text_uint(struct text *text, uint64_t value);
void text_int(struct text *text, int64_t value);
void text_hex(struct text *text, uint64_t value);   /* with 0x */
void text_octal(struct text *text, uint64_t value); /* with a leading 0 */
/* value / 10^decimals, with all its decimals: text_fixed(t, 1234, 3) appends 1.234. */
void text_fixed(struct text *text, uint64_t value, unsigned int decimals);
/* In single quotes, at most 40 bytes of it, and no control characters. */
void text_quoted(struct text *text, const char *s, size_t n_bytes);
/* Like text_str, but leaves it out and returns 0 when it and `reserve` bytes more do not fit. */
int text_try(struct text *text, const char *s, size_t reserve);

/* Reads decimal digits at *at and steps behind them. Returns 0, or -1: no digit, or above 2^64-1.
 */
int text_read_uint(const char **at, uint64_t *value);
/* The same for another base up to 16; no prefix. */
int text_read_base(const char **at, unsigned int base, uint64_t *value);

#endif
