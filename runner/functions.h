/* SPDX-License-Identifier: Apache-2.0 */
/* functions.h - answers the shim's question which in=FUNCTION rules a stack fits. */
#ifndef IPCJAM_FUNCTIONS_H
#define IPCJAM_FUNCTIONS_H

#include "arena.h"
#include "symbols.h"

/*
 * Looks through the arena for stacks whose functions the shim has asked for, names their frames and
 * answers. Does nothing when `plan` (the runner's own copy) has no in= rule. The threads that asked wait.
 */
void functions_answer(struct arena *arena, const struct plan *plan, struct symbols *symbols);

#endif
