/* SPDX-License-Identifier: Apache-2.0 */
/* kill_runner.c - SIGKILL for the runner at a random moment leaves no process, IPC object, mount or
 * file. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli_test.h"
#include "left.h"

static pid_t start(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(126);
		execl(CLI_IPCJAM, "ipcjam", "run", "-q", "--", "/bin/sh", "-c",
		      "while :; do \"$subjects/sem_lock\" right; \"$subjects/fifo\" right; "
		      "\"$subjects/shm\" right; \"$subjects/msg\" stream; done",
		      (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Chance is what is tested here: anywhere from the first instruction to far into the subject. */
static void wait_a_random_moment(unsigned int *random)
{
	struct timespec moment = { .tv_nsec = (long)(rand_r(random) % 120) * 1000000 +
					      (long)(rand_r(random) % 1000) * 1000 };

	nanosleep(&moment, NULL);
}

START_TEST(leaves_nothing)
{
	unsigned int random = (unsigned int)time(NULL);
	char *before, *after;

	left_isolate();
	before = left_there();
	for (int i = 0; i < cli_repeat(10); i++) {
		unsigned int seed = random;
		pid_t pid = start();

		wait_a_random_moment(&random);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		left_await_end();
		after = left_there();
		ck_assert_msg(strcmp(before, after) == 0, "round %d, seed %u: left: %s\nbefore: %s",
			      i + 1, seed, after, before);
		free(after);
	}
	free(before);
}
END_TEST

Suite *kill_runner_suite(void)
{
	Suite *s = suite_create("kill_runner");

	cli_add(s, "kill_runner", "leaves-nothing", leaves_nothing, 0, 60 + 2 * cli_repeat(10));
	return s;
}
