/* SPDX-License-Identifier: Apache-2.0 */
/* bad_input.c - what cannot be used is refused in one line that says where and what was expected.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_test.h"

/* The words behind "ipcjam", and a piece of the first line on standard error. */
static const struct bad {
	const char *name, *words, *says;
} bad[] = {
	/* the command line */
	{ "no-command", "", "no command, expected one of run replay" },
	{ "unknown-command", "walk", "walk: unknown command, expected one of run" },
	{ "abbreviated-command", "rep x", "rep: unknown command" },
	{ "later-command", "sweep -- true", "sweep: unknown command" },
	{ "unknown-option", "run --nonesuch -- true",
	  "--nonesuch: unknown option, expected one of -f --plan" },
	{ "abbreviated-option", "run --tim=5s -- true", "--tim: unknown option" },
	{ "later-option", "run --shard=1/2 -- true", "--shard: unknown option" },
	{ "unknown-letter", "run -z -- true", "-z: unknown option" },
	{ "letters-together", "run -qv -- true", "-qv: unknown option" },
	{ "other-commands-option", "report --seed=1 x", "--seed: unknown option" },
	{ "no-value", "run --timeout -- true", "--timeout: expected --timeout=D" },
	{ "value-apart", "run --timeout 5s -- true", "--timeout: expected --timeout=D" },
	{ "empty-value", "run --plan= -- true", "--plan=: a value was expected" },
	{ "value-for-flag", "run --strict=yes -- true", "--strict=yes: expected --strict" },
	{ "f-at-end", "run -f", "-f: expected -f RULE" },
	{ "no-program", "run", "a program was expected" },
	{ "no-program-behind", "run --", "a program was expected" },
	{ "program-without-dashes", "run true", "true: a program follows --" },
	{ "program-not-found", "run -- nonesuch-program", "nonesuch-program: not found" },
	{ "program-is-folder", "run -- /tmp", "/tmp: Is a directory" },
	{ "program-not-executable", "run -- ./plan", "./plan: Permission denied" },
	{ "no-case", "replay", "CASE was expected" },
	{ "two-cases", "replay a b", "b: one word too many" },
	{ "under-gdb", "replay --under=gdb x", "--under: unknown option" },
	{ "list-nothing", "list", "calls|faults|invariants|cases was expected" },
	{ "list-unknown", "list call", "call: expected one of calls faults" },
	{ "doctor-not-found", "doctor -- nonesuch-program", "nonesuch-program: not found" },
	/* values */
	{ "duration-without-unit", "run --timeout=5 -- true",
	  "--timeout=5: a duration was expected" },
	{ "duration-text", "run --timeout=soon -- true", "a duration was expected" },
	{ "duration-negative", "run --timeout=-1s -- true", "a duration was expected" },
	{ "duration-zero", "run --timeout=0 -- true", "longer than 0 was expected" },
	{ "duration-overflow", "run --timeout=99999999999999999999h -- true",
	  "a duration was expected" },
	{ "seed-text", "run --seed=x -- true", "--seed=x: a number from 0 to" },
	{ "seed-overflow", "run --seed=0x10000000000000000 -- true", "a number from 0 to" },
	{ "seed-negative", "run --seed=-1 -- true", "a number from 0 to" },
	{ "seed-octal", "run --seed=09 -- true", "a number from 0 to" },
	{ "seed-prefix-only", "run --seed=0x -- true", "a number from 0 to" },
	{ "trials-zero", "run --trials=0 -- true", "a number from 1 to" },
	{ "exit-too-large", "run --expect-exit=256 -- true", "a number from 0 to 255" },
	{ "isolate-word", "run --isolate=maybe -- true", "expected one of auto yes no" },
	{ "reach-word", "run --reach=some -- true", "expected one of preload all" },
	{ "color-word", "run --color=red -- true", "expected one of auto always never" },
	{ "stacks-word", "run --stacks=deep -- true", "expected one of no yes" },
	{ "as-word", "report --as=html x", "expected one of text json" },
	{ "jobs-alone", "run --jobs=2 -- true", "--trials=N was expected with it" },
	{ "budget-alone", "run --budget=2s -- true", "--trials=N was expected with it" },
	/* rules: the grammar's own tests are in suites/unit; here, that they are shown */
	{ "rule-empty", "run -f '' -- true", "-f : a value was expected" },
	{ "rule-no-fault", "run -f semop -- true", "column 6: " },
	{ "rule-unknown-call", "run -f semopp:kill -- true", "column 1: unknown call" },
	{ "rule-unknown-class", "run -f %nope:kill -- true", "column 1: unknown class" },
	{ "rule-unknown-fault", "run -f semop:kil -- true", "column 7: unknown fault" },
	{ "rule-impossible-error", "run -f semop:error=EPIPE -- true", "column 13: " },
	{ "rule-empty-selector", "run -f semop:kill: -- true", "column 12: " },
	{ "rule-unknown-selector", "run -f semop:kill:wen=1 -- true", "column 12: " },
	{ "rule-overflow", "run -f semop:kill:when=99999999999999999999 -- true", "column 17: " },
	{ "rule-second", "run -f semop:kill -f read:short=0 -- true", "read:short=0: column 12: " },
	{ "plan-missing", "run --plan=nonesuch -- true", "nonesuch: No such file" },
	{ "plan-line", "run --plan=plan -- true", "column 9: unknown fault" },
	{ "plan-folder", "run --plan=/tmp -- true", "/tmp: " },
	/* declared orders and suppressions */
	{ "order-empty", "run --order=queue -- true", "--order=queue: column " },
	{ "order-width", "run '--order=queue key:1 by sender u7@0' -- true", "column " },
	{ "suppressions-missing", "run --suppressions=nonesuch -- true", "nonesuch: No such file" },
	{ "suppressions-no-reason", "run --suppressions=no-reason -- true",
	  "no-reason:2: a reason was expected" },
	{ "suppressions-kind", "run --suppressions=no-kind -- true",
	  "no-kind:1: column 1: 'deadlok': a kind of finding was expected" },
	{ "suppressions-glob", "run --suppressions=no-glob -- true",
	  "no-glob:1: column 10: a pattern" },
	/* files */
	{ "out-is-file", "run --out=plan -- true", "--out=plan: " },
	{ "report-missing", "report nonesuch", "nonesuch/result.json: No such file" },
	{ "report-broken", "report broken", "broken/result.json:1:" },
	{ "report-schema", "report schema", "schema/result.json: \"schema\": 1 was expected" },
	{ "case-missing", "replay nonesuch", "nonesuch/case.json: No such file" },
};

static void write_files(void)
{
	cli_write("plan", "# a comment\n\n  semop:kil # here\n");
	cli_write("no-reason", "# why\ndeadlock\n");
	cli_write("no-kind", "deadlok  # reason\n");
	cli_write("no-glob", "deadlock:  # reason\n");
	ck_assert_int_eq(system("mkdir broken schema"), 0);
	cli_write("broken/result.json", "{\"schema\": 1,,}");
	cli_write("schema/result.json", "{\"schema\": 7}");
}

/* One line; a rule may be shown under it with a caret: two lines that begin with white space. */
static void check_refusal(const struct cli_run *r, const char *says)
{
	const char *rest = strchr(r->err, '\n');
	size_t n = says ? strlen(says) : 0;

	ck_assert_msg(strncmp(r->err, "ipcjam: ", 8) == 0, "err: %.300s", r->err);
	ck_assert_ptr_nonnull(rest);
	ck_assert_msg(n == 0 || memmem(r->err, (size_t)(rest - r->err), says, n),
		      "expected '%s' in: %s", says, r->err);
	for (rest++; *rest; rest = strchr(rest, '\n') + 1) {
		ck_assert_msg(*rest == ' ', "more than one line: %s", r->err);
		ck_assert_ptr_nonnull(strchr(rest, '\n'));
	}
	ck_assert_str_eq(r->out, "");
}

START_TEST(refused)
{
	const struct cli_run *r;

	write_files();
	r = cli_expect(2, "\"$ipcjam\" %s", bad[_i].words);
	check_refusal(r, bad[_i].says);
	ck_assert_msg(access("ipcjam-out/result.json", F_OK) != 0, "something was run");
}
END_TEST

/* A whole case, and what is wrong in it after one edit: from => to. */
#define OPTIONS \
	"\"options\": {\"timeout_ns\": 1000000000, \"linger_ns\": 0, \"expect_exit\": 0, " \
	"\"isolate\": \"auto\", \"strict\": false, \"stacks\": true, \"order\": []}"
#define FINDING "\"finding\": {\"kind\": \"exit\", \"fingerprint\": \"0123456789abcdef\"}"
static const char good_case[] =
	"{\"schema\": 1, \"command\": [\"true\"], \"cwd\": \"/\",\n\"environment\": [\"PATH=/bin:/usr/bin\"], "
	"\"seed\": 1, \"plan\": [], " OPTIONS ", " FINDING ", \"schedule\": null}\n";

static const struct bad_case {
	const char *name, *from, *to, *says;
} bad_cases[] = {
	{ "cut", "\"schedule\": null}", "", "case.json:3:0: JSON was expected" },
	{ "comma", "\"seed\": 1,", "\"seed\": 1,,", "case.json:2:" },
	{ "list", "{\"schema\": 1,", "[{\"schema\": 1,", "JSON was expected" },
	{ "duplicate", "\"seed\": 1,", "\"seed\": 1, \"seed\": 2,", "JSON was expected" },
	{ "schema", "\"schema\": 1", "\"schema\": 2",
	  "\"schema\": a number from 1 to 1 was expected" },
	{ "no-command", "\"command\": [\"true\"]", "\"command\": []",
	  "\"command\": a list of at least one" },
	{ "command-number", "[\"true\"]", "[7]", "\"command\": a string or" },
	{ "command-hex", "[\"true\"]", "[{\"hex\": \"7\"}]", "\"command\": a string or" },
	{ "cwd-relative", "\"cwd\": \"/\"", "\"cwd\": \"tmp\"",
	  "\"cwd\": an absolute path was expected" },
	{ "cwd-gone", "\"cwd\": \"/\"", "\"cwd\": \"/nonesuch\"", "\"cwd\": /nonesuch: a folder" },
	{ "environment", "PATH=/bin:/usr/bin", "PATH", "\"environment\": NAME=VALUE" },
	{ "seed", "\"seed\": 1", "\"seed\": -1", "\"seed\": a number from 0 to" },
	{ "seed-text", "\"seed\": 1", "\"seed\": \"1\"", "\"seed\": a number from 0 to" },
	{ "seed-large", "\"seed\": 1", "\"seed\": 99999999999999999999", "JSON was expected" },
	{ "plan", "\"plan\": []", "\"plan\": [\"semop:kil\"]",
	  "semop:kil: column 7: unknown fault" },
	{ "plan-text", "\"plan\": []", "\"plan\": \"semop:kill\"", "\"plan\": a list of strings" },
	{ "options", "\"options\": {", "\"option\": {", "\"options\": an object was expected" },
	{ "timeout", "\"timeout_ns\": 1000000000", "\"timeout_ns\": 0",
	  "\"timeout_ns\": a number from 1" },
	{ "isolate", "\"auto\"", "\"perhaps\"", "\"isolate\": \"auto\", \"yes\" or \"no\"" },
	{ "strict", "\"strict\": false", "\"strict\": 0", "\"strict\": true or false" },
	{ "order", "\"order\": []", "\"order\": [\"queue\"]", "\"order\": queue: column" },
	{ "finding", "\"kind\": \"exit\", ", "", "\"finding\": an object with" },
	{ "schedule", "\"schedule\": null", "\"schedule\": \"abc\"", "\"schedule\": null" },
	{ "program", "[\"true\"]", "[\"nonesuch-program\"]", "nonesuch-program: not found" },
};

static void write_case(const char *from, const char *to)
{
	const char *at = strstr(good_case, from);
	char text[2048];

	ck_assert_ptr_nonnull(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good_case), good_case, to,
		 at + strlen(from));
	ck_assert_int_eq(system("mkdir case"), 0);
	cli_write("case/case.json", text);
}

START_TEST(case_refused)
{
	write_case(bad_cases[_i].from, bad_cases[_i].to);
	check_refusal(cli_expect(2, "\"$ipcjam\" replay case"), bad_cases[_i].says);
}
END_TEST

/* The case that the edits start from is a good one. */
START_TEST(case_accepted)
{
	write_case("\"seed\": 1", "\"seed\": 2");
	cli_expect(0, "\"$ipcjam\" replay case");
}
END_TEST

Suite *bad_input_suite(void)
{
	Suite *s = suite_create("bad_input");

	for (size_t i = 0; i < SUITE_COUNT(bad); i++)
		cli_add(s, "bad_input", bad[i].name, refused, (int)i, 20);
	for (size_t i = 0; i < SUITE_COUNT(bad_cases); i++)
		cli_add(s, "bad_case", bad_cases[i].name, case_refused, (int)i, 20);
	cli_add(s, "bad_case", "none", case_accepted, 0, 20);
	return s;
}
