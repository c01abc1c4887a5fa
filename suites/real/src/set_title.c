/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set_title.c - rewrites its title: prctl, and writing over argv and the environment behind it, as
 * PostgreSQL, sendmail and nginx do. Then pipes and children, which exec with an environment that
 * is empty, cleared, or was written over.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/prctl.h>

#include "real.h"

extern char **environ;

/* Everything from argv[0] to the end of the last variable that lies behind it. */
static size_t title_room(char **argv)
{
	char *end = argv[0];

	for (int i = 0; argv[i]; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	for (int i = 0; environ[i]; i++)
		if (environ[i] == end)
			end += strlen(end) + 1;
	return (size_t)(end - argv[0]);
}

static void show(const char *what, const char *path)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n;

	NEED(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	NEED(n > 0);
	printf("%s: %.*s\n", what, (int)strcspn(text, "\n"), text);
}

/* What a child writes on its standard output. */
static void output_of(const char *what, char **environment)
{
	char *const argv[] = { (char *)(unsigned long)"sh", (char *)(unsigned long)"-c",
			       (char *)(unsigned long)"echo $TITLE$0 | tr a-z A-Z", NULL };
	char text[256] = "";
	int end[2];
	pid_t pid;

	NEED(pipe(end) == 0);
	fflush(stdout);
	NEED((pid = fork()) >= 0);
	if (pid == 0) {
		NEED(dup2(end[1], 1) == 1);
		if (environment)
			execve("/bin/sh", argv, environment);
		else
			execv("/bin/sh", argv);
		_exit(127);
	}
	close(end[1]);
	NEED(read(end[0], text, sizeof(text) - 1) > 0);
	close(end[0]);
	text[strcspn(text, "\n")] = 0;
	printf("%s: %s, %d\n", what, text, ended(pid));
}

int main(int argc, char **argv)
{
	static char *none[] = { NULL };
	static char title[] = "TITLE=set ", path[] = "PATH=/usr/bin:/bin";
	static char *own[] = { title, path, NULL };
	size_t room = title_room(argv);

	NEED(argc == 2 && room > 64);
	output_of("before", NULL);
	memset(argv[0], 'x', room - 1);
	argv[0][room - 1] = 0;
	memcpy(argv[0], "title: as it should be", 23);
	show("title", "/proc/self/cmdline");
	NEED(prctl(PR_SET_NAME, "renamed") == 0);
	show("name", "/proc/self/comm");
	output_of("empty", none);
	output_of("its own", own);
	environ = own;
	output_of("replaced", NULL);
	NEED(clearenv() == 0);
	output_of("cleared", NULL);
	return 0;
}
