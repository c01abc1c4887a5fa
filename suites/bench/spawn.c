/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-spawn - starts a program N times, one after the other, with nothing around it, and prints
 * how many a second that were. What `ipcjam run --trials=N` is measured against.
 *
 *   bench-spawn [--preload=LIBRARY] N PROGRAM [ARG...]
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Ours with LD_PRELOAD first: the library is for the children only, this loop stays as it is. */
static char **children_environment(const char *preload)
{
	size_t n = 0;
	char **copy;

	while (environ[n])
		n++;
	copy = calloc(n + 2, sizeof(*copy));
	if (!copy || asprintf(&copy[0], "LD_PRELOAD=%s", preload) < 0)
		abort();
	memcpy(copy + 1, environ, n * sizeof(*copy));
	return copy;
}

static int spawn_once(char **argv, char **environment)
{
	int err, status;
	pid_t pid;

	err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environment);
	if (err) {
		fprintf(stderr, "bench-spawn: %s: %s\n", argv[0], strerror(err));
		return -1;
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench-spawn: %s: exit status 0 was expected\n", argv[0]);
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const char option[] = "--preload=";
	char **environment = environ;
	unsigned long n_trials;
	double started;

	if (argc > 1 && strncmp(argv[1], option, strlen(option)) == 0) {
		environment = children_environment(argv[1] + strlen(option));
		argc--, argv++;
	}
	n_trials = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (n_trials == 0) {
		fputs("ipcjam: bench-spawn: [--preload=LIBRARY] N PROGRAM [ARG...] was expected\n",
		      stderr);
		return 2;
	}
	started = seconds();
	for (unsigned long i = 0; i < n_trials; i++)
		if (spawn_once(argv + 2, environment) != 0)
			return 1;
	printf("bench-spawn trials=%lu per_second=%.1f\n", n_trials,
	       (double)n_trials / (seconds() - started));
	return 0;
}
