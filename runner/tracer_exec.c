/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_exec.c - new programs. Without a dynamic loader there is no shim: its calls are ours from
 * the first. With one, a shim may report in while the loader runs constructors; the program's own
 * entry comes after all of these, so there a breakpoint stands that tells whether one has.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tracer.h"

#define CS_32_BIT 0x23
#define MAX_HEADERS 16

struct loaded {
	uint64_t entry;
	uint64_t loader; /* where ld.so is; 0: there is none */
	uint64_t headers, n_headers;
	bool secure; /* ld.so preloads nothing */
};

static bool loaded_read(pid_t pid, struct loaded *loaded)
{
	Elf64_auxv_t aux[64];
	char path[64];
	ssize_t n;
	int fd;

	memset(loaded, 0, sizeof(*loaded));
	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, aux, sizeof(aux));
	close(fd);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(aux[0]); i++) {
		if (aux[i].a_type == AT_ENTRY)
			loaded->entry = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_BASE)
			loaded->loader = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_PHDR)
			loaded->headers = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_PHNUM)
			loaded->n_headers = aux[i].a_un.a_val;
		else if (aux[i].a_type == AT_SECURE)
			loaded->secure = aux[i].a_un.a_val != 0;
	}
	return loaded->entry != 0;
}

/* What the thread that called exec knows of itself; after it, it has the number of the first one.
 */
static void become_first(struct tracer *t, struct task *task, pid_t former)
{
	struct task *caller = former == task->tid ? task : task_find(t, former);

	if (caller && caller != task) {
		task->slot = NULL;
		task->ended = task->by_shim = false;
	}
	task->now.active = false;
	task->n_suspended = 0;
	task->stepping = false;
	tasks_drop_others(t, task);
	tasks_adopt(t, task->program->pid);
}

static void arm(struct task *task, uint64_t entry)
{
	struct program *program = task->program;
	uint64_t word;

	if (!peek(task->tid, entry, &word, sizeof(word)) ||
	    !poke(task->tid, entry, (word & ~UINT64_C(0xff)) | 0xcc))
		return;
	program->armed = true;
	program->entry = entry;
	program->entry_word = (long)word;
}

static void give_up(struct program *program, struct arena_proc *slot)
{
	program->mode = MODE_NONE;
	if (slot)
		atomic_fetch_or(&slot->flags, PROC_FOREIGN);
}

/* A note of the Go toolchain's. Where the file lies in memory: its headers come first. */
static bool has_go_note(pid_t tid, const struct loaded *loaded)
{
	uint64_t base = loaded->headers - sizeof(Elf64_Ehdr);
	uint64_t bias = base;
	Elf64_Phdr header[MAX_HEADERS];
	size_t n = loaded->n_headers < MAX_HEADERS ? loaded->n_headers : MAX_HEADERS;
	struct {
		Elf64_Nhdr note;
		char name[4];
	} note;

	if (!peek(tid, loaded->headers, header, n * sizeof(header[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (header[i].p_type == PT_LOAD && header[i].p_offset == 0)
			bias = base - header[i].p_vaddr;
	for (size_t i = 0; i < n; i++)
		if (header[i].p_type == PT_NOTE &&
		    peek(tid, bias + header[i].p_vaddr, &note, sizeof(note)) &&
		    note.note.n_namesz == sizeof(note.name) && memcmp(note.name, "Go\0", 4) == 0)
			return true;
	return false;
}

/* The file that is mapped there. */
static bool mapped_file(pid_t pid, uint64_t address, char *name, size_t n_bytes)
{
	char path[64], line[512];
	unsigned long long start;
	bool found = false;
	FILE *file;
	int at = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%llx-%*x %*s %*s %*s %*s %n", &start, &at) == 1 &&
			start == address;
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (found)
		snprintf(name, n_bytes, "%s", line + at);
	return found;
}

/* The new stack begins with the number of arguments, these, NULL, and the environment. */
static void forget_preload(struct task *task, uint64_t sp)
{
	uint64_t word, other = 0;
	char text[16];

	if (!peek(task->tid, sp, &word, sizeof(word)))
		return;
	for (sp += (word + 2) * sizeof(word); peek(task->tid, sp, &word, sizeof(word)) && word;
	     sp += sizeof(word)) {
		if (peek_some(task->tid, word, text, sizeof(text)) < sizeof(text) ||
		    memcmp(text, "LD_PRELOAD=", 11) != 0)
			other = word;
		else if (other)
			poke(task->tid, sp, other);
	}
}

/* Only glibc's loader can load the shim: others would fail at it. The entry in the environment is
 * replaced by a second one of another. */
static bool is_foreign_loader(struct tracer *t, struct task *task, const struct loaded *loaded)
{
	char name[PATH_MAX];

	if (!mapped_file(task->tid, loaded->loader, name, sizeof(name)) ||
	    strstr(name, "ld-linux") || strstr(name, "/ld-2."))
		return false;
	forget_preload(task, t->regs.rsp);
	return true;
}

static void classify(struct tracer *t, struct task *task, struct arena_proc *slot)
{
	struct program *program = task->program;
	struct loaded loaded;

	if (t->regs.cs == CS_32_BIT) {
		give_up(program, slot);
		return;
	}
	if (!loaded_read(program->pid, &loaded))
		return;
	program->is_go = has_go_note(task->tid, &loaded);
	if (!loaded.loader)
		program_serve(t, task, "static program");
	else if (is_foreign_loader(t, task, &loaded))
		program_serve(t, task, "program with a loader that is not glibc's");
	else
		arm(task, loaded.entry);
}

void exec_done(struct tracer *t, struct task *task, pid_t former)
{
	struct program *program = task->program;
	struct arena_proc *slot;

	become_first(t, task, former);
	image_drop(program->image);
	program->image = NULL;
	program->armed = false;
	if (program->pidfd >= 0)
		close(program->pidfd);
	program->pidfd = -1;
	memset(program->handler, 0, sizeof(program->handler));
	slot = program_slot(t, program);
	if (slot)
		atomic_fetch_and(&slot->flags, ~(uint32_t)(PROC_SHIM | PROC_TRACED | PROC_FOREIGN));
	program->mode = MODE_LOADING;
	if (ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) < 0)
		return;
	classify(t, task, slot);
}

/* The loader has finished, and no shim has reported in. */
static const char *reason(const struct tracer *t, pid_t pid)
{
	struct loaded loaded;

	if (loaded_read(pid, &loaded) && loaded.secure)
		return "setuid program, or with capabilities";
	return reach_is_asked_for(t->s, pid) ? "the shim could not be loaded" : "environment lost";
}

bool exec_entry_reached(struct tracer *t, struct task *task)
{
	struct program *program = task->program;

	if (ptrace(PTRACE_GETREGS, task->tid, NULL, &t->regs) < 0 ||
	    t->regs.rip != program->entry + 1)
		return false;
	program->armed = false;
	poke(task->tid, program->entry, (uint64_t)program->entry_word);
	t->regs.rip = program->entry;
	ptrace(PTRACE_SETREGS, task->tid, NULL, &t->regs);
	if (!program_refresh(t, program) && program->mode == MODE_LOADING)
		program_serve(t, task, reason(t, program->pid));
	return true;
}
