/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_anywhere.c - a subject's process may die at any call, and at any instruction: the runner
 * never hangs, fails or leaves anything. By rule at each call in turn, and from outside at random.
 * In a default run only some calls' turn comes; with IPCJAM_REPEAT each one's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli_test.h"
#include "left.h"

#define CALLS_MAX 2000 /* no subject of these makes so many */
#define OUTSIDE_ROUNDS 100
/* A subject that loses a child kills the others: each can be cut short in recording one event. */
#define CUT_ENTRIES 4

static const struct subject {
	const char *words;
	int step; /* each step-th call in a default run */
	const char *options;
} subjects[] = {
	{ "sem_lock right", 7, "" },
	{ "sem_lock right", 29, "--isolate=no" },
	/* Waits a second of its own. */
	{ "sem_lock part_stuck", 83, "" },
	{ "sem_undo right", 7, "" },
	{ "msg by_type", 7, "" },
	{ "msg by_type", 7, "--isolate=no" },
	{ "pipe right", 7, "" },
	{ "pipe_modes pipeline", 7, "" },
	{ "fifo unrelated", 7, "" },
	{ "fifo unrelated", 7, "--isolate=no" },
	{ "popen right_read", 7, "" },
	{ "prodcons counting", 29, "" },
	{ "shm with_sem", 29, "" },
	{ "signals right", 7, "" },
	{ "signals reaping_loop", 7, "" },
};

/* Did the rule of the last run fire? */
static bool check_run(const struct cli_run *r, const char *where)
{
	json_t *result;
	bool fired;

	ck_assert_msg(r->status == 0 || r->status == 1 || r->status == 3, "%s: status %d: %.900s",
		      where, r->status, r->err);
	result = cli_json_file("result.json");
	ck_assert_msg(json_integer_value(json_object_get(result, "lost")) <=
			      CUT_ENTRIES *
				      json_integer_value(json_object_get(result, "processes")),
		      "%s: lost events: %.900s", where, r->err);
	ck_assert_msg(!strstr(cli_kinds(result), "hang"), "%s: hang: %.900s", where, r->out);
	ck_assert_msg(!json_is_true(json_object_get(result, "scribbled")), "%s: scribbled", where);
	fired = json_integer_value(json_object_get(
			json_array_get(json_object_get(result, "rules"), 0), "fired")) > 0;
	json_decref(result);
	return fired;
}

static void kill_at_each(const struct subject *s, const char *fault)
{
	int step = getenv("IPCJAM_REPEAT") ? 1 : s->step, n = 1;
	char where[200];
	bool fired = true;

	while (fired) {
		ck_assert_int_lt(n, CALLS_MAX);
		snprintf(where, sizeof(where), "%s %s %s:when=%d", s->options, s->words, fault, n);
		fired = check_run(cli("timeout -s KILL 40 \"$ipcjam\" run -q --timeout=20s "
				      "--json=result.json %s -f '%%all:%s:when=%d:count=trial' -- "
				      "\"$subjects\"/%s",
				      s->options, fault, n, s->words),
				  where);
		left_await_end();
		n += step;
	}
	ck_assert_msg(n > 1 + step, "%s: no call was killed", where);
}

START_TEST(by_rule)
{
	const struct subject *s = &subjects[_i];
	char *before;

	left_isolate();
	/* What all runs write. */
	cli_write("result.json", "");
	before = left_there();
	kill_at_each(s, "kill");
	kill_at_each(s, "kill=after");
	left_check(before, s->words);
	free(before);
}
END_TEST

static pid_t start(int round)
{
	static const char *const words[] = { "--isolate=yes", "--isolate=no" };
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen(".err", "w", stderr))
			_exit(126);
		execlp("timeout", "timeout", "-s", "KILL", "40", CLI_IPCJAM, "run", "-q",
		       "--timeout=20s", "--linger=100ms", words[round % 4 == 3], "--", "/bin/sh",
		       "-c",
		       "for i in 1 2; do \"$subjects/sem_lock\" right; \"$subjects/fifo\" right; "
		       "\"$subjects/prodcons\" counting; \"$subjects/popen\" right_read; done",
		       (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Only the subject's processes have this in their environment. */
#define SUBJECT_ENTRY "IPCJAM=1"

/* SIGKILL for any of the subject's processes. A pid may be another's by now: a pidfd is not. */
static bool kill_one(unsigned int *random)
{
	pid_t pid[256];
	unsigned int n = left_processes(pid, 256, SUBJECT_ENTRY);
	bool killed;
	int fd;

	if (n == 0)
		return false;
	pid[0] = pid[(unsigned int)rand_r(random) % (n < 256 ? n : 256)];
	fd = (int)syscall(SYS_pidfd_open, pid[0], 0);
	killed = fd >= 0 && left_is_marked(pid[0], SUBJECT_ENTRY) &&
		 syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	if (fd >= 0)
		close(fd);
	return killed;
}

/* Chance is what is tested here: 1 to 3 of them, at any instruction. */
static unsigned int kill_some(unsigned int *random)
{
	unsigned int n_killed = 0;

	for (int i = rand_r(random) % 3; i >= 0; i--) {
		struct timespec moment = { .tv_nsec = (long)(rand_r(random) % 20000) * 1000 };

		nanosleep(&moment, NULL);
		n_killed += kill_one(random);
	}
	return n_killed;
}

START_TEST(from_outside)
{
	unsigned int random = (unsigned int)time(NULL), n_killed = 0;
	char *before;

	left_isolate();
	cli_write(".err", "");
	before = left_there();
	for (int i = 0; i < cli_repeat(OUTSIDE_ROUNDS); i++) {
		unsigned int seed = random;
		pid_t pid = start(i);
		int status;

		n_killed += kill_some(&random);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) &&
				      (WEXITSTATUS(status) <= 1 || WEXITSTATUS(status) == 3),
			      "round %d, seed %u: wait status 0x%x: %.900s", i + 1, seed, status,
			      cli("cat .err")->out);
		left_await_end();
	}
	ck_assert_uint_gt(n_killed, 0);
	left_check(before, "killed from outside");
	free(before);
}
END_TEST

Suite *kill_anywhere_suite(void)
{
	Suite *s = suite_create("kill_anywhere");
	char name[100];

	for (size_t i = 0; i < SUITE_COUNT(subjects); i++) {
		snprintf(name, sizeof(name), "%s%s", subjects[i].words,
			 *subjects[i].options ? ":not-isolated" : "");
		cli_add(s, "kill_anywhere", name, by_rule, (int)i,
			getenv("IPCJAM_REPEAT") ? 1800 : 120);
	}
	cli_add(s, "kill_anywhere", "from-outside", from_outside, 0,
		60 + 2 * cli_repeat(OUTSIDE_ROUNDS));
	return s;
}
