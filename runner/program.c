/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - finds programs in PATH and reads what decides whether the shim can be loaded into
 * them. */
#define _GNU_SOURCE
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"

/* Joins with cwd, and asks the kernel whether it could be executed. */
static int program_try(const char *path, const char *cwd, char *buffer, size_t n_bytes)
{
	struct stat st;
	int n = path[0] == '/' ? snprintf(buffer, n_bytes, "%s", path)
			       : snprintf(buffer, n_bytes, "%s/%s", cwd, path);

	if (n < 0 || (size_t)n >= n_bytes)
		return ENAMETOOLONG;
	if (stat(buffer, &st) != 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, buffer, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static const char *environment_find(char *const *envp, const char *name)
{
	size_t n_bytes = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, n_bytes) == 0 && (*envp)[n_bytes] == '=')
			return *envp + n_bytes + 1;
	return NULL;
}

int program_resolve(const char *name, const char *cwd, char *const *envp, char *buffer,
		    size_t n_bytes)
{
	const char *path = environment_find(envp, "PATH");
	char candidate[PATH_MAX];
	int err, best = ENOENT;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/'))
		return program_try(name, cwd, buffer, n_bytes);
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		int n_part = (int)strcspn(path, ":");

		if (snprintf(candidate, sizeof(candidate), "%.*s%s%s", n_part, path,
			     n_part ? "/" : "./", name) < (int)sizeof(candidate)) {
			err = program_try(candidate, cwd, buffer, n_bytes);
			if (err == 0)
				return 0;
			if (err == EACCES)
				best = EACCES;
		}
		path += n_part;
		if (!*path)
			return best;
		path++;
	}
}

static void script_facts(const char *head, struct program_facts *facts)
{
	size_t n_bytes;

	facts->kind = PROGRAM_SCRIPT;
	head += 2;
	head += strspn(head, " \t");
	n_bytes = strcspn(head, " \t\r\n");
	snprintf(facts->interpreter, sizeof(facts->interpreter), "%.*s", (int)n_bytes, head);
}

static void note_sanitizer(struct program_facts *facts, const char *library)
{
	static const char *const table[][2] = {
		{ "libasan", "address" },     { "libtsan", "thread" },
		{ "libubsan", "undefined" },  { "liblsan", "leak" },
		{ "__asan_init", "address" }, { "__tsan_init", "thread" },
		{ "__msan_init", "memory" },  { "__ubsan_handle", "undefined" },
	};
	size_t used = strlen(facts->sanitizer);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(library, table[i][0], strlen(table[i][0])) == 0 &&
		    !strstr(facts->sanitizer, table[i][1]))
			snprintf(facts->sanitizer + used, sizeof(facts->sanitizer) - used, "%s%s",
				 used ? ", " : "", table[i][1]);
}

static void note_symbol(struct program_facts *facts, const char *name, const GElf_Sym *symbol)
{
	int call = call_find(name, strlen(name));

	note_sanitizer(facts, name);
	if (call < 0 || symbol->st_shndx != SHN_UNDEF)
		return;
	call = (int)calls[call].canonical_id;
	facts->n_imports += !facts->imports[call];
	facts->imports[call] = true;
}

static void section_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			    struct program_facts *facts)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	if (!data || !header->sh_entsize)
		return;
	for (int i = 0;
	     (size_t)i < data->d_size / header->sh_entsize && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);

		if (name && *name)
			note_symbol(facts, name, &symbol);
	}
}

static void section_needed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			   struct program_facts *facts)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn entry;

	if (!data || !header->sh_entsize)
		return;
	for (int i = 0;
	     (size_t)i < data->d_size / header->sh_entsize && gelf_getdyn(data, i, &entry); i++) {
		const char *name = entry.d_tag == DT_NEEDED
					   ? elf_strptr(elf, header->sh_link, entry.d_un.d_val)
					   : NULL;

		if (name)
			note_sanitizer(facts, name);
	}
}

static void note_loader(Elf *elf, const GElf_Phdr *segment, struct program_facts *facts)
{
	size_t n_bytes;
	const char *file = elf_rawfile(elf, &n_bytes);

	facts->is_static = false;
	facts->other_loader = file && segment->p_offset < n_bytes &&
			      segment->p_filesz <= n_bytes - segment->p_offset &&
			      !memmem(file + segment->p_offset, segment->p_filesz, "/ld-linux", 9);
}

static void elf_facts(Elf *elf, struct program_facts *facts)
{
	GElf_Ehdr header;
	GElf_Phdr segment;
	GElf_Shdr section_header;
	Elf_Scn *section = NULL;
	size_t n_segments = 0;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
		facts->kind = PROGRAM_OTHER;
		return;
	}
	facts->kind = PROGRAM_ELF;
	facts->is_32_bit = gelf_getclass(elf) == ELFCLASS32;
	facts->other_machine = header.e_machine != EM_X86_64 && header.e_machine != EM_386;
	facts->is_static = true;
	if (elf_getphdrnum(elf, &n_segments) == 0)
		for (size_t i = 0; i < n_segments; i++)
			if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_INTERP)
				note_loader(elf, &segment, facts);
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &section_header))
			continue;
		if (section_header.sh_type == SHT_DYNSYM)
			section_symbols(elf, section, &section_header, facts);
		if (section_header.sh_type == SHT_DYNAMIC)
			section_needed(elf, section, &section_header, facts);
	}
}

int program_facts(const char *path, struct program_facts *facts)
{
	char head[512] = "";
	struct stat st;
	ssize_t n_bytes;
	Elf *elf;
	int fd;

	memset(facts, 0, sizeof(*facts));
	facts->kind = PROGRAM_OTHER;
	if (stat(path, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	/* What the loader calls secure execution: it ignores LD_PRELOAD with a path then. */
	facts->set_id =
		((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
		((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getegid());
	facts->capabilities = geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		facts->unreadable = true;
		return 0;
	}
	n_bytes = pread(fd, head, sizeof(head) - 1, 0);
	if (n_bytes > 2 && head[0] == '#' && head[1] == '!') {
		script_facts(head, facts);
	} else if (elf_version(EV_CURRENT) != EV_NONE && (elf = elf_begin(fd, ELF_C_READ, NULL))) {
		elf_facts(elf, facts);
		elf_end(elf);
	}
	close(fd);
	return 0;
}
