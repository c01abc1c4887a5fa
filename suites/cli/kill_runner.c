/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_runner.c - SIGKILL for the runner at a random moment leaves no process, IPC object, mount or
 * file. The test has IPC objects and mounts of its own, so that others' on this machine do not
 * count.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli_test.h"

enum { GRACE_S = 10 };

static char mark[64]; /* an environment entry that all of the run's processes begin with */

static void isolate(void)
{
	if (unshare(CLONE_NEWIPC | CLONE_NEWNS) != 0)
		suite_skip("namespaces of our own: %s", strerror(errno));
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL), 0);
}

static char *read_file(const char *path, size_t *n_bytes)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 65536);

	*n_bytes = file ? fread(text, 1, 65535, file) : 0;
	if (file)
		fclose(file);
	return text;
}

static bool is_marked(const char *pid)
{
	char path[300], *environment;
	size_t n_bytes;
	bool found;

	snprintf(path, sizeof(path), "/proc/%s/environ", pid);
	environment = read_file(path, &n_bytes);
	found = memmem(environment, n_bytes, mark, strlen(mark)) != NULL;
	free(environment);
	return found;
}

/* Processes of the run that are still there; zombies have no environment. */
static unsigned int count_processes(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int n = 0;

	ck_assert_ptr_nonnull(proc);
	while ((entry = readdir(proc)))
		n += entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && is_marked(entry->d_name);
	closedir(proc);
	return n;
}

/* They end because the kernel tells them so; that takes a moment. */
static void await_end(void)
{
	time_t until = time(NULL) + GRACE_S;

	while (count_processes() > 0 && time(NULL) < until)
		sched_yield();
	ck_assert_uint_eq(count_processes(), 0);
}

/* All that could be left, as one text. */
static char *what_is_there(void)
{
	const struct cli_run *r =
		cli("cat /proc/sysvipc/* | cut -c 1-21; cat /proc/self/mounts; ls -A /dev/shm; "
		    "ls -A . | grep -v ipcjam-out; ls -A ipcjam-out/cases; "
		    "ls -A /tmp | grep -i -e '^ipcjam' -e '^subject'");

	return strdup(r->out);
}

static pid_t start(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		putenv(mark);
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

	isolate();
	cli_expect(0, "mkdir -p ipcjam-out/cases");
	setenv("TMPDIR", "/dev/shm", 1);
	snprintf(mark, sizeof(mark), "IPCJAM_TEST_MARK=%d", (int)getpid());
	before = what_is_there();
	for (int i = 0; i < cli_repeat(10); i++) {
		unsigned int seed = random;
		pid_t pid = start();

		wait_a_random_moment(&random);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		await_end();
		after = what_is_there();
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
