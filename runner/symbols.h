/* SPDX-License-Identifier: Apache-2.0 */
/* symbols.h - function, file and line of an address in an ELF file. Modules are opened once. */
#ifndef IPCJAM_SYMBOLS_H
#define IPCJAM_SYMBOLS_H

#include <stdint.h>

struct symbols;

struct symbol {
	char function[128]; /* "" when it is not known */
	char file[200];     /* "" when it is not known */
	int line;
};

struct symbols *symbols_new(void);
void symbols_free(struct symbols *symbols);

/*
 * module: path of an ELF file. offset: a return address, from the file's load base (ET_DYN) or as
 * it was linked (ET_EXEC); the call before it is looked up. Returns 0, or -1: nothing is known.
 */
int symbols_find(struct symbols *symbols, const char *module, uint64_t offset, struct symbol *out);

#endif
