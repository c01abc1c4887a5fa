/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - SIGINT and SIGTERM: the first ends the trials and reports, a second one ends at
 * once. */
#ifndef IPCJAM_INTERRUPT_H
#define IPCJAM_INTERRUPT_H

#include <signal.h>

/* The signal that came, or 0. */
extern volatile int interrupted;

void interrupt_catch(void);

/* Blocks both; *before is the mask to wait with. */
void interrupt_block(sigset_t *before);

#endif
