/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alone.c - the shim without a runner: LD_PRELOAD=libipcjam.so IPCJAM_OPTIONS=rule=...:trace=1
 * program. The arena is an anonymous shared mapping that forked children inherit; each event is
 * written to the trace at once, through a descriptor that is open only for that write.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "format.h"
#include "shim.h"
#include "shim_options.h"
#include "text.h"

#define LINE 1024
#define PLAN_FILE 16384

extern struct shim_options shim_options;

static void stop(const char *what, unsigned int line_no, const struct plan_error *error)
{
	char line[LINE];
	struct text t;

	text_begin(&t, line, sizeof(line));
	text_str(&t, "ipcjam: ");
	text_str(&t, what);
	text_str(&t, ": line ");
	text_uint(&t, line_no);
	text_str(&t, ": column ");
	text_uint(&t, error->column + 1);
	text_str(&t, ": ");
	text_str(&t, error->message);
	text_char(&t, '\n');
	raw3(SYS_write, 2, line, t.n_bytes < sizeof(line) ? t.n_bytes : sizeof(line) - 1);
	raw1(SYS_exit_group, 2);
}

static void add_rules(const char *what, const char *text, size_t n_bytes)
{
	struct plan_error error;
	unsigned int line = 1;

	if (plan_add_lines(&arena->plan, text, n_bytes, &error, &line))
		stop(what, line, &error);
}

static void add_file(const char *path)
{
	static char content[PLAN_FILE];
	struct plan_error error = { 0, "a readable plan file of less than 16 KiB was expected" };
	long fd = raw4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? -1 : raw3(SYS_read, fd, content, sizeof(content));

	if (fd >= 0)
		raw1(SYS_close, fd);
	if (n < 0 || n == sizeof(content))
		stop(path, 0, &error);
	add_rules(path, content, (size_t)n);
}

bool alone_begin(void)
{
	long at;

	if (!shim_options.trace && !shim_options.rules[0] && !shim_options.plan[0])
		return false;
	at = own6(SYS_mmap, 0, sizeof(struct arena), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (raw_failed(at))
		return false;
	arena = (struct arena *)at;
	arena_init(arena, ARENA_ALONE, shim_options.seed);
	arena->stacks = shim_options.stacks;
	arena->has_tsc = 0;
	add_rules("IPCJAM_OPTIONS", shim_options.rules, strlen(shim_options.rules));
	if (shim_options.plan[0])
		add_file(shim_options.plan);
	return true;
}

void alone_event(const struct event *e, const uint8_t *more)
{
	struct format_names names = { .ticks_per_us = 1000 };
	char line[LINE];
	struct text t;
	long fd = 2;
	int n;

	if (!shim_options.trace)
		return;
	text_begin(&t, line, sizeof(line));
	text_str(&t, self.proc->lineage);
	if (self.thread->number) {
		text_char(&t, '/');
		text_uint(&t, self.thread->number);
	}
	text_char(&t, ' ');
	text_str(&t, self.proc->name);
	text_char(&t, ' ');
	n = event_format(e, more, &names, line + t.n_bytes, sizeof(line) - t.n_bytes - 2);
	n = n < 0 ? 0 : n;
	n += (int)t.n_bytes;
	n = n < LINE - 2 ? n : LINE - 2;
	line[n++] = '\n';
	if (shim_options.trace_to[0])
		fd = raw4(SYS_openat, AT_FDCWD, shim_options.trace_to,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	raw3(SYS_write, fd, line, n);
	if (shim_options.trace_to[0])
		raw1(SYS_close, fd);
}
