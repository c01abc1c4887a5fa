/* SPDX-License-Identifier: Apache-2.0 */
/* supervise_kill.c - all processes of the trial, listed and ended, with and without a namespace. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervise.h"

/* Adds the children of `pid`, all of its threads' ones. */
static void add_children(pid_t pid, pid_t *list, unsigned int n_max, unsigned int *n)
{
	char path[320];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		FILE *file;
		int child;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		while (file && *n < n_max && fscanf(file, "%d", &child) == 1)
			list[(*n)++] = child;
		if (file)
			fclose(file);
	}
	closedir(tasks);
}

static void list_namespace(pid_t *list, unsigned int n_max, unsigned int *n)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && *n < n_max && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 1)
			list[(*n)++] = pid;
	}
	if (proc)
		closedir(proc);
}

void process_list(struct supervisor *s, pid_t *pid, unsigned int n_max, unsigned int *n)
{
	*n = 0;
	if (s->isolated) {
		list_namespace(pid, n_max, n);
		return;
	}
	add_children(getpid(), pid, n_max, n);
	for (unsigned int i = 0; i < *n; i++)
		add_children(pid[i], pid, n_max, n);
}

static void kill_round(struct supervisor *s)
{
	static pid_t list[PROCESS_LIST];
	unsigned int n;

	if (s->isolated) {
		kill(-1, SIGKILL);
		return;
	}
	process_list(s, list, PROCESS_LIST, &n);
	for (unsigned int i = 0; i < n; i++)
		kill(list[i], SIGKILL);
}

/* Ends when nobody is left. Somebody in uninterruptible sleep can hold it up; the runner then ends
 * us. */
void kill_all(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->n_live; i++)
		if (!s->process[s->live[i]].dead)
			s->process[s->live[i]].by_runner = true;
	for (;;) {
		kill_round(s);
		processes_reap(s);
		if (!children_left(s))
			return;
		poll(NULL, 0, 1);
	}
}
