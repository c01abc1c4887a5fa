/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - what the command line said. One table (options.c) gives parsing, the help of each
 * command, and the lists of what was expected in error lines.
 */
#ifndef IPCJAM_OPTIONS_H
#define IPCJAM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Contract: DESIGN.md, "Exit status". */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_FINDING = 1,
	EXIT_USAGE = 2,
	EXIT_INCONCLUSIVE = 3,
	EXIT_BROKEN = 4,
	EXIT_LACKING = 77,
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum format { FORMAT_TEXT, FORMAT_JSON };

#define OPTION_LIST 64 /* how often -f and --order may be given */

struct option_list {
	const char *text[OPTION_LIST];
	unsigned int n;
};

struct options {
	const char *self;    /* ipcjam's own argv[0] */
	const char *command; /* "run" */
	const char *operand; /* CASE, DIR, or what to list; NULL */
	char **program;      /* what follows "--", NULL-terminated; NULL */

	struct option_list rules;
	struct option_list orders;
	const char *plan_file;
	const char *out;
	const char *json_file;
	const char *check;
	const char *suppressions;
	const char *output_file;
	uint64_t seed;
	uint64_t timeout_ns;
	uint64_t budget_ns; /* 0: none */
	uint64_t linger_ns;
	uint64_t n_trials;
	uint64_t n_jobs;
	uint64_t expect_exit;
	int isolate; /* enum isolate */
	int reach;   /* enum reach, see trial.h */
	int color;   /* enum color */
	int format;  /* enum format */
	int stacks;  /* 0 or 1 */
	bool strict;
	bool pass_exit;
	bool quiet;
	bool verbose;
	bool json;
	bool help;

	uint32_t given; /* bit i: row i of the option table was given; see options_given() */
};

enum command_bit {
	IN_RUN = 1 << 0,
	IN_REPLAY = 1 << 1,
	IN_REPORT = 1 << 2,
	IN_LIST = 1 << 3,
	IN_DOCTOR = 1 << 4,
};

enum command_program { PROGRAM_NONE, PROGRAM_OPTIONAL, PROGRAM_NEEDED };

/* A command: one row in main.c. */
struct command {
	const char *name;
	enum command_bit bit;
	const char *synopsis; /* what follows "ipcjam " */
	const char *about;    /* one line */
	const char *more;     /* further help, or NULL */
	const char *operand;  /* what is expected besides options, or NULL */
	enum command_program program;
	int (*run)(struct options *options);
};

/* Sets the defaults, then reads argv[0 .. argc-1], the words behind the command. Returns 0 or
 * EXIT_USAGE. */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);

/* Was this long option ("seed") given? */
bool options_given(const struct options *options, const char *name);

/* The rows of the table that this command takes, as help. */
void options_help(const struct command *command);

/* One line on standard error: "ipcjam: ..."; returns EXIT_USAGE, so that callers can return it. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
