/* SPDX-License-Identifier: Apache-2.0 */
/* unit_bpf - what seccomp filters say of a system call of which only the number is known. */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "bpf.h"
#include "unit.h"

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ARCH BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch))
#define ARGUMENT BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]))
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ERROR BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1)
#define CODE(...) ((const struct sock_filter[]){ __VA_ARGS__ })
#define ALLOWS(number, ...) \
	bpf_allows(CODE(__VA_ARGS__), sizeof(CODE(__VA_ARGS__)) / sizeof(struct sock_filter), \
		   number)

START_TEST(list_of_allowed)
{
#define LIST \
	ARCH, IS(AUDIT_ARCH_X86_64, 0, 3), NUMBER, IS(SYS_read, 2, 0), IS(SYS_write, 1, 0), KILL, \
		ALLOW
	ck_assert(ALLOWS(SYS_read, LIST));
	ck_assert(ALLOWS(SYS_write, LIST));
	ck_assert(!ALLOWS(SYS_futex, LIST));
}
END_TEST

START_TEST(list_of_forbidden)
{
#define FORBIDDEN NUMBER, IS(SYS_ptrace, 0, 1), ERROR, ALLOW
	ck_assert(ALLOWS(SYS_read, FORBIDDEN));
	ck_assert(!ALLOWS(SYS_ptrace, FORBIDDEN));
}
END_TEST

START_TEST(another_architecture)
{
#define OTHER ARCH, IS(AUDIT_ARCH_I386, 0, 1), ALLOW, KILL
	ck_assert(!ALLOWS(SYS_read, OTHER));
}
END_TEST

/* One number depends on an argument, the others are decided before. */
START_TEST(arguments_are_not_known)
{
#define CLONE NUMBER, IS(SYS_clone, 0, 3), ARGUMENT, IS(17, 0, 1), ALLOW, ALLOW
	ck_assert(!ALLOWS(SYS_clone, CLONE));
	ck_assert(ALLOWS(SYS_read, CLONE));
}
END_TEST

START_TEST(only_allow_is_allowed)
{
	static const unsigned int actions[] = { SECCOMP_RET_LOG,  SECCOMP_RET_TRACE,
						SECCOMP_RET_TRAP, SECCOMP_RET_USER_NOTIF,
						SECCOMP_RET_KILL, SECCOMP_RET_ERRNO };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, actions[i]) };

		ck_assert(!bpf_allows(code, 1, SYS_read));
	}
	ck_assert(ALLOWS(SYS_read, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW | 7)));
}
END_TEST

#define K(op) BPF_STMT(BPF_ALU | (op) | BPF_K, 3)
#define GIVES(value, ...) \
	ALLOWS(SYS_read, BPF_STMT(BPF_LD | BPF_IMM, 20), __VA_ARGS__, IS(value, 0, 1), ALLOW, KILL)

START_TEST(arithmetic)
{
	ck_assert(GIVES(23, K(BPF_ADD)));
	ck_assert(GIVES(17, K(BPF_SUB)));
	ck_assert(GIVES(60, K(BPF_MUL)));
	ck_assert(GIVES(6, K(BPF_DIV)));
	ck_assert(GIVES(0, K(BPF_AND)));
	ck_assert(GIVES(23, K(BPF_OR)));
	ck_assert(GIVES(23, K(BPF_XOR)));
	ck_assert(GIVES(160, K(BPF_LSH)));
	ck_assert(GIVES(2, K(BPF_RSH)));
	ck_assert(GIVES(0, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32)));
	ck_assert(GIVES((unsigned int)-20, BPF_STMT(BPF_ALU | BPF_NEG, 0)));
	ck_assert(!GIVES(20, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0)));
	ck_assert(!GIVES(20, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 7)));
}
END_TEST

START_TEST(memory_and_x)
{
	ck_assert(
		GIVES(40, BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0)));
	ck_assert(GIVES(5, BPF_STMT(BPF_LDX | BPF_IMM, 5), BPF_STMT(BPF_MISC | BPF_TXA, 0)));
	ck_assert(GIVES(20, BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LD | BPF_IMM, 1),
			BPF_STMT(BPF_LD | BPF_MEM, 15)));
	ck_assert(GIVES(20, BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_STX, 3),
			BPF_STMT(BPF_LD | BPF_MEM, 3)));
	ck_assert(GIVES(64, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)));
	ck_assert(!GIVES(20, BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_LD | BPF_MEM, 16)));
}
END_TEST

START_TEST(jumps)
{
	ck_assert(ALLOWS(SYS_read, BPF_STMT(BPF_JMP | BPF_JA, 1), KILL, ALLOW));
	ck_assert(!ALLOWS(SYS_read, BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), ALLOW));
	ck_assert(!ALLOWS(SYS_read, BPF_STMT(BPF_JMP | BPF_JA, 5), ALLOW));
	ck_assert(!ALLOWS(SYS_read, NUMBER));
	ck_assert(!bpf_allows(NULL, 0, SYS_read));
#define RANGE \
	NUMBER, BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 5, 0, 2), \
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 9, 1, 0), ALLOW, KILL
	ck_assert(ALLOWS(5, RANGE));
	ck_assert(ALLOWS(9, RANGE));
	ck_assert(!ALLOWS(10, RANGE));
	ck_assert(!ALLOWS(4, RANGE));
	ck_assert(ALLOWS(6, NUMBER, BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), ALLOW, KILL));
	ck_assert(!ALLOWS(5, NUMBER, BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1), ALLOW, KILL));
}
END_TEST

/* Bytes of the subject's memory: whatever they are, it ends. */
START_TEST(nonsense)
{
	struct sock_filter code[64];
	unsigned int seed = 1;

	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(code); i++)
			((unsigned char *)code)[i] =
				(unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
		bpf_allows(code, sizeof(code) / sizeof(code[0]), round % 512);
	}
}
END_TEST

static Suite *bpf_suite(void)
{
	const struct unit_case cases[] = {
		{ "list-of-allowed", list_of_allowed },
		{ "list-of-forbidden", list_of_forbidden },
		{ "another-architecture", another_architecture },
		{ "arguments-are-not-known", arguments_are_not_known },
		{ "only-allow-is-allowed", only_allow_is_allowed },
		{ "arithmetic", arithmetic },
		{ "memory-and-x", memory_and_x },
		{ "jumps", jumps },
		{ "nonsense", nonsense },
	};

	return unit_suite("bpf", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { bpf_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
