/* SPDX-License-Identifier: Apache-2.0 */
/* pass.c - each row's wrapper is there, changes nothing of its own, and records what it saw. */
#include "rows.h"

#include <string.h>

/* Asked in a program that the shim is preloaded into: it cannot be loaded later. */
START_TEST(exported)
{
	static struct run run;

	rows_sample(&run, IDLE, NULL, _i, "where");
	ck_assert_str_eq(run.out, ROWS_SHIM "\n");
}
END_TEST

static void passes_with(int id, const char *words)
{
	static struct run bare, idle, recording;

	rows_sample(&bare, BARE, NULL, id, words);
	/* 98 and 99 are the sample's own complaints. */
	ck_assert_msg(bare.status != 98 << 8 && bare.status != 99 << 8, "%s", bare.out);
	rows_sample(&idle, IDLE, NULL, id, words);
	rows_same(&bare, &idle);
	ck_assert_str_eq(idle.trace, "");
	rows_sample(&recording, RECORDING, NULL, id, words);
	rows_same(&bare, &recording);
	ck_assert_msg(!rows_injected(&recording), "%s", recording.trace);
}

START_TEST(passes)
{
	passes_with(_i, "");
}
END_TEST

START_TEST(passes_failure)
{
	passes_with(_i, "fail");
}
END_TEST

START_TEST(passes_bad_pointer)
{
	passes_with(_i, "fault");
}
END_TEST

/* In many times PIPE_BUF bytes and without waiting the wrappers have other things to look at. */
START_TEST(passes_much)
{
	passes_with(_i, "big");
	passes_with(_i, "nonblock");
}
END_TEST

/* An exec that succeeds is not told by a shim without a runner: its arena is gone. */
START_TEST(recorded)
{
	static struct run run;
	char line[512];

	rows_sample(&run, RECORDING, NULL, _i, row_executes(_i) ? "fail" : "");
	if (row_is_quiet(_i)) {
		ck_assert_str_eq(run.trace, "");
		return;
	}
	rows_one_line(&run, _i, line, sizeof(line));
	ck_assert_msg(strstr(line, ") = "), "%s", line);
	if (row_ends(_i))
		ck_assert_msg(strstr(line, " = ?"), "%s", line);
}
END_TEST

static bool can_fail(int id)
{
	return samples[id]->fail;
}

static bool takes_pointer(int id)
{
	return samples[id]->fault;
}

static bool moves_bytes(int id)
{
	return row_call(id)->flags & (CALL_READS | CALL_WRITES);
}

Suite *pass_suite(void)
{
	Suite *s = suite_create("pass");

	rows_add(s, "exported", exported, NULL);
	rows_add(s, "passes", passes, NULL);
	rows_add(s, "passes_failure", passes_failure, can_fail);
	rows_add(s, "passes_bad_pointer", passes_bad_pointer, takes_pointer);
	rows_add(s, "passes_much", passes_much, moves_bytes);
	rows_add(s, "recorded", recorded, NULL);
	return s;
}
