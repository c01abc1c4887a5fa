/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_trace.c - events as text: a line a call while the trial runs (-v), and the last ones as
 * events.jsonl if there was a finding.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "json_writer.h"
#include "supervise.h"

#define KEPT 65536
#define BUFFER (64 << 10)
#define STALL_NS NS_PER_S /* whoever does not read the trace for so long gets no more of it */

struct kept {
	struct event event;
	uint32_t process, thread;
	uint8_t *more;
};

struct trace {
	struct kept *kept; /* a ring; made with the first event */
	uint64_t n_kept;
	bool given_up;
	size_t n_bytes;
	char buffer[BUFFER];
};

struct trace *trace_new(struct supervisor *s)
{
	(void)s;
	return calloc(1, sizeof(struct trace));
}

static const char *name_object(void *data, uint64_t object)
{
	static char name[128];
	struct supervisor *s = data;

	return model_object_name(s->model, object, name, sizeof(name));
}

static void format(struct supervisor *s, const struct event *event, const uint8_t *more, char *line,
		   size_t n_bytes)
{
	const struct format_names names = { .object = name_object,
					    .data = s,
					    .ticks_per_us = ticks_per_us(s) };

	event_format(event, more, &names, line, n_bytes);
}

static void keep(struct trace *t, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more)
{
	size_t n_more = (size_t)event->n_more * EVENT_MORE_BYTES;
	struct kept *k;

	if (!t->kept)
		t->kept = calloc(KEPT, sizeof(*t->kept));
	if (!t->kept)
		return;
	k = &t->kept[t->n_kept++ % KEPT];
	free(k->more);
	k->event = *event;
	k->process = process;
	k->thread = thread;
	k->more = more && n_more ? malloc(n_more) : NULL;
	if (k->more)
		memcpy(k->more, more, n_more);
	else
		k->event.n_more = 0;
}

void trace_flush(struct supervisor *s)
{
	struct trace *t = s->trace;
	uint64_t until = now_ns() + STALL_NS;
	size_t done = 0;

	while (done < t->n_bytes && !t->given_up) {
		struct pollfd fd = { .fd = s->options->trace_fd, .events = POLLOUT };
		/* A pipe that polls as writable takes PIPE_BUF bytes without waiting. */
		size_t n_bytes = t->n_bytes - done < 4096 ? t->n_bytes - done : 4096;
		ssize_t n;

		if (poll(&fd, 1, 10) <= 0) {
			t->given_up = now_ns() > until || runner_calls(s);
			continue;
		}
		n = write(s->options->trace_fd, t->buffer + done, n_bytes);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			t->given_up = true;
	}
	t->n_bytes = 0;
}

/* "1.2" for a first thread, "1.2/1" for another. */
static void thread_name(struct supervisor *s, uint32_t process, uint32_t thread, char *name,
			size_t n_bytes)
{
	const char *lineage = model_lineage(s->model, process);

	if (thread)
		snprintf(name, n_bytes, "%s/%u", lineage, thread);
	else
		snprintf(name, n_bytes, "%s", lineage);
}

static void show(struct supervisor *s, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more)
{
	struct trace *t = s->trace;
	char name[ARENA_LINEAGE + 16], line[FORMAT_LINE];
	int n, n_prefix;

	if (BUFFER - t->n_bytes < 2 * FORMAT_LINE)
		trace_flush(s);
	thread_name(s, process, thread, name, sizeof(name));
	n_prefix = event_format_prefix(name, model_program(s->model, process), line, sizeof(line));
	if (n_prefix < 0 || n_prefix >= FORMAT_LINE)
		return;
	format(s, event, more, line + n_prefix, sizeof(line) - (size_t)n_prefix);
	n = snprintf(t->buffer + t->n_bytes, BUFFER - t->n_bytes, "%s\n", line);
	if (n > 0)
		t->n_bytes += (size_t)n;
}

void trace_event(struct supervisor *s, uint32_t process, uint32_t thread, const struct event *event,
		 const uint8_t *more)
{
	if (s->options->events_fd >= 0)
		keep(s->trace, process, thread, event, more);
	if (s->options->trace && !s->trace->given_up)
		show(s, process, thread, event, more);
}

static void write_flags(struct json_writer *w, unsigned int flags)
{
	static const char *const name[] = {
		"failed",   "injected", "not-performed", "abandoned",   "kill-before", "kill-after",
		"nonblock", "timed",    "in-handler",    "vfork-child", "shortened",
	};

	json_write_array(w, "flags");
	for (unsigned int i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (flags & 1u << i)
			json_write_string(w, NULL, name[i]);
	json_write_end(w);
}

static void write_kept(struct supervisor *s, FILE *file, const struct kept *k, uint64_t seq)
{
	const struct event *e = &k->event;
	char name[ARENA_LINEAGE + 16], line[FORMAT_LINE], hex[24], object[128];
	struct json_writer w;

	thread_name(s, k->process, k->thread, name, sizeof(name));
	json_write_begin(&w, file, false);
	json_write_object(&w, NULL);
	json_write_uint(&w, "seq", seq);
	json_write_fixed(&w, "t_us", (int64_t)ticks_to_ns(s, e->enter_tsc - s->start_tsc), 3);
	json_write_fixed(&w, "end_us", (int64_t)ticks_to_ns(s, e->exit_tsc - s->start_tsc), 3);
	json_write_string(&w, "lineage", name);
	json_write_string(&w, "program", model_program(s->model, k->process));
	json_write_string(&w, "call", calls[e->call].name);
	json_write_string(&w, "object",
			  e->object ? model_object_name(s->model, e->object, object, sizeof(object))
				    : "");
	json_write_array(&w, "args");
	for (unsigned int i = 0; i < calls[e->call].n_args; i++)
		json_write_int(&w, NULL, e->arg[i]);
	json_write_end(&w);
	json_write_int(&w, "result", e->result);
	json_write_string(&w, "errno", e->flags & EVENT_FAILED ? errno_text(e->err) : "");
	write_flags(&w, e->flags);
	json_write_int(&w, "rule", e->rule);
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)e->site);
	json_write_string(&w, "site", hex);
	format(s, e, k->more, line, sizeof(line));
	json_write_string(&w, "line", line);
	json_write_end(&w);
	json_write_finish(&w);
}

void trace_finish(struct supervisor *s)
{
	struct trace *t = s->trace;
	uint64_t from = t->n_kept > KEPT ? t->n_kept - KEPT : 0;
	FILE *file;

	trace_flush(s);
	if (s->options->events_fd < 0 || s->findings.n == 0)
		return;
	file = fdopen(s->options->events_fd, "w");
	for (uint64_t seq = from; file && seq < t->n_kept; seq++)
		write_kept(s, file, &t->kept[seq % KEPT], seq);
	if (file)
		fclose(file);
}

void trace_free(struct trace *t)
{
	for (size_t i = 0; t && t->kept && i < KEPT; i++)
		free(t->kept[i].more);
	if (t)
		free(t->kept);
	free(t);
}
