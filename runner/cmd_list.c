/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_list.c - `ipcjam list`: builds each list as JSON, and prints it as that or as lines. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "commands.h"
#include "memory.h"
#include "plan.h"
#include "quote.h"
#include "suppress.h"

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

static json_t *names_of_classes(unsigned int classes)
{
	json_t *names = json_array();
	unsigned int mask;
	const char *name, *about;

	for (unsigned int i = 0; (name = class_name(i, &mask, &about)); i++)
		if (mask != ~0u && mask & classes)
			json_array_append_new(names, json_string(name));
	return names;
}

static json_t *names_of_aliases(unsigned int call)
{
	json_t *names = json_array();

	for (unsigned int i = 0; i < CALL_N; i++)
		if (i != call && calls[i].canonical_id == call)
			json_array_append_new(names, json_string(calls[i].name));
	return names;
}

/* Which faults a rule may name for it; error and signal faults need no more than being a call. */
static json_t *faults_of(const struct call *call)
{
	json_t *names = json_array();

	for (enum fault_kind kind = FAULT_ERROR; kind < FAULT_N; kind++) {
		char *text = kind == FAULT_KILL_AFTER ? copy_text("kill=after")
						      : format_text("%s", fault_name(kind));
		char *example = format_text("%s:%s%s", call->name, text,
					    kind == FAULT_SHORT                         ? "=1"
					    : kind == FAULT_DELAY || kind == FAULT_STOP ? "=1ms"
					    : kind == FAULT_SIGNAL                      ? "=SIGTERM"
											: "");
		struct plan_error error;
		struct rule rule;

		if (rule_parse(example, &rule, &error) == 0)
			json_array_append_new(names, json_string(text));
		free(example);
		free(text);
	}
	return names;
}

static json_t *errors_of(const struct call *call)
{
	json_t *errors = json_array();

	for (const struct call_error *e = call->errors; e && e->err; e++)
		json_array_append_new(errors, json_pack("{s:s?, s:s}", "error", errno_text(e->err),
							"when", when_text(e->when)));
	return errors;
}

static json_t *list_calls(void)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < CALL_N; i++) {
		char *name;

		if (calls[i].canonical_id != i || calls[i].flags & CALL_QUIET)
			continue;
		name = calls[i].syscall_nr < 0 ? NULL
					       : seccomp_syscall_resolve_num_arch(
							 SCMP_ARCH_X86_64, calls[i].syscall_nr);
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:s?, s:o, s:o, s:o}", "name", calls[i].name,
					"classes", names_of_classes(calls[i].classes), "syscall",
					name, "aliases", names_of_aliases(i), "faults",
					faults_of(&calls[i]), "errors", errors_of(&calls[i])));
		free(name);
	}
	return list;
}

static void print_joined(const char *head, const json_t *names)
{
	json_t *name;
	size_t i;

	if (json_array_size(names) == 0)
		return;
	printf("  %-8s", head);
	json_array_foreach(names, i, name) {
		printf(" %s", json_string_value(name));
	}
	putchar('\n');
}

static void print_call(const json_t *call)
{
	json_t *item;
	size_t i;

	fputs(text_of(call, "name"), stdout);
	json_array_foreach(json_object_get(call, "classes"), i, item)
		printf(" %%%s", json_string_value(item));
	if (*text_of(call, "syscall"))
		printf("  system call %s\n", text_of(call, "syscall"));
	else
		puts("  system call: none or several");
	print_joined("aliases", json_object_get(call, "aliases"));
	print_joined("faults", json_object_get(call, "faults"));
	json_array_foreach(json_object_get(call, "errors"), i, item)
		printf("  %-12s %s\n", text_of(item, "error"), text_of(item, "when"));
}

static json_t *list_faults(void)
{
	static const struct {
		const char *text, *about;
	} faults[FAULT_N] = {
		[FAULT_ERROR] = { "error[!][=ERRNO]",
				  "the call fails with that error, or with one that fits; only "
				  "as the kernel could have made it, unless forced by !" },
		[FAULT_SHORT] = { "short=N",
				  "asks the kernel for at most N bytes, so that no byte is lost" },
		[FAULT_DELAY] = { "delay=D[..D]", "waits before the call" },
		[FAULT_KILL] = { "kill", "SIGKILL before the call" },
		[FAULT_KILL_AFTER] = { "kill=after",
				       "SIGKILL when the call has taken effect, before the program "
				       "learns of it" },
		[FAULT_SIGNAL] = { "signal=NAME", "sends the calling thread that signal" },
		[FAULT_STOP] = { "stop=D", "stops the process and lets it go on after that time" },
	};
	json_t *list = json_array();

	for (int kind = FAULT_ERROR; kind < FAULT_N; kind++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "fault", faults[kind].text,
						      "about", faults[kind].about));
	return list;
}

static void print_fault(const json_t *fault)
{
	printf("%-18s %s\n", text_of(fault, "fault"), text_of(fault, "about"));
}

static json_t *list_invariants(void)
{
	json_t *list = json_array();
	const char *kind, *about;

	for (unsigned int i = 0; (kind = finding_kind(i, &about)); i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "kind", kind, "about", about));
	return list;
}

static void print_invariant(const json_t *invariant)
{
	printf("%-18s %s\n", text_of(invariant, "kind"), text_of(invariant, "about"));
}

static json_t *case_row(const char *name)
{
	char *directory = format_text("ipcjam-out/cases/%s", name);
	char *path = format_text("%s/case.json", directory);
	json_t *json = json_load_file(path, 0, NULL), *finding = json_object_get(json, "finding"),
	       *row = NULL;

	/* Not readable, or not whole yet: replay says more on it. */
	if (json)
		row = json_pack("{s:s, s:s, s:s, s:s}", "case", directory, "kind",
				text_of(finding, "kind"), "fingerprint",
				text_of(finding, "fingerprint"), "message",
				text_of(finding, "message"));
	json_decref(json);
	free(path);
	free(directory);
	return row;
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static json_t *list_cases(void)
{
	json_t *list = json_array();
	struct dirent **entries;
	int n = scandir("ipcjam-out/cases", &entries, no_dots, alphasort);

	for (int i = 0; i < n; i++) {
		json_t *row = case_row(entries[i]->d_name);

		if (row)
			json_array_append_new(list, row);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return list;
}

static void print_case(const json_t *row)
{
	char *message = quote_terminal(text_of(row, "message"));

	printf("%s  %s\n", text_of(row, "case"), message);
	free(message);
}

static const struct {
	const char *name;
	json_t *(*list)(void);
	void (*print)(const json_t *row);
} lists[] = {
	{ "calls", list_calls, print_call },
	{ "faults", list_faults, print_fault },
	{ "invariants", list_invariants, print_invariant },
	{ "cases", list_cases, print_case },
};

int cmd_list(struct options *options)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *list;

		if (strcmp(options->operand, lists[i].name) != 0)
			continue;
		list = lists[i].list();
		for (size_t j = 0; !options->json && j < json_array_size(list); j++)
			lists[i].print(json_array_get(list, j));
		if (options->json) {
			json_dumpf(list, stdout, JSON_INDENT(2));
			putchar('\n');
		}
		json_decref(list);
		return EXIT_FINE;
	}
	return usage_error("list: %s: expected one of calls faults invariants cases",
			   options->operand);
}
