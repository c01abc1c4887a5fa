/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - allocation that cannot fail. */
#define _GNU_SOURCE
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static _Noreturn void out_of_memory(void)
{
	fputs("ipcjam: out of memory\n", stderr);
	exit(EXIT_BROKEN);
}

void *must_allocate(size_t n_bytes)
{
	void *memory = calloc(1, n_bytes ? n_bytes : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

char *copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}

char **copy_texts(char *const *texts)
{
	size_t n = 0;
	char **copy;

	while (texts[n])
		n++;
	copy = must_allocate((n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = copy_text(texts[i]);
	return copy;
}

void free_texts(char **texts)
{
	for (size_t i = 0; texts && texts[i]; i++)
		free(texts[i]);
	free(texts);
}

char *format_text(const char *format, ...)
{
	va_list list;
	char *text;
	int n_bytes;

	va_start(list, format);
	n_bytes = vasprintf(&text, format, list);
	va_end(list);
	if (n_bytes < 0)
		out_of_memory();
	return text;
}
