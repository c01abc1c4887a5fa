/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - allocation that cannot fail: without memory the runner ends with its own failure's
 * status. */
#ifndef IPCJAM_MEMORY_H
#define IPCJAM_MEMORY_H

#include <stddef.h>

void *must_allocate(size_t n_bytes); /* zeroed */
char *copy_text(const char *text);
char **copy_texts(char *const *texts); /* NULL-terminated */
void free_texts(char **texts);

/* Never NULL. */
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
