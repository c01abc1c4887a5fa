/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - adds processes, objects and stacks to findings, with their marks. */
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
