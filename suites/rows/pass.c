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

/* What the trace says of some samples, word for word. */
static const struct {
	int id;
	const char *text;
} lines[] = {
	{ CALL_semop, ", [{0, -1, 0}, {1, 3, 0}]) = 0 " },
	{ CALL_semctl, ", 0, SETALL, [7, 8]) = 0 " },
	{ CALL_msgsnd, ", {3, 5 bytes}, 5, 0) = 0 " },
	{ CALL_msgrcv, ", {3, 5 bytes}, 8, 0, 0) = 5 " },
	{ CALL_shmget, ", 4096, IPC_CREAT|0600) = " },
	{ CALL_mkfifo, "mkfifo(\"f\", 0640) = 0 " },
	{ CALL_mkfifoat, ", \"f\", 0644) = 0 " },
	{ CALL_unlink, "unlink(\"f\") = 0 " },
	{ CALL_unlinkat, ", \"f\", 0x0) = 0 " },
	{ CALL_rename, "rename(\"f\", \"g\") = 0 " },
	{ CALL_renameat, ", \"f\", " },
	{ CALL_link, "link(\"f\", \"g\") = 0 " },
	{ CALL___open64_2, "open(\"f\", O_RDWR|O_CLOEXEC" },
	{ CALL_close, " (5 bytes left unread)" },
	{ CALL_write, ", \"...\", 5) = 5 " },
	{ CALL_waitpid, ", {exited 7}, 0) = " },
	{ CALL_kill, ", SIGUSR1) = 0 " },
	{ CALL_sigqueue, ", SIGUSR1, 0x4d2) = 0 " },
	{ CALL_setitimer, "setitimer(ITIMER_REAL, " },
};

START_TEST(decoded)
{
	static struct run run;
	char line[512];

	rows_sample(&run, RECORDING, NULL, lines[_i].id, "");
	rows_one_line(&run, lines[_i].id, line, sizeof(line));
	ck_assert_msg(strstr(line, lines[_i].text), "\"%s\" was expected in \"%s\"", lines[_i].text,
		      line);
}
END_TEST

/* Of some system calls libc has no function. */
static bool is_function(int id)
{
	static const int raw[] = {
#define CALL(...)
#define ALIAS(...)
#define RAW_CALL(ret, name, ...) CALL_##name,
#include "calls.def"
#undef CALL
#undef ALIAS
	};

	for (size_t i = 0; i < SUITE_COUNT(raw); i++)
		if (raw[i] == id)
			return false;
	return true;
}

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

	rows_add(s, "exported", exported, is_function);
	rows_add(s, "passes", passes, NULL);
	rows_add(s, "passes_failure", passes_failure, can_fail);
	rows_add(s, "passes_bad_pointer", passes_bad_pointer, takes_pointer);
	rows_add(s, "passes_much", passes_much, moves_bytes);
	rows_add(s, "recorded", recorded, NULL);
	for (size_t i = 0; i < SUITE_COUNT(lines); i++) {
		TCase *tc = suite_add_case(s, "decoded", calls[lines[i].id].name);

		if (tc)
			tcase_add_loop_test(tc, decoded, (int)i, (int)i + 1);
	}
	return s;
}
