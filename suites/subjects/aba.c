/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack without locks in shared memory. With a tag that changes on each exchange it is right;
 * without one, a top that was taken and came back looks as if nothing had happened: the ABA
 * problem.
 */
#include "subject_posix.h"

#include <sched.h>

enum { N_NODES = 4, N_WORKERS = 2, N_ROUNDS = 200, NONE = -1 };

struct top {
	int32_t node;
	uint32_t tag;
};

struct stack {
	_Atomic(struct top) top;
	atomic_int next[N_NODES];
	atomic_int holders[N_NODES];
	atomic_int was_read;
	atomic_int was_changed;
};

static struct stack *stack;
static bool tagged = true;

static bool exchange(struct top expected, int32_t node)
{
	struct top wanted = { node, expected.tag + tagged };

	return atomic_compare_exchange_strong(&stack->top, &expected, wanted);
}

static void push(int node)
{
	struct top old;

	EXPECT(atomic_fetch_sub(&stack->holders[node], 1) == 1);
	do {
		old = atomic_load(&stack->top);
		stack->next[node] = old.node;
	} while (!exchange(old, node));
}

/* In whose hands a node is, it must be in no other's. */
static int hold(int node)
{
	EXPECT(atomic_fetch_add(&stack->holders[node], 1) == 0);
	return node;
}

static int pop(void)
{
	for (;;) {
		struct top old = atomic_load(&stack->top);

		if (old.node == NONE)
			return NONE;
		if (exchange(old, stack->next[old.node]))
			return hold(old.node);
	}
}

static void make(void)
{
	stack = map_shared(sizeof(*stack));
	atomic_store(&stack->top, ((struct top){ NONE, 0 }));
	for (int i = N_NODES - 1; i >= 0; i--) {
		stack->holders[i] = 1;
		push(i);
	}
}

static int worker(int who)
{
	for (int i = 0; i < N_ROUNDS; i++) {
		int node = pop();

		sched_yield();
		if (node != NONE)
			push(node);
	}
	return who;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	for (int i = 0; i < N_WORKERS; i++)
		spawn(worker, 0);
	if (reap_all())
		return 1;
	for (int i = 0; i < N_NODES; i++)
		EXPECT(pop() != NONE);
	return pop() != NONE;
}

/* Reads the top and what is below it, and exchanges them when both have changed. */
static int slow_popper(int who)
{
	struct top old = atomic_load(&stack->top);
	int next = stack->next[old.node];

	raise_flag(&stack->was_read);
	await_flag(&stack->was_changed, 1);
	if (exchange(old, next))
		hold(old.node);
	else
		pop();
	return who;
}

/* Takes two, gives the first back. */
static int fast_popper(int who)
{
	int first;

	await_flag(&stack->was_read, 1);
	first = pop();
	pop();
	push(first);
	raise_flag(&stack->was_changed);
	return who;
}

static int meet(void)
{
	make();
	spawn(slow_popper, 0);
	spawn(fast_popper, 0);
	if (reap_all())
		return 1;
	pop();
	return 0;
}

static int run_noticed(int argc, char **argv)
{
	(void)argc, (void)argv;
	return meet();
}

/* The second node is on the stack and in the fast one's hands. */
static int run_untagged(int argc, char **argv)
{
	(void)argc, (void)argv;
	tagged = false;
	return meet();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "noticed", run_noticed },
	{ "untagged", run_untagged },
};

SUBJECT_MAIN(variants)
