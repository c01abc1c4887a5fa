/* SPDX-License-Identifier: Apache-2.0 */
/* real.h - what the small programs of this folder share: they end at once when something is wrong,
 * and say where. */
#ifndef REAL_H
#define REAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEED(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s: %m\n", __FILE__, __LINE__, #condition); \
			_exit(99); \
		} \
	} while (0)

/* The exit status of a child; 1000 + the signal that ended it. */
static inline int ended(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
