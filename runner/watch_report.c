/* SPDX-License-Identifier: Apache-2.0 */
/* watch_report.c - a deadlock as a finding: its cause, who waits for what, and the stacks. */
#define _GNU_SOURCE
#include <string.h>

#include "watch.h"

#define HOLDERS 16
#define DRAWN 12 /* more than that are a picture of nothing */

static const struct {
	const char *kind, *cause;
} names[] = {
	[CAUSE_ORPHANED] = { "deadlock", "orphaned lock" },
	[CAUSE_LOST] = { "lost-wakeup", "" },
	[CAUSE_WITHHELD] = { "deadlock", "withheld EOF" },
	[CAUSE_CYCLE] = { "deadlock", "cycle" },
	[CAUSE_MISSING] = { "deadlock", "missing partner" },
};

/* Did its own process make it? Which of several alike it is differs from run to run then. */
static bool is_own(const struct stuck *y, const struct task *t)
{
	int32_t process = y->scene->proc[t->proc].process;

	if (waits_in_memory(t))
		return !(object_value_of(t->object) & OBJECT_PLACE_SHARED);
	return process >= 0 && observe_used(y->s, (uint32_t)process, t->object) & USE_MADE;
}

/* What is the same in every run: the places that wait, and what for. Each counts once. */
static void mark(struct stuck *y)
{
	uint64_t seen[GRAPH_TASKS * 2];
	uint32_t n_seen = 0;

	for (uint32_t i = 0; i < y->n_core; i++) {
		const struct task *t = stuck_task(y, y->core[i]);
		struct event event;
		uint64_t stable[2] = { 0, 0 };

		if (!y->dead.site && task_call(y->s, t, &event))
			stable[0] = event.site;
		if (t->object && !is_own(y, t))
			stable[1] = model_object_mark(y->s->model, t->object) +
				    (t->kind == WAIT_SEM ? t->num : 0);
		for (int k = 0; k < 2; k++) {
			uint32_t at = 0;

			while (at < n_seen && seen[at] != stable[k])
				at++;
			if (at < n_seen || !stable[k])
				continue;
			seen[n_seen++] = stable[k];
			finding_mark(y->f, stable[k]);
		}
	}
	if (y->dead.site)
		finding_mark(y->f, y->dead.site);
}

static const char *thread_lineage(const struct stuck *y, uint32_t process, uint32_t thread,
				  char *buffer, size_t n_bytes)
{
	const char *lineage = model_lineage(y->s->model, process);

	if (thread)
		snprintf(buffer, n_bytes, "%s/%u", lineage, thread);
	else
		snprintf(buffer, n_bytes, "%s", lineage);
	return buffer;
}

static const char *holder_lineage(const struct stuck *y, const struct lock_holder *h, char *buffer,
				  size_t n_bytes)
{
	return thread_lineage(y, h->process, h->thread, buffer, n_bytes);
}

static void show_stacks(struct stuck *y, const struct task *t)
{
	char lineage[ARENA_LINEAGE + 40], object[128];
	struct lock_holder holder[HOLDERS];
	struct event event;
	unsigned int n;

	words_lineage(y, t, lineage, sizeof(lineage));
	words_object(y, t, object, sizeof(object));
	if (task_call(y->s, t, &event) && event.stack)
		finding_stack(y->f, lineage, event.stack, "waits here: %s%s%s",
			      calls[event.call].name, object[0] ? " on " : "", object);
	if (!waits_for_lock(y->s, t))
		return;
	n = model_lock_holders(y->s->model, t->object, t->kind == WAIT_SEM ? t->num : 0, holder,
			       HOLDERS);
	for (unsigned int h = 0; h < n && h < HOLDERS; h++)
		if (holder[h].stack && holder[h].units > 0)
			finding_stack(y->f, holder_lineage(y, &holder[h], lineage, sizeof(lineage)),
				      holder[h].stack, "took it here: %s", object);
}

/* "holds A, B and ": of what others wait for. */
static const char *holdings(const struct stuck *y, const struct task *t, char *buffer,
			    size_t n_bytes)
{
	size_t n = 0;

	buffer[0] = '\0';
	for (uint32_t i = 0; i < y->graph->n && n < n_bytes; i++) {
		const struct task *waiter = stuck_task(y, i);
		char object[128];
		bool told = false;

		for (uint32_t j = 0; j < i && !told; j++)
			told = stuck_task(y, j)->object == waiter->object &&
			       stuck_task(y, j)->num == waiter->num;
		if (told || !waiter->object || !holds_lock(y->s, y->scene, t, waiter))
			continue;
		n += (size_t)snprintf(buffer + n, n_bytes - n, "%s%s", n ? ", " : "holds ",
				      words_object(y, waiter, object, sizeof(object)));
	}
	if (n && n < n_bytes)
		snprintf(buffer + n, n_bytes - n, ", ");
	return buffer;
}

/* How did that process come to an end that it never uses? */
static const char *origin(const struct stuck *y, uint32_t proc, const struct target *target)
{
	uint64_t object = target->file.kind == FILE_PIPE ? target->object
							 : OBJECT_REF(OBJECT_SOCKET, target->peer);
	uint32_t process = (uint32_t)y->scene->proc[proc].process;

	if (observe_used(y->s, process, object) & USE_MADE)
		return "made by itself";
	return observe_passed(y->s, object) ? "passed to it or inherited" : "inherited";
}

/* Whoever keeps the end of the file away and does not know it. */
static void show_ends(struct stuck *y, const struct task *t)
{
	char object[128];

	for (unsigned int n = 0; n < t->n_targets; n++) {
		const struct target *target = task_target(y->scene, t, n);
		bool pipe = target->file.kind == FILE_PIPE;

		if (target->writes || target->crowd || (!pipe && target->file.kind != FILE_SOCKET))
			continue;
		model_object_name(y->s->model,
				  pipe ? target->object : OBJECT_REF(OBJECT_SOCKET, target->peer),
				  object, sizeof(object));
		for (uint32_t i = 0; i < y->scene->n_procs; i++)
			if (has_end(y->scene, i, target) && !was_used(y->s, y->scene, i, target))
				finding_detail(y->f, "%s still has the %s %s, %s, never used",
					       y->s->process[y->scene->proc[i].process].lineage,
					       pipe ? "write end of" : "other end,", object,
					       origin(y, i, target));
	}
}

/* The core first: there is room for so many stacks only. */
static void show_all(struct stuck *y)
{
	bool shown[GRAPH_TASKS] = { false };
	char name[160], text[200], held[256], lineage[ARENA_LINEAGE + 40];

	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < (pass ? y->graph->n : y->n_core); i++) {
			uint32_t node = pass ? i : y->core[i];
			const struct task *t = stuck_task(y, node);

			if (shown[node] || !stuck_has(y, node))
				continue;
			shown[node] = true;
			finding_lineage(y->f, words_lineage(y, t, lineage, sizeof(lineage)));
			if (t->object)
				finding_object(y->f, words_object(y, t, text, sizeof(text)));
			words_who(y, t, name, sizeof(name));
			/* A cycle has been drawn. */
			if (pass || y->cause != CAUSE_CYCLE)
				finding_detail(y->f, "%s %s%s", name,
					       holdings(y, t, held, sizeof(held)),
					       words_waits(y, t, text, sizeof(text)));
			show_ends(y, t);
			show_stacks(y, t);
		}
}

/*
 *   1.1 (prog) holds A, waits for B
 *      ^                         |
 *      |                         v
 *   1.2 (prog) holds B, waits for A
 */
static void draw_cycle(struct stuck *y)
{
	char line[DRAWN][200];
	uint32_t n = y->n_core < DRAWN ? y->n_core : DRAWN;
	int width = 40;

	for (uint32_t i = 0; i < n; i++) {
		const struct task *t = stuck_task(y, y->core[i]);
		const struct task *waiter = stuck_task(y, y->core[(i + y->n_core - 1) % y->n_core]);
		char name[160], does[160], waits[160];
		int length = snprintf(line[i], sizeof(line[i]), "%.60s %.60s, %.70s",
				      words_who(y, t, name, sizeof(name)),
				      words_relation(y, waiter, does, sizeof(does)),
				      words_waits(y, t, waits, sizeof(waits)));

		if (length - 8 > width)
			width = length - 8 < 120 ? length - 8 : 120;
	}
	for (uint32_t i = 0; i < n; i++) {
		finding_detail(y->f, "%s", line[i]);
		if (i + 1 == n)
			break;
		finding_detail(y->f, "   %c%*s|", i == 0 ? '^' : '|', width, "");
		finding_detail(y->f, "   |%*sv", width, "");
	}
}

/* All that is done with a lock is known, so who holds one that was never taken here has come by
 * fork. */
static bool came_by_fork(const struct task *t)
{
	return t->kind == WAIT_MUTEX && t->object &&
	       !(object_value_of(t->object) & OBJECT_PLACE_SHARED);
}

static void tell_orphaned(struct stuck *y, const struct task *t, const char *name,
			  const char *object)
{
	char lineage[ARENA_LINEAGE + 40];

	if (y->dead_known)
		finding_message(
			y->f,
			"deadlock: orphaned lock: %s waits for %s, which %s took and died with",
			name, object, holder_lineage(y, &y->dead, lineage, sizeof(lineage)));
	else if (came_by_fork(t))
		finding_message(y->f,
				"deadlock: orphaned lock: %s waits for %s, which a thread of its "
				"parent held when it was forked",
				name, object);
	else
		finding_message(y->f,
				"deadlock: orphaned lock: %s waits for %s, whose holder is dead",
				name, object);
}

static void tell_lost(struct stuck *y, const struct task *t, const char *name, const char *object)
{
	char waker[ARENA_LINEAGE + 40];

	thread_lineage(y, y->wake.process, y->wake.thread, waker, sizeof(waker));
	if (t->kind == WAIT_SIGNAL)
		finding_message(y->f,
				"lost-wakeup: %s waits for a signal that %s sent before it waited",
				name, waker);
	else
		finding_message(y->f,
				"lost-wakeup: %s waits for %s, which %s signalled before it waited",
				name, object, waker);
	finding_lineage(y->f, waker);
	if (y->wake.stack)
		finding_stack(y->f, waker, y->wake.stack, "came too early: %s",
			      t->kind == WAIT_SIGNAL ? "the signal" : object);
}

static void tell_cycle(struct stuck *y, const char *name, const char *waits)
{
	char second[160];

	if (y->n_core == 1)
		finding_message(y->f, "deadlock: cycle: %s %s, which it holds itself", name, waits);
	else if (y->n_core == 2)
		finding_message(y->f, "deadlock: cycle: %s and %s wait for one another", name,
				words_who(y, stuck_task(y, y->core[1]), second, sizeof(second)));
	else
		finding_message(y->f, "deadlock: cycle: %s and %u others wait in a circle", name,
				y->n_core - 1);
}

static void tell(struct stuck *y)
{
	const struct task *t = stuck_task(y, y->core[0]);
	char name[160], waits[200], object[128];

	words_who(y, t, name, sizeof(name));
	words_waits(y, t, waits, sizeof(waits));
	words_object(y, t, object, sizeof(object));
	switch (y->cause) {
	case CAUSE_ORPHANED:
		tell_orphaned(y, t, name, object[0] ? object : "a lock");
		break;
	case CAUSE_LOST:
		tell_lost(y, t, name, object);
		break;
	case CAUSE_WITHHELD:
		finding_message(
			y->f,
			"deadlock: withheld EOF: %s %s, whose other end is still open where "
			"nobody uses it",
			name, waits);
		break;
	case CAUSE_CYCLE:
		tell_cycle(y, name, waits);
		break;
	default:
		finding_message(
			y->f,
			"deadlock: missing partner: %s %s, and nobody is left who would end that",
			name, waits);
	}
}

struct finding *watch_report(struct supervisor *s, struct scene *scene, struct graph *graph,
			     uint32_t component)
{
	static struct stuck y;
	char lineage[ARENA_LINEAGE + 40];

	memset(&y, 0, sizeof(y));
	y.s = s;
	y.scene = scene;
	y.graph = graph;
	y.component = component;
	if (!cause_find(&y))
		return NULL;
	y.f = finding_new(names[y.cause].kind, names[y.cause].cause);
	tell(&y);
	if (y.dead_known)
		finding_lineage(y.f, holder_lineage(&y, &y.dead, lineage, sizeof(lineage)));
	if (y.cause == CAUSE_CYCLE)
		draw_cycle(&y);
	mark(&y);
	show_all(&y);
	return y.f;
}
