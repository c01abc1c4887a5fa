/* SPDX-License-Identifier: Apache-2.0 */
/* present.c - writes a campaign's result to where it belongs. */
#define _GNU_SOURCE
#include "present.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "report_text.h"
#include "result.h"

bool json_on_stdout(const struct options *options)
{
	return options->json_file && strcmp(options->json_file, "-") == 0;
}

const char *self_called(const struct options *options)
{
	return strchr(options->self, '/') ? options->self : "ipcjam";
}

char *out_directory(const char *out)
{
	char *directory = copy_text(out);
	size_t n = strlen(directory);

	while (n > 1 && directory[n - 1] == '/')
		directory[--n] = '\0';
	return directory;
}

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return -1;
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int out_make(const char *command, const char *out)
{
	char *path = format_text("%s/cases", out);
	int status = make_parents(path) == 0 ? 0 : -1;

	if (status != 0)
		status = usage_error("%s: --out=%s: %s: a writable folder was expected", command,
				     out, strerror(errno));
	free(path);
	return status;
}

static int save(const json_t *result, const char *path)
{
	if (json_save(result, path) == 0)
		return 0;
	fprintf(stderr, "ipcjam: %s: could not be written: %s\n", path, strerror(errno));
	return -1;
}

static int write_files(const struct options *options, const struct campaign *campaign)
{
	int status = 0;

	if (campaign->out) {
		char *path = format_text("%s/result.json", campaign->out);

		status |= save(campaign->result, path);
		free(path);
	}
	if (json_on_stdout(options)) {
		status |= json_dumpf(campaign->result, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (options->json_file) {
		status |= save(campaign->result, options->json_file);
	}
	return status;
}

int present(const struct options *options, const struct campaign *campaign, const char *again,
	    int status)
{
	FILE *file = json_on_stdout(options) ? stderr : stdout;
	struct report_style style = {
		.self = self_called(options),
		.directory = campaign->out,
		.again = again,
		.color = report_wants_color(options->color, file),
	};

	if (!campaign->result)
		return status;
	if (campaign->suppressions && !options->quiet)
		suppressions_report_unused(campaign->suppressions);
	if (write_files(options, campaign) != 0)
		status = EXIT_BROKEN;
	if (json_array_size(json_object_get(campaign->result, "findings")) > 0) {
		report_findings(file, campaign->result, &style);
	} else if (!options->quiet || status == EXIT_INCONCLUSIVE) {
		if (status > 128)
			fputs("ipcjam: interrupted: this is what was done until then\n", stderr);
		report_notes(stderr, campaign->result);
		if (!options->quiet)
			report_summary(stderr, campaign->result);
	}
	return status;
}
