/* SPDX-License-Identifier: Apache-2.0 */
/* report_text.c - the text report. What comes from the program is shown with control characters
 * escaped. */
#define _GNU_SOURCE
#include "report_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "options.h"
#include "quote.h"

struct writer {
	FILE *file;
	bool color;
	char *here; /* the current directory and a slash: left out of file names */
};

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

static json_int_t number_of(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

bool report_wants_color(int color, FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	return isatty(fileno(file)) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static void put(const struct writer *w, const char *text)
{
	char *shown = quote_terminal(text);

	fputs(shown, w->file);
	free(shown);
}

static void put_styled(const struct writer *w, const char *style, const char *text)
{
	if (w->color)
		fprintf(w->file, "\033[%sm", style);
	put(w, text);
	if (w->color)
		fputs("\033[0m", w->file);
}

#define BOLD "1"
#define BOLD_RED "1;31"
#define FAINT "2"

/* 1234567 as "1,234,567". */
static const char *grouped(json_int_t n, char *buffer, size_t n_bytes)
{
	char digits[32];
	size_t used = 0, n_digits = (size_t)snprintf(digits, sizeof(digits), "%lld", n < 0 ? 0 : n);

	for (size_t i = 0; i < n_digits && used + 2 < n_bytes; i++) {
		if (i && (n_digits - i) % 3 == 0)
			buffer[used++] = ',';
		buffer[used++] = digits[i];
	}
	buffer[used] = '\0';
	return buffer;
}

/* "1 trial", "3 processes". */
static void put_count(FILE *file, json_int_t n, const char *one, const char *many)
{
	char buffer[48];

	fprintf(file, "%s %s", grouped(n, buffer, sizeof(buffer)), n == 1 ? one : many);
}

static void put_frame(const struct writer *w, size_t number, const json_t *frame)
{
	const char *function = text_of(frame, "function"), *file = text_of(frame, "file");
	const char *module = text_of(frame, "module");
	char *place;

	if (w->here && strncmp(file, w->here, strlen(w->here)) == 0)
		file += strlen(w->here);
	if (*file)
		place = format_text(" at %s:%lld", file, number_of(frame, "line"));
	else if (*module)
		place = format_text(" in %s+%s", module, text_of(frame, "offset"));
	else
		place = copy_text("");
	fprintf(w->file, "    #%zu ", number);
	put_styled(w, BOLD, *function ? function : "?");
	put(w, place);
	fputc('\n', w->file);
	free(place);
}

/* What lies below main, or below a thread's first function, is the same in every program. */
static bool is_start_code(const json_t *frame)
{
	static const char *const names[] = { "__libc_start_call_main",
					     "__libc_start_main_impl",
					     "__libc_start_main",
					     "_start",
					     "start_thread",
					     "clone3",
					     "__clone3",
					     "__clone" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text_of(frame, "function"), names[i]) == 0)
			return true;
	return false;
}

static void put_stack(const struct writer *w, const json_t *stack, const json_t *programs)
{
	const char *lineage = text_of(stack, "lineage"), *program;
	/* A thread, "1.2/1", belongs to the program of its process. */
	char *process = format_text("%.*s", (int)strcspn(lineage, "/"), lineage);
	json_t *frame;
	size_t i;

	program = text_of(programs, process);
	fputs("  ", w->file);
	put_styled(w, BOLD, lineage);
	if (*program) {
		fputs(" (", w->file);
		put(w, program);
		fputc(')', w->file);
	}
	fputc(' ', w->file);
	put(w, text_of(stack, "label"));
	fputs(":\n", w->file);
	json_array_foreach(json_object_get(stack, "frames"), i, frame) {
		if (i > 0 && is_start_code(frame))
			break;
		put_frame(w, i, frame);
	}
	if (json_array_size(json_object_get(stack, "frames")) == 0)
		fputs("    (no stack was kept)\n", w->file);
	free(process);
}

static void put_list(const struct writer *w, const char *what, const json_t *list)
{
	json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	fprintf(w->file, "  %s: ", what);
	json_array_foreach(list, i, item) {
		if (i)
			fputs(", ", w->file);
		put(w, json_string_value(item) ? json_string_value(item) : "");
	}
	fputc('\n', w->file);
}

/* "deadlock: cycle: 1.1 waits for ...": most messages begin with their kind already. */
static void put_headline(const struct writer *w, const json_t *finding)
{
	const char *kind = text_of(finding, "kind"), *message = text_of(finding, "message");
	const char *cause = text_of(finding, "cause");
	size_t n_kind = strlen(kind);

	put_styled(w, BOLD_RED, kind);
	if (strncmp(message, kind, n_kind) == 0 && message[n_kind] == ':')
		message += n_kind + 1 + strspn(message + n_kind + 1, " ");
	else if (*cause)
		fprintf(w->file, " (%s)", cause);
	fputs(": ", w->file);
	put_styled(w, BOLD, message);
	fputc('\n', w->file);
}

static void put_finding(const struct writer *w, const json_t *finding, const json_t *result)
{
	json_t *item;
	size_t i;

	put_headline(w, finding);
	json_array_foreach(json_object_get(finding, "details"), i, item) {
		fputs("  ", w->file);
		put(w, json_string_value(item) ? json_string_value(item) : "");
		fputc('\n', w->file);
	}
	put_list(w, "objects", json_object_get(finding, "objects"));
	json_array_foreach(json_object_get(finding, "stacks"), i, item)
		put_stack(w, item, json_object_get(result, "programs"));
	if (number_of(result, "trials") > 1)
		fprintf(w->file, "  seen in %lld of %lld trials\n", number_of(finding, "trials"),
			number_of(result, "trials"));
}

/* Alone on its line and without color, so that it can be pasted. */
static void put_command(const struct writer *w, const json_t *finding,
			const struct report_style *style)
{
	const char *name = text_of(finding, "case");
	char *path = *name ? format_text("%s/%s", style->directory, name)
			   : copy_text(style->again ? style->again : "");
	char *self = quote_shell(style->self), *quoted = quote_shell(path);

	if (*path)
		fprintf(w->file, "%s replay %s\n", self, quoted);
	free(self);
	free(quoted);
	free(path);
}

static void put_rules(const struct writer *w, const json_t *result)
{
	json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(result, "rules"), i, rule) {
		const char *why = text_of(rule, "why");

		fputs("rule ", w->file);
		put(w, text_of(rule, "rule"));
		fprintf(w->file, "  matched %lld, fired %lld", number_of(rule, "matched"),
			number_of(rule, "fired"));
		if (number_of(rule, "refused") > 0)
			fprintf(w->file, ", refused %lld (%s)", number_of(rule, "refused"), why);
		fputc('\n', w->file);
	}
}

static void put_outcomes(const struct writer *w, const json_t *result)
{
	json_t *outcome;
	size_t i;

	json_array_foreach(json_object_get(result, "outcomes"), i, outcome) {
		fprintf(w->file, "outcome %s: ", text_of(outcome, "kind"));
		put(w, text_of(outcome, "message"));
		fputc('\n', w->file);
	}
}

static void put_sems(const struct writer *w, const json_t *result)
{
	json_t *set, *value;
	size_t i, j;

	json_array_foreach(json_object_get(result, "sems"), i, set) {
		put(w, text_of(set, "object"));
		fputs(":", w->file);
		json_array_foreach(json_object_get(set, "values"), j, value)
			fprintf(w->file, "%s%lld", j ? ", " : " ", json_integer_value(value));
		if (*text_of(set, "note")) {
			fputs(json_array_size(json_object_get(set, "values")) ? " - " : " ",
			      w->file);
			put(w, text_of(set, "note"));
		}
		fputc('\n', w->file);
	}
}

/* Processes that the shim did not follow: what is said of the rest may lack their part. */
static void put_reach(const struct writer *w, const json_t *result)
{
	const char *lineage;
	json_t *how;

	json_object_foreach(json_object_get(result, "reach"), lineage, how) {
		const char *text = json_string_value(how);

		if (!text || (!strstr(text, "none") && !strchr(text, ';')))
			continue;
		fprintf(w->file, "reach %s: ", lineage);
		put(w, text);
		fputc('\n', w->file);
	}
}

static void put_notes(const struct writer *w, const json_t *result)
{
	json_t *reason;
	size_t i;

	put_rules(w, result);
	put_outcomes(w, result);
	put_sems(w, result);
	put_reach(w, result);
	if (number_of(result, "suppressed") > 0) {
		put_count(w->file, number_of(result, "suppressed"), "finding was", "findings were");
		fputs(" suppressed\n", w->file);
	}
	if (number_of(result, "lost") > 0) {
		put_count(w->file, number_of(result, "lost"), "event was", "events were");
		fputs(" lost\n", w->file);
	}
	if (number_of(result, "overflow") > 0) {
		put_count(w->file, number_of(result, "overflow"), "process or thread was",
			  "processes or threads were");
		fputs(" too many to be followed\n", w->file);
	}
	if (json_is_true(json_object_get(result, "scribbled")))
		fputs("the program wrote into ipcjam's own memory: what is told of it may be wrong\n",
		      w->file);
	json_array_foreach(json_object_get(result, "inconclusive"), i, reason) {
		fputs("ipcjam: inconclusive: ", w->file);
		put(w, json_string_value(reason) ? json_string_value(reason) : "");
		fputc('\n', w->file);
	}
}

void report_notes(FILE *file, const json_t *result)
{
	put_notes(&(struct writer){ .file = file }, result);
}

void report_findings(FILE *file, const json_t *result, const struct report_style *style)
{
	const json_t *findings = json_object_get(result, "findings");
	struct writer w = { .file = file, .color = style->color };
	char *cwd = getcwd(NULL, 0);
	json_t *finding;
	size_t i;

	w.here = cwd ? format_text("%s/", cwd) : NULL;
	json_array_foreach(findings, i, finding) {
		put_finding(&w, finding, result);
		if (i + 1 == json_array_size(findings))
			put_notes(&w, result);
		put_command(&w, finding, style);
		if (i + 1 < json_array_size(findings))
			fputc('\n', file);
	}
	free(w.here);
	free(cwd);
}

void report_summary(FILE *file, const json_t *result)
{
	size_t n_findings = json_array_size(json_object_get(result, "findings"));

	fputs("ipcjam: ", file);
	if (n_findings == 0)
		fputs("no findings", file);
	else
		put_count(file, (json_int_t)n_findings, "finding", "findings");
	fputs(": ", file);
	put_count(file, number_of(result, "trials"), "trial", "trials");
	fputs(", ", file);
	put_count(file, number_of(result, "processes"), "process", "processes");
	fputs(", ", file);
	put_count(file, number_of(result, "events"), "call", "calls");
	fprintf(file, ", %.2f s\n",
		json_number_value(json_object_get(result, "duration_ms")) / 1000);
}
