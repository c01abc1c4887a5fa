/* SPDX-License-Identifier: Apache-2.0 */
/* cases.c - what is kept of a finding, and that it shows again; JSON; suppressions. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_test.h"

#define PLAIN "-- \"$programs/cli-plain\" "
#define ABBA "-- \"$subjects/sem_lock\" abba"

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

/* The last line on the screen is a command that can be pasted, and it shows the finding again. */
START_TEST(last_line_replays)
{
	char *command = strdup(cli_last_line(cli_expect(1, "\"$ipcjam\" run " ABBA)->out));
	const struct cli_run *r;

	cli_has(command, " replay ipcjam-out/cases/deadlock-");
	r = cli_expect(1, "%s", command);
	cli_has(r->err, "showed again");
	ck_assert_str_eq(cli_last_line(r->out), command);
	free(command);
}
END_TEST

START_TEST(case_is_whole)
{
	static const char *const names[] = { "case.json", "events.jsonl", "stdout", "stderr",
					     "repro.sh" };
	json_t *result, *finding, *kept;
	char path[512];
	struct stat st;

	cli_expect(1, "\"$ipcjam\" run --seed=0x2a " PLAIN "print hello complain oh sem 1 exit 3");
	result = cli_json_file("ipcjam-out/result.json");
	finding = json_array_get(json_object_get(result, "findings"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "seed")), 42);
	for (size_t i = 0; i < SUITE_COUNT(names); i++) {
		snprintf(path, sizeof(path), "ipcjam-out/%s/%s", text_of(finding, "case"),
			 names[i]);
		ck_assert_msg(stat(path, &st) == 0 && st.st_size > 0, "%s: missing or empty", path);
	}
	cli_expect(
		0,
		"cd ipcjam-out/%s && test \"$(cat stdout)\" = hello && test \"$(cat stderr)\" = oh && "
		"test -x repro.sh",
		text_of(finding, "case"));
	snprintf(path, sizeof(path), "ipcjam-out/%s/case.json", text_of(finding, "case"));
	kept = cli_json_file(path);
	ck_assert_str_eq(text_of(json_object_get(kept, "finding"), "fingerprint"),
			 text_of(finding, "fingerprint"));
	ck_assert_int_eq(json_integer_value(json_object_get(kept, "seed")), 42);
	ck_assert(json_is_null(json_object_get(kept, "schedule")));
	json_decref(kept);
	json_decref(result);
}
END_TEST

/* Moved elsewhere, called from elsewhere. */
START_TEST(script_from_anywhere)
{
	cli_expect(1, "\"$ipcjam\" run " PLAIN "exit 3");
	cli_expect(0, "mkdir moved && mv ipcjam-out/cases/exit-* 'moved/a case'");
	cli_has(cli_expect(1, "cd / && \"%s/moved/a case/repro.sh\"", cli_scratch())->err,
		"showed again");
}
END_TEST

START_TEST(odd_bytes)
{
	cli_expect(1, "X=$(printf 'a\\377b') \"$ipcjam\" run " PLAIN "\"$(printf 'print')\" "
		      "\"$(printf '\\376')\" env X exit 3");
	cli_has(cli_expect(1, "ipcjam-out/cases/exit-*/repro.sh")->out, "\376\nX=a\377b\n");
}
END_TEST

START_TEST(not_again)
{
	cli_write("status", "3");
	cli_expect(1, "\"$ipcjam\" run -- /bin/sh -c 'exit $(cat status)'");
	cli_write("status", "0");
	cli_has(cli_expect(0, "\"$ipcjam\" replay ipcjam-out/cases/exit-*")->err,
		"did not show again");
}
END_TEST

/* A fault plan is part of the case. */
START_TEST(replays_faults)
{
	const struct cli_run *r =
		cli_expect(1, "\"$ipcjam\" run -f 'semop:kill=after:when=1:proc=1.1' "
			      "-- \"$subjects/sem_undo_kill\" without_undo");

	cli_has(r->out, "rule semop:kill=after:when=1:proc=1.1  matched ");
	r = cli_expect(1, "%s", cli_last_line(r->out));
	cli_has(r->err, "showed again");
}
END_TEST

START_TEST(value_restored)
{
	const struct cli_run *r =
		cli_expect(0, "\"$ipcjam\" run -f 'semop:kill=after:when=1:proc=1.1' "
			      "-- \"$subjects/sem_undo_kill\" with_undo");

	cli_has(r->err, "restored");
}
END_TEST

START_TEST(json_on_stdout)
{
	const struct cli_run *r =
		cli_expect(1, "\"$ipcjam\" run --json=- " PLAIN "print hello exit 3");
	json_t *result = cli_json_text(r->out);

	ck_assert_str_eq(cli_kinds(result), "exit");
	cli_has(r->err, "hello\n");
	cli_has(cli_last_line(r->err), " replay ipcjam-out/cases/exit-");
	json_decref(result);
}
END_TEST

START_TEST(json_in_file)
{
	json_t *result;

	cli_expect(0, "\"$ipcjam\" run --out=else/where --json=r.json " PLAIN "sem 2");
	cli_expect(0, "cmp r.json else/where/result.json && test ! -e ipcjam-out");
	result = cli_json_file("r.json");
	ck_assert_int_eq(json_integer_value(json_object_get(result, "schema")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "trials")), 1);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(result, "calls"), "semop")), 4);
	ck_assert_str_eq(text_of(json_object_get(result, "reach"), "1"), "preload");
	json_decref(result);
}
END_TEST

START_TEST(reports)
{
	char *text;
	const struct cli_run *r;

	cli_expect(1, "\"$ipcjam\" run --out=o " PLAIN "exit 3");
	text = strdup(cli_expect(0, "\"$ipcjam\" report o")->out);
	cli_has(cli_last_line(text), " replay o/cases/exit-");
	cli_expect(0, "\"$ipcjam\" report --as=text -o file o");
	r = cli_expect(0, "cat file");
	ck_assert_str_eq(r->out, text);
	cli_expect(0, "\"$ipcjam\" report --as=json o | cmp - o/result.json");
	free(text);
}
END_TEST

START_TEST(suppressed)
{
	const struct cli_run *r;
	json_t *result;

	cli_write("known",
		  "# what we know\nexit:*3*  # three is no error here\ncrash  # once seen\n");
	r = cli_expect(0, "\"$ipcjam\" run --suppressions=known " PLAIN "exit 3");
	cli_has(r->err, "known:3: suppression was not used: crash");
	cli_has_not(r->err, "known:2:");
	result = cli_json_file("ipcjam-out/result.json");
	ck_assert_int_eq(json_integer_value(json_object_get(result, "suppressed")), 1);
	ck_assert_int_eq(json_array_size(json_object_get(result, "findings")), 0);
	json_decref(result);
	cli_expect(1, "\"$ipcjam\" run --suppressions=known " PLAIN "exit 4");
}
END_TEST

/* Nothing is read or left but --out. */
START_TEST(leaves_only_out)
{
	cli_expect(1, "\"$ipcjam\" run " PLAIN "exit 3");
	cli_expect(0, "test \"$(ls -A | grep -v -e '^.out$' -e '^.err$')\" = ipcjam-out");
	cli_expect(0, "test \"$(ls ipcjam-out)\" = \"$(printf 'cases\\nresult.json')\"");
}
END_TEST

static const struct {
	const char *name;
	const TTest **test;
} tests[] = {
	{ "last-line-replays", &last_line_replays },
	{ "case-is-whole", &case_is_whole },
	{ "script-from-anywhere", &script_from_anywhere },
	{ "odd-bytes", &odd_bytes },
	{ "not-again", &not_again },
	{ "replays-faults", &replays_faults },
	{ "value-restored", &value_restored },
	{ "json-on-stdout", &json_on_stdout },
	{ "json-in-file", &json_in_file },
	{ "reports", &reports },
	{ "suppressed", &suppressed },
	{ "leaves-only-out", &leaves_only_out },
};

Suite *cases_suite(void)
{
	Suite *s = suite_create("cases");

	for (size_t i = 0; i < SUITE_COUNT(tests); i++)
		cli_add(s, "cases", tests[i].name, *tests[i].test, 0, 60);
	return s;
}
