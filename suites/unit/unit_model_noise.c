/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_model_noise - right programs on a small simulated kernel, their calls recorded with random
 * lag, so that events reach the model in another order than they had in the kernel: nothing may be
 * found. And: however long the run, the model does not grow.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "arena.h"
#include "story.h"

enum { LOCK, INNER, EMPTY, FULL, N_SEMS };
enum { SET = 1, QUEUE = 2, N_WORKERS = 6, N_EFFECTS = 1500, QUEUE_ROOM = 8, LAG = 40 };
enum action { TAKE, GIVE, SEND, RECEIVE };

struct step {
	enum action action;
	int num;
	bool undo;
};

/* What each role does over and over. */
static const struct step roles[][8] = {
	{ { TAKE, LOCK, true },
	  { TAKE, INNER, true },
	  { GIVE, INNER, true },
	  { GIVE, LOCK, true } },
	{ { TAKE, EMPTY, false },
	  { TAKE, LOCK, true },
	  { GIVE, LOCK, true },
	  { GIVE, FULL, false } },
	{ { TAKE, FULL, false },
	  { TAKE, LOCK, true },
	  { GIVE, LOCK, true },
	  { GIVE, EMPTY, false } },
	{ { SEND, 0, false } },
	{ { RECEIVE, 0, false } },
};
static const unsigned int n_steps[] = { 4, 4, 4, 1, 1 };

struct worker {
	unsigned int role, step;
	uint64_t last_exit;
	int adjust[N_SEMS];
	bool dead;
};

/* A record on its way to the model. */
struct record {
	uint64_t at;
	uint32_t process;
	bool death;
	struct event event;
};

struct simulation {
	struct story story;
	uint64_t random;
	uint64_t now;
	int value[N_SEMS];
	uint32_t queued[QUEUE_ROOM];
	unsigned int n_queued;
	struct worker worker[N_WORKERS + 1];
	struct record *record;
	unsigned int n_records;
};

static uint64_t draw(struct simulation *sim, uint64_t n)
{
	sim->random = arena_mix(sim->random);
	return sim->random % n;
}

static void note(struct simulation *sim, uint32_t process, struct event event)
{
	struct worker *worker = &sim->worker[process];
	uint64_t earliest = sim->now > LAG ? sim->now - draw(sim, LAG) : 1;

	event.enter_tsc = earliest > worker->last_exit ? earliest : worker->last_exit + 1;
	event.exit_tsc = sim->now + 1 + draw(sim, LAG);
	event.site = 1 + event.call;
	worker->last_exit = event.exit_tsc;
	sim->record[sim->n_records++] = (struct record){
		.at = event.exit_tsc,
		.process = process,
		.event = event,
	};
}

static void note_sem(struct simulation *sim, uint32_t process, const struct step *step)
{
	int change = step->action == TAKE ? -1 : 1;

	sim->value[step->num] += change;
	if (step->undo)
		sim->worker[process].adjust[step->num] -= change;
	note(sim, process,
	     (struct event){ .call = CALL_semop,
			     .object = OBJECT_REF(OBJECT_SEM, SET),
			     .arg = { SET, 0, 1,
				      event_pack_sop((uint16_t)step->num, (int16_t)change,
						     step->undo ? SEM_UNDO : 0) } });
}

static void note_msg(struct simulation *sim, uint32_t process, bool sends, uint32_t number)
{
	note(sim, process,
	     (struct event){ .call = sends ? CALL_msgsnd : CALL_msgrcv,
			     .object = OBJECT_REF(OBJECT_MSG, QUEUE),
			     .digest = 1 + number,
			     .length = 4,
			     .arg = { QUEUE, 0, 4, 0, sends ? 1 : 0, sends ? 0 : 1 } });
}

/* Does the next step of this worker if the kernel would let it. Returns whether it did. */
static bool advance(struct simulation *sim, uint32_t process)
{
	struct worker *worker = &sim->worker[process];
	const struct step *step = &roles[worker->role][worker->step];

	if (worker->dead || worker->last_exit >= sim->now)
		return false;
	if (step->action == TAKE && sim->value[step->num] == 0)
		return false;
	if (step->action == SEND) {
		if (sim->n_queued == QUEUE_ROOM)
			return false;
		sim->queued[sim->n_queued] = (uint32_t)draw(sim, 5);
		note_msg(sim, process, true, sim->queued[sim->n_queued++]);
	} else if (step->action == RECEIVE) {
		if (!sim->n_queued)
			return false;
		note_msg(sim, process, false, sim->queued[0]);
		memmove(sim->queued, sim->queued + 1, --sim->n_queued * sizeof(sim->queued[0]));
	} else {
		note_sem(sim, process, step);
	}
	worker->step = (worker->step + 1) % n_steps[worker->role];
	return true;
}

/* Dies now, in the middle of things; that is noticed later. */
static void die(struct simulation *sim, uint32_t process)
{
	struct worker *worker = &sim->worker[process];

	worker->dead = true;
	for (unsigned int num = 0; num < N_SEMS; num++)
		sim->value[num] += worker->adjust[num];
	sim->record[sim->n_records++] = (struct record){
		.at = (worker->last_exit > sim->now ? worker->last_exit : sim->now) + 1 +
		      draw(sim, 4 * LAG),
		.process = process,
		.death = true,
	};
}

static int by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void feed(struct simulation *sim)
{
	struct process_end end = { .kind = END_SIGNAL, .status = 9, .by_rule = true };
	uint16_t value[N_SEMS];

	qsort(sim->record, sim->n_records, sizeof(sim->record[0]), by_time);
	for (unsigned int i = 0; i < sim->n_records; i++) {
		const struct record *record = &sim->record[i];

		if (record->death)
			model_process_end(sim->story.model, record->process, &end, record->at);
		else
			model_event(sim->story.model, record->process, 0, &record->event, NULL);
	}
	for (unsigned int num = 0; num < N_SEMS; num++)
		value[num] = (uint16_t)sim->value[num];
	model_kernel_sem(sim->story.model, SET, value, N_SEMS);
}

static void simulate(uint64_t seed)
{
	struct simulation *sim = calloc(1, sizeof(*sim));
	static const uint16_t initial[N_SEMS] = { 1, 1, 3, 0 };

	sim->random = seed;
	sim->record = calloc(N_EFFECTS + 2 * N_WORKERS, sizeof(sim->record[0]));
	story_begin(&sim->story);
	story_semget(&sim->story, ROOT, IPC_PRIVATE, IPC_CREAT, SET);
	story_setall(&sim->story, ROOT, SET, initial, N_SEMS);
	story_msgget(&sim->story, ROOT, IPC_PRIVATE, IPC_CREAT, QUEUE);
	for (unsigned int num = 0; num < N_SEMS; num++)
		sim->value[num] = initial[num];
	for (uint32_t i = 1; i <= N_WORKERS; i++) {
		story_process(&sim->story, i, ROOT, i);
		sim->worker[i].role = (unsigned int)((seed + i) % SUITE_COUNT(roles));
		sim->worker[i].last_exit = sim->story.now;
	}
	sim->now = sim->story.now + 1;
	for (unsigned int i = 0; i < N_EFFECTS; i++) {
		uint32_t who = 1 + (uint32_t)draw(sim, N_WORKERS);

		advance(sim, who);
		sim->now += 1 + draw(sim, 5);
		if (!sim->worker[who].dead && draw(sim, 400) == 0)
			die(sim, who);
	}
	feed(sim);
	story_expect(&sim->story, TRIAL_ENDED, "");
	story_end(&sim->story);
	free(sim->record);
	free(sim);
}

START_TEST(right_programs)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		simulate(seed);
}
END_TEST

static void work(struct story *s, unsigned int n_rounds)
{
	for (unsigned int i = 0; i < n_rounds; i++) {
		story_semop(s, 1, SET, 0, -1, SEM_UNDO);
		story_semop(s, 1, SET, 0, 1, SEM_UNDO);
		story_send(s, 1, QUEUE, 1 + i % 1000, i);
		story_receive(s, 2, QUEUE, 1 + i % 1000, i, 0);
		story_pipe(s, 1, 100 + (int)i, 3, 4);
		story_close(s, 1, 100 + (int)i, 3, 1);
		story_set(s, 1000 + (int)i, 2, 1);
		story_semop(s, 2, 1000 + (int)i, 1, -1, 0);
		story_semrm(s, ROOT, 1000 + (int)i);
	}
}

START_TEST(does_not_grow)
{
	struct story s;
	size_t n_bytes;

	story_begin(&s);
	story_set(&s, SET, 2, 1);
	story_msgget(&s, ROOT, IPC_PRIVATE, IPC_CREAT, QUEUE);
	story_process(&s, 1, ROOT, 1);
	story_process(&s, 2, ROOT, 2);
	work(&s, 10000);
	n_bytes = mallinfo2().uordblks;
	work(&s, 40000);
	/* Sanitizers have no mallinfo; then both are 0. */
	ck_assert_uint_le(mallinfo2().uordblks, n_bytes + n_bytes / 20);
	story_shows(&s, "");
}
END_TEST

static Suite *noise_suite(void)
{
	const struct unit_case cases[] = {
		{ "right-programs", right_programs },
		{ "does-not-grow", does_not_grow },
	};

	return unit_suite("model-noise", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { noise_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
