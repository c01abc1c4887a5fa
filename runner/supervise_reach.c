/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_reach.c - processes of the trial that no shim follows, and why: what their program's
 * file says. A process gets a little time to report in before it counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "supervise.h"

#define SCAN_NS (40 * NS_PER_MS)
#define SCANS 3 /* looks at one process before it counts as not followed */

/* Why the shim cannot be loaded into that file; NULL: nothing is in its way. */
static const char *obstacle(const char *path)
{
	struct program_facts facts;

	if (program_facts(path, &facts) != 0)
		return NULL;
	if (facts.kind == PROGRAM_SCRIPT && program_facts(facts.interpreter, &facts) != 0)
		return NULL;
	if (facts.is_32_bit)
		return "32-bit program";
	if (facts.other_machine)
		return "program for another machine";
	if (facts.is_static)
		return "static program";
	if (facts.set_id)
		return "setuid program";
	if (facts.capabilities)
		return "program with capabilities";
	return NULL;
}

/* Does its environment still ask for the shim? */
static bool asks_for_shim(const struct supervisor *s, pid_t pid)
{
	char path[64], text[512];
	size_t n_shim = strlen(s->options->shim), n, kept = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	file = fopen(path, "re");
	if (!file || n_shim >= sizeof(text) / 2) {
		if (file)
			fclose(file);
		return true;
	}
	while (!found && (n = fread(text + kept, 1, sizeof(text) - kept, file)) > 0) {
		n += kept;
		found = memmem(text, n, s->options->shim, n_shim) != NULL;
		kept = n < n_shim ? n : n_shim;
		memmove(text, text + n - kept, kept);
	}
	fclose(file);
	return found;
}

static struct reach_entry *entry_of(struct supervisor *s, pid_t pid, uint64_t start_time)
{
	struct reach_entry *e;

	for (uint32_t i = 0; i < s->n_reach; i++)
		if (s->reach[i].pid == pid && s->reach[i].start_time == start_time)
			return &s->reach[i];
	/* One that reported in after all, or ended in time, makes room. */
	for (uint32_t i = 0; i < REACH_ENTRIES; i++) {
		e = &s->reach[i];
		if (i < s->n_reach && (e->how[0] || e->n_scan + 1 >= s->n_scans))
			continue;
		if (i >= s->n_reach)
			s->n_reach = i + 1;
		*e = (struct reach_entry){ .pid = pid, .start_time = start_time };
		return e;
	}
	return NULL;
}

static void not_followed(struct supervisor *s, struct reach_entry *e, pid_t ppid)
{
	const struct process *parent = process_by_pid(s, ppid);
	const struct process *self = process_by_pid(s, e->pid);
	char link[64], path[PATH_MAX];
	const char *why;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)e->pid);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	why = n > 0 ? obstacle(link) : "program that cannot be looked at";
	if (!why)
		why = asks_for_shim(s, e->pid) ? "has not reported in" : "environment lost";
	snprintf(e->how, sizeof(e->how), "none: %s", why);
	if (self)
		text_put(e->lineage, sizeof(e->lineage), self->lineage);
	else
		snprintf(e->lineage, sizeof(e->lineage), "%s.?%u", parent ? parent->lineage : "",
			 ++s->n_unfollowed_ever);
	model_unfollowed(s->model);
}

static bool is_exec(unsigned int call)
{
	return call == CALL_execve || call == CALL_execvpe || call == CALL_fexecve ||
	       call == CALL_execveat || call == CALL_execv || call == CALL_execvp ||
	       call == CALL_execl || call == CALL_execlp || call == CALL_execle;
}

/* An exec that does not come back has put a program in place that reports nothing. */
static bool is_in_exec(struct supervisor *s, uint32_t process)
{
	for (uint32_t i = 0; i < s->n_slots_threads; i++) {
		const struct arena_thread *t = &s->arena->thread[i];
		uint32_t depth = atomic_load(&t->depth);

		if (s->thread[i].used && s->thread[i].process == process && depth > 0 &&
		    depth <= ARENA_DEPTH && is_exec(t->cur[depth - 1].call))
			return true;
	}
	return false;
}

bool process_is_followed(struct supervisor *s, const struct process *p)
{
	if (p->slot < 0)
		return true;
	return atomic_load(&s->arena->proc[p->slot].state) == PROC_LIVE &&
	       !is_in_exec(s, (uint32_t)(p - s->process));
}

void reach_scan(struct supervisor *s)
{
	static pid_t pid[PROCESS_LIST];
	unsigned int n;

	s->next_scan_ns = now_ns() + SCAN_NS;
	s->n_scans++;
	s->n_unfollowed = 0;
	process_list(s, pid, PROCESS_LIST, &n);
	for (unsigned int i = 0; i < n; i++) {
		const struct process *p;
		struct reach_entry *e;
		uint64_t start_time;
		pid_t ppid = 0;
		char state = 0;
		int code;

		p = process_by_pid(s, pid[i]);
		if (p && process_is_followed(s, p))
			continue;
		start_time = proc_start_time(pid[i], &state, &code, &ppid);
		if (!start_time || state == 'Z')
			continue;
		e = entry_of(s, pid[i], start_time);
		if (!e)
			continue;
		e->n_scan = s->n_scans;
		if (++e->n_seen < SCANS)
			continue;
		s->n_unfollowed++;
		if (!e->how[0])
			not_followed(s, e, ppid);
	}
}

/* Why the root never reported in; "" if it did. */
const char *reach_no_hello(struct supervisor *s, char *buffer, size_t n_bytes)
{
	char path[PATH_MAX], cwd[PATH_MAX];
	const char *why;
	int err;

	buffer[0] = '\0';
	if (atomic_load(&s->arena->n_hello) > 0)
		return buffer;
	if (access(s->options->shim, R_OK) < 0) {
		snprintf(buffer, n_bytes, "not found by ld.so: %s: %s", s->options->shim,
			 strerror(errno));
		return buffer;
	}
	if (!getcwd(cwd, sizeof(cwd)))
		text_put(cwd, sizeof(cwd), "/");
	err = program_resolve(s->options->argv[0], cwd, s->options->envp, path, sizeof(path));
	why = err ? strerror(err) : obstacle(path);
	text_put(buffer, n_bytes,
		 why ? why
		     : "it ended before the shim was ready, or ld.so could not load the shim");
	return buffer;
}
