/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - `ipcjam report`: the result of an earlier run, in the format asked for. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "present.h"
#include "report_text.h"
#include "result.h"

struct context {
	const struct options *options;
	const char *directory;
};

static void write_text(FILE *file, const json_t *result, const struct context *context)
{
	struct report_style style = {
		.self = self_called(context->options),
		.directory = context->directory,
		.color = report_wants_color(context->options->color, file),
	};

	report_summary(file, result);
	if (json_array_size(json_object_get(result, "findings")) > 0)
		report_findings(file, result, &style);
	else
		report_notes(file, result);
}

static void write_json(FILE *file, const json_t *result, const struct context *context)
{
	(void)context;
	json_dumpf(result, file, JSON_INDENT(2));
	fputc('\n', file);
}

/* A format: one row here, one word in the option table. */
static void (*const writers[])(FILE *file, const json_t *result, const struct context *context) = {
	[FORMAT_TEXT] = write_text,
	[FORMAT_JSON] = write_json,
};

int cmd_report(struct options *options)
{
	char *directory = out_directory(options->operand);
	struct context context = { .options = options, .directory = directory };
	json_t *result = result_load("report", directory);
	FILE *file = stdout;
	int status = result ? EXIT_FINE : EXIT_USAGE;

	if (result && options->output_file) {
		file = fopen(options->output_file, "we");
		if (!file)
			status = usage_error("report: -o %s: %s", options->output_file,
					     strerror(errno));
	}
	if (status == EXIT_FINE) {
		writers[options->format](file, result, &context);
		if (fflush(file) != 0 || ferror(file)) {
			fprintf(stderr, "ipcjam: report: could not be written: %s\n",
				strerror(errno));
			status = EXIT_BROKEN;
		}
	}
	if (file && file != stdout)
		fclose(file);
	json_decref(result);
	free(directory);
	return status;
}
