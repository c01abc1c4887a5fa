/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - result.json: the documents of all trials of a campaign, merged. Findings are merged by
 * fingerprint, counts are added up. The reports read nothing else.
 */
#ifndef IPCJAM_RESULT_H
#define IPCJAM_RESULT_H

#include <jansson.h>
#include <stdbool.h>

#include "setup.h"

#define RESULT_SCHEMA 1

/* An empty result of that setup. */
json_t *result_new(const struct setup *setup);

/* Adds a trial's counts, rules, reach and outcomes; its findings are added one by one. */
void result_add_trial(json_t *result, const json_t *trial);

/* Adds a finding. Returns the merged one (borrowed); *is_new: no other had its fingerprint. */
json_t *result_add_finding(json_t *result, const json_t *finding, bool *is_new);

json_t *result_find(const json_t *result, const char *fingerprint);

/* Notes why the result is inconclusive; the same reason is kept once. */
void result_inconclusive(json_t *result, const char *reason);

/* One reason for each rule that should have fired and never did. */
void result_check_rules(json_t *result);

/* Adds to a number of the result. */
void result_count(json_t *result, const char *name, json_int_t n);

/* Writes it to a file, by way of a second one, so that a reader never sees half of it. 0 or -1
 * (errno). */
int json_save(const json_t *json, const char *path);

/* Reads result.json of that folder; NULL after one line on standard error. */
json_t *result_load(const char *command, const char *directory);

/* A text that need not be UTF-8: a JSON string, or {"hex": "..."}. */
json_t *json_bytes(const char *text);
/* The text back (the caller frees it), or NULL. */
char *json_bytes_text(const json_t *json);

#endif
