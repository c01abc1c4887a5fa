/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers.h - the list of what a trial leaves behind: leftovers.c and leftovers_named.c fill it.
 */
#ifndef IPCJAM_LEFTOVERS_H
#define IPCJAM_LEFTOVERS_H

#include "supervise.h"

struct leftovers {
	struct leftover *item;
	char **path; /* of each: to be freed with the list, or NULL */
	unsigned int n, room;
};

struct leftover *leftovers_add(struct leftovers *list, enum object_kind kind, uint64_t object,
			       int32_t key);

/* leftovers_named.c */
void named_list(const struct supervisor *s, struct leftovers *list);
void named_remove(const struct leftover *left);
void sockets_remove(struct supervisor *s);

#endif
