/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands, one file each: cmd_NAME.c. Each returns the exit status. */
#ifndef IPCJAM_COMMANDS_H
#define IPCJAM_COMMANDS_H

#include "options.h"

int cmd_run(struct options *options);
int cmd_replay(struct options *options);
int cmd_report(struct options *options);
int cmd_list(struct options *options);
int cmd_doctor(struct options *options);

#endif
