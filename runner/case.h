/* SPDX-License-Identifier: Apache-2.0 */
/* case.h - a case: a folder with all that is needed to see a finding again. Made here, read here.
 */
#ifndef IPCJAM_CASE_H
#define IPCJAM_CASE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "capture.h"
#include "setup.h"

#define CASE_SCHEMA 1

/* "deadlock-0123abcd"; the caller frees it. */
char *case_name(const json_t *finding);

/* Writes the folder DIRECTORY/NAME. Returns 0, or -1 after one line on standard error. */
int case_write(const char *directory, const char *name, const struct setup *setup, uint64_t seed,
	       const json_t *finding, const struct capture *capture);

/*
 * Reads a case folder into a zeroed setup; *finding (new reference) is what was found. Returns 0 or
 * EXIT_USAGE after one line on standard error that says what was expected.
 */
int case_read(const char *command, const char *directory, struct setup *setup, json_t **finding);

/* The same from an open case.json; `path` is for the error lines. */
int case_read_file(const char *command, const char *path, FILE *file, struct setup *setup,
		   json_t **finding);

#endif
