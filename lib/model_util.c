/* SPDX-License-Identifier: Apache-2.0 */
/* model_util.c - the model's memory and its hash table. */
#include "model_private.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

void *model_alloc(size_t n_bytes)
{
	void *memory = calloc(1, n_bytes ? n_bytes : 1);

	if (!memory)
		abort();
	return memory;
}

char *model_copy_text(const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		abort();
	return copy;
}

void *model_grow(void *array, unsigned int *room, unsigned int needed, size_t entry_bytes)
{
	unsigned int more = *room ? *room : 4;
	char *moved;

	if (needed <= *room)
		return array;
	while (more < needed)
		more *= 2;
	moved = realloc(array, more * entry_bytes);
	if (!moved)
		abort();
	memset(moved + *room * entry_bytes, 0, (more - *room) * entry_bytes);
	*room = more;
	return moved;
}

static unsigned int home(const struct model_table *table, uint64_t key)
{
	return (unsigned int)arena_mix(key) & (table->n_slots - 1);
}

/* The key's slot, or the free one where it would go. */
static unsigned int look_up(const struct model_table *table, uint64_t key)
{
	unsigned int i = home(table, key);

	while (table->slot[i].value && table->slot[i].key != key)
		i = (i + 1) & (table->n_slots - 1);
	return i;
}

void *table_get(const struct model_table *table, uint64_t key)
{
	return table->n ? table->slot[look_up(table, key)].value : NULL;
}

static void enlarge(struct model_table *table)
{
	struct model_table larger = { .n = table->n,
				      .n_slots = table->n_slots ? 2 * table->n_slots : 64 };

	larger.slot = model_alloc(larger.n_slots * sizeof(larger.slot[0]));
	for (unsigned int i = 0; i < table->n_slots; i++)
		if (table->slot[i].value)
			larger.slot[look_up(&larger, table->slot[i].key)] = table->slot[i];
	free(table->slot);
	*table = larger;
}

void table_put(struct model_table *table, uint64_t key, void *value)
{
	unsigned int i;

	if (2 * (table->n + 1) > table->n_slots)
		enlarge(table);
	i = look_up(table, key);
	if (!table->slot[i].value)
		table->n++;
	table->slot[i] = (struct model_slot){ .key = key, .value = value };
}

/* Closes the gap, so that no search ends too early: Knuth, The Art of Computer Programming, 6.4,
 * algorithm R. */
void table_remove(struct model_table *table, uint64_t key)
{
	unsigned int mask = table->n_slots - 1, gap, i;

	if (!table_get(table, key))
		return;
	gap = look_up(table, key);
	table->n--;
	for (i = (gap + 1) & mask; table->slot[i].value; i = (i + 1) & mask) {
		unsigned int wanted = home(table, table->slot[i].key);

		if (((i - wanted) & mask) < ((i - gap) & mask))
			continue;
		table->slot[gap] = table->slot[i];
		gap = i;
	}
	table->slot[gap].value = NULL;
}

void table_free(struct model_table *table)
{
	free(table->slot);
	memset(table, 0, sizeof(*table));
}

uint64_t mark_mix(uint64_t a, uint64_t b)
{
	return arena_mix(arena_mix(a) ^ b);
}
