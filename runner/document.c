/* SPDX-License-Identifier: Apache-2.0 */
/* document.c - the trial's JSON document, as the runner reads it: what ran, what was found, with
 * stacks. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json_writer.h"
#include "supervise.h"

static const char *const ended_name[] = {
	[ENDED_NOT] = "ended", [ENDED_BY_ITSELF] = "ended",         [ENDED_DEADLOCK] = "deadlock",
	[ENDED_HANG] = "hang", [ENDED_INTERRUPTED] = "interrupted",
};

static void write_root(struct supervisor *s, struct json_writer *w)
{
	int status = s->process[0].wait_status;

	json_write_object(w, "root");
	json_write_bool(w, "exited", WIFEXITED(status));
	json_write_int(w, "status", WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	json_write_int(w, "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	json_write_end(w);
}

static void write_counts(struct supervisor *s, struct json_writer *w)
{
	json_write_uint(w, "events", s->n_events);
	json_write_uint(w, "lost", s->n_lost);
	json_write_uint(w, "overflow", atomic_load(&s->arena->n_overflow));
	json_write_bool(w, "scribbled", s->scribbled);
	json_write_object(w, "calls");
	for (unsigned int i = 0; i < CALL_N; i++)
		if (s->n_calls[i])
			json_write_uint(w, calls[i].name, s->n_calls[i]);
	json_write_end(w);
}

static void write_rules(struct supervisor *s, struct json_writer *w)
{
	const struct plan *plan = s->options->plan;
	char text[PLAN_TEXT * 2];

	json_write_array(w, "rules");
	for (uint32_t i = 0; i < plan->n_rules; i++) {
		const struct arena_rule_stat *stat = &s->arena->rule_stat[i];
		int why = atomic_load(&stat->refused_why);

		rule_format(&plan->rule[i], text, sizeof(text));
		json_write_object(w, NULL);
		json_write_string(w, "rule", text);
		json_write_uint(w, "matched", atomic_load(&stat->matched));
		json_write_uint(w, "fired", atomic_load(&stat->fired));
		json_write_uint(w, "refused", atomic_load(&stat->refused));
		json_write_string(w, "why",
				  why > REFUSED_NOT && why < REFUSED_N
					  ? refusal_text((enum refusal)why)
					  : "");
		json_write_bool(w, "optional", plan->rule[i].optional);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_processes(struct supervisor *s, struct json_writer *w)
{
	bool no_hello = atomic_load(&s->arena->n_hello) == 0;
	char why[300], how[320];

	json_write_object(w, "reach");
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct process *p = &s->process[i];
		bool told = i == 0 && no_hello;

		for (uint32_t r = 0; r < s->n_reach && !told; r++)
			told = s->reach[r].how[0] && strcmp(s->reach[r].lineage, p->lineage) == 0;
		if (!told)
			json_write_string(w, p->lineage, reach_of(s, p));
	}
	if (no_hello) {
		snprintf(how, sizeof(how), "none: %s", reach_no_hello(s, why, sizeof(why)));
		json_write_string(w, "1", how);
	}
	for (uint32_t r = 0; r < s->n_reach; r++)
		if (s->reach[r].how[0] && !(no_hello && strcmp(s->reach[r].lineage, "1") == 0))
			json_write_string(w, s->reach[r].lineage, s->reach[r].how);
	json_write_end(w);
	json_write_object(w, "programs");
	for (uint32_t i = 0; i < s->n_processes; i++)
		json_write_string(w, s->process[i].lineage, s->process[i].name);
	json_write_end(w);
}

static void write_frame(struct supervisor *s, struct json_writer *w, uint64_t frame)
{
	struct symbol symbol = { .line = 0 };
	char offset[24], module[240] = "";

	if (ARENA_FRAME_MODULE(frame) < ARENA_MODULES) {
		text_put(module, sizeof(module), s->arena->module[ARENA_FRAME_MODULE(frame)].path);
		if (symbols_find(s->symbols, module, ARENA_FRAME_OFFSET(frame), &symbol) < 0)
			memset(&symbol, 0, sizeof(symbol));
	}
	snprintf(offset, sizeof(offset), "0x%llx", (unsigned long long)ARENA_FRAME_OFFSET(frame));
	json_write_object(w, NULL);
	json_write_string(w, "function", symbol.function);
	json_write_string(w, "file", symbol.file);
	json_write_int(w, "line", symbol.line);
	json_write_string(w, "module", module);
	json_write_string(w, "offset", offset);
	json_write_end(w);
}

static void write_stack(struct supervisor *s, struct json_writer *w,
			const struct finding_stack *stack)
{
	json_write_object(w, NULL);
	json_write_string(w, "lineage", stack->lineage);
	json_write_string(w, "label", stack->label);
	json_write_array(w, "frames");
	if (stack->stack >= 1 && stack->stack <= ARENA_STACKS) {
		const struct arena_stack *from = &s->arena->stack[stack->stack - 1];
		uint32_t n_frames = from->n_frames;

		if (!atomic_load(&from->ready))
			n_frames = 0;
		for (uint32_t i = 0; i < n_frames && i < ARENA_FRAMES; i++)
			write_frame(s, w, from->frame[i]);
	}
	json_write_end(w);
	json_write_end(w);
}

static void write_finding(struct supervisor *s, struct json_writer *w, const struct finding *f,
			  unsigned int n_seen)
{
	char fingerprint[24];

	snprintf(fingerprint, sizeof(fingerprint), "%016llx", (unsigned long long)f->fingerprint);
	json_write_object(w, NULL);
	json_write_string(w, "kind", f->kind);
	json_write_string(w, "cause", f->cause);
	json_write_string(w, "message", f->message);
	json_write_string(w, "fingerprint", fingerprint);
	json_write_array(w, "lineages");
	for (unsigned int i = 0; i < f->n_lineages; i++)
		json_write_string(w, NULL, f->lineage[i]);
	json_write_end(w);
	json_write_array(w, "objects");
	for (unsigned int i = 0; i < f->n_objects; i++)
		json_write_string(w, NULL, f->object[i]);
	json_write_end(w);
	json_write_array(w, "details");
	for (unsigned int i = 0; i < f->n_details; i++)
		json_write_string(w, NULL, f->detail[i]);
	json_write_end(w);
	json_write_array(w, "stacks");
	for (unsigned int i = 0; i < f->n_stacks; i++)
		write_stack(s, w, &f->stack[i]);
	json_write_end(w);
	json_write_uint(w, "seen", n_seen);
	json_write_end(w);
}

static void write_findings(struct supervisor *s, struct json_writer *w, const char *key,
			   unsigned int outcome)
{
	json_write_array(w, key);
	for (unsigned int i = 0; i < s->findings.n; i++)
		if (s->findings.item[i]->outcome == outcome)
			write_finding(s, w, s->findings.item[i], s->findings.n_seen[i]);
	json_write_end(w);
}

static void write_sems(struct supervisor *s, struct json_writer *w)
{
	char text[240];

	json_write_array(w, "sems");
	for (unsigned int i = 0; i < s->n_sem_notes; i++) {
		const struct sem_note *note = &s->sem_note[i];

		if (note->n_values == 0 &&
		    !(note->note[0] && model_undo_shown(s->model, note->semid)))
			continue;
		json_write_object(w, NULL);
		json_write_string(w, "object", note->object);
		json_write_array(w, "values");
		for (unsigned int v = 0; v < note->n_values; v++)
			json_write_uint(w, NULL, note->value[v]);
		json_write_end(w);
		snprintf(text, sizeof(text), "%s%s", note->note,
			 note->n_values ? "" : ", and taken again; removed since");
		json_write_string(w, "note", text);
		json_write_end(w);
	}
	json_write_end(w);
}

/* Adds up what has the same name: "pipe from outside". */
static void merge_times(struct supervisor *s, struct object_time *into, const char *name)
{
	char other[128];

	for (struct object_time *o = into + 1; o < s->time_in + OBJECT_TIMES; o++) {
		if (!o->object ||
		    strcmp(model_object_name(s->model, o->object, other, sizeof(other)), name) != 0)
			continue;
		into->calls += o->calls;
		into->ticks += o->ticks;
		o->object = 0;
	}
}

static void write_times(struct supervisor *s, struct json_writer *w)
{
	char name[128];

	json_write_object(w, "time_in");
	for (unsigned int i = 0; i < OBJECT_TIMES; i++) {
		struct object_time *o = &s->time_in[i];

		if (!o->object || object_kind_of(o->object) == OBJECT_PROCESS)
			continue;
		model_object_name(s->model, o->object, name, sizeof(name));
		merge_times(s, o, name);
		json_write_object(w, name);
		json_write_uint(w, "calls", o->calls);
		json_write_fixed(w, "blocked_ms", (int64_t)(ticks_to_ns(s, o->ticks) / 1000), 3);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_all(struct supervisor *s, struct json_writer *w)
{
	char why[300];

	json_write_object(w, NULL);
	json_write_bool(w, "isolated", s->isolated);
	json_write_fixed(w, "duration_ms", (int64_t)(s->end_ns - s->start_ns) / 1000, 3);
	json_write_string(w, "ended", ended_name[s->ended]);
	write_root(s, w);
	json_write_uint(w, "hello", atomic_load(&s->arena->n_hello));
	json_write_string(w, "no_hello", reach_no_hello(s, why, sizeof(why)));
	write_counts(s, w);
	write_rules(s, w);
	write_processes(s, w);
	write_findings(s, w, "findings", 0);
	write_findings(s, w, "outcomes", 1);
	write_sems(s, w);
	write_times(s, w);
	json_write_end(w);
}

int document_write(struct supervisor *s)
{
	struct json_writer w;
	FILE *file = fdopen(s->json_fd, "w");
	int result;

	if (!file)
		return -1;
	json_write_begin(&w, file, false);
	write_all(s, &w);
	result = json_write_finish(&w);
	return fclose(file) == 0 ? result : -1;
}
