/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.c - each error of each row, without "!": injected where the sample's situation allows it,
 * and else refused, which leaves the call as it is.
 */
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALWAYS (HOLDS(ANY) | HOLDS(ENV))
#define INTERRUPTIONS (HOLDS(SIGNAL) | HOLDS(HANDLER) | HOLDS(STOP))

static void same_first_line(const struct run *expected, const struct run *run)
{
	size_t n = strcspn(expected->out, "\n") + 1;

	if (strncmp(expected->out, run->out, n) != 0)
		ck_abort_msg("%s: {%s} was expected, printed was {%s}", run->what, expected->out,
			     run->out);
}

static bool is_refused(int id, int err)
{
	const int *refuses = samples[id]->refuses;

	for (size_t i = 0; i < SUITE_COUNT(samples[id]->refuses); i++)
		if (refuses[i] == err)
			return true;
	return false;
}

static void try(int id, const struct call_error *error, bool legal, const char *words,
		const char *skipping)
{
	static struct run expected, run;
	char fault[64], line[512];

	legal = legal && !is_refused(id, error->err);
	snprintf(fault, sizeof(fault), "error=%s", errno_text(error->err));
	snprintf(line, sizeof(line), "%s skip=%d", skipping, error->err);
	rows_sample(&expected, BARE, NULL, id, legal ? line : words);
	rows_sample(&run, RECORDING, fault, id, words);
	ck_assert_msg(rows_injected(&run) == legal, "%s: %s was expected: {%.500s}{%s}", run.what,
		      legal ? "the error" : "a refusal", run.trace, run.out);
	if (legal && error->when == WHEN_REMOVE) {
		same_first_line(&expected, &run);
		ck_assert_msg(strstr(run.out, " gone\n"), "%s: {%s}", run.what, run.out);
		return;
	}
	rows_same(&expected, &run);
	if (!legal)
		return;
	rows_one_line(&run, id, line, sizeof(line));
	ck_assert_msg(strstr(line, "(injected: error"), "%s: {%s}", run.what, line);
}

START_TEST(legal_or_refused)
{
	for (const struct call_error *e = row_call(_i)->errors; e->err; e++) {
		bool legal = (ALWAYS | samples[_i]->holds) >> e->when & 1;

		/* An exec that is not stopped leaves no trace that would show a refusal. */
		try(_i, e, legal, "", "");
	}
}
END_TEST

/* Nothing but an interruption: a handler makes it legal, whatever else the call knows. */
START_TEST(interrupted)
{
	for (const struct call_error *e = row_call(_i)->errors; e->err; e++) {
		if (!(INTERRUPTIONS >> e->when & 1))
			continue;
		try(_i, e, true, "handler", "handler raise");
		if (samples[_i]->holds & INTERRUPTIONS)
			continue;
		try(_i, e, e->when != WHEN_SIGNAL, "handler restart", "handler restart raise");
	}
}
END_TEST

START_TEST(would_wait)
{
	for (const struct call_error *e = row_call(_i)->errors; e->err; e++) {
		if (e->when == WHEN_NOWAIT)
			try(_i, e, true, "nonblock", "nonblock");
	}
}
END_TEST

/* An error that the row does not have: the rule is refused before anything runs. */
START_TEST(unknown_error)
{
	static struct run run;

	rows_sample(&run, RECORDING, "error=EDOM", _i, "");
	ck_assert_msg(run.status == 2 << 8, "%s: 0x%x {%s}", run.what, run.status, run.out);
	ck_assert_msg(strncmp(run.out, "ipcjam: ", 8) == 0, "%s", run.out);
	rows_sample(&run, RECORDING, "error!=ENOSUCH", _i, "");
	ck_assert_msg(run.status == 2 << 8, "%s: 0x%x {%s}", run.what, run.status, run.out);
}
END_TEST

/* Nothing can be done to these: a rule for them would never fire. */
START_TEST(quiet)
{
	static struct run run;

	rows_sample(&run, RECORDING, "delay=1ms", _i, "");
	ck_assert_msg(run.status == 2 << 8, "%s: 0x%x {%s}", run.what, run.status, run.out);
}
END_TEST

static bool has(int id, unsigned int whens)
{
	for (const struct call_error *e = row_call(id)->errors; e->err; e++) {
		if (whens >> e->when & 1)
			return true;
	}
	return false;
}

static bool has_errors(int id)
{
	return has(id, ~0u);
}

static bool can_be_interrupted(int id)
{
	return has(id, INTERRUPTIONS);
}

/* creat and fcntl have no flag by which they could be told not to wait. */
static bool can_refuse_to_wait(int id)
{
	return has(id, HOLDS(NOWAIT)) && calls[id].canonical_id != CALL_creat;
}

Suite *error_suite(void)
{
	Suite *s = suite_create("error");

	rows_add(s, "errors", legal_or_refused, has_errors);
	rows_add(s, "interrupted", interrupted, can_be_interrupted);
	rows_add(s, "would_wait", would_wait, can_refuse_to_wait);
	rows_add(s, "unknown_error", unknown_error, NULL);
	rows_add(s, "quiet", quiet, row_is_quiet);
	return s;
}
