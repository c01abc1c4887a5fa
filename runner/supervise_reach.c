/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_reach.c - processes of the trial that no shim follows, and why: what their program's
 * file says. A process gets a little time to report in before it counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
	if (facts.other_loader)
		return "program with a loader that is not glibc's";
	if (facts.set_id)
		return "setuid program";
	if (facts.capabilities)
		return "program with capabilities";
	return NULL;
}

/* A program that tells why it cannot be preloaded, of those that can be traced. */
static bool needs_tracing(const char *path)
{
	const char *why = obstacle(path);

	return why && strncmp(why, "32-bit", 6) != 0 && strstr(why, "machine") == NULL;
}

void reach_choose(struct supervisor *s)
{
	const struct trial_options *o = s->options;
	char path[PATH_MAX], cwd[PATH_MAX];

	s->reach_all = o->reach == REACH_ALL;
	if (o->reach == REACH_AUTO && getcwd(cwd, sizeof(cwd)) &&
	    program_resolve(o->argv[0], cwd, o->envp, path, sizeof(path)) == 0)
		s->reach_all = needs_tracing(path);
	if (s->reach_all && o->reach == REACH_AUTO && o->trace)
		dprintf(o->trace_fd, "ipcjam: --reach=all: %s: %s\n", o->argv[0], obstacle(path));
}

/* Does its environment still ask for the shim? */
bool reach_is_asked_for(const struct supervisor *s, pid_t pid)
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

/* Why the shim does not serve it. */
static const char *reason(const struct supervisor *s, pid_t pid)
{
	char link[64], path[PATH_MAX];
	const char *why;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, sizeof(path) - 1);
	why = n > 0 ? obstacle(link) : "program that cannot be looked at";
	if (why)
		return why;
	return reach_is_asked_for(s, pid) ? "has not reported in" : "environment lost";
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

static void reach_add(struct supervisor *s, struct process *p, const char *how, const char *why)
{
	size_t n = strlen(p->reach);

	snprintf(p->reach + n, sizeof(p->reach) - n, "%s%s%s%s", n ? ", then " : "", how,
		 why ? ": " : "", why ? why : "");
	if (s->options->trace && s->tracer)
		dprintf(s->options->trace_fd, "ipcjam: reach %s: %s\n", p->lineage, p->reach);
}

/* What it did that nobody could see, or that it could not do. */
static void reach_qualify(struct process *p, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} table[] = {
		{ PROC_TRACES, "; it wanted to trace others, which only one can" },
		{ PROC_URING, "; it uses io_uring, which carries more than is seen" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = strlen(p->reach);

		if (flags & table[i].flag)
			snprintf(p->reach + n, sizeof(p->reach) - n, "%s", table[i].text);
	}
}

void reach_note(struct supervisor *s, struct process *p)
{
	uint32_t flags = p->slot >= 0 ? atomic_load(&s->arena->proc[p->slot].flags) : 0;
	const char *why = NULL;

	flags &= PROC_SHIM | PROC_TRACED | PROC_FOREIGN;
	if (flags & PROC_TRACED && s->tracer)
		why = tracer_why(s->tracer, (uint32_t)p->slot);
	if (!flags || (flags == p->served && why == p->served_why))
		return;
	p->served = flags;
	p->served_why = why;
	if (why)
		reach_add(s, p, "trace", why);
	else if (flags & PROC_SHIM)
		reach_add(s, p, s->tracer ? "preload and trace" : "preload", NULL);
	else
		reach_add(s, p, "none", "32-bit program");
	if (flags & PROC_FOREIGN)
		model_unfollowed(s->model);
}

/* It has put a program in its place that never reported in, and that has ended already. */
void reach_end(struct supervisor *s, struct process *p)
{
	uint32_t flags = p->slot >= 0 ? atomic_load(&s->arena->proc[p->slot].flags) : 0;

	reach_note(s, p);
	reach_qualify(p, flags);
	if (p->slot < 0 || p->served & PROC_FOREIGN || !is_in_exec(s, (uint32_t)(p - s->process)) ||
	    !p->has_status || !WIFEXITED(p->wait_status))
		return;
	reach_add(s, p, "none", "a program that has not reported in");
	model_unfollowed(s->model);
}

const char *reach_of(const struct supervisor *s, const struct process *p)
{
	if (p->reach[0])
		return p->reach;
	return s->tracer ? "preload and trace" : "preload";
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

	snprintf(e->how, sizeof(e->how), "none: %s", reason(s, e->pid));
	if (self)
		text_put(e->lineage, sizeof(e->lineage), self->lineage);
	else
		snprintf(e->lineage, sizeof(e->lineage), "%s.?%u", parent ? parent->lineage : "",
			 ++s->n_unfollowed_ever);
	model_unfollowed(s->model);
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
		/* what the tracer has told of it is better */
		if (!e->how[0] && !(p && p->served & PROC_FOREIGN))
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
