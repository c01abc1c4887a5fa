/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - merges trials into one result. */
#define _GNU_SOURCE
#include "result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

json_t *json_bytes(const char *text)
{
	json_t *json = json_string(text);
	char *hex;

	if (json)
		return json;
	hex = must_allocate(2 * strlen(text) + 1);
	for (size_t i = 0; text[i]; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)text[i]);
	json = json_pack("{s:s}", "hex", hex);
	free(hex);
	return json;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *json_bytes_text(const json_t *json)
{
	const char *hex = json_string_value(json_object_get(json, "hex"));
	size_t n_bytes = hex ? strlen(hex) : 0;
	char *text;

	if (json_is_string(json))
		return copy_text(json_string_value(json));
	if (!hex || n_bytes % 2)
		return NULL;
	text = must_allocate(n_bytes / 2 + 1);
	for (size_t i = 0; i < n_bytes; i += 2) {
		int byte = hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]);

		if (hex_digit(hex[i]) < 0 || hex_digit(hex[i + 1]) < 0 || byte == 0) {
			free(text);
			return NULL;
		}
		text[i / 2] = (char)byte;
	}
	return text;
}

json_t *result_new(const struct setup *setup)
{
	json_t *command = json_array(), *plan = json_array();

	for (char **word = setup->argv; *word; word++)
		json_array_append_new(command, json_bytes(*word));
	for (unsigned int i = 0; i < setup->plan.n_rules; i++)
		json_array_append_new(plan, json_bytes(setup->rule_text[i]));
	return json_pack(
		"{s:i, s:s, s:o, s:I, s:o, s:i, s:i, s:[], s:[], s:i, s:i, s:i, s:i, s:i, s:b, s:{}, s:{}, s:{},"
		" s:[], s:[], s:[]}",
		"schema", RESULT_SCHEMA, "ipcjam", IPCJAM_VERSION, "command", command, "seed",
		(json_int_t)setup->seed, "plan", plan, "trials", 0, "exit", 0, "findings",
		"outcomes", "suppressed", 0, "processes", 0, "events", 0, "lost", 0, "overflow", 0,
		"scribbled", 0, "calls", "reach", "programs", "rules", "sems", "inconclusive");
}

void result_count(json_t *result, const char *name, json_int_t n)
{
	json_object_set_new(result, name,
			    json_integer(json_integer_value(json_object_get(result, name)) + n));
}

static void add_counts(json_t *result, const char *name, const json_t *trial)
{
	json_t *sums = json_object_get(result, name), *n;
	const char *key;

	json_object_foreach(json_object_get(trial, name), key, n)
		result_count(sums, key, json_integer_value(n));
}

/* The rules of every trial are the same, in the same order. */
static void add_rules(json_t *result, const json_t *trial)
{
	json_t *sums = json_object_get(result, "rules"), *rule;
	size_t i;

	json_array_foreach(json_object_get(trial, "rules"), i, rule) {
		json_t *sum = json_array_get(sums, i);
		const char *why = json_string_value(json_object_get(rule, "why"));

		if (!sum) {
			json_array_append_new(sums, json_deep_copy(rule));
			continue;
		}
		result_count(sum, "matched", json_integer_value(json_object_get(rule, "matched")));
		result_count(sum, "fired", json_integer_value(json_object_get(rule, "fired")));
		result_count(sum, "refused", json_integer_value(json_object_get(rule, "refused")));
		if (why && *why)
			json_object_set(sum, "why", json_object_get(rule, "why"));
	}
}

static bool same_fingerprint(const json_t *one, const char *fingerprint)
{
	const char *text = json_string_value(json_object_get(one, "fingerprint"));

	return text && strcmp(text, fingerprint) == 0;
}

static json_t *find_in(const json_t *list, const char *fingerprint)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (fingerprint && same_fingerprint(item, fingerprint))
			return item;
	}
	return NULL;
}

json_t *result_find(const json_t *result, const char *fingerprint)
{
	return find_in(json_object_get(result, "findings"), fingerprint);
}

static json_t *merge_into(json_t *list, const json_t *finding, bool *is_new)
{
	json_t *known = find_in(list, json_string_value(json_object_get(finding, "fingerprint")));
	json_int_t n_seen = json_integer_value(json_object_get(finding, "seen"));

	*is_new = !known;
	if (!known) {
		known = json_deep_copy(finding);
		json_array_append_new(list, known);
		json_object_set_new(known, "trials", json_integer(0));
	} else {
		result_count(known, "seen", n_seen);
	}
	result_count(known, "trials", 1);
	return known;
}

json_t *result_add_finding(json_t *result, const json_t *finding, bool *is_new)
{
	return merge_into(json_object_get(result, "findings"), finding, is_new);
}

void result_add_trial(json_t *result, const json_t *trial)
{
	json_t *outcome;
	bool is_new;
	size_t i;

	result_count(result, "trials", 1);
	result_count(result, "processes", json_integer_value(json_object_get(trial, "hello")));
	result_count(result, "events", json_integer_value(json_object_get(trial, "events")));
	result_count(result, "lost", json_integer_value(json_object_get(trial, "lost")));
	result_count(result, "overflow", json_integer_value(json_object_get(trial, "overflow")));
	add_counts(result, "calls", trial);
	add_rules(result, trial);
	json_object_update(json_object_get(result, "reach"), json_object_get(trial, "reach"));
	json_object_update(json_object_get(result, "programs"), json_object_get(trial, "programs"));
	json_array_foreach(json_object_get(trial, "outcomes"), i, outcome) {
		merge_into(json_object_get(result, "outcomes"), outcome, &is_new);
	}
	if (json_is_true(json_object_get(trial, "scribbled")))
		json_object_set_new(result, "scribbled", json_true());
	/* Values and times belong to one execution: those of the last are kept. */
	if (json_object_get(trial, "sems"))
		json_object_set(result, "sems", json_object_get(trial, "sems"));
	if (json_object_get(trial, "time_in"))
		json_object_set(result, "time_in", json_object_get(trial, "time_in"));
}

void result_inconclusive(json_t *result, const char *reason)
{
	json_t *reasons = json_object_get(result, "inconclusive"), *known;
	size_t i;

	json_array_foreach(reasons, i, known) {
		if (strcmp(json_string_value(known), reason) == 0)
			return;
	}
	json_array_append_new(reasons, json_string(reason));
}

void result_check_rules(json_t *result)
{
	json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(result, "rules"), i, rule) {
		json_int_t n_matched = json_integer_value(json_object_get(rule, "matched"));
		json_int_t n_refused = json_integer_value(json_object_get(rule, "refused"));
		const char *why = json_string_value(json_object_get(rule, "why"));
		const char *text = json_string_value(json_object_get(rule, "rule"));
		char *reason;

		if (json_is_true(json_object_get(rule, "optional")) ||
		    json_integer_value(json_object_get(rule, "fired")) > 0)
			continue;
		if (n_refused > 0)
			reason = format_text(
				"rule %s never fired: it matched %lld times, refused %lld times: %s",
				text, n_matched, n_refused,
				why && *why ? why : "no reason is known");
		else if (n_matched > 0)
			reason = format_text(
				"rule %s never fired: it matched %lld times, and when=, p= or max= "
				"chose none of them",
				text, n_matched);
		else
			reason = format_text("rule %s never fired: no call matched it", text);
		result_inconclusive(result, reason);
		free(reason);
	}
}

int json_save(const json_t *json, const char *path)
{
	char *other = format_text("%s.new", path);
	FILE *file = fopen(other, "we");
	int status = -1;

	if (file) {
		status = json_dumpf(json, file, JSON_INDENT(2)) == 0 && fputc('\n', file) != EOF
				 ? 0
				 : -1;
		if (fclose(file) != 0 || (status == 0 && rename(other, path) != 0))
			status = -1;
		if (status != 0)
			unlink(other);
	}
	free(other);
	return status;
}

json_t *result_load(const char *command, const char *directory)
{
	char *path = format_text("%s/result.json", directory);
	FILE *file = fopen(path, "re");
	json_error_t error;
	json_t *result = NULL;

	if (!file) {
		usage_error("%s: %s: %s: a folder that ipcjam run wrote was expected", command,
			    path, strerror(errno));
		free(path);
		return NULL;
	}
	result = json_loadf(file, 0, &error);
	fclose(file);
	if (!result)
		usage_error("%s: %s:%d:%d: %s", command, path, error.line, error.column,
			    error.text);
	if (result && json_integer_value(json_object_get(result, "schema")) != RESULT_SCHEMA) {
		usage_error("%s: %s: \"schema\": %d was expected", command, path, RESULT_SCHEMA);
		json_decref(result);
		result = NULL;
	}
	free(path);
	return result;
}
