/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - an event as a line: the call, its result, what was done to it and how long it took. */
#include "format.h"

#include "format_parts.h"
#include "plan.h"

static void show_call(struct text *text, const struct event *event, const uint8_t *more,
		      const struct format_names *names)
{
	struct event copy = *event;
	struct shown shown = {
		.text = text,
		.event = &copy,
		.names = names,
		.more = more ? (const char *)more : "",
		.n_more = more ? (size_t)event->n_more * EVENT_MORE_BYTES : 0,
	};

	if (event->call >= CALL_N) {
		text_str(text, "call ");
		text_uint(text, event->call);
		text_str(text, "(...)");
		return;
	}
	copy.call = (uint16_t)calls[event->call].canonical_id;
	shown.call = &calls[copy.call];
	text_str(text, shown.call->name);
	text_char(text, '(');
	show_arguments(&shown);
	text_char(text, ')');
}

static void show_errno(struct text *text, int err)
{
	const char *name = errno_text(err);

	if (name) {
		text_str(text, name);
		return;
	}
	text_str(text, "errno ");
	text_int(text, err);
}

static void show_failure(struct text *text, const struct event *event, enum call_result result)
{
	if (result == RESULT_PTR0)
		text_str(text, "NULL ");
	else if (result == RESULT_ERRNO)
		text_int(text, event->err);
	else
		text_str(text, "-1 ");
	text_str(text, result == RESULT_ERRNO ? " " : "");
	show_errno(text, event->err);
}

static void show_result(struct text *text, const struct event *event)
{
	const struct call *call = event->call < CALL_N ? &calls[event->call] : NULL;
	enum call_result result = call ? calls[call->canonical_id].result : RESULT_LONG;
	const unsigned int unknown = EVENT_ABANDONED | EVENT_KILL_BEFORE | EVENT_KILL_AFTER;

	text_str(text, " = ");
	if (event->flags & unknown || result == RESULT_NEVER || event->exit_tsc == 0)
		text_char(text, '?');
	else if (event->flags & EVENT_FAILED)
		show_failure(text, event, result);
	else if (result == RESULT_PTR0 || result == RESULT_PTRM1)
		text_hex(text, (uint64_t)event->result);
	else if (event->call == CALL_ftok)
		text_hex(text, (uint32_t)event->result);
	else
		text_int(text, event->result);
}

static void show_injected(struct text *text, const struct event *event)
{
	if (event->flags & (EVENT_KILL_BEFORE | EVENT_KILL_AFTER)) {
		text_str(text, event->flags & EVENT_KILL_AFTER ? " (done, then killed here by rule "
							       : " (killed here by rule ");
		text_uint(text, event->rule);
		text_char(text, ')');
	} else if (event->flags & EVENT_INJECTED) {
		text_str(text, " (injected: ");
		text_str(text, fault_name((enum fault_kind)event->fault));
		text_str(text, event->flags & EVENT_NOT_PERFORMED ? ", not performed)" : ")");
	}
}

/* Bytes that nobody can read any more. */
static void show_unread(struct text *text, const struct event *event)
{
	if (event->call != CALL_close || event->flags & EVENT_FAILED || event->arg[4] <= 0)
		return;
	text_str(text, " (");
	text_int(text, event->arg[4]);
	text_str(text, event->arg[4] == 1 ? " byte left unread)" : " bytes left unread)");
}

static void show_duration(struct text *text, const struct event *event, uint64_t ticks_per_us)
{
	if (ticks_per_us == 0 || event->exit_tsc <= event->enter_tsc)
		return;
	text_str(text, " <");
	text_fixed(text, (event->exit_tsc - event->enter_tsc) / ticks_per_us, 6);
	text_char(text, '>');
}

/* Only absurd events have lines so long that an int cannot hold the length. */
static int length(const struct text *text)
{
	return text->n_bytes > INT32_MAX ? INT32_MAX : (int)text->n_bytes;
}

int event_format(const struct event *event, const uint8_t *more, const struct format_names *names,
		 char *buffer, size_t n_bytes)
{
	struct text text;

	text_begin(&text, buffer, n_bytes);
	show_call(&text, event, more, names);
	show_result(&text, event);
	show_injected(&text, event);
	show_unread(&text, event);
	show_duration(&text, event, names ? names->ticks_per_us : 0);
	return length(&text);
}

int event_format_call(const struct event *event, const uint8_t *more,
		      const struct format_names *names, char *buffer, size_t n_bytes)
{
	struct text text;

	text_begin(&text, buffer, n_bytes);
	show_call(&text, event, more, names);
	return length(&text);
}

int event_format_prefix(const char *lineage, const char *program, char *buffer, size_t n_bytes)
{
	struct text text;

	text_begin(&text, buffer, n_bytes);
	text_str(&text, lineage);
	text_char(&text, ' ');
	text_str(&text, program);
	text_char(&text, ' ');
	return length(&text);
}
