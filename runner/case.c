/* SPDX-License-Identifier: Apache-2.0 */
/* case.c - writes a case. What is not UTF-8 (arguments, environment) is kept as {"hex": "..."}. */
#define _GNU_SOURCE
#include "case.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "quote.h"
#include "result.h"
#include "shim.h"

/* Both come from the trial's document: only what is fit for a file name is used. */
char *case_name(const json_t *finding)
{
	const char *kind = json_string_value(json_object_get(finding, "kind"));
	const char *fingerprint = json_string_value(json_object_get(finding, "fingerprint"));
	char *name = format_text("%.40s-%.8s", kind && *kind ? kind : "finding",
				 fingerprint && *fingerprint ? fingerprint : "00000000");

	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-')
			*c = '_';
	return name;
}

static json_t *text_list(char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_bytes(texts[i]));
	return list;
}

static size_t count_texts(char *const *texts)
{
	size_t n = 0;

	while (texts[n])
		n++;
	return n;
}

static json_t *case_options(const struct setup *setup)
{
	static const char *const isolate[] = {
		[ISOLATE_AUTO] = "auto", [ISOLATE_YES] = "yes", [ISOLATE_NO] = "no"
	};

	static const char *const reach[] = {
		[REACH_PRELOAD] = "preload", [REACH_ALL] = "all", [REACH_AUTO] = "auto"
	};

	return json_pack("{s:I, s:I, s:i, s:s, s:s, s:b, s:b, s:o, s:o?}", "timeout_ns",
			 (json_int_t)setup->timeout_ns, "linger_ns", (json_int_t)setup->linger_ns,
			 "expect_exit", setup->expect_exit, "isolate", isolate[setup->isolate],
			 "reach", reach[setup->reach], "strict", setup->strict, "stacks",
			 setup->stacks, "order", text_list(setup->order_text, setup->n_orders),
			 "check", setup->check ? json_bytes(setup->check) : NULL);
}

static json_t *case_json(const struct setup *setup, uint64_t seed, const json_t *finding)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:O, s:n}", "schema",
			 CASE_SCHEMA, "ipcjam", IPCJAM_VERSION, "command",
			 text_list(setup->argv, count_texts(setup->argv)), "cwd",
			 json_bytes(setup->cwd), "environment",
			 text_list(setup->envp, count_texts(setup->envp)), "seed", (json_int_t)seed,
			 "plan", text_list(setup->rule_text, setup->plan.n_rules), "options",
			 case_options(setup), "finding", finding, "schedule");
}

/* The script finds ipcjam where it was, else in PATH; and its case beside itself. */
static int write_script(const char *path, const char *name)
{
	char self[PATH_MAX], *quoted;
	FILE *file = fopen(path, "we");
	struct stat st;
	int status;

	if (!file)
		return -1;
	quoted = quote_shell(self_path(self, sizeof(self)));
	fprintf(file,
		"#!/bin/sh\n"
		"# Shows %s again; options of ipcjam replay may be given.\n"
		"here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 4\n"
		"ipcjam=%s\n"
		"[ -x \"$ipcjam\" ] || ipcjam=ipcjam\n"
		"exec \"$ipcjam\" replay \"$@\" \"$here\"\n",
		name, quoted);
	free(quoted);
	status = fstat(fileno(file), &st);
	/* Executable by whom it is readable. */
	if (status == 0)
		status = fchmod(fileno(file), (st.st_mode | (st.st_mode & 0444) >> 2) & 0777);
	if (ferror(file))
		status = -1;
	return fclose(file) == 0 ? status : -1;
}

static int write_files(const char *folder, const char *name, json_t *json,
		       const struct capture *capture)
{
	static const char *const names[] = { "stdout", "stderr", "events.jsonl" };
	const int fds[] = { capture->out_fd, capture->err_fd, capture->events_fd };
	int status = 0;
	char *path;

	for (size_t i = 0; status == 0 && i < sizeof(fds) / sizeof(fds[0]); i++) {
		path = format_text("%s/%s", folder, names[i]);
		status = capture_save(fds[i], path);
		free(path);
	}
	if (status == 0) {
		path = format_text("%s/repro.sh", folder);
		status = write_script(path, name);
		free(path);
	}
	/* Last: a folder that has it is whole. */
	if (status == 0) {
		path = format_text("%s/case.json", folder);
		status = json_save(json, path);
		free(path);
	}
	return status;
}

int case_write(const char *directory, const char *name, const struct setup *setup, uint64_t seed,
	       const json_t *finding, const struct capture *capture)
{
	char *folder = format_text("%s/%s", directory, name);
	json_t *json = case_json(setup, seed, finding);
	int status = -1;

	if (mkdir(folder, 0777) == 0 || errno == EEXIST)
		status = write_files(folder, name, json, capture);
	if (status != 0)
		fprintf(stderr, "ipcjam: %s: %s: a writable folder was expected\n", folder,
			strerror(errno));
	json_decref(json);
	free(folder);
	return status;
}
