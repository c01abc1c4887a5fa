/* SPDX-License-Identifier: Apache-2.0 */
/*
 * left.h - what a run could leave behind. The test gets IPC objects and mounts of its own, so that
 * others' on this machine do not count, and marks the processes that it starts.
 */
#ifndef SUITES_CLI_LEFT_H
#define SUITES_CLI_LEFT_H

#include <stdbool.h>
#include <sys/types.h>

/* To be called first. Skips the test where that is not allowed. TMPDIR is /dev/shm from here on. */
void left_isolate(void);

/* Was it started by this test, and has it that piece in its environment (NULL: whatever)? */
bool left_is_marked(pid_t pid, const char *entry);

/* Such processes; how many there are. */
unsigned int left_processes(pid_t *pid, unsigned int n_max, const char *entry);

/* All of them are gone, after the moment that the kernel needs for that. */
void left_await_end(void);

/* All that could be left, as one text, which the caller frees. */
char *left_there(void);

/* Nothing is there that was not before, but for cases. */
void left_check(const char *before, const char *where);

#endif
