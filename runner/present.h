/* SPDX-License-Identifier: Apache-2.0 */
/* present.h - what is done with a campaign's result: files, the JSON asked for, and the text. */
#ifndef IPCJAM_PRESENT_H
#define IPCJAM_PRESENT_H

#include <stdbool.h>

#include "campaign.h"
#include "options.h"

/* --json=-: then nothing else may be written to standard output. */
bool json_on_stdout(const struct options *options);

/* How ipcjam was called, for commands to be pasted: argv[0] with a path, else "ipcjam". */
const char *self_called(const struct options *options);

/* The folder's name without slashes at its end; the caller frees it. */
char *out_directory(const char *out);

/* Makes it, with its parents and cases/. Returns 0 or EXIT_USAGE after one line. */
int out_make(const char *command, const char *out);

/*
 * Writes result.json (if the campaign writes files), the JSON file and the text. `again` is the
 * case that shows findings without a case of their own. Returns the status to end with.
 */
int present(const struct options *options, const struct campaign *campaign, const char *again,
	    int status);

#endif
