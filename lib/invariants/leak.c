/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak: System V objects, POSIX queues, named semaphores and shared memory, FIFOs and the files of
 * sockets that are left at the end, and children that nobody waited for.
 */
#include "invariants.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"

static bool maker_was_killed(const struct model *model, int32_t maker)
{
	const struct process *p = maker < 0 ? NULL : process_get(model, (uint32_t)maker);

	return p && p->ended && p->end.by_rule;
}

/* Where no event has told of it, its path is all that is the same in every run. */
static const char *name_leftover(struct model *model, const struct leftover *left,
				 const struct object *object, char *name, size_t n_bytes)
{
	static const char *const nouns[OBJECT_N] = {
		[OBJECT_FIFO] = "FIFO",      [OBJECT_MQ] = "queue",
		[OBJECT_PSEM] = "semaphore", [OBJECT_MEMORY] = "shared memory",
		[OBJECT_SOCKET] = "socket",
	};

	if (object && (object->path || !left->path))
		return object_name(model, object, name, n_bytes);
	if (!left->path || !nouns[left->kind])
		return model_object_name(model, left->object, name, n_bytes);
	snprintf(name, n_bytes, "%s %s", nouns[left->kind], left->path);
	return name;
}

static uint64_t mark_leftover(struct model *model, const struct leftover *left,
			      const struct object *object)
{
	/* a loop that leaks is one fault */
	if (object && object->maker_site)
		return mark_mix(left->kind, object->maker_site);
	if (!object && left->path)
		return mark_mix(left->kind,
				arena_hash(left->path, strlen(left->path), ARENA_HASH_START));
	return model_object_mark(model, left->object);
}

static void describe(struct model *model, struct finding *f, const struct leftover *left,
		     int32_t maker, const struct object *object)
{
	char name[200], title[120];

	finding_object(f, name_leftover(model, left, object, name, sizeof(name)));
	finding_mark(f, mark_leftover(model, left, object));
	if (maker < 0) {
		finding_message(f, "%s is left at the end", name);
		return;
	}
	finding_message(f, "%s, made by %s, is left at the end", name,
			process_title(model, (uint32_t)maker, title, sizeof(title)));
	finding_add_stack(model, f, (uint32_t)maker, object ? object->maker_stack : 0,
			  "made it here");
}

static void judge_leftover(struct model *model, const struct leftover *left)
{
	const struct object *object = object_find(model, left->object);
	int32_t maker = object && object->maker >= 0 ? object->maker
						     : model_find_pid(model, left->maker_pid);
	bool orphaned = maker_was_killed(model, maker);
	struct finding *f = finding_new(orphaned ? "orphaned-object" : "leak", "");

	f->outcome = orphaned && !model->options.strict;
	describe(model, f, left, maker, object);
	if (orphaned)
		finding_detail(
			f, "A rule killed its maker, so nobody may have known that it was there.");
	findings_add(model->findings, f);
}

/* The child had ended, and its parent went on. A death is noticed late, but exit calls are not. A
 * program does not know of the children that its process had before exec. */
static bool is_zombie(const struct process *parent, const struct process *child)
{
	uint64_t ended = child->exit_enter && child->last_exit ? child->last_exit : child->end_tsc;

	return child->ended && !child->reaped && ended < parent->last_call_enter &&
	       (child->born_enter ? child->born_enter : child->begin_tsc) > parent->exec_exit;
}

static void report_zombie(struct model *model, uint32_t parent, uint32_t child)
{
	const struct process *p = process_get(model, child);
	struct finding *f = finding_new("leak", "zombie");
	char title[120];

	finding_mark(f, p->born_site);
	finding_message(f, "%s ended, but its parent %s went on and never waited for it: a zombie",
			process_title(model, child, title, sizeof(title)),
			model_lineage(model, parent));
	finding_add_process(model, f, child);
	finding_add_stack(model, f, parent, p->born_stack, "made the child here");
	findings_add(model->findings, f);
}

static void judge_children(struct model *model, uint32_t process)
{
	const struct process *p = process_get(model, process);

	/* A parent that was killed had no chance; one that ignores SIGCHLD has no zombies. */
	if (!p || !p->ended || p->end.kind != END_EXIT || p->end.by_rule || p->end.by_runner ||
	    p->chld_tsc)
		return;
	for (int32_t child = p->first_child; child >= 0;
	     child = process_get(model, (uint32_t)child)->next_sibling)
		if (is_zombie(p, process_get(model, (uint32_t)child)))
			report_zombie(model, process, (uint32_t)child);
}

static void leak_finish(struct model *model, void *data, enum trial_end how,
			const struct leftover *left, unsigned int n_left)
{
	(void)data;
	if (how != TRIAL_ENDED)
		return;
	for (unsigned int i = 0; i < n_left; i++)
		judge_leftover(model, &left[i]);
	for (uint32_t i = 0; i < model->n_processes; i++)
		judge_children(model, i);
}

const struct invariant leak_invariant = {
	.name = "leak",
	.about =
		"No System V object, no name (of a queue, a semaphore, memory, a FIFO, a socket) and "
		"no zombie is left.",
	.finish = leak_finish,
};
