/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.h - symbols of loaded libraries, looked up without the dynamic linker's help. */
#ifndef IPCJAM_RESOLVE_H
#define IPCJAM_RESOLVE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

/* The next definition of a function behind this library; NULL: nobody defines it. */
void *resolve_next(const char *name);
/* That library's own definition. */
void *resolve_in(const struct link_map *map, const char *name);
/* By the last part of its path. */
const struct link_map *resolve_library(const char *name);

/* Where a library keeps the addresses of what it uses of others: two lists. */
struct resolve_slots {
	const ElfW(Rela) * slot[2];
	size_t n[2];
	const ElfW(Sym) * symbol;
	const char *names;
};
bool resolve_slots(const struct link_map *map, struct resolve_slots *slots);

#endif
