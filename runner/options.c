/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - reads the command line. Nothing is abbreviated, so getopt_long is not used. */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "option_table.h"
#include "plan.h"
#include "trial.h"

int usage_error(const char *format, ...)
{
	char line[2048];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	/* One line, whatever was quoted in it. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "ipcjam: %s\n", line);
	return EXIT_USAGE;
}

static void options_defaults(struct options *options)
{
	options->n_trials = 1;
	options->n_jobs = 1;
	options->timeout_ns = UINT64_C(60000000000);
	options->linger_ns = UINT64_C(2000000000);
	options->stacks = 1;
	options->isolate = ISOLATE_AUTO;
	options->reach = REACH_AUTO;
}

bool options_given(const struct options *options, const char *name)
{
	for (size_t i = 0; i < n_option_rows; i++)
		if (option_table[i].name && strcmp(option_table[i].name, name) == 0 &&
		    options->given >> i & 1)
			return true;
	return false;
}

/* "--timeout=D" or "-f RULE". */
static const char *row_text(const struct option_row *row, char *buffer, size_t n_bytes)
{
	size_t used;

	if (!row->name)
		snprintf(buffer, n_bytes, row->value ? "-%c %s" : "-%c", row->letter, row->value);
	else if (row->value)
		snprintf(buffer, n_bytes, "--%s=%s", row->name, row->value);
	else if (row->letter)
		snprintf(buffer, n_bytes, "-%c, --%s", row->letter, row->name);
	else
		snprintf(buffer, n_bytes, "--%s", row->name);
	for (unsigned int i = 0; row->words && row->words[i]; i++) {
		used = strlen(buffer);
		snprintf(buffer + used, n_bytes - used, "%c%s", i ? '|' : '=', row->words[i]);
	}
	return buffer;
}

void options_help(const struct command *command)
{
	char text[80];

	for (size_t i = 0; i < n_option_rows; i++)
		if (option_table[i].commands & command->bit)
			printf("  %-26s  %s\n", row_text(&option_table[i], text, sizeof(text)),
			       option_table[i].about);
}

static int unknown_option(const struct command *command, const char *word)
{
	fprintf(stderr, "ipcjam: %s: %.*s: unknown option, expected one of", command->name,
		(int)strcspn(word, "="), word);
	for (size_t i = 0; i < n_option_rows; i++) {
		if (!(option_table[i].commands & command->bit))
			continue;
		if (option_table[i].name)
			fprintf(stderr, " --%s", option_table[i].name);
		else
			fprintf(stderr, " -%c", option_table[i].letter);
	}
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static int bad_value(const struct command *command, const struct option_row *row, const char *value,
		     const char *expected)
{
	if (row->name)
		return usage_error("%s: --%s=%s: %s", command->name, row->name, value, expected);
	return usage_error("%s: -%c %s: %s", command->name, row->letter, value, expected);
}

static int set_duration(const struct command *command, const struct option_row *row,
			const char *value, uint64_t *field)
{
	const char *end;

	if (duration_parse(value, &end, field) != 0 || *end)
		return bad_value(command, row, value,
				 "a duration was expected: a number and ns, us, ms, s, m or h");
	if (*field < row->min)
		return bad_value(command, row, value, "a duration longer than 0 was expected");
	return 0;
}

static int set_number(const struct command *command, const struct option_row *row,
		      const char *value, uint64_t *field)
{
	char expected[96];

	if (number_parse(value, field) == 0 && *field >= row->min && *field <= row->max)
		return 0;
	snprintf(expected, sizeof(expected), "a number from %llu to %llu was expected",
		 (unsigned long long)row->min, (unsigned long long)row->max);
	return bad_value(command, row, value, expected);
}

static int set_word(const struct command *command, const struct option_row *row, const char *value,
		    int *field)
{
	char expected[96] = "expected one of";
	size_t used;

	for (int i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*field = i;
			return 0;
		}
		used = strlen(expected);
		snprintf(expected + used, sizeof(expected) - used, " %s", row->words[i]);
	}
	return bad_value(command, row, value, expected);
}

static int set_list(const struct command *command, const struct option_row *row, const char *value,
		    struct option_list *list)
{
	if (list->n == OPTION_LIST)
		return bad_value(command, row, value, "at most 64 of these were expected");
	list->text[list->n++] = value;
	return 0;
}

static int set_value(struct options *options, const struct command *command,
		     const struct option_row *row, const char *value)
{
	void *field = (char *)options + row->field;

	options->given |= UINT32_C(1) << (row - option_table);
	if (row->kind != VALUE_FLAG && !*value)
		return bad_value(command, row, value, "a value was expected");
	switch (row->kind) {
	case VALUE_FLAG:
		*(bool *)field = true;
		return 0;
	case VALUE_TEXT:
		*(const char **)field = value;
		return 0;
	case VALUE_LIST:
		return set_list(command, row, value, field);
	case VALUE_DURATION:
		return set_duration(command, row, value, field);
	case VALUE_NUMBER:
		return set_number(command, row, value, field);
	case VALUE_WORD:
		return set_word(command, row, value, field);
	}
	return EXIT_BROKEN;
}

static int parse_long(struct options *options, const struct command *command, const char *word)
{
	size_t n_bytes = strcspn(word + 2, "=");
	bool has_value = word[2 + n_bytes] == '=';
	char text[80];

	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		if (!(row->commands & command->bit) || !row->name || strlen(row->name) != n_bytes ||
		    strncmp(row->name, word + 2, n_bytes) != 0)
			continue;
		if (has_value == (row->kind == VALUE_FLAG))
			return usage_error("%s: %s: expected %s", command->name, word,
					   row_text(row, text, sizeof(text)));
		return set_value(options, command, row, has_value ? word + 3 + n_bytes : "");
	}
	return unknown_option(command, word);
}

/* "-f RULE", "-fRULE", "-q". *next is the word behind, or NULL; set to NULL when it was taken. */
static int parse_short(struct options *options, const struct command *command, const char *word,
		       const char **next)
{
	char text[80];

	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		if (!(row->commands & command->bit) || row->letter != word[1] || !word[1])
			continue;
		if (row->kind == VALUE_FLAG && !word[2])
			return set_value(options, command, row, "");
		if (row->kind == VALUE_FLAG)
			break;
		if (word[2])
			return set_value(options, command, row, word + 2);
		if (!*next)
			return usage_error("%s: %s: expected %s", command->name, word,
					   row_text(row, text, sizeof(text)));
		word = *next;
		*next = NULL;
		return set_value(options, command, row, word);
	}
	return unknown_option(command, word);
}

static int set_operand(struct options *options, const struct command *command, const char *word)
{
	if (!command->operand && command->program != PROGRAM_NONE)
		return usage_error("%s: %s: a program follows --, expected: ipcjam %s",
				   command->name, word, command->synopsis);
	if (!command->operand || options->operand)
		return usage_error("%s: %s: one word too many, expected: ipcjam %s", command->name,
				   word, command->synopsis);
	options->operand = word;
	return 0;
}

static int check_complete(const struct options *options, const struct command *command)
{
	if (options->help)
		return 0;
	if (command->operand && !options->operand)
		return usage_error("%s: %s was expected: ipcjam %s", command->name,
				   command->operand, command->synopsis);
	if (command->program == PROGRAM_NEEDED && (!options->program || !options->program[0]))
		return usage_error("%s: a program was expected: ipcjam %s", command->name,
				   command->synopsis);
	if (command->program == PROGRAM_NONE && options->program)
		return usage_error("%s: --: no program was expected: ipcjam %s", command->name,
				   command->synopsis);
	return 0;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv)
{
	int status = 0;

	options->command = command->name;
	options_defaults(options);
	for (int i = 0; i < argc && status == 0 && !options->program; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool had_next = next;

		if (strcmp(argv[i], "--") == 0)
			options->program = argv + i + 1;
		else if (strncmp(argv[i], "--", 2) == 0)
			status = parse_long(options, command, argv[i]);
		else if (argv[i][0] == '-' && argv[i][1])
			status = parse_short(options, command, argv[i], &next);
		else
			status = set_operand(options, command, argv[i]);
		if (had_next && !next)
			i++;
	}
	return status ? status : check_complete(options, command);
}
