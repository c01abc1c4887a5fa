/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.c - calls that come past the shim: static programs (glibc, musl, Go), calls inside libc,
 * system calls by hand, programs without the environment. They are recorded, and rules fire at
 * them, as under the shim; the program cannot tell; and result.json says which way served whom.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_test.h"

#define STATIC "\"$programs/cli-reach-static\" "
#define DYNAMIC "\"$programs/cli-reach\" "

static void expect_text(const json_t *object, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text && strcmp(text, expected) == 0, "\"%s\": '%s' was expected, got '%s'",
		      key, expected, text ? text : "(none)");
}

static void expect_calls(const json_t *result, const char *call, int n)
{
	json_int_t got =
		json_integer_value(json_object_get(json_object_get(result, "calls"), call));

	ck_assert_msg(got == n, "%s: %d calls were expected, got %lld", call, n, (long long)got);
}

static json_t *result_of(int status, const char *options, const char *program)
{
	cli_expect(status, "\"$ipcjam\" run -q %s -- %s", options, program);
	return cli_json_file("ipcjam-out/result.json");
}

/* How a process was reached, and one call that must have been seen so many times. */
static const struct served {
	const char *name, *options, *program;
	const char *lineage, *reach;
	const char *call;
	int n;
} served[] = {
	{ "static", "", STATIC "lock", "1", "trace: static program", "semop", 2 },
	{ "static-preload", "--reach=preload", STATIC "lock", "1", "none: static program", "semop",
	  0 },
	{ "shim", "--reach=all", DYNAMIC "lock", "1", "preload and trace", "semop", 2 },
	{ "by-hand-preload", "--reach=preload", DYNAMIC "by-hand", "1", "preload", "semop", 0 },
	{ "by-hand", "--reach=all", DYNAMIC "by-hand", "1", "preload and trace", "semop", 2 },
	{ "stdio-preload", "--reach=preload", DYNAMIC "stdio", "1", "preload", "write", 0 },
	{ "stdio", "--reach=all", DYNAMIC "stdio", "1", "preload and trace", "write", 1 },
	{ "popen", "--reach=all", DYNAMIC "popen", "1.1", "preload and trace", "popen", 1 },
	{ "popen-static", "", STATIC "popen", "1.1",
	  "trace: static program, then preload and trace", "pipe2", 1 },
	{ "bare-static", "--reach=all", DYNAMIC "bare " STATIC "stdio", "1.1",
	  "preload and trace, then trace: static program", "write", 1 },
	{ "bare-dynamic", "--reach=all", DYNAMIC "bare " DYNAMIC "stdio", "1.1",
	  "preload and trace, then trace: environment lost", "write", 1 },
	{ "bare-preload", "--reach=preload", DYNAMIC "bare " DYNAMIC "stdio", "1.1", "preload",
	  "write", 0 },
	{ "and-back", "", STATIC "run " DYNAMIC "by-hand", "1.1",
	  "trace: static program, then preload and trace", "semop", 2 },
};

START_TEST(is_served)
{
	const struct served *s = &served[_i];
	int status = strncmp(s->reach, "none", 4) == 0 ? 3 : 0;
	json_t *result = result_of(status, s->options, s->program);

	expect_text(json_object_get(result, "reach"), s->lineage, s->reach);
	expect_calls(result, s->call, s->n);
	json_decref(result);
}
END_TEST

/* What the program prints and how it ends, without ipcjam and under it. */
static const struct alike {
	const char *name, *program;
} alike[] = {
	{ "static-lock", STATIC "lock" },
	{ "static-stdio", STATIC "stdio" },
	{ "static-popen", STATIC "popen" },
	{ "static-much", STATIC "much" },
	{ "static-stop", STATIC "stop" },
	{ "static-interrupted", STATIC "interrupted plain" },
	{ "static-restarted", STATIC "interrupted restart" },
	{ "static-usage", STATIC "no-such-act" },
	{ "stdio", DYNAMIC "stdio" },
	{ "popen", DYNAMIC "popen" },
	{ "by-hand", DYNAMIC "by-hand" },
	{ "bare", DYNAMIC "bare " STATIC "stdio" },
	{ "stop", DYNAMIC "stop" },
	{ "interrupted", DYNAMIC "interrupted plain" },
	{ "restarted", DYNAMIC "interrupted restart" },
	{ "shell", "/bin/sh -c 'echo a b | tr a-z A-Z | cat; exit 5'" },
};

START_TEST(looks_alike)
{
	const struct alike *a = &alike[_i];
	const struct cli_run *r = cli("%s < /dev/null", a->program);
	int status = r->status;
	char *out = strdup(r->out);

	r = cli_expect(status, "\"$ipcjam\" run -q --reach=all --expect-exit=%d --pass-exit -- %s",
		       status, a->program);
	ck_assert_str_eq(r->out, out);
	ck_assert_str_eq(r->err, "");
	free(out);
}
END_TEST

/* Faults where there is no shim. */
static const struct fault {
	const char *name, *rule, *act;
	int status;
	const char *out, *err;
} faults[] = {
	{ "error", "semop:error=ENOMEM:when=1", "lock", 0, "P: Cannot allocate memory\nV: done",
	  "" },
	{ "error-drawn", "semop:error:when=1", "lock", 0, "P: ", "" },
	{ "eintr", "semop:error=EINTR:when=1", "lock", 0,
	  "P: Interrupted system call\nV: done\nhandled 1\n", "" },
	{ "eidrm", "semop:error=EIDRM:when=1", "lock", 0,
	  "P: Identifier removed\nV: Invalid argument\n", "" },
	{ "refused", "semop:error=EAGAIN", "lock", 3, "P: done\nV: done\nhandled 0\n",
	  "refused 2 times" },
	{ "forced", "semop:error!=EFBIG:when=2", "lock", 0, "P: done\nV: File too large\n", "" },
	{ "delay", "semop:delay=50ms:when=1", "lock", 0, "P: done\nV: done\nlate\n", "" },
	{ "signal", "semop:signal=SIGUSR1:when=2", "lock", 0, "V: done\nhandled 1\n", "" },
	{ "stop", "semop:stop=50ms:when=1", "lock", 0, "P: done\nV: done\nlate\n", "" },
	{ "short-write", "write:short=5000:when=1", "much", 0, "wrote 5000\nread 5000\n", "" },
	{ "short-read", "read:short=7:when=1", "much", 0, "wrote 8192\nread 7\nread 4096\n", "" },
	{ "atomic", "write:short=7", "stdio", 3, "through stdio\n", "refused 1 times" },
	{ "in", "semop:error=ENOMEM:in=lock", "lock", 0, "P: Cannot allocate memory\n", "" },
	{ "in-other", "semop:error=ENOMEM:in=deadlock", "lock", 3, "P: done\n", "never fired" },
	{ "count", "semop:error=ENOMEM:when=2", "lock", 0, "P: done\nV: Cannot", "" },
	{ "proc", "pipe:error=EMFILE:proc=2*:optional", "stdio", 0, "through stdio\n", "" },
};

START_TEST(fires)
{
	const struct fault *f = &faults[_i];
	const struct cli_run *r = cli("\"$ipcjam\" run -f '%s' -- " STATIC "%s", f->rule, f->act);

	ck_assert_msg(r->status == f->status, "status %d: %s%s", r->status, r->out, r->err);
	cli_has(r->out, f->out);
	cli_has(r->err, f->err);
}
END_TEST

/* The same where a shim serves the process, but not this call. */
START_TEST(fires_past_the_shim)
{
	cli_expect(1, "\"$ipcjam\" run -q --reach=all -f 'semop:error!=ENOMEM:when=1' "
		      "--expect-exit=0 -- " DYNAMIC "by-hand");
	cli_has(cli("\"$ipcjam\" run -q --reach=all -f 'semop:error!=ENOMEM:when=1' "
		    "--expect-exit=1 -- " DYNAMIC "by-hand")
			->out,
		"P: Cannot allocate memory\n");
}
END_TEST

/* Before the call nothing has happened; after it the semaphore is taken, and nobody gives it back.
 */
START_TEST(kills)
{
	json_t *result = result_of(0, "-f semop:kill:when=1", STATIC "lock");

	expect_calls(result, "semop", 1);
	ck_assert_str_eq(cli_kinds(result), "");
	json_decref(result);
	cli("rm -r ipcjam-out");
	result = result_of(1, "-f semop:kill=after:when=1", STATIC "lock");
	expect_calls(result, "semop", 1);
	ck_assert_str_eq(cli_kinds(result), "held-at-death");
	json_decref(result);
}
END_TEST

/* Both know who waits for what, and where; the lineages are the same. */
START_TEST(finds_deadlocks)
{
	static const char *const programs[] = { STATIC, DYNAMIC };

	for (size_t i = 0; i < SUITE_COUNT(programs); i++) {
		const struct cli_run *r =
			cli_expect(1, "\"$ipcjam\" run --reach=all -- %s deadlock", programs[i]);

		cli_has(r->out, "deadlock: cycle: ");
		cli_has(r->out, "1.1 (");
		cli_has(r->out, "1.2 (");
		cli_has(r->out, "cross at ");
		cli_has(r->out, "reach_subject.c:");
	}
}
END_TEST

/* A call that a handler has interrupted is one event, whether the kernel makes it again or not. */
START_TEST(knows_restarts)
{
	json_t *result = result_of(0, "", STATIC "interrupted restart");

	expect_calls(result, "read", 1);
	json_decref(result);
	cli("rm -r ipcjam-out");
	result = result_of(0, "", STATIC "interrupted plain");
	expect_calls(result, "read", 4);
	json_decref(result);
}
END_TEST

/* The same seed draws the same faults. */
START_TEST(draws_alike)
{
	char *first = NULL;

	for (int i = 0; i < 3; i++) {
		const struct cli_run *r =
			cli("\"$ipcjam\" run -q --seed=7 -f 'semop:error:p=0.5:optional' -- " STATIC
			    "lock");

		if (first)
			ck_assert_str_eq(r->out, first);
		else
			first = strdup(r->out);
	}
	free(first);
}
END_TEST

/* One line, and the status that says so; where it was not asked for, the run goes on without. */
START_TEST(cannot_trace)
{
	const struct cli_run *r = cli_expect(
		77, DYNAMIC "without-ptrace \"$ipcjam\" run --reach=all -- " DYNAMIC "stdio");

	ck_assert_str_eq(r->out, "");
	cli_has(r->err, "--reach=all: ptrace: ");
	ck_assert_ptr_eq(strchr(r->err, '\n'), strrchr(r->err, '\n'));
	r = cli_expect(3, DYNAMIC "without-ptrace \"$ipcjam\" run -- " STATIC "stdio");
	cli_has(r->out, "through stdio\n");
	cli_has(r->err, "static program");
	r = cli_expect(0, DYNAMIC "without-ptrace \"$ipcjam\" doctor -- " STATIC);
	cli_has(r->out, "cannot serve it: static");
}
END_TEST

START_TEST(says_who_wanted_to_trace)
{
	json_t *result;

	if (access("/usr/bin/strace", X_OK) != 0)
		suite_skip("strace is not installed");
	result = result_of(0, "--reach=all --expect-exit=1", "strace -o /dev/null /bin/true 2>&-");
	cli("grep -c 'wanted to trace' ipcjam-out/result.json");
	cli_has(cli("cat ipcjam-out/result.json")->out, "it wanted to trace others");
	json_decref(result);
}
END_TEST

START_TEST(replays)
{
	const struct cli_run *r =
		cli_expect(1, "\"$ipcjam\" run --reach=all -- " STATIC "deadlock");

	r = cli_expect(1, "%s", cli_last_line(r->out));
	cli_has(r->out, "deadlock: cycle: ");
}
END_TEST

static void need_tool(const char *tool)
{
	if (cli("command -v %s", tool)->status != 0)
		suite_skip("%s is not installed", tool);
}

START_TEST(musl)
{
	json_t *result;

	need_tool("musl-gcc");
	cli_expect(0, "musl-gcc -g -O2 -static -o subject \"$sources/reach_subject.c\" && "
		      "musl-gcc -g -O2 -o dynamic \"$sources/reach_subject.c\"");
	cli_has(cli_expect(0, "\"$ipcjam\" run -q -f semop:error=ENOMEM:when=1 -- ./subject lock")
			->out,
		"P: Out of memory\nV: done\n");
	cli_has(cli_expect(1, "\"$ipcjam\" run -- ./subject deadlock")->out, "cross at ");
	/* its own loader cannot load the shim, and must not be asked to */
	result = result_of(0, "", "./dynamic stdio");
	expect_text(json_object_get(result, "reach"), "1",
		    "trace: program with a loader that is not glibc's");
	json_decref(result);
	result = result_of(0, "--reach=all", DYNAMIC "run ./dynamic stdio");
	expect_calls(result, "writev", 1);
	json_decref(result);
}
END_TEST

START_TEST(golang)
{
	const struct cli_run *r;
	json_t *result;

	need_tool("go");
	cli_expect(0, "HOME=$PWD GOCACHE=$PWD/cache GOFLAGS=-mod=mod CGO_ENABLED=0 GO111MODULE=off "
		      "go build -o subject \"$sources/reach.go\"");
	r = cli_expect(0, "\"$ipcjam\" run -q -- ./subject ./socket");
	ck_assert_str_eq(r->out, "through a socket\nthrough a pipe\n");
	ck_assert_str_eq(r->err, "");
	result = cli_json_file("ipcjam-out/result.json");
	expect_text(json_object_get(result, "reach"), "1", "trace: static program");
	expect_calls(result, "bind", 1);
	expect_calls(result, "connect", 1);
	ck_assert_int_ge(
		json_integer_value(json_object_get(json_object_get(result, "calls"), "write")), 2);
	json_decref(result);
	cli_has(cli("\"$ipcjam\" run -q -f write:error=EPIPE:when=1 -f 'write:error!=EPIPE:when=1' "
		    "--expect-exit=1 -- ./subject ./socket")
			->out,
		"broken pipe");
}
END_TEST

/* Nobody sees its calls: it is named. */
START_TEST(program_32_bit)
{
	json_t *result;

	if (cli("cc -m32 -o subject \"$sources/reach_subject.c\"")->status != 0)
		suite_skip("cc -m32 does not work");
	for (int i = 0; i < 2; i++) {
		result =
			result_of(0, "--reach=all",
				  i ? STATIC "run ./subject stdio" : DYNAMIC "run ./subject stdio");
		expect_text(json_object_get(result, "reach"), "1.1",
			    i ? "trace: static program, then none: 32-bit program"
			      : "preload and trace, then none: 32-bit program");
		json_decref(result);
	}
	cli_has(cli_expect(0, "\"$ipcjam\" run --reach=all -- " STATIC "run ./subject stdio")->err,
		"none: 32-bit program");
	cli_has(cli_expect(3, "\"$ipcjam\" run -- ./subject stdio")->err, "32-bit program");
}
END_TEST

Suite *reach_suite(void)
{
	Suite *s = suite_create("reach");

	for (size_t i = 0; i < SUITE_COUNT(served); i++)
		cli_add(s, "reach", served[i].name, is_served, (int)i, 30);
	for (size_t i = 0; i < SUITE_COUNT(alike); i++)
		cli_add(s, "reach-alike", alike[i].name, looks_alike, (int)i, 30);
	for (size_t i = 0; i < SUITE_COUNT(faults); i++)
		cli_add(s, "reach-fault", faults[i].name, fires, (int)i, 30);
	cli_add(s, "reach", "past-the-shim", fires_past_the_shim, 0, 30);
	cli_add(s, "reach", "kills", kills, 0, 30);
	cli_add(s, "reach", "deadlocks", finds_deadlocks, 0, 30);
	cli_add(s, "reach", "restarts", knows_restarts, 0, 30);
	cli_add(s, "reach", "draws", draws_alike, 0, 30);
	cli_add(s, "reach", "cannot-trace", cannot_trace, 0, 30);
	cli_add(s, "reach", "wanted-to-trace", says_who_wanted_to_trace, 0, 30);
	cli_add(s, "reach", "replays", replays, 0, 30);
	cli_add(s, "reach", "musl", musl, 0, 60);
	cli_add(s, "reach", "go", golang, 0, 240);
	cli_add(s, "reach", "32-bit", program_32_bit, 0, 60);
	return s;
}
