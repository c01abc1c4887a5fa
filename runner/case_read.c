/* SPDX-License-Identifier: Apache-2.0 */
/* case_read.c - reads a case. Anybody may have edited it: each field is checked before anything
 * runs. */
#define _GNU_SOURCE
#include "case.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "result.h"

struct reader {
	char *where; /* "replay: DIR/case.json" */
	const json_t *json;
	struct setup *setup;
};

static int expected(const struct reader *r, const char *field, const char *what)
{
	return usage_error("%s: \"%s\": %s was expected", r->where, field, what);
}

/* A list of texts; NULL after the error line. */
static char **read_texts(const struct reader *r, const json_t *list, const char *field, size_t min)
{
	size_t n = json_array_size(list);
	char **texts;

	if (!json_is_array(list) || n < min) {
		expected(r, field, min ? "a list of at least one string" : "a list of strings");
		return NULL;
	}
	texts = must_allocate((n + 1) * sizeof(*texts));
	for (size_t i = 0; i < n; i++) {
		texts[i] = json_bytes_text(json_array_get(list, i));
		if (texts[i])
			continue;
		expected(r, field, "a string or {\"hex\": \"...\"} in each place");
		free_texts(texts);
		return NULL;
	}
	return texts;
}

static int read_number(const struct reader *r, const json_t *object, const char *field,
		       json_int_t min, json_int_t max, json_int_t *number)
{
	const json_t *json = json_object_get(object, field);

	*number = json_integer_value(json);
	if (json_is_integer(json) && *number >= min && *number <= max)
		return 0;
	return usage_error("%s: \"%s\": a number from %lld to %lld was expected", r->where, field,
			   min, max);
}

static int read_bool(const struct reader *r, const json_t *object, const char *field, bool *value)
{
	const json_t *json = json_object_get(object, field);

	*value = json_is_true(json);
	return json_is_boolean(json) ? 0 : expected(r, field, "true or false");
}

/* One of three words: its place in the list, or -1. */
static int word_find(const json_t *json, const char *const words[3])
{
	const char *text = json_string_value(json);

	for (int i = 0; text && i < 3; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static int read_isolate(const struct reader *r, const json_t *object)
{
	static const char *const words[] = {
		[ISOLATE_AUTO] = "auto", [ISOLATE_YES] = "yes", [ISOLATE_NO] = "no"
	};
	int i = word_find(json_object_get(object, "isolate"), words);

	if (i < 0)
		return expected(r, "isolate", "\"auto\", \"yes\" or \"no\"");
	r->setup->isolate = (enum isolate)i;
	return 0;
}

/* Cases of old do not say. */
static int read_reach(const struct reader *r, const json_t *object)
{
	static const char *const words[] = {
		[REACH_PRELOAD] = "preload", [REACH_ALL] = "all", [REACH_AUTO] = "auto"
	};
	const json_t *json = json_object_get(object, "reach");
	int i = json ? word_find(json, words) : REACH_AUTO;

	if (i < 0)
		return expected(r, "reach", "\"preload\", \"all\" or \"auto\"");
	r->setup->reach = (enum reach)i;
	return 0;
}

static int read_each(const struct reader *r, const json_t *list, const char *field,
		     int (*add)(struct setup *setup, const char *where, const char *text))
{
	char **texts = read_texts(r, list, field, 0);
	char *where = format_text("%s: \"%s\": ", r->where, field);
	int status = texts ? 0 : EXIT_USAGE;

	for (size_t i = 0; status == 0 && texts[i]; i++)
		status = add(r->setup, where, texts[i]);
	free(where);
	free_texts(texts);
	return status;
}

static int read_options(const struct reader *r)
{
	const json_t *options = json_object_get(r->json, "options");
	const json_t *check = json_object_get(options, "check");
	json_int_t timeout_ns = 0, linger_ns = 0, expect_exit = 0;

	if (!json_is_object(options))
		return expected(r, "options", "an object");
	if (read_number(r, options, "timeout_ns", 1, LLONG_MAX, &timeout_ns) ||
	    read_number(r, options, "linger_ns", 0, LLONG_MAX, &linger_ns) ||
	    read_number(r, options, "expect_exit", 0, 255, &expect_exit) ||
	    read_bool(r, options, "strict", &r->setup->strict) ||
	    read_bool(r, options, "stacks", &r->setup->stacks) || read_isolate(r, options) ||
	    read_reach(r, options) ||
	    read_each(r, json_object_get(options, "order"), "order", setup_order))
		return EXIT_USAGE;
	r->setup->timeout_ns = (uint64_t)timeout_ns;
	r->setup->linger_ns = (uint64_t)linger_ns;
	r->setup->expect_exit = (int)expect_exit;
	if (!check || json_is_null(check))
		return 0;
	r->setup->check = json_bytes_text(check);
	return r->setup->check ? 0 : expected(r, "check", "a string or null");
}

static int read_program(const struct reader *r)
{
	struct stat st;

	r->setup->argv = read_texts(r, json_object_get(r->json, "command"), "command", 1);
	if (!r->setup->argv)
		return EXIT_USAGE;
	r->setup->envp = read_texts(r, json_object_get(r->json, "environment"), "environment", 0);
	if (!r->setup->envp)
		return EXIT_USAGE;
	for (char **variable = r->setup->envp; *variable; variable++)
		if (!strchr(*variable, '='))
			return expected(r, "environment", "NAME=VALUE in each place");
	r->setup->cwd = json_bytes_text(json_object_get(r->json, "cwd"));
	if (!r->setup->cwd || r->setup->cwd[0] != '/')
		return expected(r, "cwd", "an absolute path");
	if (stat(r->setup->cwd, &st) != 0 || !S_ISDIR(st.st_mode))
		return usage_error("%s: \"cwd\": %s: a folder that is there was expected", r->where,
				   r->setup->cwd);
	return 0;
}

static int read_fields(const struct reader *r, json_t **finding)
{
	json_int_t schema, seed = 0;

	if (!json_is_object(r->json))
		return usage_error("%s: an object was expected", r->where);
	if (read_number(r, r->json, "schema", CASE_SCHEMA, CASE_SCHEMA, &schema) ||
	    read_number(r, r->json, "seed", 0, LLONG_MAX, &seed) || read_program(r) ||
	    read_options(r) || read_each(r, json_object_get(r->json, "plan"), "plan", setup_rule))
		return EXIT_USAGE;
	r->setup->seed = (uint64_t)seed;
	if (json_object_get(r->json, "schedule") &&
	    !json_is_null(json_object_get(r->json, "schedule")))
		return expected(r, "schedule",
				"null: this build cannot replay schedules, and that");
	*finding = json_object_get(r->json, "finding");
	if (!json_is_string(json_object_get(*finding, "kind")) ||
	    !json_is_string(json_object_get(*finding, "fingerprint"))) {
		*finding = NULL;
		return expected(r, "finding", "an object with \"kind\" and \"fingerprint\"");
	}
	json_incref(*finding);
	return 0;
}

int case_read_file(const char *command, const char *path, FILE *file, struct setup *setup,
		   json_t **finding)
{
	struct reader reader = { .setup = setup };
	json_error_t error;
	json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	int status;

	if (!json)
		return usage_error("%s: %s:%d:%d: JSON was expected: %s", command, path, error.line,
				   error.column, error.text);
	reader.json = json;
	reader.where = format_text("%s: %s", command, path);
	status = read_fields(&reader, finding);
	free(reader.where);
	json_decref(json);
	return status;
}

int case_read(const char *command, const char *directory, struct setup *setup, json_t **finding)
{
	char *path = format_text("%s/case.json", directory);
	FILE *file = fopen(path, "re");
	int status;

	if (file) {
		status = case_read_file(command, path, file, setup, finding);
		fclose(file);
	} else {
		status = usage_error(
			"%s: %s: %s: a case folder, such as ipcjam-out/cases/NAME, was expected",
			command, path, strerror(errno));
	}
	free(path);
	return status;
}
