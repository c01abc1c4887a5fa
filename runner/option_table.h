/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_table.h - one row an option: what it is called, which commands take it, what its value is
 * and where it goes. A new option is a row in option_table.c and a field in struct options.
 */
#ifndef IPCJAM_OPTION_TABLE_H
#define IPCJAM_OPTION_TABLE_H

#include "options.h"

enum value_kind {
	VALUE_FLAG, /* no value; bool */
	VALUE_TEXT, /* any text but "" */
	VALUE_LIST, /* the same, repeatable */
	VALUE_DURATION,
	VALUE_NUMBER, /* min .. max */
	VALUE_WORD,   /* one of words; int */
};

struct option_row {
	const char *name; /* long name, or NULL */
	char letter;      /* short name, or 0 */
	enum value_kind kind;
	unsigned int commands;
	size_t field;
	const char *value; /* how help calls the value */
	const char *const *words;
	uint64_t min, max;
	const char *about;
};

extern const struct option_row option_table[];
extern const size_t n_option_rows;

#endif
