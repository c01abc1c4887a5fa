/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppress.h - findings that the user knows and does not want to see. A file, one a line:
 *   KIND[:GLOB]  # reason
 * GLOB (with * and ?) has to match the message, an object or a function on a stack.
 */
#ifndef IPCJAM_SUPPRESS_H
#define IPCJAM_SUPPRESS_H

#include <jansson.h>
#include <stdbool.h>

struct suppressions;

/* Reads the file; path NULL gives an empty list. NULL after one line on standard error. */
struct suppressions *suppressions_load(const char *command, const char *path);
void suppressions_free(struct suppressions *list);

/* Does a line of the file cover this finding? It then counts as used. */
bool suppressions_match(struct suppressions *list, const json_t *finding);

/* A line on standard error for each that was never used. */
void suppressions_report_unused(const struct suppressions *list);

/* Kinds that a finding can have: the i-th and one sentence on it, or NULL behind the last. */
const char *finding_kind(unsigned int i, const char **about);

#endif
