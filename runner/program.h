/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - a program as a file: where PATH finds it, and what its ELF headers say. */
#ifndef IPCJAM_PROGRAM_H
#define IPCJAM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "calls.h"

/*
 * Finds `name` as execvpe would, started in `cwd` with `envp`. Returns 0 with the path in buffer,
 * or an errno: ENOENT, EACCES, ENOTDIR ...
 */
int program_resolve(const char *name, const char *cwd, char *const *envp, char *buffer,
		    size_t n_bytes);

enum program_kind { PROGRAM_ELF, PROGRAM_SCRIPT, PROGRAM_OTHER };

struct program_facts {
	enum program_kind kind;
	char interpreter[256]; /* of a script: the program in its first line */
	bool is_32_bit;
	bool other_machine; /* not x86 */
	bool is_static;
	bool other_loader; /* not glibc's: it cannot load the shim */
	bool set_id;       /* setuid or setgid, and not a no-op for this user */
	bool capabilities;
	bool unreadable;      /* its file may be executed, but not read */
	char sanitizer[32];   /* "address", "thread", "address, undefined" ... or "" */
	bool imports[CALL_N]; /* by enum call_id: its own dynamic symbols ask for that call */
	unsigned int n_imports;
};

/* Reads the file's facts. Returns 0 or an errno. */
int program_facts(const char *path, struct program_facts *facts);

#endif
