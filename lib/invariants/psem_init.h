/* SPDX-License-Identifier: Apache-2.0 */
/* psem_init.h - the part of sem-init that is about POSIX semaphores. */
#ifndef IPCJAM_PSEM_INIT_H
#define IPCJAM_PSEM_INIT_H

#include "../model_private.h"

void psem_init_event(struct model *model, uint32_t process, uint32_t thread,
		     const struct event *event);

#endif
