/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_arena - whatever a subject writes over its arena, the supervisor reads it, ends, and hands
 * back a JSON document. An input is a list of steps: a byte that says which, then what it needs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_world.h"

#define ROOT_PID 100000000 /* more than pids can be */
#define STEPS 64           /* rounds of the supervisor in one input */
#define SLOTS 8

static const uint8_t *input;
static size_t n_input;
static struct plan plan;

static uint64_t take(unsigned int n_bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < n_bytes && n_input > 0; i++, input++, n_input--)
		value |= (uint64_t)*input << 8 * i;
	return value;
}

/* The smaller numbers are the likely ones, but all bits can be reached. */
static uint64_t take_number(void)
{
	uint8_t byte = (uint8_t)take(1);

	return byte < 0xf0 ? byte : byte < 0xf8 ? (uint64_t) - (int64_t)take(1) : take(8);
}

static void take_bytes(void *to, size_t n_room)
{
	uint8_t *byte = to;

	for (size_t n = take(1); n > 0 && n_room > 0; n--, n_room--)
		*byte++ = (uint8_t)take(1);
}

/* Any bytes anywhere in what the supervisor reads. */
static void scribble(struct supervisor *s)
{
	struct arena *a = s->arena;
	const struct {
		void *start;
		size_t n_bytes, n;
	} region[] = {
		{ &a->stacks, offsetof(struct arena, plan) - offsetof(struct arena, stacks), 1 },
		{ &a->plan, 8, 1 },
		{ a->rule_stat, sizeof(a->rule_stat[0]), 2 },
		{ a->module, sizeof(a->module[0]), SLOTS },
		{ a->stack, sizeof(a->stack[0]), SLOTS },
		{ a->proc, sizeof(a->proc[0]), ARENA_PROCS },
		{ a->thread, sizeof(a->thread[0]), ARENA_THREADS },
		{ a->ring, sizeof(a->ring[0]), SLOTS },
	};
	size_t i = take(1) % (sizeof(region) / sizeof(region[0]));
	size_t entry = take_number() % region[i].n, offset = take(2) % region[i].n_bytes;

	take_bytes((uint8_t *)region[i].start + entry * region[i].n_bytes + offset,
		   region[i].n_bytes - offset);
}

static void put_process(struct supervisor *s)
{
	static const char *const lineage[] = { "1", "1.1", "1.2", "1.1.1", "2", "?", "", "1.10" };
	uint32_t slot = take(1) % SLOTS;
	struct arena_proc *p = &s->arena->proc[slot];

	p->pid = (int32_t)(ROOT_PID + take_number());
	p->ppid = ROOT_PID;
	p->parent = (uint32_t)take_number();
	p->born_tsc = world.now_ns;
	p->flags = (uint32_t)take(1);
	strcpy(p->lineage, lineage[take(1) % SLOTS]);
	strcpy(p->name, "subject");
	p->state = take(1) % 8 == 7 ? PROC_RESERVED : PROC_LIVE;
	if (s->arena->procs_used <= slot)
		s->arena->procs_used = slot + 1;
}

static void put_thread(struct supervisor *s)
{
	uint32_t slot = take(1) % SLOTS;
	struct arena_thread *t = &s->arena->thread[slot];

	t->proc = take(1) % SLOTS;
	t->proc_generation = s->arena->proc[t->proc].generation;
	t->number = (uint32_t)take_number();
	t->tid = ROOT_PID + (int32_t)slot;
	t->state = take(1) % 8 == 7 ? THREAD_ENDED : THREAD_LIVE;
	if (s->arena->threads_used <= slot)
		s->arena->threads_used = slot + 1;
}

static void make_event(struct event *e)
{
	memset(e, 0, sizeof(*e));
	e->call = (uint16_t)calls[take(2) % CALL_N].canonical_id;
	e->flags = (uint16_t)(take(2) % (1u << 11));
	e->enter_tsc = world.now_ns;
	world.now_ns += take(1) * 1000;
	e->exit_tsc = world.now_ns;
	e->result = (int64_t)take_number();
	e->object = OBJECT_REF(take(1) % OBJECT_N, take_number());
	for (int i = 0; i < 6; i++)
		e->arg[i] = (int64_t)take_number();
	e->length = (uint32_t)take_number();
	e->err = (int32_t)take_number();
	e->stack = (uint32_t)take(1) % (SLOTS + 1);
	e->site = take(1);
	e->digest = take(1);
}

/* An event as the shim writes it, with what continues it. */
static void put_event(struct supervisor *s)
{
	uint32_t slot = take(1) % SLOTS;
	struct arena_thread *t = &s->arena->thread[slot];
	struct event *ring = s->arena->ring[slot], e;
	uint64_t at = t->head;

	make_event(&e);
	e.commit = at + 1;
	e.n_more = (uint8_t)(take(1) % 3);
	ring[at & (ARENA_RING - 1)] = e;
	for (unsigned int i = 1; i <= e.n_more; i++) {
		struct event_more *more = (void *)&ring[(at + i) & (ARENA_RING - 1)];

		more->commit = (at + i + 1) | EVENT_MORE_MARK;
		take_bytes(more->data, sizeof(more->data));
	}
	t->head = t->settled = at + 1 + e.n_more;
}

static void put_current(struct supervisor *s)
{
	struct arena_thread *t = &s->arena->thread[take(1) % SLOTS];
	uint32_t depth = take(1) % (ARENA_DEPTH + 2);

	if (depth < ARENA_DEPTH)
		make_event(&t->cur[depth]);
	t->depth = depth + 1;
	t->leaving = (uint32_t)take(1) % 8;
	t->stop_ns = take_number();
	t->n_calls++;
}

static void put_death(struct supervisor *s)
{
	uint32_t l = (uint32_t)take(1);
	int status = (int)take(2);

	if (world.n_ended == 16 || s->n_live == 0)
		return;
	world.ended[world.n_ended].pid = s->process[s->live[l % s->n_live]].pid;
	world.ended[world.n_ended++].status = status;
}

static void look(struct supervisor *s)
{
	world.now_ns += take(1) * NS_PER_MS * 10;
	s->us_ticks = ticks_per_us(s);
	processes_update(s);
	threads_update(s);
	drain(s);
	stops_update(s, now_ns());
	sems_update(s);
	trace_flush(s);
	reach_scan(s);
	if (watch_tick(s, take(1) & 1))
		s->ended = ENDED_DEADLOCK;
}

static void step(struct supervisor *s, unsigned int *n_looks)
{
	switch (take(1) % 10) {
	case 0:
		scribble(s);
		break;
	case 1:
		put_process(s);
		break;
	case 2:
		put_thread(s);
		break;
	case 3:
		put_current(s);
		break;
	case 4:
		put_death(s);
		break;
	case 5:
		world.n_recipe = (unsigned int)take(1) % WORLD_RECIPE;
		for (unsigned int i = 0; i < world.n_recipe; i++)
			world.recipe[i] = (uint8_t)take(1);
		break;
	case 6:
		if (++*n_looks <= STEPS)
			look(s);
		break;
	default:
		put_event(s);
	}
}

/* As finish() of supervise.c does it. */
static void finish(struct supervisor *s, enum ended ended)
{
	if (s->ended == ENDED_NOT)
		s->ended = ended;
	sems_final(s);
	if (!watch_finish(s) && s->ended == ENDED_HANG)
		report_hang(s);
	report_left_running(s);
	s->end_ns = now_ns();
	kill_all(s);
	for (int i = 0; i < 8; i++) {
		kill_all(s);
		processes_update(s);
	}
	drain(s);
	counts_check(s);
	sems_final(s);
	report_root(s);
	leftovers_finish(s);
	trace_finish(s);
}

static void check_document(struct supervisor *s)
{
	int copy = dup(s->json_fd);
	json_error_t error;
	json_t *json;

	FUZZ_CHECK(copy >= 0 && document_write(s) == 0 && lseek(copy, 0, SEEK_SET) == 0);
	json = json_loadfd(copy, 0, &error);
	if (!json)
		fprintf(stderr, "%d:%d: %s\n", error.line, error.column, error.text);
	FUZZ_CHECK(json && json_is_integer(json_object_get(json, "lost")));
	json_decref(json);
	close(copy);
}

static struct arena *fresh_arena(void)
{
	static struct arena *arena;

	if (!arena)
		arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	FUZZ_CHECK(arena != MAP_FAILED && madvise(arena, sizeof(*arena), MADV_DONTNEED) == 0);
	arena_init(arena, ARENA_SUPERVISED, 1);
	arena->plan = plan;
	arena->plan.n_in = 0;
	arena->has_tsc = 0;
	return arena;
}

static void set_up(struct supervisor *s, uint8_t flags)
{
	memset(&world, 0, sizeof(world));
	world.now_ns = 1000 * NS_PER_S;
	s->isolated = flags & 1;
	s->arena = fresh_arena();
	s->json_fd = memfd_create("document", MFD_CLOEXEC);
	memset(s->slot_process, 0xff, sizeof(s->slot_process));
	s->time_in = calloc(OBJECT_TIMES, sizeof(*s->time_in));
	s->model = model_new(&(struct model_options){ .strict = flags & 2 }, &s->findings);
	s->symbols = symbols_new();
	s->watch = watch_new();
	s->trace = trace_new(s);
	s->start_ns = s->start_tsc = now_ns();
	FUZZ_CHECK(s->time_in && s->model && s->watch && s->trace && s->json_fd >= 0);
	strcpy(s->arena->proc[0].lineage, "1");
	s->arena->proc[0].pid = ROOT_PID;
	s->arena->proc[0].state = PROC_LIVE;
	s->arena->procs_used = 1;
	process_adopt_root(s, ROOT_PID);
}

static void tear_down(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->n_processes; i++)
		if (s->process[i].pidfd >= 0)
			close(s->process[i].pidfd);
	for (unsigned int i = 0; i < s->n_fifos; i++)
		free(s->fifo[i].path);
	trace_free(s->trace);
	free(s->watch);
	symbols_free(s->symbols);
	model_free(s->model);
	findings_free(&s->findings);
	free(s->fifo);
	free(s->made);
	free(s->process);
	free(s->live);
	free(s->time_in);
	free(s->uses);
	free(s->named);
	for (unsigned int i = 0; i < s->n_opened; i++)
		free(s->opened[i].name);
	for (unsigned int i = 0; i < s->n_old; i++)
		free(s->old[i].name);
	free(s->opened);
	free(s->old);
	free(s);
}

static void make_plan(void)
{
	struct plan_error error;

	FUZZ_CHECK(plan_add(&plan, "semop:kill:when=3", &error) == 0);
	FUZZ_CHECK(plan_add(&plan, "read:delay=1ms:in=main", &error) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static char *words[] = { "subject", NULL }, *none[] = { NULL };
	static int null_fd = -1;
	struct supervisor *s = calloc(1, sizeof(*s));
	struct trial_options options = { .argv = words,
					 .envp = none,
					 .shim = "/dev/null",
					 .plan = &plan,
					 .timeout_ns = NS_PER_S,
					 .events_fd = -1 };
	unsigned int n_looks = 0;
	uint8_t flags;

	FUZZ_CHECK(s);
	if (plan.n_rules == 0)
		make_plan();
	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	input = data;
	n_input = n_bytes;
	flags = (uint8_t)take(1);
	options.trace = (flags & 4) != 0;
	options.trace_fd = null_fd;
	if (flags & 8)
		options.events_fd = dup(null_fd);
	s->options = &options;
	set_up(s, flags);
	while (n_input > 0)
		step(s, &n_looks);
	finish(s, ENDED_BY_ITSELF + (flags >> 4) % 4);
	check_document(s);
	if (options.events_fd >= 0 && s->findings.n == 0)
		close(options.events_fd);
	tear_down(s);
	return 0;
}
