/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - each row's faults fire: a forced error, kills before and after, delays, signals. */
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool can_return_error(int id)
{
	return !row_is_quiet(id) && !row_ends(id) && row_call(id)->result != RESULT_UINT;
}

static bool is_seen(int id)
{
	return !row_is_quiet(id);
}

static bool comes_back(int id)
{
	return !row_is_quiet(id) && !samples[id]->ends;
}

/* EIO, which hardly a row knows: so the error is ipcjam's and nobody else's. */
START_TEST(forced)
{
	static struct run skipped, run;
	char line[512], words[32];

	snprintf(words, sizeof(words), "skip=%d", EIO);
	rows_sample(&skipped, BARE, NULL, _i, words);
	rows_sample(&run, RECORDING, "error!=EIO:when=1", _i, "");
	rows_same(&skipped, &run);
	rows_one_line(&run, _i, line, sizeof(line));
	ck_assert_msg(strstr(line, "EIO (injected: error, not performed)"), "%s", line);
}
END_TEST

/* The second call of a process that makes only one. */
START_TEST(not_due)
{
	static struct run bare, run;

	rows_sample(&bare, BARE, NULL, _i, "");
	rows_sample(&run, RECORDING, "error!=EIO:when=2", _i, "");
	rows_same(&bare, &run);
	ck_assert_msg(!rows_injected(&run), "%s", run.trace);
}
END_TEST

/* What the watching parent tells of the objects, behind how the child ended. */
static const char *seen_after(const struct run *run, const char *ending)
{
	const char *at = strstr(run->out, ending);

	return at ? strchr(at, '\n') : "";
}

/* The call is made in a child; its parent tells what is to be seen afterwards. */
static void killed(int id, const char *fault, const char *like, const char *trace)
{
	static struct run expected, run;

	rows_sample(&expected, BARE, NULL, id, like);
	rows_sample(&run, RECORDING, fault, id, "watch");
	ck_assert_msg(strstr(run.out, "killed by 9\n"), "%s: {%s} trace: %.500s", run.what, run.out,
		      run.trace);
	if (samples[id]->state)
		ck_assert_str_eq(seen_after(&run, "killed by "),
				 seen_after(&expected, "ended with "));
	ck_assert_msg(strstr(run.trace, trace), "%s: {%.500s}", run.what, run.trace);
}

START_TEST(killed_before)
{
	killed(_i, "kill:when=1", "watch skip=5", "(killed here by rule 1)");
}
END_TEST

START_TEST(killed_after)
{
	killed(_i, "kill=after:when=1", "watch", "(done, then killed here by rule 1)");
}
END_TEST

START_TEST(delayed)
{
	static struct run bare, run;
	bool executes = row_executes(_i);
	char *slow;

	rows_sample(&bare, BARE, NULL, _i, executes ? "fail" : "");
	rows_sample(&run, RECORDING, "delay=20ms", _i, executes ? "fail time" : "time");
	ck_assert_msg(strstr(run.trace, "(injected: delay"), "%s: {%.500s}", run.what, run.trace);
	if (!row_ends(_i)) {
		slow = strstr(run.out, " slow=1");
		ck_assert_msg(slow, "%s: {%s}", run.what, run.out);
		memmove(slow, slow + 7, strlen(slow + 7) + 1);
	}
	rows_same(&bare, &run);
}
END_TEST

START_TEST(signalled)
{
	static struct run bare, run;

	rows_sample(&bare, BARE, NULL, _i,
		    row_executes(_i) ? "fail handler raise" : "handler raise");
	rows_sample(&run, RECORDING, "signal=SIGUSR2", _i,
		    row_executes(_i) ? "fail handler" : "handler");
	rows_same(&bare, &run);
	ck_assert_msg(strstr(run.trace, "(injected: signal"), "%s: {%.500s}", run.what, run.trace);
}
END_TEST

/* Without a runner nobody could wake the process again. */
START_TEST(stop_refused)
{
	static struct run bare, run;

	rows_sample(&bare, BARE, NULL, _i, "");
	rows_sample(&run, RECORDING, "stop=10ms", _i, "");
	rows_same(&bare, &run);
	ck_assert_msg(!rows_injected(&run), "%s", run.trace);
}
END_TEST

Suite *fault_suite(void)
{
	Suite *s = suite_create("fault");

	rows_add(s, "forced", forced, can_return_error);
	rows_add(s, "not_due", not_due, can_return_error);
	rows_add(s, "killed_before", killed_before, is_seen);
	rows_add(s, "killed_after", killed_after, comes_back);
	rows_add(s, "delayed", delayed, is_seen);
	rows_add(s, "signalled", signalled, is_seen);
	rows_add(s, "stop_refused", stop_refused, is_seen);
	return s;
}
