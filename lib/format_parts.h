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
/* Was the call carried out, so that what it says beyond its arguments is there? */
bool is_done(const struct event *event);

/* format_socket.c: arguments by their roles */
void show_thread(struct shown *shown, unsigned int i);
void show_address(struct shown *shown, unsigned int i);
void show_msghdr(struct shown *shown, unsigned int i);

/* A number by its name, or in decimal. */
void show_numbered(struct text *text, enum arg_kind kind, int64_t value);
void show_ipc_cmd(struct text *text, enum arg_kind of, int cmd);
void show_fcntl_cmd(struct text *text, int cmd);
/* The name for an int argument that has one, or NULL. */
const char *int_name(unsigned int call, unsigned int arg, int64_t value);

/* A|B|0x40: what has no name is written as a number. */
void show_flags(struct text *text, enum arg_kind kind, int64_t value);
void show_sop_flags(struct text *text, int flags);
void show_open_flags(struct text *text, int64_t value);
void show_socket_type(struct text *text, int64_t value);
/* FUTEX_WAKE|FUTEX_PRIVATE_FLAG; LOCK_EX|LOCK_NB */
void show_futex_operation(struct text *text, int64_t value);

void show_pointer(struct text *text, int64_t pointer);
/* In double quotes, with C's escapes for what would spoil the line. */
void show_string(struct text *text, const char *s, size_t n_bytes);

#endif
