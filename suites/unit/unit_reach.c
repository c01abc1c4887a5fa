/* SPDX-License-Identifier: Apache-2.0 */
/* unit_reach - what the shim and the tracer must see alike: which call a system call is, where the
 * cookie goes, slots and lineages, sites. */
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "slots.h"
#include "stacks.h"
#include "syscalls.h"
#include "unit.h"

#define COOKIE 0x5eed0001u

static struct arena *new_arena(void)
{
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(arena, MAP_FAILED);
	arena_init(arena, ARENA_SUPERVISED, 1);
	return arena;
}

static const char *call_of(long nr, unsigned int at, uint64_t value)
{
	uint64_t a[6] = { 0 };
	const struct syscall_row *row;

	a[at] = value;
	row = syscall_find(nr, a);
	return !row ? "none" : row->call == CALL_N ? "bookkeeping" : calls[row->call].name;
}

/* One system call is this call or that one, by its arguments; some are of no interest. */
START_TEST(rows_by_argument)
{
	static const struct {
		long nr;
		unsigned int at;
		uint64_t value;
		const char *call;
	} cases[] = {
		{ SYS_semtimedop, 3, 0, "semop" },
		{ SYS_semtimedop, 3, 4096, "semtimedop" },
		{ SYS_sendto, 4, 0, "send" },
		{ SYS_sendto, 4, 1, "sendto" },
		{ SYS_pselect6, 5, 0, "select" },
		{ SYS_wait4, 3, 0, "waitpid" },
		{ SYS_wait4, 3, 1, "wait4" },
		{ SYS_mmap, 3, MAP_PRIVATE | MAP_ANONYMOUS, "none" },
		{ SYS_mmap, 3, MAP_SHARED, "mmap" },
		{ SYS_mmap, 3, MAP_SHARED_VALIDATE, "mmap" },
		{ SYS_futex, 1, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, "none" },
		{ SYS_futex, 1, FUTEX_WAIT, "futex" },
		{ SYS_clone, 0, CLONE_THREAD | CLONE_VM, "pthread_create" },
		{ SYS_clone, 0, CLONE_VM | CLONE_VFORK, "vfork" },
		{ SYS_clone, 0, 17, "fork" },
		{ SYS_mknodat, 2, S_IFIFO | 0600, "mknodat" },
		{ SYS_mknodat, 2, S_IFREG | 0600, "none" },
		{ SYS_exit_group, 0, 1, "_exit" },
		{ SYS_ptrace, 0, 0, "bookkeeping" },
		{ SYS_getpid, 0, 0, "none" },
		{ -1, 0, 0, "none" },
		{ 1 << 20, 0, 0, "none" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		const char *call = call_of(cases[i].nr, cases[i].at, cases[i].value);

		ck_assert_msg(strcmp(call, cases[i].call) == 0, "case %zu: %s was expected, got %s",
			      i, cases[i].call, call);
	}
}
END_TEST

/* A row's arguments are as many as its call has, and come from the system call's. */
START_TEST(rows_have_arguments)
{
	for (unsigned int i = 0; i < n_syscall_rows; i++) {
		const struct syscall_row *row = &syscall_rows[i];

		for (unsigned int later = i + 1; later < n_syscall_rows; later++)
			ck_assert_msg(syscall_rows[later].nr != row->nr ||
					      syscall_rows[later - 1].nr == row->nr,
				      "%u: its rows were expected together", row->nr);
		ck_assert_uint_lt(row->at, 6);
		ck_assert_uint_le(row->call, CALL_N);
		for (unsigned int arg = 0; arg < 6; arg++)
			ck_assert_uint_le(row->from[arg], SYSCALL_NONE);
		if (row->call == CALL_N || row->role == ROLE_FORK)
			continue;
		ck_assert_uint_eq(calls[row->call].canonical_id, row->call);
		for (unsigned int arg = calls[row->call].n_args; arg < 6; arg++)
			ck_assert_msg(row->from[arg] == SYSCALL_NONE, "%s: argument %u",
				      calls[row->call].name, arg);
		/* the sixth register is free only if no argument comes from it */
		for (unsigned int arg = 0; arg < 6 && row->call != CALL_futex; arg++)
			ck_assert_msg(row->cookie != COOKIE_LAST || row->from[arg] != 5, "%s",
				      calls[row->call].name);
	}
}
END_TEST

/* The table's own system call leads back to the row, or to one that it can be. */
START_TEST(calls_have_rows)
{
	for (unsigned int i = 0; i < CALL_N; i++) {
		bool found = false;

		if (calls[i].canonical_id != i || calls[i].syscall_nr < 0 ||
		    calls[i].flags & CALL_QUIET)
			continue;
		for (unsigned int row = 0; row < n_syscall_rows; row++)
			found = found || syscall_rows[row].nr == calls[i].syscall_nr;
		ck_assert_msg(found, "%s: a row in syscalls.def was expected", calls[i].name);
		ck_assert(syscall_serves(i, calls[i].syscall_nr));
	}
	ck_assert(syscall_serves(CALL_popen, SYS_clone));
	ck_assert(!syscall_serves(CALL_semop, SYS_write));
}
END_TEST

/* Where no argument is: never over one. */
START_TEST(cookies)
{
	long three[6] = { 1, 2, 3, 0, 0, 0 };
	long six[6] = { -100, 2, 3, 4, 5, 6 };
	long many[6] = { 1, 2, 3, 4, 5, 77 };

	syscall_mark(CALL_semop, 3, three, COOKIE);
	ck_assert_int_eq(three[5], COOKIE);
	ck_assert_int_eq(three[0], 1);
	syscall_mark(CALL_splice, 6, six, COOKIE);
	ck_assert_int_eq((int)six[0], -100);
	ck_assert_uint_eq((uint64_t)six[0] >> 32, COOKIE);
	ck_assert_int_eq(six[5], 6);
	/* libc makes many calls of it: none of them is ours */
	syscall_mark(CALL_system, 1, many, COOKIE);
	ck_assert_int_eq(many[5], 0);
}
END_TEST

START_TEST(lineages)
{
	struct arena *arena = new_arena();
	struct arena_proc *root = slot_reserve(arena, NULL, 1, 2);
	struct arena_proc *first = slot_reserve(arena, root, 2, 3);
	struct arena_proc *second = slot_reserve(arena, root, 2, 4);
	struct arena_proc *deep = slot_reserve(arena, second, 4, 5);

	ck_assert_str_eq(root->lineage, "1");
	ck_assert_str_eq(first->lineage, "1.1");
	ck_assert_str_eq(deep->lineage, "1.2.1");
	for (int i = 0; i < 200; i++) {
		deep = slot_reserve(arena, deep, 5, 6);
		ck_assert_ptr_nonnull(deep);
		ck_assert_uint_lt(strlen(deep->lineage), ARENA_LINEAGE);
	}
	munmap(arena, sizeof(*arena));
}
END_TEST

/* By pid, else the one that libc's child is to adopt. */
START_TEST(slots_are_found)
{
	struct arena *arena = new_arena();
	struct arena_proc *root = slot_reserve(arena, NULL, 1, 2);
	struct arena_proc *spawned = slot_reserve(arena, root, 2, -1);
	struct arena_thread *thread;

	atomic_store(&root->state, PROC_LIVE);
	ck_assert_ptr_eq(slot_find(arena, 2, 0), root);
	ck_assert_ptr_eq(slot_find_live(arena, 2), root);
	ck_assert_ptr_null(slot_find(arena, 9, 1));
	ck_assert_ptr_eq(slot_find(arena, 9, 2), spawned);
	ck_assert_int_eq(spawned->pid, 9);
	ck_assert_ptr_null(slot_find_live(arena, 9));
	thread = slot_thread(arena, root, 3, 77);
	ck_assert_ptr_eq(slot_thread_find(arena, root, 77), thread);
	ck_assert_ptr_null(slot_thread_find(arena, spawned, 77));
	munmap(arena, sizeof(*arena));
}
END_TEST

/* The thread that called exec goes on as the first, the others are over. */
START_TEST(exec_takes_over)
{
	struct arena *arena = new_arena();
	struct arena_proc *root = slot_reserve(arena, NULL, 1, 2);
	struct arena_thread *first = slot_thread(arena, root, 0, 2);
	struct arena_thread *other = slot_thread(arena, root, 1, 3);

	other->cur[0].call = CALL_execve;
	atomic_store(&other->depth, 1);
	ck_assert_ptr_eq(slot_take_over(arena, root, 2), other);
	ck_assert_int_eq(other->number, 0);
	ck_assert_int_eq(other->tid, 2);
	ck_assert_int_eq(first->state, THREAD_ENDED);
	munmap(arena, sizeof(*arena));
}
END_TEST

/* The same wherever the module is installed and whatever came before it; not for other offsets. */
START_TEST(sites)
{
	struct arena *one = new_arena(), *two = new_arena();
	uint16_t a = stacks_module(one, "/usr/bin/thing"), b;
	uint64_t frame, site;
	uint32_t stack;

	stacks_module(two, "/lib/another");
	b = stacks_module(two, "/opt/thing");
	frame = ARENA_FRAME(a, 0x1234);
	site = stacks_site(one, &frame, 1);
	stack = stacks_keep(one, site, &frame, 1);
	ck_assert_uint_gt(stack, 0);
	ck_assert_uint_eq(stacks_keep(one, site, &frame, 1), stack);
	frame = ARENA_FRAME(b, 0x1234);
	ck_assert_uint_eq(stacks_site(two, &frame, 1), site);
	frame = ARENA_FRAME(b, 0x1235);
	ck_assert_uint_ne(stacks_site(two, &frame, 1), site);
	munmap(one, sizeof(*one));
	munmap(two, sizeof(*two));
}
END_TEST

static Suite *reach_suite(void)
{
	const struct unit_case cases[] = {
		{ "rows-by-argument", rows_by_argument },
		{ "rows-have-arguments", rows_have_arguments },
		{ "calls-have-rows", calls_have_rows },
		{ "cookies", cookies },
		{ "lineages", lineages },
		{ "slots-are-found", slots_are_found },
		{ "exec-takes-over", exec_takes_over },
		{ "sites", sites },
	};

	return unit_suite("reach", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { reach_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
