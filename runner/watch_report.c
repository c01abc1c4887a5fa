/* SPDX-License-Identifier: Apache-2.0 */
/* watch_report.c - a deadlock as a finding: its cause, who waits for what, and the stacks. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/wait.h>

#include "watch.h"

#define HOLDERS 16
#define DRAWN 12 /* more than that are a picture of nothing */

struct story {
	struct supervisor *s;
	struct scene *scene;
	struct graph *graph;
	uint32_t component;
	uint32_t core[GRAPH_TASKS]; /* nodes of the graph that the cause is about */
	uint32_t n_core;
	struct sem_holder dead; /* orphaned lock: its holder */
	struct finding *f;
};

static const struct task *task_of(const struct story *y, uint32_t node)
{
	return &y->scene->task[y->graph->task[node]];
}

static bool is_part(const struct story *y, uint32_t node)
{
	return y->component == ALL_COMPONENTS || y->graph->component[node] == y->component;
}

/* "1.2", or "1.2/1" for a thread. */
static const char *lineage_of(const struct story *y, const struct task *t, char *buffer,
			      size_t n_bytes)
{
	int32_t process = y->scene->proc[t->proc].process;

	if (process < 0)
		snprintf(buffer, n_bytes, "process %d", (int)t->pid);
	else if (t->slot >= 0 && y->s->thread[t->slot].number)
		snprintf(buffer, n_bytes, "%s/%u", y->s->process[process].lineage,
			 y->s->thread[t->slot].number);
	else
		snprintf(buffer, n_bytes, "%s", y->s->process[process].lineage);
	return buffer;
}

/* "1.2 (perl)" */
static const char *who(const struct story *y, const struct task *t, char *buffer, size_t n_bytes)
{
	int32_t process = y->scene->proc[t->proc].process;
	char lineage[ARENA_LINEAGE + 16];

	snprintf(buffer, n_bytes, "%s (%s)", lineage_of(y, t, lineage, sizeof(lineage)),
		 process < 0 ? "not followed" : y->s->process[process].name);
	return buffer;
}

static const char *object_of(const struct story *y, const struct task *t, char *buffer,
			     size_t n_bytes)
{
	size_t n;

	buffer[0] = '\0';
	if (t->object)
		model_object_name(y->s->model, t->object, buffer, n_bytes);
	n = strlen(buffer);
	if (t->kind == WAIT_SEM)
		snprintf(buffer + n, n_bytes - n, " #%u", t->num);
	return buffer;
}

static const char *waits_for(const struct story *y, const struct task *t, char *buffer,
			     size_t n_bytes)
{
	static const char *const text[] = {
		[WAIT_LIVE] = "runs%s",
		[WAIT_SEM] = "waits for %s",
		[WAIT_RECEIVE] = "waits for a message in %s",
		[WAIT_SEND] = "waits for room in %s",
		[WAIT_READ] = "waits for bytes from %s",
		[WAIT_WRITE] = "waits for room in %s",
		[WAIT_CHILD] = "waits for the end of a child%s",
		[WAIT_SIGNAL] = "waits for a signal%s",
		[WAIT_POLL] = "waits for one of its descriptors: %s",
		[WAIT_FUTEX] = "waits for a lock or condition in memory%s",
		[WAIT_OPEN] = "waits for the other end of %s",
	};
	char object[128];

	object_of(y, t, object, sizeof(object));
	if (t->kind == WAIT_SEM && t->to_zero)
		snprintf(buffer, n_bytes, "waits for %s to be 0", object);
	else
		/* The table's formats all take one string. */
		snprintf(buffer, n_bytes, text[t->kind], object);
	return buffer;
}

/* What `t` is to `waiter`, who waits for it. */
static const char *relation(const struct story *y, const struct task *waiter, char *buffer,
			    size_t n_bytes)
{
	static const char *const text[] = {
		[WAIT_LIVE] = "runs%s",
		[WAIT_SEM] = "holds %s",
		[WAIT_RECEIVE] = "sends to %s",
		[WAIT_SEND] = "receives from %s",
		[WAIT_READ] = "could write to %s",
		[WAIT_WRITE] = "could read from %s",
		[WAIT_CHILD] = "is its child%s",
		[WAIT_SIGNAL] = "has sent it signals%s",
		[WAIT_POLL] = "has the other end of %s",
		[WAIT_FUTEX] = "shares its memory%s",
		[WAIT_OPEN] = "would open %s later",
	};
	char object[128];

	object_of(y, waiter, object, sizeof(object));
	if (waiter->kind == WAIT_SEM && !model_sem_is_lock(y->s->model, waiter->id, waiter->num))
		snprintf(buffer, n_bytes, "raises %s", object);
	else
		snprintf(buffer, n_bytes, text[waiter->kind], object);
	return buffer;
}

/* A lock that is waited for, and whose holder is dead. */
static bool find_orphaned(struct story *y)
{
	struct sem_holder holder[HOLDERS];

	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++) {
		const struct task *t = task_of(y, i);
		const struct task *first = y->n_core ? task_of(y, y->core[0]) : NULL;
		unsigned int n;

		if (!is_part(y, i) || t->kind != WAIT_SEM || t->to_zero ||
		    (first && (first->id != t->id || first->num != t->num)) ||
		    !model_sem_is_lock(y->s->model, t->id, t->num))
			continue;
		n = model_sem_holders(y->s->model, t->id, t->num, holder, HOLDERS);
		for (unsigned int h = 0; h < n && h < HOLDERS; h++)
			if (!holder[h].alive && holder[h].units > 0 && !holder[h].undo) {
				y->dead = holder[h];
				y->core[y->n_core++] = i;
				break;
			}
	}
	return y->n_core > 0;
}

/* A signal that came after its last wait was over, and before this one began. */
static bool find_lost_wakeup(struct story *y)
{
	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++) {
		const struct task *t = task_of(y, i);
		int32_t number = y->scene->proc[t->proc].process;
		const struct arena_thread *thread;
		const struct process *p;
		uint64_t enter;
		uint32_t depth;

		if (!is_part(y, i) || t->kind != WAIT_SIGNAL || t->slot < 0 || number < 0)
			continue;
		p = &y->s->process[number];
		thread = &y->s->arena->thread[t->slot];
		depth = atomic_load(&thread->depth);
		if (depth == 0 || depth > ARENA_DEPTH)
			continue;
		enter = thread->cur[depth - 1].enter_tsc;
		if (p->signalled_tsc && p->signalled_tsc < enter &&
		    p->signalled_tsc > p->signal_wait_tsc)
			y->core[y->n_core++] = i;
	}
	return y->n_core > 0;
}

static void find_missing(struct story *y)
{
	y->n_core = 0;
	for (uint32_t i = 0; i < y->graph->n; i++)
		if (is_part(y, i) && task_of(y, i)->kind != WAIT_CHILD &&
		    task_of(y, i)->kind != WAIT_FUTEX)
			y->core[y->n_core++] = i;
	for (uint32_t i = 0; i < y->graph->n && y->n_core == 0; i++)
		if (is_part(y, i))
			y->core[y->n_core++] = i;
}

static const struct event *current(const struct story *y, const struct task *t, struct event *event)
{
	const struct arena_thread *thread;
	uint32_t depth;

	if (t->slot < 0)
		return NULL;
	thread = &y->s->arena->thread[t->slot];
	depth = atomic_load(&thread->depth);
	if (depth == 0 || depth > ARENA_DEPTH)
		return NULL;
	*event = thread->cur[depth - 1];
	return event->call < CALL_N && event->stack <= ARENA_STACKS ? event : NULL;
}

/* What is the same in every run: the places that wait, and what for. Each counts once. */
static void mark(struct story *y)
{
	uint64_t seen[GRAPH_TASKS * 2];
	uint32_t n_seen = 0;

	for (uint32_t i = 0; i < y->n_core; i++) {
		const struct task *t = task_of(y, y->core[i]);
		struct event event;
		uint64_t stable[2] = { 0, 0 };

		if (!y->dead.site && current(y, t, &event))
			stable[0] = event.site;
		if (t->object)
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

static void show_stacks(struct story *y, const struct task *t)
{
	char lineage[ARENA_LINEAGE + 32], object[128];
	struct sem_holder holder[HOLDERS];
	struct event event;
	unsigned int n;

	lineage_of(y, t, lineage, sizeof(lineage));
	object_of(y, t, object, sizeof(object));
	if (current(y, t, &event) && event.stack)
		finding_stack(y->f, lineage, event.stack, "waits here: %s%s%s",
			      calls[event.call].name, object[0] ? " on " : "", object);
	if (t->kind != WAIT_SEM || !model_sem_is_lock(y->s->model, t->id, t->num))
		return;
	n = model_sem_holders(y->s->model, t->id, t->num, holder, HOLDERS);
	for (unsigned int h = 0; h < n && h < HOLDERS; h++)
		if (holder[h].stack && holder[h].units > 0)
			finding_stack(y->f, model_lineage(y->s->model, holder[h].process),
				      holder[h].stack, "took it here: %s", object);
}

/* The core first: there is room for so many stacks only. */
static void show_all(struct story *y)
{
	bool shown[GRAPH_TASKS] = { false };
	char name[160], text[200], lineage[ARENA_LINEAGE + 32];

	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < (pass ? y->graph->n : y->n_core); i++) {
			uint32_t node = pass ? i : y->core[i];
			const struct task *t = task_of(y, node);

			if (shown[node] || !is_part(y, node))
				continue;
			shown[node] = true;
			finding_lineage(y->f, lineage_of(y, t, lineage, sizeof(lineage)));
			if (t->object)
				finding_object(y->f, object_of(y, t, text, sizeof(text)));
			who(y, t, name, sizeof(name));
			/* A cycle has been drawn. */
			if (pass || strcmp(y->f->cause, "cycle") != 0)
				finding_detail(y->f, "%s %s", name,
					       waits_for(y, t, text, sizeof(text)));
			show_stacks(y, t);
		}
}

/*
 *   1.1 (prog) holds A, waits for B
 *      ^                         |
 *      |                         v
 *   1.2 (prog) holds B, waits for A
 */
static void draw_cycle(struct story *y)
{
	char line[DRAWN][200];
	uint32_t n = y->n_core < DRAWN ? y->n_core : DRAWN;
	int width = 40;

	for (uint32_t i = 0; i < n; i++) {
		const struct task *t = task_of(y, y->core[i]);
		const struct task *waiter = task_of(y, y->core[(i + y->n_core - 1) % y->n_core]);
		char name[160], does[160], waits[160];
		int length = snprintf(line[i], sizeof(line[i]), "%.60s %.60s, %.70s",
				      who(y, t, name, sizeof(name)),
				      relation(y, waiter, does, sizeof(does)),
				      waits_for(y, t, waits, sizeof(waits)));

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

static void tell(struct story *y, const char *cause)
{
	const struct task *t = task_of(y, y->core[0]);
	char name[160], second[160], text[200], object[128];

	who(y, t, name, sizeof(name));
	waits_for(y, t, text, sizeof(text));
	object_of(y, t, object, sizeof(object));
	if (strcmp(cause, "orphaned lock") == 0)
		finding_message(y->f, "deadlock: %s: %s waits for %s, which %s took and died with",
				cause, name, object, model_lineage(y->s->model, y->dead.process));
	else if (strcmp(cause, "cycle") == 0 && y->n_core == 1)
		finding_message(y->f, "deadlock: %s: %s %s, which it holds itself", cause, name,
				text);
	else if (strcmp(cause, "cycle") == 0 && y->n_core == 2)
		finding_message(y->f, "deadlock: %s: %s and %s wait for one another", cause, name,
				who(y, task_of(y, y->core[1]), second, sizeof(second)));
	else if (strcmp(cause, "cycle") == 0)
		finding_message(y->f, "deadlock: %s: %s and %u others wait in a circle", cause,
				name, y->n_core - 1);
	else if (strcmp(cause, "lost wake-up") == 0)
		finding_message(y->f,
				"deadlock: %s: %s waits for a signal that came before it waited",
				cause, name);
	else
		finding_message(y->f, "deadlock: %s: %s %s, and nobody is left who would end that",
				cause, name, text);
}

struct finding *watch_report(struct supervisor *s, struct scene *scene, struct graph *graph,
			     uint32_t component)
{
	static struct story y;
	const char *cause;

	memset(&y, 0, sizeof(y));
	y.s = s;
	y.scene = scene;
	y.graph = graph;
	y.component = component;
	if (find_orphaned(&y)) {
		cause = "orphaned lock";
	} else if (find_lost_wakeup(&y)) {
		cause = "lost wake-up";
	} else if ((y.n_core = graph_cycle(graph, component, y.core)) > 0) {
		cause = "cycle";
	} else {
		cause = "missing partner";
		find_missing(&y);
	}
	if (y.n_core == 0)
		return NULL;
	y.f = finding_new("deadlock", cause);
	tell(&y, cause);
	if (strcmp(cause, "orphaned lock") == 0)
		finding_lineage(y.f, model_lineage(s->model, y.dead.process));
	if (strcmp(cause, "cycle") == 0)
		draw_cycle(&y);
	mark(&y);
	show_all(&y);
	return y.f;
}
