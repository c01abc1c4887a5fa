/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - exit statuses, and what goes to which stream. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_test.h"

#define PLAIN "-- \"$programs/cli-plain\" "

/* "": the stream must be empty; NULL: whatever. */
static const struct row {
	const char *name, *words;
	int status;
	const char *out, *err;
} rows[] = {
	{ "fine", "run " PLAIN "print hello", 0, "hello\n",
	  "ipcjam: no findings: 1 trial, 1 process, " },
	{ "quiet", "run -q " PLAIN "print hello complain oh", 0, "hello\n", "oh\n" },
	{ "streams", "run -q " PLAIN "complain oh", 0, "", "oh\n" },
	{ "environment", "run -q " PLAIN "env IPCJAM", 0, "IPCJAM=1\n", "" },
	{ "words-untouched", "run -q " PLAIN "print -- print --seed=1", 0, "--\n--seed=1\n", "" },
	{ "exit-other", "run " PLAIN "exit 3", 1, "exit", NULL },
	{ "exit-expected", "run -q --expect-exit=3 " PLAIN "exit 3", 0, "", "" },
	{ "exit-not-as-expected", "run --expect-exit=3 " PLAIN "exit 0", 1, "exit", NULL },
	{ "pass-exit", "run -q --pass-exit --expect-exit=3 " PLAIN "exit 3", 3, "", "" },
	{ "pass-exit-finding", "run --pass-exit " PLAIN "exit 3", 1, "exit", NULL },
	{ "crash", "run " PLAIN "raise 11", 1, "crash", NULL },
	{ "fault-then-exit", "run -q -f 'semop:delay=1ms' " PLAIN "sem 1 exit 3", 0, "", NULL },
	{ "rule-fired", "run -f 'semop:delay=1us' " PLAIN "sem 1", 0, "", "matched 2, fired 2" },
	{ "rule-never-matched", "run -f 'msgsnd:kill' " PLAIN "sem 1", 3, "",
	  "rule msgsnd:kill never fired: no call matched it" },
	{ "rule-never-fired", "run -f 'semop:kill:when=9' " PLAIN "sem 1", 3, "",
	  "rule semop:kill:when=9 never fired: it matched 2 times" },
	{ "rule-refused", "run -f 'semop:error=EAGAIN' " PLAIN "sem 1", 3, "", "refused 2 times" },
	{ "rule-optional", "run -q -f 'msgsnd:kill:optional' " PLAIN "sem 1", 0, "", "" },
	{ "finding-before-inconclusive", "run -f msgsnd:kill " PLAIN "exit 3", 1, "exit", NULL },
	{ "static", "run -v -- \"$programs/cli-static\" exit 0", 0, "", "static program" },
	{ "static-preload", "run --reach=preload -- \"$programs/cli-static\" exit 0", 3, "",
	  "static" },
	{ "reach-all", "run --reach=all " PLAIN "exit 0", 0, "", "no findings" },
	{ "check-held", "run -q --check='test -n \"$PATH\"' " PLAIN "exit 0", 0, "", "" },
	{ "check-failed", "run --check='exit 5' " PLAIN "exit 0", 1, "check", NULL },
	{ "trials", "run --trials=3 " PLAIN "print hello", 0, "", "3 trials, 3 processes" },
	{ "trials-jobs", "run --trials=4 --jobs=2 " PLAIN "print hello", 0, "",
	  "4 trials, 4 processes" },
	{ "trials-find", "run --trials=4 --jobs=2 " PLAIN "exit 3", 1, "seen in 4 of 4 trials",
	  NULL },
	{ "budget-ended", "run --trials=100000 --budget=300ms " PLAIN "exit 0", 3, "",
	  "the budget ended" },
	{ "isolate-no", "run -q --isolate=no " PLAIN "sem 2", 0, "", "" },
	{ "stacks-no", "run -q --stacks=no " PLAIN "sem 2", 0, "", "" },
	{ "trace", "run -q -v " PLAIN "sem 1", 0, "", "semop(" },
	{ "color", "run --color=always " PLAIN "exit 3", 1, "\033[1;31mexit", NULL },
	{ "help", "run --help", 0, "usage: ipcjam run [options] -- PROGRAM", "" },
	{ "help-all", "--help", 0, "ipcjam replay [options] CASE", "" },
	{ "version", "--version", 0, "ipcjam 0.", "" },
	{ "list-calls", "list calls", 0, "semop %sem  system call semtimedop\n", "" },
	{ "list-faults", "list faults", 0, "kill=after", "" },
	{ "list-invariants", "list invariants", 0, "held-at-death", "" },
	{ "list-no-cases", "list cases", 0, "", "" },
	{ "doctor", "doctor", 0, "IPC namespace", "" },
	{ "doctor-static", "doctor -- \"$programs/cli-static\"", 0,
	  "by tracing its system calls: static", "" },
	{ "doctor-plain", "doctor " PLAIN, 0, "imports: semget semop semctl", "" },
};

static void check_stream(const char *text, const char *expected)
{
	if (!expected)
		return;
	if (!*expected)
		ck_assert_str_eq(text, "");
	else
		cli_has(text, expected);
}

START_TEST(ends_as_told)
{
	const struct row *row = &rows[_i];
	const struct cli_run *r = cli_expect(row->status, "\"$ipcjam\" %s", row->words);

	check_stream(r->out, row->out);
	check_stream(r->err, row->err);
}
END_TEST

/* Only root can make a file that is another user's; for others the set-group-id bit may do nothing.
 */
START_TEST(set_id)
{
	if (geteuid() != 0)
		suite_skip("only root can make a setuid program of another user");
	cli_expect(0, "cp \"$programs/cli-plain\" plain && chown 65534 plain && chmod 4755 plain");
	cli_has(cli_expect(3, "\"$ipcjam\" run --reach=preload -- ./plain exit 0")->err, "setuid");
	cli_has(cli_expect(0, "\"$ipcjam\" run -v -- ./plain exit 0")->err, "setuid program");
	cli_has(cli_expect(0, "\"$ipcjam\" doctor -- ./plain")->out,
		"by tracing its system calls: setuid");
}
END_TEST

START_TEST(no_color)
{
	const struct cli_run *r = cli_expect(1, "\"$ipcjam\" run " PLAIN "exit 3");

	cli_has_not(r->out, "\033");
	/* On a terminal there is color, unless NO_COLOR says otherwise. */
	r = cli_expect(1, "script -qec '\"$ipcjam\" run " PLAIN "exit 3' log");
	cli_has(r->out, "\033[1;31mexit");
	r = cli_expect(1, "NO_COLOR=1 script -qec '\"$ipcjam\" run " PLAIN "exit 3' log");
	cli_has_not(r->out, "\033");
}
END_TEST

START_TEST(full_disk)
{
	cli_expect(4, "\"$ipcjam\" list calls > /dev/full");
	cli_expect(4, "\"$ipcjam\" run -q " PLAIN "exit 3 > /dev/full");
}
END_TEST

START_TEST(script)
{
	const struct cli_run *r;
	json_t *all, *program;

	cli_write("script", "#!/bin/sh\nexit 0\n");
	r = cli_expect(0, "chmod +x script && \"$ipcjam\" doctor --json -- ./script");
	all = cli_json_text(r->out);
	program = json_object_get(all, "program");
	ck_assert_int_eq(json_array_size(json_object_get(program, "files")), 2);
	ck_assert(json_is_true(json_object_get(program, "served")));
	json_decref(all);
}
END_TEST

/* The runner has a child as soon as its trial runs. */
START_TEST(interrupted)
{
	const struct cli_run *r = cli("\"$ipcjam\" run -- sleep 60 & p=$!; "
				      "until grep -q . /proc/$p/task/$p/children; do :; done; "
				      "kill -TERM $p; wait $p");
	json_t *result;

	ck_assert_msg(r->status == 143, "status %d: %s", r->status, r->err);
	result = cli_json_file("ipcjam-out/result.json");
	ck_assert_int_eq(json_integer_value(json_object_get(result, "exit")), 143);
	json_decref(result);
}
END_TEST

Suite *status_suite(void)
{
	Suite *s = suite_create("status");

	for (size_t i = 0; i < SUITE_COUNT(rows); i++)
		cli_add(s, "status", rows[i].name, ends_as_told, (int)i, 30);
	cli_add(s, "status", "setuid", set_id, 0, 30);
	cli_add(s, "status", "no-color", no_color, 0, 30);
	cli_add(s, "status", "full-disk", full_disk, 0, 30);
	cli_add(s, "status", "script", script, 0, 30);
	cli_add(s, "status", "interrupted", interrupted, 0, 30);
	return s;
}
