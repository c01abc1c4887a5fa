/* SPDX-License-Identifier: Apache-2.0 */
/* report_text.h - a result as people read it in a terminal. */
#ifndef IPCJAM_REPORT_TEXT_H
#define IPCJAM_REPORT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct report_style {
	const char *self;      /* how ipcjam is called in the commands that are shown */
	const char *directory; /* --out, without a slash at its end */
	const char *again;     /* the case of findings that have none (replay); or NULL */
	bool color;
};

/* --color, NO_COLOR, and whether the file is a terminal. */
bool report_wants_color(int color, FILE *file);

/* All findings, rules, outcomes; the last line is a command that shows a finding again. */
void report_findings(FILE *file, const json_t *result, const struct report_style *style);

/* What a result without findings has to tell: rules, outcomes, values, why it is inconclusive. */
void report_notes(FILE *file, const json_t *result);

/* "no findings: 1 trial, 3 processes, 1,234 calls, 0.12 s" */
void report_summary(FILE *file, const json_t *result);

#endif
