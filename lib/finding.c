/* SPDX-License-Identifier: Apache-2.0 */
/* finding.c - builds findings and keeps each of a trial once. */
#include "finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct finding *finding_new(const char *kind, const char *cause)
{
	struct finding *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->kind = kind;
	snprintf(f->cause, sizeof(f->cause), "%s", cause);
	finding_mark(f, arena_hash(kind, strlen(kind), ARENA_HASH_START));
	finding_mark(f, arena_hash(f->cause, strlen(f->cause), ARENA_HASH_START + 1));
	return f;
}

void finding_message(struct finding *f, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(f->message, sizeof(f->message), format, arguments);
	va_end(arguments);
}

void finding_lineage(struct finding *f, const char *lineage)
{
	for (unsigned int i = 0; i < f->n_lineages; i++)
		if (!strcmp(f->lineage[i], lineage))
			return;
	if (f->n_lineages < FINDING_LINEAGES)
		snprintf(f->lineage[f->n_lineages++], sizeof(f->lineage[0]), "%s", lineage);
}

void finding_object(struct finding *f, const char *object)
{
	char cut[sizeof(f->object[0])];

	snprintf(cut, sizeof(cut), "%s", object);
	for (unsigned int i = 0; i < f->n_objects; i++)
		if (!strcmp(f->object[i], cut))
			return;
	if (f->n_objects < FINDING_OBJECTS)
		memcpy(f->object[f->n_objects++], cut, sizeof(cut));
}

void finding_stack(struct finding *f, const char *lineage, uint32_t stack, const char *format, ...)
{
	struct finding_stack *to;
	va_list arguments;

	if (f->n_stacks == FINDING_STACKS)
		return;
	to = &f->stack[f->n_stacks++];
	snprintf(to->lineage, sizeof(to->lineage), "%s", lineage);
	to->stack = stack;
	va_start(arguments, format);
	vsnprintf(to->label, sizeof(to->label), format, arguments);
	va_end(arguments);
}

void finding_detail(struct finding *f, const char *format, ...)
{
	va_list arguments;

	if (f->n_details == FINDING_DETAILS)
		return;
	va_start(arguments, format);
	vsnprintf(f->detail[f->n_details++], sizeof(f->detail[0]), format, arguments);
	va_end(arguments);
}

void finding_mark(struct finding *f, uint64_t stable)
{
	f->fingerprint += arena_mix(stable);
}

static int find(const struct finding_list *list, uint64_t fingerprint)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (list->item[i]->fingerprint == fingerprint)
			return (int)i;
	return -1;
}

static void *grown(void *array, size_t n_bytes)
{
	void *moved = realloc(array, n_bytes);

	if (!moved)
		abort();
	return moved;
}

int findings_add(struct finding_list *list, struct finding *f)
{
	int at = find(list, f->fingerprint);

	if (at >= 0) {
		list->n_seen[at]++;
		free(f);
		return 0;
	}
	list->item = grown(list->item, (list->n + 1) * sizeof(list->item[0]));
	list->n_seen = grown(list->n_seen, (list->n + 1) * sizeof(list->n_seen[0]));
	list->item[list->n] = f;
	list->n_seen[list->n] = 1;
	list->n++;
	return 1;
}

void findings_withdraw(struct finding_list *list, uint64_t fingerprint)
{
	int at = find(list, fingerprint);

	if (at < 0)
		return;
	free(list->item[at]);
	list->n--;
	memmove(&list->item[at], &list->item[at + 1],
		(list->n - (unsigned int)at) * sizeof(list->item[0]));
	memmove(&list->n_seen[at], &list->n_seen[at + 1],
		(list->n - (unsigned int)at) * sizeof(list->n_seen[0]));
}

void findings_free(struct finding_list *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
	free(list->n_seen);
	memset(list, 0, sizeof(*list));
}
