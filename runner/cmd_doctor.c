/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `ipcjam doctor`: what this machine allows, and whether a program can be served. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "commands.h"
#include "machine.h"
#include "memory.h"
#include "program.h"
#include "shim.h"

extern char **environ;

/* Why nothing serves it; NULL: something can. */
static const char *hopeless(const struct program_facts *facts)
{
	if (facts->kind == PROGRAM_OTHER)
		return "neither an ELF file nor a script";
	if (facts->other_machine)
		return "made for another machine";
	return facts->is_32_bit ? "a 32-bit program: only 64-bit ones are served" : NULL;
}

/* Why the shim cannot be loaded into it; NULL: it can. */
static const char *obstacle(const struct program_facts *facts)
{
	if (facts->other_loader)
		return "its loader is not glibc's: it cannot load the shim";
	if (facts->is_static)
		return "static: nothing can be preloaded into it";
	if (facts->set_id)
		return "setuid or setgid: the loader ignores the shim";
	if (facts->capabilities)
		return "it has file capabilities: the loader ignores the shim";
	return NULL;
}

static json_t *imported_calls(const struct program_facts *facts)
{
	json_t *names = json_array();

	for (unsigned int i = 0; i < CALL_N; i++)
		if (facts->imports[i])
			json_array_append_new(names, json_string(calls[i].name));
	return names;
}

static json_t *file_json(const char *path, const struct program_facts *facts)
{
	static const char *const kinds[] = {
		[PROGRAM_ELF] = "ELF", [PROGRAM_SCRIPT] = "script", [PROGRAM_OTHER] = "other"
	};
	bool is_elf = facts->kind == PROGRAM_ELF;

	return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:s, s:o}", "path", path, "kind",
			 kinds[facts->kind], "static", is_elf && facts->is_static, "32-bit",
			 facts->is_32_bit, "set-id", facts->set_id, "capabilities",
			 facts->capabilities, "sanitizers", facts->sanitizer, "imports",
			 imported_calls(facts));
}

/* How `run` would reach its calls, and why not by the shim. */
static const char *reach(const struct program_facts *facts, const char **why)
{
	*why = facts->unreadable ? NULL : hopeless(facts);
	if (*why)
		return "none";
	*why = facts->unreadable ? NULL : obstacle(facts);
	if (!*why)
		return "preload";
	return machine_traces() == 0 ? "trace" : "none";
}

/* The program and, of a script, its interpreter: the last one is what runs. Returns 0 or an errno.
 */
static int program_json(const char *name, json_t **program)
{
	struct program_facts facts;
	char path[PATH_MAX], *cwd = getcwd(NULL, 0);
	json_t *files = json_array();
	const char *why = NULL, *how = "none";
	int err = cwd ? program_resolve(name, cwd, environ, path, sizeof(path)) : errno;

	for (int level = 0; err == 0 && level < 2; level++) {
		err = program_facts(path, &facts);
		if (err != 0)
			break;
		json_array_append_new(files, file_json(path, &facts));
		how = reach(&facts, &why);
		if (facts.kind != PROGRAM_SCRIPT)
			break;
		snprintf(path, sizeof(path), "%s", facts.interpreter);
	}
	free(cwd);
	if (err != 0) {
		json_decref(files);
		return err;
	}
	*program = json_pack("{s:s, s:b, s:s, s:s, s:o}", "name", name, "served",
			     strcmp(how, "none") != 0, "reach", how, "why", why ? why : "", "files",
			     files);
	return 0;
}

static void print_machine(const json_t *facts)
{
	json_t *fact;
	size_t i;

	json_array_foreach(facts, i, fact) {
		const char *state = json_string_value(json_object_get(fact, "state"));

		printf("%-46s %-8s %s\n", json_string_value(json_object_get(fact, "what")),
		       strcmp(state, "info") == 0 ? "" : state,
		       json_string_value(json_object_get(fact, "note")));
	}
}

static void print_file(const json_t *file)
{
	const char *sanitizers = json_string_value(json_object_get(file, "sanitizers"));
	json_t *imports = json_object_get(file, "imports"), *name;
	size_t i;

	printf("%s: %s%s%s%s%s\n", json_string_value(json_object_get(file, "path")),
	       json_string_value(json_object_get(file, "kind")),
	       json_is_true(json_object_get(file, "static")) ? ", static" : "",
	       json_is_true(json_object_get(file, "32-bit")) ? ", 32-bit" : "",
	       json_is_true(json_object_get(file, "set-id")) ? ", setuid or setgid" : "",
	       json_is_true(json_object_get(file, "capabilities")) ? ", capabilities" : "");
	if (sanitizers && *sanitizers)
		printf("  sanitizers: %s\n", sanitizers);
	if (json_array_size(imports) == 0)
		return;
	fputs("  imports:", stdout);
	json_array_foreach(imports, i, name) {
		printf(" %s", json_string_value(name));
	}
	putchar('\n');
}

static void print_program(const json_t *program)
{
	const char *how = json_string_value(json_object_get(program, "reach"));
	const char *why = json_string_value(json_object_get(program, "why"));
	json_t *file;
	size_t i;

	putchar('\n');
	json_array_foreach(json_object_get(program, "files"), i, file) {
		print_file(file);
	}
	if (strcmp(how, "preload") == 0)
		puts("ipcjam can serve it by the shim. Calls inside of libc need --reach=all.");
	else if (strcmp(how, "trace") == 0)
		printf("ipcjam can serve it by tracing its system calls: %s\n", why);
	else
		printf("ipcjam cannot serve it: %s\n", why);
}

int cmd_doctor(struct options *options)
{
	const char *name = options->program ? options->program[0] : NULL;
	json_t *program = NULL, *machine;
	char shim[PATH_MAX] = "";
	int err = name ? program_json(name, &program) : 0;

	if (err != 0)
		return usage_error("doctor: %s: %s: a program that can be started was expected",
				   name, err == ENOENT ? "not found" : strerror(err));
	if (options->program && !name)
		return usage_error("doctor: --: a program was expected behind it");
	machine = machine_facts();
	json_array_insert_new(machine, 0,
			      json_pack("{s:s, s:s, s:s}", "what", "shim (libipcjam.so)", "state",
					shim_find(shim, sizeof(shim)) == 0 ? "yes" : "no", "note",
					shim));
	if (options->json) {
		json_t *all = json_pack("{s:i, s:O, s:O?}", "schema", 1, "machine", machine,
					"program", program);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
	} else {
		print_machine(machine);
		if (program)
			print_program(program);
	}
	json_decref(machine);
	json_decref(program);
	return EXIT_FINE;
}
