/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.c - runs a seccomp filter over a system call of which only the number is known. */
#include "bpf.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
	uint32_t number;
	bool stuck; /* it looked at what is not known, or is no program for seccomp */
};

static uint32_t data_at(struct machine *m, uint32_t offset)
{
	if (offset == offsetof(struct seccomp_data, nr))
		return m->number;
	if (offset == offsetof(struct seccomp_data, arch))
		return AUDIT_ARCH_X86_64;
	m->stuck = true;
	return 0;
}

static uint32_t *memory_at(struct machine *m, uint32_t k)
{
	if (k < BPF_MEMWORDS)
		return &m->memory[k];
	m->stuck = true;
	return &m->memory[0];
}

static uint32_t load(struct machine *m, const struct sock_filter *c)
{
	switch (c->code & ~7) { /* all but the class: where from, and how wide */
	case BPF_W | BPF_ABS:
		return data_at(m, c->k);
	case BPF_W | BPF_IMM:
		return c->k;
	case BPF_W | BPF_MEM:
		return *memory_at(m, c->k);
	case BPF_W | BPF_LEN:
		return sizeof(struct seccomp_data);
	default:
		m->stuck = true;
		return 0;
	}
}

static uint32_t shifted(uint32_t value, uint32_t by, bool left)
{
	if (by > 31)
		return 0;
	return left ? value << by : value >> by;
}

static uint32_t compute(struct machine *m, const struct sock_filter *c, uint32_t with)
{
	switch (BPF_OP(c->code)) {
	case BPF_ADD:
		return m->a + with;
	case BPF_SUB:
		return m->a - with;
	case BPF_MUL:
		return m->a * with;
	case BPF_DIV:
		m->stuck = m->stuck || with == 0;
		return with ? m->a / with : 0;
	case BPF_AND:
		return m->a & with;
	case BPF_OR:
		return m->a | with;
	case BPF_XOR:
		return m->a ^ with;
	case BPF_LSH:
	case BPF_RSH:
		return shifted(m->a, with, BPF_OP(c->code) == BPF_LSH);
	case BPF_NEG:
		return -m->a;
	default:
		m->stuck = true;
		return 0;
	}
}

/* How far beyond the next instruction. */
static uint32_t jump(struct machine *m, const struct sock_filter *c, uint32_t with)
{
	switch (BPF_OP(c->code)) {
	case BPF_JA:
		return c->k;
	case BPF_JEQ:
		return m->a == with ? c->jt : c->jf;
	case BPF_JGT:
		return m->a > with ? c->jt : c->jf;
	case BPF_JGE:
		return m->a >= with ? c->jt : c->jf;
	case BPF_JSET:
		return m->a & with ? c->jt : c->jf;
	default:
		m->stuck = true;
		return 0;
	}
}

/* One instruction that is no return. Returns how many to skip. */
static uint32_t step(struct machine *m, const struct sock_filter *c)
{
	uint32_t with = BPF_SRC(c->code) == BPF_X ? m->x : c->k;

	switch (BPF_CLASS(c->code)) {
	case BPF_LD:
		m->a = load(m, c);
		return 0;
	case BPF_LDX:
		m->x = load(m, c);
		return 0;
	case BPF_ST:
		*memory_at(m, c->k) = m->a;
		return 0;
	case BPF_STX:
		*memory_at(m, c->k) = m->x;
		return 0;
	case BPF_ALU:
		m->a = compute(m, c, with);
		return 0;
	case BPF_JMP:
		return jump(m, c, with);
	case BPF_MISC:
		if (BPF_MISCOP(c->code) == BPF_TXA)
			m->a = m->x;
		else
			m->x = m->a;
		return 0;
	default:
		m->stuck = true;
		return 0;
	}
}

bool bpf_allows(const struct sock_filter *code, size_t n_code, long number)
{
	struct machine m = { .number = (uint32_t)number };

	/* jumps only lead forwards, so this ends */
	for (uint64_t at = 0; at < n_code && !m.stuck; at++) {
		const struct sock_filter *c = &code[at];

		if (BPF_CLASS(c->code) == BPF_RET) {
			uint32_t action = BPF_RVAL(c->code) == BPF_A ? m.a : c->k;

			return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
		}
		at += step(&m, c);
	}
	return false;
}
