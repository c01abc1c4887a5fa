/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the command line's first word, and the help. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"

static const struct command commands[] = {
	{ .name = "run",
	  .bit = IN_RUN,
	  .program = PROGRAM_NEEDED,
	  .run = cmd_run,
	  .synopsis = "run [options] -- PROGRAM [ARG...]",
	  .about = "runs a program, jams its IPC calls by rule, and checks what must hold",
	  .more = "Without rules it only watches. Findings are written to standard output after the\n"
		  "program's own output, each with the command that shows it again. With more than one\n"
		  "trial the program reads nothing and its output is kept only in the cases.\n" },
	{ .name = "replay",
	  .bit = IN_REPLAY,
	  .operand = "CASE",
	  .run = cmd_replay,
	  .synopsis = "replay [options] CASE",
	  .about = "runs a case again: the same program, environment, rules and seed",
	  .more = "CASE is a folder such as ipcjam-out/cases/deadlock-0123abcd.\n" },
	{ .name = "report",
	  .bit = IN_REPORT,
	  .operand = "DIR",
	  .run = cmd_report,
	  .synopsis = "report [options] DIR",
	  .about = "shows the result of an earlier run",
	  .more = "DIR is the folder that --out named.\n" },
	{ .name = "list",
	  .bit = IN_LIST,
	  .operand = "calls|faults|invariants|cases",
	  .run = cmd_list,
	  .synopsis = "list [options] calls|faults|invariants|cases",
	  .about = "what this build knows, and the cases in ipcjam-out" },
	{ .name = "doctor",
	  .bit = IN_DOCTOR,
	  .program = PROGRAM_OPTIONAL,
	  .run = cmd_doctor,
	  .synopsis = "doctor [options] [-- PROGRAM]",
	  .about = "what this machine, and this program, allow" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char exit_help[] =
	"Exit status: 0 all held, 1 a finding, 2 unusable arguments or files, 3 inconclusive,\n"
	"4 ipcjam itself failed, 77 this machine lacks what the options insist on, 130 or 143 interrupted.\n";

static int help_all(void)
{
	puts("ipcjam runs a program, jams its IPC calls, and says what broke.\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  ipcjam %-46s %s\n", commands[i].synopsis, commands[i].about);
	puts("\nipcjam COMMAND --help tells the options of a command; ipcjam --version the version.\n");
	fputs(exit_help, stdout);
	return EXIT_FINE;
}

static int help_command(const struct command *command)
{
	printf("usage: ipcjam %s\n\n%s%s\n", command->synopsis, command->about,
	       command->more ? "." : "");
	if (command->more)
		fputs(command->more, stdout);
	putchar('\n');
	options_help(command);
	putchar('\n');
	fputs(exit_help, stdout);
	return EXIT_FINE;
}

static int unknown_command(const char *word)
{
	fprintf(stderr, "ipcjam: %s%s, expected one of", word ? word : "no command",
		word ? ": unknown command" : "");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fputs(" --help --version\n", stderr);
	return EXIT_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options = { .self = argv[0] };
	int status = options_parse(&options, command, argc - 2, argv + 2);

	if (status)
		return status;
	return options.help ? help_command(command) : command->run(&options);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return unknown_command(NULL);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help_all();
	if (strcmp(argv[1], "--version") == 0) {
		puts("ipcjam " IPCJAM_VERSION);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(&commands[i], argc, argv);
	return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
	int status;

	/* Whoever reads our output may go away: what was found is still written to its files. */
	signal(SIGPIPE, SIG_IGN);
	status = dispatch(argc, argv);

	/* A report that could not be written must not pass for one without findings. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("ipcjam: standard output: could not be written\n", stderr);
		return EXIT_BROKEN;
	}
	return status;
}
