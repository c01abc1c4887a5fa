/* SPDX-License-Identifier: Apache-2.0 */
/* cli_test.c - scratch folders, shell commands and JSON for the tests of the command line. */
#define _GNU_SOURCE
#include "cli_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch[256];
static struct cli_run last;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/* In the parent, so that a test that crashed leaves nothing either. */
static void remove_scratch(void)
{
	if (scratch[0])
		nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	scratch[0] = '\0';
}

static void make_scratch(void)
{
	const char *where = getenv("TMPDIR");

	snprintf(scratch, sizeof(scratch), "%.200s/cli-suite-XXXXXX",
		 where && *where ? where : "/tmp");
	if (!mkdtemp(scratch)) {
		perror(scratch);
		abort();
	}
}

/* In the test's own process. */
static void enter_scratch(void)
{
	ck_assert_int_eq(chdir(scratch), 0);
	setenv("TMPDIR", scratch, 1);
	setenv("ipcjam", CLI_IPCJAM, 1);
	setenv("subjects", CLI_SUBJECTS, 1);
	setenv("programs", CLI_PROGRAMS, 1);
	setenv("sources", CLI_SOURCES, 1);
	unsetenv("NO_COLOR");
}

void cli_add(Suite *s, const char *suite, const char *name, const TTest *test, int row,
	     int timeout_s)
{
	TCase *tc = suite_add_case(s, suite, name);

	if (!tc)
		return;
	tcase_set_timeout(tc, timeout_s);
	tcase_add_unchecked_fixture(tc, make_scratch, remove_scratch);
	tcase_add_checked_fixture(tc, enter_scratch, NULL);
	tcase_add_loop_test(tc, test, row, row + 1);
}

const char *cli_scratch(void)
{
	return scratch;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t n = file ? getdelim(&text, &room, '\0', file) : -1;

	if (file)
		fclose(file);
	if (n >= 0)
		return text;
	free(text);
	return strdup("");
}

static const struct cli_run *run(const char *command)
{
	int status;
	pid_t pid;

	free(last.out);
	free(last.err);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!freopen(".out", "w", stdout) || !freopen(".err", "w", stderr))
			_exit(126);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	ck_assert_int_eq(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)), pid);
	last.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	last.out = read_all(".out");
	last.err = read_all(".err");
	return &last;
}

static char *format_command(const char *format, va_list list)
{
	char *command;

	ck_assert_int_ge(vasprintf(&command, format, list), 0);
	return command;
}

const struct cli_run *cli(const char *format, ...)
{
	va_list list;
	char *command;

	va_start(list, format);
	command = format_command(format, list);
	va_end(list);
	run(command);
	free(command);
	return &last;
}

const struct cli_run *cli_expect(int status, const char *format, ...)
{
	va_list list;
	char *command;

	va_start(list, format);
	command = format_command(format, list);
	va_end(list);
	run(command);
	ck_assert_msg(last.status == status,
		      "%s: status %d was expected, got %d; out: %.600s; err: %.900s", command,
		      status, last.status, last.out, last.err);
	free(command);
	return &last;
}

void cli_write(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

json_t *cli_json_text(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	ck_assert_msg(json != NULL, "no JSON: %d:%d: %s: %.300s", error.line, error.column,
		      error.text, text);
	return json;
}

json_t *cli_json_file(const char *name)
{
	char *text = read_all(name);
	json_t *json = cli_json_text(text);

	free(text);
	return json;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *cli_kinds(const json_t *result)
{
	static char kinds[512];
	const char *kind[64];
	size_t n = 0, i;
	json_t *finding;

	json_array_foreach(json_object_get(result, "findings"), i, finding) {
		if (n < 64)
			kind[n++] = json_string_value(json_object_get(finding, "kind"));
	}
	qsort(kind, n, sizeof(kind[0]), compare_texts);
	kinds[0] = '\0';
	for (i = 0; i < n; i++) {
		if (i && strcmp(kind[i], kind[i - 1]) == 0)
			continue;
		if (i)
			strcat(kinds, ",");
		strncat(kinds, kind[i], sizeof(kinds) - strlen(kinds) - 2);
	}
	return kinds;
}

const char *cli_last_line(const char *text)
{
	static char line[1024];
	size_t end = strlen(text), start;

	if (end > 0 && text[end - 1] == '\n')
		end--;
	for (start = end; start > 0 && text[start - 1] != '\n';)
		start--;
	snprintf(line, sizeof(line), "%.*s", (int)(end - start), text + start);
	return line;
}

int cli_repeat(int otherwise)
{
	const char *text = getenv("IPCJAM_REPEAT");
	int n = text ? atoi(text) : 0;

	return n > 0 ? n : otherwise;
}
