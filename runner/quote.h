/* SPDX-License-Identifier: Apache-2.0 */
/* quote.h - texts for a shell to read, and for a terminal to show. The caller frees both. */
#ifndef IPCJAM_QUOTE_H
#define IPCJAM_QUOTE_H

/* One word for sh: as it is where that is safe, else in single quotes. */
char *quote_shell(const char *text);

/* Control characters made visible as \xNN: what a program chose may not steer the terminal. */
char *quote_terminal(const char *text);

#endif
