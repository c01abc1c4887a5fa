/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_unwind.c - see tracer_unwind.h. Where there are no tables (musl's libc has none) the
 * return address is looked for on the stack: a word that points behind a call instruction.
 */
#define _GNU_SOURCE
#include "tracer_unwind.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "stacks.h"

#define RSP 7
#define REGISTERS 17
#define GUESSES 8       /* frames without tables */
#define GUESS_WORDS 128 /* how far a return address is looked for */

struct unwinder {
	struct arena *arena;
	const char *shim;
	Dwfl *dwfl;
	/* of the present walk */
	pid_t tid;
	Dwarf_Word reg[REGISTERS];
	uint64_t sp;
	struct frame *frame;
	uint32_t n, n_max;
	uint64_t last_sp; /* of the last frame */
	bool all_known, over;
};

static int no_debuginfo(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **found)
{
	(void)module, (void)user_data, (void)name, (void)base;
	(void)file, (void)link, (void)crc, (void)found;
	return -1;
}

static pid_t next_thread(Dwfl *dwfl, void *data, void **thread_data)
{
	struct unwinder *u = data;

	(void)dwfl;
	if (*thread_data)
		return 0;
	*thread_data = u;
	return u->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *data, void **thread_data)
{
	(void)dwfl, (void)tid;
	*thread_data = data;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr at, Dwarf_Word *result, void *data)
{
	const struct unwinder *u = data;

	(void)dwfl;
	return peek(u->tid, at, result, sizeof(*result));
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
	struct unwinder *u = data;

	return dwfl_thread_state_registers(thread, 0, REGISTERS, u->reg);
}

struct unwinder *unwinder_new(struct arena *arena, pid_t pid, const char *shim)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_linux_proc_find_elf,
						  .find_debuginfo = no_debuginfo };
	static const Dwfl_Thread_Callbacks thread_callbacks = { .next_thread = next_thread,
								.get_thread = get_thread,
								.memory_read = memory_read,
								.set_initial_registers =
									set_registers };
	struct unwinder *u = calloc(1, sizeof(*u));

	if (!u)
		abort();
	u->arena = arena;
	u->shim = shim;
	u->tid = pid;
	u->dwfl = dwfl_begin(&callbacks);
	if (!u->dwfl)
		return u;
	dwfl_linux_proc_report(u->dwfl, pid);
	dwfl_report_end(u->dwfl, NULL, NULL);
	dwfl_attach_state(u->dwfl, NULL, pid, &thread_callbacks, u);
	return u;
}

void unwinder_free(struct unwinder *u)
{
	if (u && u->dwfl)
		dwfl_end(u->dwfl);
	free(u);
}

/* A module's index in the arena is kept with it, from 1; SHIM: the shim itself. */
#define SHIM UINT32_MAX

static uint32_t module_index(struct unwinder *u, Dwfl_Module *module, GElf_Addr *bias)
{
	void **user_data;
	const char *name = dwfl_module_info(module, &user_data, NULL, NULL, NULL, NULL, NULL, NULL);
	uint32_t index = (uint32_t)(uintptr_t)*user_data;
	Dwarf_Addr start;

	/* without the file its beginning has to do */
	if (!dwfl_module_getelf(module, bias)) {
		dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
		*bias = start;
	}
	if (index)
		return index;
	/* its name has the pid in it */
	if (strncmp(name, "[vdso", 5) == 0)
		name = "linux-vdso.so.1";
	index = strcmp(name, u->shim) == 0 ? SHIM : stacks_module(u->arena, name) + 1u;
	*user_data = (void *)(uintptr_t)index;
	return index;
}

static uint64_t encode(struct unwinder *u, uint64_t pc, bool *is_shim)
{
	Dwfl_Module *module = u->dwfl ? dwfl_addrmodule(u->dwfl, pc) : NULL;
	GElf_Addr bias = 0;
	uint32_t index;

	*is_shim = false;
	if (!module) {
		u->all_known = false;
		return ARENA_FRAME(ARENA_NO_MODULE, 0);
	}
	index = module_index(u, module, &bias);
	*is_shim = index == SHIM;
	return ARENA_FRAME((index - 1) & 0xffff, pc - bias);
}

/* False: there is no room for more. */
static bool add(struct unwinder *u, uint64_t pc, uint64_t place)
{
	bool is_shim;
	uint64_t encoded = encode(u, pc, &is_shim);

	if (is_shim && u->n == 0)
		return true;
	u->frame[u->n++] = (struct frame){ pc, place, encoded };
	return u->n < u->n_max;
}

static int visit(Dwfl_Frame *state, void *data)
{
	struct unwinder *u = data;
	Dwarf_Word sp;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, NULL) || dwfl_frame_reg(state, RSP, &sp) != 0 || pc == 0) {
		u->over = true;
		return DWARF_CB_ABORT;
	}
	u->last_sp = sp;
	if (pc == u->reg[REGISTERS - 1] && sp == u->reg[RSP] && u->n > 0)
		return DWARF_CB_OK; /* a walk that goes on where the one before ended */
	return add(u, pc, sp - sizeof(uint64_t) - u->sp) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* Does a call instruction end here? */
static bool is_behind_call(const struct unwinder *u, uint64_t address)
{
	uint8_t code[7];

	if (address < sizeof(code) || !dwfl_addrmodule(u->dwfl, address) ||
	    !peek(u->tid, address - sizeof(code), code, sizeof(code)))
		return false;
	if (code[2] == 0xe8) /* call near */
		return true;
	/* call *register or *memory, of two, three, six or seven bytes */
	return (code[5] == 0xff && (code[6] & 0x38) == 0x10) ||
	       (code[4] == 0xff && (code[5] & 0xf8) == 0x50) ||
	       (code[1] == 0xff && (code[2] & 0x38) == 0x10) ||
	       (code[0] == 0xff && code[1] == 0x94);
}

/* Goes on behind a frame for which there are no tables. */
static bool guess(struct unwinder *u)
{
	uint64_t word[GUESS_WORDS];
	size_t n = peek_some(u->tid, u->last_sp, word, sizeof(word)) / sizeof(word[0]);

	for (size_t i = 0; i < n; i++) {
		if (!is_behind_call(u, word[i]))
			continue;
		u->reg[REGISTERS - 1] = word[i];
		u->reg[RSP] = u->last_sp + (i + 1) * sizeof(word[0]);
		return add(u, word[i], u->reg[RSP] - sizeof(word[0]) - u->sp);
	}
	return false;
}

static void take_registers(struct unwinder *u, const struct user_regs_struct *r)
{
	const Dwarf_Word reg[REGISTERS] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
					    r->rbp, r->rsp, r->r8,  r->r9,  r->r10, r->r11,
					    r->r12, r->r13, r->r14, r->r15, r->rip };

	memcpy(u->reg, reg, sizeof(reg));
}

uint32_t unwinder_walk(struct unwinder *u, pid_t tid, const struct user_regs_struct *regs,
		       uint32_t n_max, struct frame *frame, bool *all_known)
{
	u->tid = tid;
	u->sp = u->last_sp = regs->rsp;
	u->frame = frame;
	u->n = 0;
	u->n_max = n_max;
	u->all_known = true;
	u->over = false;
	take_registers(u, regs);
	for (int i = 0; u->dwfl && i < GUESSES && u->n < n_max; i++)
		if (dwfl_getthread_frames(u->dwfl, tid, visit, u) == 0 || u->over ||
		    u->n >= n_max || !guess(u))
			break;
	if (u->n == 0) {
		bool is_shim;

		frame[u->n++] = (struct frame){ regs->rip, 0, encode(u, regs->rip, &is_shim) };
	}
	*all_known = u->all_known;
	return u->n;
}
