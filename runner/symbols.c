/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols.c - libdwfl on files, not on processes: the subject may be gone by now. Never asks a
 * network for debug information; it lies in the file, beside it, or under /usr/lib/debug.
 */
#define _GNU_SOURCE
#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

struct module {
	struct module *next;
	char *path;
	Dwfl *dwfl;
	Dwfl_Module *handle; /* NULL: not an ELF file that libdw can read */
	GElf_Addr bias;      /* what libdwfl adds to the file's addresses */
};

struct symbols {
	struct module *first;
};

struct symbols *symbols_new(void)
{
	unsetenv("DEBUGINFOD_URLS");
	return must_allocate(sizeof(struct symbols));
}

void symbols_free(struct symbols *symbols)
{
	while (symbols && symbols->first) {
		struct module *module = symbols->first;

		symbols->first = module->next;
		if (module->dwfl)
			dwfl_end(module->dwfl);
		free(module->path);
		free(module);
	}
	free(symbols);
}

/* A regular file only: a FIFO would make us wait, a device might do anything. */
static int open_regular(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void module_open(struct module *module)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	int fd = open_regular(module->path);

	if (fd < 0)
		return;
	module->dwfl = dwfl_begin(&callbacks);
	if (!module->dwfl) {
		close(fd);
		return;
	}
	dwfl_report_begin(module->dwfl);
	module->handle = dwfl_report_offline(module->dwfl, module->path, module->path, fd);
	if (!module->handle)
		close(fd);
	dwfl_report_end(module->dwfl, NULL, NULL);
	if (module->handle && !dwfl_module_getelf(module->handle, &module->bias))
		module->handle = NULL;
}

static struct module *module_find(struct symbols *symbols, const char *path)
{
	struct module *module;

	for (module = symbols->first; module; module = module->next)
		if (strcmp(module->path, path) == 0)
			return module;
	module = must_allocate(sizeof(*module));
	module->path = copy_text(path);
	module->next = symbols->first;
	symbols->first = module;
	module_open(module);
	return module;
}

/* The innermost function in the source, inlined ones too, so that it fits the line. */
static const char *source_function(Dwfl_Module *handle, GElf_Addr address)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = dwfl_module_addrdie(handle, address, &bias), *scopes = NULL;
	int n = unit ? dwarf_getscopes(unit, address - bias, &scopes) : 0;
	const char *name = NULL;

	for (int i = 0; i < n && !name; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine)
			name = dwarf_diename(&scopes[i]);
	}
	free(scopes);
	return name;
}

static void find_line(Dwfl_Module *handle, GElf_Addr address, struct symbol *out)
{
	Dwfl_Line *line = dwfl_module_getsrc(handle, address);
	const char *file = line ? dwfl_lineinfo(line, NULL, &out->line, NULL, NULL, NULL) : NULL;

	if (!file || out->line <= 0) {
		out->line = 0;
		return;
	}
	/* The end of a long path says more than its beginning. */
	if (strlen(file) >= sizeof(out->file))
		file += strlen(file) - sizeof(out->file) + 1;
	snprintf(out->file, sizeof(out->file), "%s", file);
}

int symbols_find(struct symbols *symbols, const char *path, uint64_t offset, struct symbol *out)
{
	struct module *module = module_find(symbols, path);
	const char *function;
	GElf_Off within;
	GElf_Sym symbol;
	GElf_Addr address;

	memset(out, 0, sizeof(*out));
	if (!module->handle || offset == 0)
		return -1;
	address = offset - 1 + module->bias;
	function = source_function(module->handle, address);
	if (!function)
		function = dwfl_module_addrinfo(module->handle, address, &within, &symbol, NULL,
						NULL, NULL);
	if (function)
		snprintf(out->function, sizeof(out->function), "%s", function);
	find_line(module->handle, address, out);
	return out->function[0] || out->file[0] ? 0 : -1;
}
