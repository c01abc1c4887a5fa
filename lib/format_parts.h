/* SPDX-License-Identifier: Apache-2.0 */
/* format_parts.h - what the files that decode events share; nobody else includes it. */
#ifndef IPCJAM_FORMAT_PARTS_H
#define IPCJAM_FORMAT_PARTS_H

#include "calls.h"
#include "format.h"
#include "text.h"

/* An event while it is being written. */
struct shown {
	struct text *text;
	const struct event *event;
	const struct call *call;
	const struct format_names *names;
	const char *more; /* continuation bytes */
	size_t n_more;
	bool object_shown;
};

void show_arguments(struct shown *shown);

/* A number by its name, or in decimal. */
void show_ipc_cmd(struct text *text, enum arg_kind of, int cmd);
void show_fcntl_cmd(struct text *text, int cmd);
/* The name for an int argument that has one, or NULL. */
const char *int_name(unsigned int call, unsigned int arg, int64_t value);

/* A|B|0x40: what has no name is written as a number. */
void show_flags(struct text *text, enum arg_kind kind, int64_t value);
void show_sop_flags(struct text *text, int flags);
void show_open_flags(struct text *text, int64_t value);

#endif
