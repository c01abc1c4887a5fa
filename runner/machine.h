/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what this machine allows, found by trying. */
#ifndef IPCJAM_MACHINE_H
#define IPCJAM_MACHINE_H

#include <jansson.h>

/* A list of {"what", "state": "yes" | "no" | "limited" | "info", "note"}. */
json_t *machine_facts(void);

/* What --reach=all needs: 0, or the errno with which this machine refuses it. */
int machine_traces(void);

#endif
