/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - adds processes, objects and stacks to findings, with their marks. */
#include <stdio.h>

#include "../model_lock.h"
#include "invariants.h"

/* Objects that a loop makes are one as to their faults; those with a key are told apart by it. */
static uint64_t fault_mark(const struct object *object)
{
	if (object->maker_site && !(object->has_key && object->key))
		return mark_mix(object_kind_of(object->ref), object->maker_site);
	return object_mark(object);
}

void finding_add_object(struct model *model, struct finding *f, const struct object *object)
{
	char name[160];

	finding_object(f, object_name(model, object, name, sizeof(name)));
	finding_mark(f, fault_mark(object));
}

void finding_add_sem(struct model *model, struct finding *f, const struct sem_set *set,
		     unsigned int num)
{
	char name[160];

	finding_object(f, sem_name(model, set, num, name, sizeof(name)));
	finding_mark(f, mark_mix(fault_mark(&set->object), num));
}

void finding_add_process(struct model *model, struct finding *f, uint32_t process)
{
	finding_lineage(f, model_lineage(model, process));
}

void finding_add_stack(struct model *model, struct finding *f, uint32_t process, uint32_t stack,
		       const char *label)
{
	finding_add_process(model, f, process);
	if (stack)
		finding_stack(f, model_lineage(model, process), stack, "%s", label);
}

void finding_add_lock(struct model *model, struct finding *f, const struct lock_node *node)
{
	char name[160];

	if (object_kind_of(node->object->ref) == OBJECT_SEM) {
		finding_add_sem(model, f, (const struct sem_set *)node->object, node->num);
		return;
	}
	finding_object(f, lock_name(model, node, name, sizeof(name)));
	finding_mark(f, fault_mark(node->object));
}

void finding_add_thread_stack(struct model *model, struct finding *f, uint32_t process,
			      uint32_t thread, uint32_t stack, const char *label)
{
	char lineage[96];

	if (!thread) {
		finding_add_stack(model, f, process, stack, label);
		return;
	}
	snprintf(lineage, sizeof(lineage), "%.80s/%u", model_lineage(model, process), thread);
	finding_lineage(f, lineage);
	if (stack)
		finding_stack(f, lineage, stack, "%s", label);
}
