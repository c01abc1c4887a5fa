/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.c - the next definition of a function behind this library, as dlsym(RTLD_NEXT) would give
 * it, but without dlsym: that takes locks and may allocate, which an allocator's own first lock
 * or gcc's ThreadSanitizer at its start does not survive. The dynamic linker's list of libraries
 * and their symbol tables are only read. Of several versions the default one is taken, which
 * dlsym does not do: pthread_cond_wait and posix_spawn have two.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <string.h>

#include "resolve.h"

extern ElfW(Dyn) own_dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

#define VERSION_HIDDEN 0x8000

struct symbols {
	const ElfW(Sym) * symbol;
	const char *names;
	const uint32_t *hash; /* DT_GNU_HASH */
	const uint16_t *versions;
};

/* glibc has made addresses of most entries, but not where it cannot write. */
static const void *address_of(const struct link_map *map, const ElfW(Dyn) * d)
{
	return (const void *)(d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr
							  : d->d_un.d_ptr);
}

static bool symbols_of(const struct link_map *map, struct symbols *s)
{
	memset(s, 0, sizeof(*s));
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			s->symbol = address_of(map, d);
		else if (d->d_tag == DT_STRTAB)
			s->names = address_of(map, d);
		else if (d->d_tag == DT_GNU_HASH)
			s->hash = address_of(map, d);
		else if (d->d_tag == DT_VERSYM)
			s->versions = address_of(map, d);
	}
	return s->symbol && s->names && s->hash;
}

static bool fits(const struct symbols *s, uint32_t at, const char *name)
{
	const ElfW(Sym) *symbol = &s->symbol[at];
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_NOTYPE) &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       (!s->versions || !(s->versions[at] & VERSION_HIDDEN)) &&
	       strcmp(s->names + symbol->st_name, name) == 0;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* The chain of a bucket ends with the entry whose lowest bit is set. */
static const ElfW(Sym) * find(const struct symbols *s, const char *name, uint32_t hash)
{
	uint32_t n_buckets = s->hash[0], first = s->hash[1], n_bloom = s->hash[2];
	const uint32_t *buckets = s->hash + 4 + (size_t)n_bloom * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = buckets + n_buckets;
	uint32_t at = n_buckets ? buckets[hash % n_buckets] : 0;

	if (at < first)
		return NULL;
	for (;; at++) {
		if ((chain[at - first] | 1) == (hash | 1) && fits(s, at, name))
			return &s->symbol[at];
		if (chain[at - first] & 1)
			return NULL;
	}
}

void *resolve_in(const struct link_map *map, const char *name)
{
	struct symbols symbols;
	const ElfW(Sym) *symbol =
		symbols_of(map, &symbols) ? find(&symbols, name, hash_of(name)) : NULL;

	return symbol ? (void *)(map->l_addr + symbol->st_value) : NULL;
}

void *resolve_next(const char *name)
{
	const struct link_map *map = _r_debug.r_map;
	void *found = NULL;

	while (map && map->l_ld != own_dynamic)
		map = map->l_next;
	while (map && !found && (map = map->l_next))
		found = resolve_in(map, name);
	return found;
}

const struct link_map *resolve_library(const char *name)
{
	for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
		const char *base = map->l_name ? strrchr(map->l_name, '/') : NULL;

		if (base && strcmp(base + 1, name) == 0)
			return map;
	}
	return NULL;
}

bool resolve_slots(const struct link_map *map, struct resolve_slots *slots)
{
	struct symbols symbols;

	memset(slots, 0, sizeof(*slots));
	if (!symbols_of(map, &symbols))
		return false;
	slots->symbol = symbols.symbol;
	slots->names = symbols.names;
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_JMPREL)
			slots->slot[0] = address_of(map, d);
		else if (d->d_tag == DT_PLTRELSZ)
			slots->n[0] = d->d_un.d_val / sizeof(ElfW(Rela));
		else if (d->d_tag == DT_RELA)
			slots->slot[1] = address_of(map, d);
		else if (d->d_tag == DT_RELASZ)
			slots->n[1] = d->d_un.d_val / sizeof(ElfW(Rela));
	}
	return slots->slot[0] && slots->n[0];
}
