/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_stack.c - where a call was made: return addresses out of a task that has stopped, and from
 * them the site, as the shim's site.c makes it. A stack is unwound once (tracer_unwind.c). What was
 * found is kept together with the places of the return addresses on the stack: when they hold the
 * same values again, it is the same stack.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stacks.h"
#include "tracer_unwind.h"

#define BUCKETS 256
#define KNOWN_MAX 8192
#define PATIENCE 100 /* waits for an answer */
#define WINDOW 2048  /* bytes of the stack that are read at a look-up */

struct known {
	struct known *next;
	uint64_t pc; /* where the task stopped; the shim's frames are not among these: */
	uint64_t site;
	uint32_t stack;
	uint32_t n;
	struct frame frame[];
};

struct image {
	unsigned int n_users;
	struct unwinder *unwinder;
	struct known *known[BUCKETS];
	unsigned int n_known;
	uint64_t renewed_ns;
};

struct image *image_share(struct image *image)
{
	if (image)
		image->n_users++;
	return image;
}

static void forget_known(struct image *image)
{
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct known *k = image->known[i], *next; k; k = next) {
			next = k->next;
			free(k);
		}
	memset(image->known, 0, sizeof(image->known));
	image->n_known = 0;
}

void image_drop(struct image *image)
{
	if (!image || --image->n_users > 0)
		return;
	forget_known(image);
	unwinder_free(image->unwinder);
	free(image);
}

static struct image *image_new(struct tracer *t, struct program *program)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		abort();
	image->n_users = 1;
	image->unwinder = unwinder_new(t->arena, program->pid, t->s->options->shim);
	image->renewed_ns = now_ns();
	return image;
}

/* Does the stack hold these return addresses at these places? */
static bool holds(const struct task *task, const struct known *k, uint64_t sp,
		  const uint8_t *window, size_t n_window)
{
	/* the innermost stands in no place, if it is where the task stopped */
	for (uint32_t i = k->frame[0].pc == k->pc; i < k->n; i++) {
		uint64_t offset = k->frame[i].place, word = 0;

		if (offset + sizeof(word) <= n_window)
			memcpy(&word, window + offset, sizeof(word));
		else if (!peek(task->tid, sp + offset, &word, sizeof(word)))
			return false;
		if (word != k->frame[i].pc)
			return false;
	}
	return true;
}

static const struct known *find_known(struct tracer *t, const struct task *task,
				      const struct image *image)
{
	const struct known *k = image->known[t->regs.rip % BUCKETS];
	uint8_t window[WINDOW];
	size_t n_window = 0;

	if (k)
		n_window = peek_some(task->tid, t->regs.rsp, window, sizeof(window));
	for (; k; k = k->next)
		if (k->pc == t->regs.rip && holds(task, k, t->regs.rsp, window, n_window))
			return k;
	return NULL;
}

/* in=FUNCTION needs names that only the supervisor looks up: asked once a stack. */
static void ask_functions(struct tracer *t, uint32_t stack)
{
	struct arena_stack *s = &t->arena->stack[stack - 1];
	struct timespec wait = { .tv_nsec = 50 * 1000 * 1000 };
	uint32_t unknown = IN_UNKNOWN;

	atomic_compare_exchange_strong(&s->in_state, &unknown, IN_ASKED);
	for (int i = 0; i < PATIENCE && !t->impatient; i++) {
		if (atomic_load(&s->in_state) == IN_ANSWERED || atomic_load(&t->arena->closing))
			return;
		tracer_bell(t);
		syscall(SYS_futex, &s->in_state, FUTEX_WAIT, IN_ASKED, &wait, NULL, 0);
	}
	t->impatient = true;
}

static struct known *learn(struct tracer *t, const struct frame *frame, uint32_t n)
{
	struct known *k = malloc(sizeof(*k) + n * sizeof(frame[0]));
	uint64_t encoded[ARENA_FRAMES];

	if (!k)
		abort();
	for (uint32_t i = 0; i < n; i++)
		encoded[i] = frame[i].encoded;
	k->pc = t->regs.rip;
	k->n = n;
	memcpy(k->frame, frame, n * sizeof(frame[0]));
	k->site = stacks_site(t->arena, encoded, n);
	k->stack = t->s->options->stacks ? stacks_keep(t->arena, k->site, encoded, n) : 0;
	if (t->s->options->plan->n_in && k->stack)
		ask_functions(t, k->stack);
	return k;
}

/* Code of which nothing is known: something has been loaded since. Not asked for too often, as code
 * that is made at run time never becomes known. */
static bool renew(struct tracer *t, struct task *task)
{
	struct program *program = task->program;

	if (now_ns() < program->image->renewed_ns + 20 * NS_PER_MS)
		return false;
	image_drop(program->image);
	program->image = image_new(t, program);
	return true;
}

static struct known *unwind(struct tracer *t, struct task *task)
{
	struct frame frame[ARENA_FRAMES];
	bool all_known;
	uint32_t n;

	n = unwinder_walk(task->program->image->unwinder, task->tid, &t->regs,
			  t->s->options->stacks ? ARENA_FRAMES : 1, frame, &all_known);
	if (!all_known && renew(t, task))
		n = unwinder_walk(task->program->image->unwinder, task->tid, &t->regs,
				  t->s->options->stacks ? ARENA_FRAMES : 1, frame, &all_known);
	return learn(t, frame, n);
}

static uint32_t count(struct task *task, uint64_t site)
{
	struct site_count *old = task->counts, *at;
	uint32_t n_old = task->room_counts;

	if (4 * task->n_counts >= 3 * task->room_counts) {
		task->room_counts = n_old ? 2 * n_old : 32;
		task->counts = calloc(task->room_counts, sizeof(*task->counts));
		if (!task->counts)
			abort();
		for (uint32_t i = 0; i < n_old; i++) {
			if (!old[i].site)
				continue;
			at = &task->counts[old[i].site & (task->room_counts - 1)];
			while (at->site)
				at = at + 1 < task->counts + task->room_counts ? at + 1
									       : task->counts;
			*at = old[i];
		}
		free(old);
	}
	at = &task->counts[site & (task->room_counts - 1)];
	while (at->site && at->site != site)
		at = at + 1 < task->counts + task->room_counts ? at + 1 : task->counts;
	if (!at->site) {
		at->site = site;
		task->n_counts++;
	}
	return ++at->count;
}

void stack_find(struct tracer *t, struct task *task, struct event *event)
{
	struct program *program = task->program;
	const struct known *k;
	struct known *new, **bucket;

	if (!program->image)
		program->image = image_new(t, program);
	k = find_known(t, task, program->image);
	if (!k) {
		k = new = unwind(t, task);
		if (program->image->n_known == KNOWN_MAX)
			forget_known(program->image);
		bucket = &program->image->known[t->regs.rip % BUCKETS];
		new->next = *bucket;
		*bucket = new;
		program->image->n_known++;
	}
	event->site = k->site;
	event->stack = k->stack;
	event->count = count(task, k->site);
}
