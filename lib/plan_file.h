/* SPDX-License-Identifier: Apache-2.0 */
/* plan_file.h - plans from files, and errors in rules shown to people. For the runner only. */
#ifndef IPCJAM_PLAN_FILE_H
#define IPCJAM_PLAN_FILE_H

#include <stdio.h>

#include "plan.h"

#define PLAN_FILE_BYTES (1 << 20) /* a plan file is not larger */

/*
 * Appends the rules of a file: one a line, with '#' comments. Returns 0, or -1 with *error filled
 * in and *line the line that it is about, 0 when the file as such could not be read.
 */
int plan_load(const char *path, struct plan *plan, struct plan_error *error, unsigned int *line);

/*
 * Prints an error with a caret under where it is:
 *   ipcjam: rule: semop:error=EPIP: column 13: unknown error 'EPIP', expected one of EAGAIN ...
 *     semop:error=EPIP
 *                 ^
 * `where` says what kind of text it is. Without a text (NULL) there is only the message.
 */
void plan_complain(FILE *to, const char *where, const char *text, const struct plan_error *error);

/* The same for what plan_load() refused; reads the line again to show it. */
void plan_complain_file(FILE *to, const char *path, unsigned int line,
			const struct plan_error *error);

#endif
