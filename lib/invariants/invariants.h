/* SPDX-License-Identifier: Apache-2.0 */
/* invariants.h - what the files of this folder share: one declaration each, and how they report. */
#ifndef IPCJAM_INVARIANTS_H
#define IPCJAM_INVARIANTS_H

#include "../model_private.h"

#define INVARIANT(symbol) extern const struct invariant symbol##_invariant;
#define WATCHED(kind, sentence)
#include "invariants.def"
#undef INVARIANT
#undef WATCHED

/* Adds the object by its name and mixes its mark into the fingerprint. */
void finding_add_object(struct model *model, struct finding *f, const struct object *object);
/* The same for one semaphore of a set. */
void finding_add_sem(struct model *model, struct finding *f, const struct sem_set *set,
		     unsigned int num);
/* The same for a lock of any kind. */
struct lock_node;
void finding_add_lock(struct model *model, struct finding *f, const struct lock_node *node);
void finding_add_process(struct model *model, struct finding *f, uint32_t process);
void finding_add_stack(struct model *model, struct finding *f, uint32_t process, uint32_t stack,
		       const char *label);
/* The same for a thread: "1.2/1"; the first one is the process. */
void finding_add_thread_stack(struct model *model, struct finding *f, uint32_t process,
			      uint32_t thread, uint32_t stack, const char *label);

#endif
