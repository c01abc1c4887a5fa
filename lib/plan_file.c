/* SPDX-License-Identifier: Apache-2.0 */
/* plan_file.c - reads plan files, and shows what is wrong in a rule. */
#define _GNU_SOURCE
#include "plan_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define SHOWN_BYTES 300 /* of a text that is wrong: all of it, save when it is absurdly long */

static int refuse_file(struct plan_error *error, const char *expected)
{
	error->column = 0;
	snprintf(error->message, sizeof(error->message), "%s", expected);
	return -1;
}

int plan_load(const char *path, struct plan *plan, struct plan_error *error, unsigned int *line)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(PLAN_FILE_BYTES + 1);
	size_t n_bytes = 0;
	int result = -1;

	*line = 0;
	errno = file ? 0 : errno;
	if (file && text)
		n_bytes = fread(text, 1, PLAN_FILE_BYTES + 1, file);
	if (!file || !text || ferror(file)) {
		snprintf(error->message, sizeof(error->message),
			 "%s, expected a plan file that can be read", strerror(errno));
		error->column = 0;
	} else if (n_bytes > PLAN_FILE_BYTES) {
		refuse_file(error, "too large, expected a plan file of at most 1 MiB");
	} else {
		result = plan_add_lines(plan, text, n_bytes, error, line);
	}
	if (file)
		fclose(file);
	free(text);
	return result;
}

/* A byte as it may stand on a terminal. */
static int shown_byte(char c)
{
	if (c == '\t')
		return ' ';
	return (unsigned char)c < ' ' || c == 0x7f ? '?' : (unsigned char)c;
}

static void show_bytes(FILE *to, const char *text, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		fputc(shown_byte(text[i]), to);
}

/* Columns that these bytes take: what continues a UTF-8 character takes none. */
static size_t columns(const char *text, size_t n_bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < n_bytes; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

void plan_complain(FILE *to, const char *where, const char *text, const struct plan_error *error)
{
	size_t n_bytes = text ? strcspn(text, "\n") : 0, column = error->column;

	if (!text) {
		fprintf(to, "ipcjam: %s: %s\n", where, error->message);
		return;
	}
	if (n_bytes > SHOWN_BYTES)
		n_bytes = SHOWN_BYTES;
	if (column > n_bytes)
		column = n_bytes;
	fprintf(to, "ipcjam: %s: ", where);
	show_bytes(to, text, n_bytes);
	fprintf(to, ": column %zu: %s\n  ", columns(text, column) + 1, error->message);
	show_bytes(to, text, n_bytes);
	fprintf(to, "\n  %*s^\n", (int)columns(text, column), "");
}

void plan_complain_file(FILE *to, const char *path, unsigned int line,
			const struct plan_error *error)
{
	FILE *file = line > 0 ? fopen(path, "re") : NULL;
	char *text = NULL, *where = NULL;
	size_t room = 0;
	bool found = file != NULL;

	for (unsigned int i = 0; found && i < line; i++)
		found = getline(&text, &room, file) >= 0;
	if (line == 0) {
		if (asprintf(&where, "plan: %s", path) < 0)
			where = NULL;
	} else if (asprintf(&where, "plan: %s:%u", path, line) < 0) {
		where = NULL;
	}
	plan_complain(to, where ? where : "plan", found ? text : NULL, error);
	free(where);
	free(text);
	if (file)
		fclose(file);
}
