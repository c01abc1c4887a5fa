/* SPDX-License-Identifier: Apache-2.0 */
/* left.c - what a run could leave: processes, IPC objects, mounts, files. */
#define _GNU_SOURCE
#include "left.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "cli_test.h"

enum { GRACE_S = 10 };

static char mark[64];

void left_isolate(void)
{
	if (unshare(CLONE_NEWIPC | CLONE_NEWNS) != 0)
		suite_skip("namespaces of our own: %s", strerror(errno));
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL), 0);
	cli_expect(0, "mkdir -p ipcjam-out/cases");
	setenv("TMPDIR", "/dev/shm", 1);
	snprintf(mark, sizeof(mark), "IPCJAM_TEST_MARK=%d", (int)getpid());
	putenv(mark);
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

bool left_is_marked(pid_t pid, const char *entry)
{
	char path[64], *environment;
	size_t n_bytes;
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	environment = read_file(path, &n_bytes);
	found = memmem(environment, n_bytes, mark, strlen(mark)) != NULL &&
		(!entry || memmem(environment, n_bytes, entry, strlen(entry)) != NULL);
	free(environment);
	return found;
}

/* Zombies have no environment. */
unsigned int left_processes(pid_t *pid, unsigned int n_max, const char *entry)
{
	DIR *proc = opendir("/proc");
	struct dirent *directory;
	unsigned int n = 0;

	ck_assert_ptr_nonnull(proc);
	while ((directory = readdir(proc))) {
		pid_t one = atoi(directory->d_name);

		if (one <= 0 || !left_is_marked(one, entry))
			continue;
		if (n < n_max)
			pid[n] = one;
		n++;
	}
	closedir(proc);
	return n;
}

void left_await_end(void)
{
	time_t until = time(NULL) + GRACE_S;

	while (left_processes(NULL, 0, NULL) > 0 && time(NULL) < until)
		sched_yield();
	ck_assert_uint_eq(left_processes(NULL, 0, NULL), 0);
}

char *left_there(void)
{
	const struct cli_run *r =
		cli("cat /proc/sysvipc/* | cut -c 1-21; cat /proc/self/mounts; ls -A /dev/shm; "
		    "ls -A . | grep -v ipcjam-out; ls -A ipcjam-out/cases");

	return strdup(r->out);
}

/* Is this line one of those? */
static bool has_line(const char *text, const char *line, size_t n_bytes)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") == n_bytes && strncmp(text, line, n_bytes) == 0)
			return true;
	return false;
}

void left_check(const char *before, const char *where)
{
	char *after;

	/* Cases are to be kept. A folder without its FIFO is the subject's own business. */
	cli("rm -rf ipcjam-out/cases/*; rmdir /dev/shm/subject-*");
	after = left_there();
	for (const char *line = after; *line; line += strcspn(line, "\n"), line += *line == '\n')
		ck_assert_msg(has_line(before, line, strcspn(line, "\n")), "%s: left: %.*s", where,
			      (int)strcspn(line, "\n"), line);
	free(after);
}
