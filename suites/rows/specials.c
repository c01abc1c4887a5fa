/* SPDX-License-Identifier: Apache-2.0 */
/* specials.c - the hard cases of special.c: the same output as without the shim, and a right trace.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

enum { N_TEXTS = 6 };

static const struct special {
	const char *program; /* NULL: row-special */
	const char *name;
	const char *out;
	const char *in_order[N_TEXTS]; /* texts in the trace, one behind the other */
	const char *never;             /* a text that is nowhere behind the last of them */
} specials[] = {
	{ .name = "longjmp",
	  .out = "wrote 1 read 1 x\n",
	  .in_order = { "1 row-special read(", " = ?", "1 row-special write(", " = 1",
			"1 row-special read(" } },
	{ .name = "longjmp-altstack",
	  .out = "wrote 1 read 1 x\n",
	  .in_order = { "1 row-special read(", " = ?", "1 row-special write(", " = 1",
			"1 row-special read(" } },
	{ .name = "nested",
	  .out = "semop -1 errno 4\nread 1 h\n",
	  .in_order = { "1 row-special write(", "1 row-special msgsnd(", " = 0",
			"1 row-special semop(", " = -1 EINTR", "1 row-special read(" } },
	{ .name = "nested-altstack",
	  .out = "semop -1 errno 4\nread 1 h\n",
	  .in_order = { "1 row-special write(", "1 row-special msgsnd(", " = 0",
			"1 row-special semop(", " = -1 EINTR", "1 row-special read(" } },
	{ .name = "fork-in-thread",
	  .out = "child exited 3\nread 1 f\n",
	  .in_order = { "1 row-special pthread_create(" } },
	{ .name = "vfork-exit",
	  .out = "child exited 3\nread 1 v\n",
	  .in_order = { "1.1 row-special write(", "1.1 row-special _exit(3)",
			"1 row-special vfork()", "1 row-special waitpid(",
			"1 row-special read(" } },
	{ .name = "vfork-exec",
	  .out = "wrote 1\nchild exited 0\nwrote 1\n",
	  .in_order = { "1.1 row-special pipe(", "1.1 row-special write(", "1 row-special waitpid(",
			"1 row-special write(" } },
	{ .name = "cancel",
	  .out = "cancelled 1\nwrote 1\n",
	  .in_order = { "1/1 row-special read(", " = ?", "1 row-special write(" } },
	{ .name = "close-all",
	  .out = "pipe 0 1\nwrote 1\n",
	  .in_order = { "1 row-special pipe([0, 1]", "1 row-special write(1", "= 1" } },
	{ .name = "descriptors", .out = "0 1 2 3 4 \n", .in_order = { "1 row-special semop(" } },
	{ .name = "clearenv",
	  .out = "wrote 1\n",
	  .in_order = { "1 row-special pipe(", "1 row-special pipe(", "1 row-special write(" } },
	{ .name = "title",
	  .out = "wrote 1\n",
	  .in_order = { "1 row-special pipe(", "1 row-special pipe(", "1 row-special write(" } },
	{ .name = "raw-close",
	  .out = "read 1 x\nsame 1\nread 0 -\n",
	  .in_order = { "1 row-special write(", "1 row-special read(" },
	  .never = "row-special read(" },
	{ .name = "semctl",
	  .out = "values 3 9 5 9\n",
	  .in_order = { "SETALL, [3, 4]) = 0", "SETVAL, 9) = 0", "GETVAL", " = 3", "SETVAL, 5)",
			"IPC_RMID" } },
	{ .name = "by-number",
	  .out = "write 3 read 3 abc\nnanosleep -1 errno 22 futex -1 errno 11 close 0\n",
	  .in_order = { "1 row-special write(", "1 row-special read(",
			"row-special clock_nanosleep(", "= 22 EINVAL", "row-special futex(",
			"= -1 EAGAIN" } },
	{ .name = "destructor",
	  .out = "destroyed 1 read 1 d\n",
	  .in_order = { "1/1 row-special write(", "1 row-special pthread_join(",
			"1 row-special read(" } },
	{ .name = "errno", .out = "errno 0\n", .in_order = { "1 row-special write(" } },
	{ .name = "clone-memory",
	  .out = "read 1 m\n",
	  .in_order = { "1 row-special write(", "1 row-special waitpid(" },
	  .never = "row-special write(" },
	{ .name = "throw-away",
	  .out = "received 1 of 5\n",
	  .in_order = { "1 row-special recvmmsg(", " = 1" } },
	{ .name = "poll-many", .out = "poll 0\n", .in_order = { "1 row-special pipe(" } },
	{ .program = "row-thread",
	  .name = "fork-handlers",
	  .out = "child exited 3\n",
	  .in_order = { "1 row-thread fork(", "1 row-thread waitpid(" } },
	{ .program = "row-thread",
	  .name = "cancel-close",
	  .out = "cancelled 1, 0 more descriptors\ncancelled 1, 0 more descriptors\n",
	  .in_order = { "1/1 row-thread close(", "1/2 row-thread close(" } },
	{ .program = "row-thread",
	  .name = "forgets-name",
	  .out = "made 2000\n",
	  .in_order = { "1 row-thread pthread_create(" } },
	{ .program = "row-behind",
	  .name = "",
	  .out = "mapped 1, read 3 abc\n",
	  .in_order = { "1 row-behind write(", "1 row-behind mmap(", "1 row-behind read(" },
	  .never = "row-behind read(" },
	{ .program = "row-early",
	  .name = "",
	  .out = "read 5 early, semop 0, value 2, bad close -1\n",
	  .in_order = { "1 row-early pipe(", "1 row-early write(" } },
};

START_TEST(special)
{
	const struct special *t = &specials[_i];
	static struct run bare, idle, recording;
	const char *program = t->program ? t->program : "row-special";
	const char *at = recording.trace;

	rows_run(&bare, BARE, NULL, program, t->name);
	ck_assert_str_eq(bare.out, t->out);
	rows_run(&idle, IDLE, NULL, program, t->name);
	rows_same(&bare, &idle);
	rows_run(&recording, RECORDING, NULL, program, t->name);
	rows_same(&bare, &recording);
	for (size_t i = 0; i < N_TEXTS && t->in_order[i]; i++) {
		at = strstr(at, t->in_order[i]);
		ck_assert_msg(at, "%s: \"%s\" was expected in the trace: {%.1500s}", recording.what,
			      t->in_order[i], recording.trace);
		at += strlen(t->in_order[i]);
	}
	ck_assert_msg(!t->never || !strstr(at, t->never), "%s: {%s}", recording.what,
		      recording.trace);
}
END_TEST

/* The child of a thread has its lineage from the process, and its own events. */
START_TEST(fork_in_thread)
{
	static struct run run;

	rows_run(&run, RECORDING, NULL, "row-special", "fork-in-thread");
	ck_assert_msg(strstr(run.trace, "1.1 row-special write("), "%s", run.trace);
	ck_assert_msg(strstr(run.trace, "1/1 row-special fork() = "), "%s", run.trace);
	ck_assert_msg(strstr(run.trace, "1/1 row-special waitpid("), "%s", run.trace);
}
END_TEST

/* A thread that was there before the shim gets no place while the process has none. */
START_TEST(early_thread)
{
	static struct run run;

	rows_run(&run, RECORDING, NULL, "row-early", "");
	ck_assert_msg(!strstr(run.trace, "1 ? "), "%s", run.trace);
}
END_TEST

/* After the longjmp a rule finds the right call: the second read, and not the first. */
START_TEST(rule_after_longjmp)
{
	static struct run run;

	rows_run(&run, RECORDING, "read:error!=EIO:when=2", "row-special", "longjmp");
	ck_assert_msg(strncmp(run.out, "wrote 1 read -1 -\n", 18) == 0, "%s{%s}", run.out,
		      run.trace);
}
END_TEST

Suite *special_suite(void)
{
	Suite *s = suite_create("special");
	char name[64];
	TCase *tc;

	for (size_t i = 0; i < SUITE_COUNT(specials); i++) {
		snprintf(name, sizeof(name), "%s",
			 specials[i].name[0] ? specials[i].name : specials[i].program);
		tc = suite_add_case(s, "special", name);
		if (tc)
			tcase_add_loop_test(tc, special, (int)i, (int)i + 1);
	}
	tc = suite_add_case(s, "special", "fork-in-thread-trace");
	if (tc)
		tcase_add_test(tc, fork_in_thread);
	tc = suite_add_case(s, "special", "early-thread");
	if (tc)
		tcase_add_test(tc, early_thread);
	tc = suite_add_case(s, "special", "rule-after-longjmp");
	if (tc)
		tcase_add_test(tc, rule_after_longjmp);
	return s;
}
