/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_options.h - the text of IPCJAM_OPTIONS, key=value:key=value, by which the runner (or a
 * person without one) speaks to the shim. A backslash takes away the meaning of the character
 * behind it, so the rule semop:kill is written rule=semop\:kill. Async-signal-safe: read in the
 * shim's constructor.
 */
#ifndef IPCJAM_SHIM_OPTIONS_H
#define IPCJAM_SHIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct shim_options {
	char arena[200];  /* file that holds the trial's arena; "": the shim is alone */
	char plan[200];   /* file with rules */
	char rules[1024]; /* rule=..., a line each, as plan_add_lines() reads them */
	uint64_t seed;
	bool trace;
	char trace_to[200]; /* file; "": standard error */
	bool stacks;
	bool help;
	char lineage[96]; /* of this process; "": 1 */
	char sealed[130]; /* what seccomp filters leave (seal.h); "": all */
};

/* Reads the text over the defaults. Returns 0, or -1 with *error filled in. */
int shim_options_parse(const char *text, struct shim_options *options, struct plan_error *error);

/* Writes the text that gives these options; returns the length that it needs, without the NUL. */
size_t shim_options_format(const struct shim_options *options, char *buffer, size_t n_bytes);

/* The lines of help=1, one for each i from 0, then NULL. */
const char *shim_options_help(unsigned int i);

#endif
