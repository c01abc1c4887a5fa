/* SPDX-License-Identifier: Apache-2.0 */
/* suppress.c - the suppressions file. Each line needs its reason; a line that nothing needs is
 * reported. */
#define _GNU_SOURCE
#include "suppress.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "model.h"
#include "options.h"

struct suppression {
	struct suppression *next;
	char *kind;
	char *glob; /* "*" when the line has none */
	unsigned int line;
	unsigned int n_used;
};

struct suppressions {
	const char *path;
	struct suppression *first, **end;
};

/* What is in no table of lib, since only the runner can know it. */
static const struct {
	const char *kind, *about;
} own_kinds[] = {
	{ "check", "The command of --check ends with status 0." },
	{ "orphaned-object",
	  "With --strict: no object stays behind because a fault killed who would have removed it." },
};
#define N_OWN (sizeof(own_kinds) / sizeof(own_kinds[0]))

const char *finding_kind(unsigned int i, const char **about)
{
	unsigned int n = 0;

	while (n < i && invariants[n])
		n++;
	if (invariants[n]) {
		*about = invariants[n]->about;
		return invariants[n]->name;
	}
	if (i - n >= N_OWN)
		return NULL;
	*about = own_kinds[i - n].about;
	return own_kinds[i - n].kind;
}

static bool kind_known(const char *kind)
{
	const char *name, *about;

	for (unsigned int i = 0; (name = finding_kind(i, &about)); i++)
		if (strcmp(name, kind) == 0)
			return true;
	return false;
}

/* Cuts the reason off, "KIND[:GLOB]  # reason": white space, #, white space. NULL: there is none.
 */
static char *cut_reason(char *line)
{
	for (char *p = line; *p; p++) {
		if (!strchr(" \t", p[0]) || p[1] != '#' || !p[2] || !strchr(" \t", p[2]))
			continue;
		*p = '\0';
		p += 2;
		p += strspn(p, " \t");
		return *p ? p : NULL;
	}
	return NULL;
}

static void trim(char *line)
{
	size_t n = strlen(line);

	while (n > 0 && strchr(" \t\r\n", line[n - 1]))
		line[--n] = '\0';
}

static int add_line(struct suppressions *list, const char *command, unsigned int number, char *line)
{
	struct suppression *s;
	char *colon;

	trim(line);
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	if (!cut_reason(line))
		return usage_error("%s: %s:%u: a reason was expected: KIND[:GLOB]  # reason",
				   command, list->path, number);
	trim(line);
	colon = strchr(line, ':');
	if (colon)
		*colon++ = '\0';
	if (!kind_known(line))
		return usage_error(
			"%s: %s:%u: column 1: '%s': a kind of finding was expected, see: "
			"ipcjam list invariants",
			command, list->path, number, line);
	if (colon && !*colon)
		return usage_error("%s: %s:%u: column %zu: a pattern was expected behind the colon",
				   command, list->path, number, strlen(line) + 2);
	s = must_allocate(sizeof(*s));
	s->kind = copy_text(line);
	s->glob = copy_text(colon ? colon : "*");
	s->line = number;
	*list->end = s;
	list->end = &s->next;
	return 0;
}

struct suppressions *suppressions_load(const char *command, const char *path)
{
	struct suppressions *list = must_allocate(sizeof(*list));
	FILE *file = path ? fopen(path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	list->path = path;
	list->end = &list->first;
	if (!path)
		return list;
	if (!file)
		status = usage_error("%s: --suppressions=%s: %s", command, path, strerror(errno));
	for (unsigned int number = 1; status == 0 && getline(&line, &size, file) >= 0; number++)
		status = add_line(list, command, number, line);
	if (status == 0 && ferror(file))
		status = usage_error("%s: --suppressions=%s: a readable text file was expected",
				     command, path);
	free(line);
	if (file)
		fclose(file);
	if (status == 0)
		return list;
	suppressions_free(list);
	return NULL;
}

void suppressions_free(struct suppressions *list)
{
	while (list->first) {
		struct suppression *s = list->first;

		list->first = s->next;
		free(s->kind);
		free(s->glob);
		free(s);
	}
	free(list);
}

static bool text_matches(const char *glob, const json_t *text)
{
	return json_is_string(text) && fnmatch(glob, json_string_value(text), 0) == 0;
}

static bool finding_matches(const char *glob, const json_t *finding)
{
	json_t *item, *frame;
	size_t i, j;

	if (text_matches(glob, json_object_get(finding, "message")))
		return true;
	json_array_foreach(json_object_get(finding, "objects"), i, item) {
		if (text_matches(glob, item))
			return true;
	}
	json_array_foreach(json_object_get(finding, "stacks"), i, item) {
		json_array_foreach(json_object_get(item, "frames"), j, frame) {
			if (text_matches(glob, json_object_get(frame, "function")))
				return true;
		}
	}
	return false;
}

bool suppressions_match(struct suppressions *list, const json_t *finding)
{
	const char *kind = json_string_value(json_object_get(finding, "kind"));

	for (struct suppression *s = list->first; s && kind; s = s->next) {
		if (strcmp(s->kind, kind) != 0)
			continue;
		if (strcmp(s->glob, "*") == 0 || finding_matches(s->glob, finding)) {
			s->n_used++;
			return true;
		}
	}
	return false;
}

void suppressions_report_unused(const struct suppressions *list)
{
	for (const struct suppression *s = list->first; s; s = s->next)
		if (!s->n_used)
			fprintf(stderr, "ipcjam: %s:%u: suppression was not used: %s:%s\n",
				list->path, s->line, s->kind, s->glob);
}
