/* SPDX-License-Identifier: Apache-2.0 */
/* hostile_test.c - whatever a subject does, the runner ends in time, does not fail, and leaves
 * nothing. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_test.h"
#include "left.h"

static const struct row {
	const char *words;
	bool isolated; /* only in a namespace: it would reach others */
	bool random;   /* its number is a seed */
	bool breaks;   /* root can stop the supervisor: it is told, and over */
	bool lies;     /* what it made cannot be known, and only a namespace takes it away */
} rows[] = {
	{ .words = "scribble", .random = true, .lies = true },
	{ .words = "fill 0", .lies = true },
	{ .words = "fill 255", .lies = true },
	{ .words = "fill 1", .lies = true },
	{ .words = "cut", .lies = true },
	{ .words = "fork 100" },
	{ .words = "fork 1200" }, /* more than the arena has room for */
	{ .words = "close" },
	{ .words = "stop" },
	{ .words = "kill 15", .isolated = true },
	{ .words = "kill 9", .isolated = true },
	{ .words = "flood 4" },
	{ .words = "nest 3", .lies = true },
	{ .words = "trace 0", .breaks = true },
	{ .words = "die 32" },
};

static void run(const struct row *row, const char *isolate, const char *reach, int seed)
{
	char *before = left_there();
	const struct cli_run *r = cli(
		"timeout -s KILL 60 \"$ipcjam\" run -q --timeout=2s --linger=200ms --isolate=%s --reach=%s "
		"-f 'semop:delay=1us:optional' --json=result.json -- \"$programs/cli-hostile\" %s %d",
		isolate, reach, row->words, seed);

	ck_assert_msg(r->status == 0 || r->status == 1 || r->status == 3 ||
			      (row->breaks && r->status == 4),
		      "%s, %s, %s %d: status %d; err: %.900s", isolate, reach, row->words, seed,
		      r->status, r->err);
	if (r->status != 4)
		json_decref(cli_json_file("result.json"));
	left_await_end();
	/* This test has a namespace of its own. */
	if (row->lies && strcmp(isolate, "no") == 0)
		cli_expect(0, "ipcrm --all=sem");
	left_check(before, row->words);
	free(before);
}

START_TEST(endures)
{
	const struct row *row = &rows[_i];

	left_isolate();
	cli_write("result.json", "");
	for (int i = 0; i < (row->random ? cli_repeat(3) : 1); i++) {
		run(row, "yes", "preload", i + 1);
		run(row, "yes", "all", i + 1);
		if (!row->isolated)
			run(row, "no", "preload", i + 1);
	}
}
END_TEST

/* A program whose own functions stand in the place of libc's. */
START_TEST(replaces)
{
	const struct cli_run *bare = cli("\"$programs/cli-replace\"");

	ck_assert_int_eq(bare->status, 0);
	for (int i = 0; i < 2; i++) {
		const struct cli_run *r =
			cli_expect(0, "\"$ipcjam\" run -q --reach=%s -- \"$programs/cli-replace\"",
				   i ? "all" : "preload");

		ck_assert_str_eq(r->out, "done\n");
	}
}
END_TEST

Suite *hostile_suite(void)
{
	Suite *s = suite_create("hostile");

	for (size_t i = 0; i < SUITE_COUNT(rows); i++)
		cli_add(s, "hostile", rows[i].words, endures, (int)i,
			rows[i].random ? 60 + 10 * cli_repeat(3) : 120);
	cli_add(s, "hostile", "replace", replaces, 0, 30);
	return s;
}
