/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_lock_noise - right programs on simulated locks, their calls recorded with random lag, so
 * that events reach the model in another order than they had: nothing may be found, and in the end
 * the model must know who has what. And: however many locks there are, the model does not grow.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>

#include "arena.h"
#include "story_lock.h"

enum { OUTER, ROBUST, RW, SEM, SPIN, INNER, N_LOCKS };
enum { N_PROCESSES = 5, N_THREADS = 2, N_WORKERS = N_PROCESSES * N_THREADS };
enum { N_STEPS = 3000, LAG = 40, COND = 1 };
enum action { DONE, TAKE, READ, GIVE, MEND, WAIT, SIGNAL };

struct step {
	enum action action;
	int lock;
};

/* What each role does over and over; those of the last process may die. */
static const struct step roles[][7] = {
	{ { TAKE, OUTER }, { TAKE, INNER }, { GIVE, INNER }, { GIVE, OUTER } },
	{ { READ, RW }, { TAKE, SEM }, { GIVE, SEM }, { GIVE, RW } },
	{ { TAKE, RW }, { TAKE, SPIN }, { GIVE, SPIN }, { GIVE, RW } },
	{ { TAKE, OUTER },
	  { READ, RW },
	  { TAKE, INNER },
	  { GIVE, INNER },
	  { GIVE, RW },
	  { GIVE, OUTER } },
	{ { TAKE, INNER }, { WAIT, INNER }, { GIVE, INNER } },
	{ { TAKE, INNER }, { SIGNAL, 0 }, { GIVE, INNER } },
	{ { TAKE, ROBUST }, { MEND, ROBUST }, { TAKE, SPIN }, { GIVE, SPIN }, { GIVE, ROBUST } },
};

struct worker {
	unsigned int role, step;
	uint64_t last_exit, waits_since;
	bool waiting, told, dead;
	bool has[N_LOCKS];
};

/* A record on its way to the model. */
struct record {
	uint64_t at;
	uint32_t worker;
	bool death;
	struct event event;
};

struct simulation {
	struct story story;
	uint64_t random, now;
	unsigned int n_writers[N_LOCKS], n_readers[N_LOCKS];
	bool owner_died;
	struct worker worker[N_WORKERS];
	struct record *record;
	unsigned int n_records;
};

static uint64_t draw(struct simulation *sim, uint64_t n)
{
	sim->random = arena_mix(sim->random);
	return sim->random % n;
}

static uint32_t process_of(uint32_t worker)
{
	return 1 + worker / N_THREADS;
}

static uint64_t ref_of(int lock)
{
	static const enum object_kind kinds[N_LOCKS] = { OBJECT_MUTEX, OBJECT_MUTEX, OBJECT_RWLOCK,
							 OBJECT_PSEM,  OBJECT_SPIN,  OBJECT_MUTEX };

	return story_shared(kinds[lock], 10 + (unsigned int)lock);
}

static void note(struct simulation *sim, uint32_t who, struct event event, uint64_t enter)
{
	struct worker *worker = &sim->worker[who];
	uint64_t earliest = enter ? enter : sim->now > LAG ? sim->now - draw(sim, LAG) : 1;

	event.enter_tsc = earliest > worker->last_exit ? earliest : worker->last_exit + 1;
	event.exit_tsc = sim->now + 1 + draw(sim, LAG);
	event.site = 1 + event.call;
	worker->last_exit = event.exit_tsc;
	sim->record[sim->n_records++] =
		(struct record){ .at = event.exit_tsc, .worker = who, .event = event };
}

static void note_lock(struct simulation *sim, uint32_t who, enum action action, int lock, int err)
{
	static const uint16_t calls_[N_LOCKS][MEND + 1] = {
		[OUTER] = { [TAKE] = CALL_pthread_mutex_lock, [GIVE] = CALL_pthread_mutex_unlock },
		[ROBUST] = { [TAKE] = CALL_pthread_mutex_lock,
			     [GIVE] = CALL_pthread_mutex_unlock,
			     [MEND] = CALL_pthread_mutex_consistent },
		[RW] = { [TAKE] = CALL_pthread_rwlock_wrlock,
			 [READ] = CALL_pthread_rwlock_rdlock,
			 [GIVE] = CALL_pthread_rwlock_unlock },
		[SEM] = { [TAKE] = CALL_sem_wait, [GIVE] = CALL_sem_post },
		[SPIN] = { [TAKE] = CALL_pthread_spin_lock, [GIVE] = CALL_pthread_spin_unlock },
		[INNER] = { [TAKE] = CALL_pthread_mutex_lock, [GIVE] = CALL_pthread_mutex_unlock },
	};
	struct event event = { .call = calls_[lock][action], .object = ref_of(lock) };

	if (lock == ROBUST)
		event.arg[4] = MUTEX_ROBUST | MUTEX_SHARED;
	if (err)
		event.flags = EVENT_FAILED;
	event.err = err;
	note(sim, who, event, 0);
}

static bool take(struct simulation *sim, uint32_t who, int lock, bool reads)
{
	if (sim->n_writers[lock] || (!reads && sim->n_readers[lock]))
		return false;
	*(reads ? &sim->n_readers[lock] : &sim->n_writers[lock]) += 1;
	sim->worker[who].has[lock] = true;
	return true;
}

static void give(struct simulation *sim, uint32_t who, int lock)
{
	*(sim->n_readers[lock] ? &sim->n_readers[lock] : &sim->n_writers[lock]) -= 1;
	sim->worker[who].has[lock] = false;
}

static void signal_one(struct simulation *sim, uint32_t who)
{
	bool heard = false;

	for (uint32_t i = 0; i < N_WORKERS && !heard; i++)
		if (sim->worker[i].waiting && !sim->worker[i].told)
			heard = sim->worker[i].told = true;
	note(sim, who,
	     (struct event){ .call = CALL_pthread_cond_signal,
			     .object = story_shared(OBJECT_COND, COND),
			     .arg = { [5] = heard } },
	     0);
}

/* It gives the mutex, and comes back when it was told and the mutex is free. */
static bool wait(struct simulation *sim, uint32_t who, int lock)
{
	struct worker *worker = &sim->worker[who];

	if (!worker->waiting) {
		worker->waiting = true;
		worker->told = false;
		worker->waits_since = sim->now;
		give(sim, who, lock);
		return false;
	}
	if (!worker->told || !take(sim, who, lock, false))
		return false;
	worker->waiting = false;
	note(sim, who,
	     (struct event){ .call = CALL_pthread_cond_wait,
			     .object = story_shared(OBJECT_COND, COND),
			     .arg = { [5] = (int64_t)ref_of(lock) } },
	     worker->waits_since);
	return true;
}

/* Does the next step of this worker if the others let it. */
static void advance(struct simulation *sim, uint32_t who)
{
	struct worker *worker = &sim->worker[who];
	const struct step *step = &roles[worker->role][worker->step];
	bool dead_before = step->lock == ROBUST && sim->owner_died;

	if (worker->dead || worker->last_exit >= sim->now)
		return;
	switch (step->action) {
	case TAKE:
	case READ:
		if (!take(sim, who, step->lock, step->action == READ))
			return;
		note_lock(sim, who, step->action, step->lock, dead_before ? EOWNERDEAD : 0);
		break;
	case GIVE:
		give(sim, who, step->lock);
		note_lock(sim, who, GIVE, step->lock, 0);
		break;
	case MEND:
		if (dead_before)
			note_lock(sim, who, MEND, ROBUST, 0);
		sim->owner_died = false;
		break;
	case WAIT:
		if (!wait(sim, who, step->lock))
			return;
		break;
	default:
		signal_one(sim, who);
		break;
	}
	worker->step++;
	if (roles[worker->role][worker->step].action == DONE)
		worker->step = 0;
}

/* A process dies when its threads have the robust lock at most; that is noticed later. */
static void die(struct simulation *sim, uint32_t first)
{
	uint64_t last = sim->now;

	for (uint32_t i = first; i < first + N_THREADS; i++)
		if (sim->worker[i].has[SPIN])
			return;
	for (uint32_t i = first; i < first + N_THREADS; i++) {
		struct worker *worker = &sim->worker[i];

		worker->dead = true;
		last = worker->last_exit > last ? worker->last_exit : last;
		if (!worker->has[ROBUST])
			continue;
		give(sim, i, ROBUST);
		sim->owner_died = true;
	}
	sim->record[sim->n_records++] = (struct record){ .at = last + 1 + draw(sim, 2 * LAG),
							 .worker = first,
							 .death = true };
}

static int by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* What a dead process did is told at once, what others did is held back for a while. */
static void hold_back(struct simulation *sim)
{
	for (unsigned int i = 0; i < sim->n_records; i++) {
		struct record *record = &sim->record[i];
		uint64_t death = UINT64_MAX;

		for (unsigned int k = 0; k < sim->n_records; k++)
			if (sim->record[k].death &&
			    process_of(sim->record[k].worker) == process_of(record->worker))
				death = sim->record[k].at;
		if (!record->death)
			record->at = record->at + LAG < death ? record->at + LAG : death - 1;
	}
}

static void feed(struct simulation *sim)
{
	struct process_end end = { .kind = END_SIGNAL, .status = 9, .by_rule = true };

	hold_back(sim);
	qsort(sim->record, sim->n_records, sizeof(sim->record[0]), by_time);
	for (unsigned int i = 0; i < sim->n_records; i++) {
		const struct record *record = &sim->record[i];
		uint32_t process = process_of(record->worker);

		if (record->death)
			model_process_end(sim->story.model, process, &end, record->at);
		else
			model_event(sim->story.model, process, record->worker % N_THREADS,
				    &record->event, NULL);
	}
}

/* Whoever waits for the condition has given its lock, which its event says only at the end. */
static void check_holders(struct simulation *sim, int lock)
{
	struct lock_holder holder[N_WORKERS];
	unsigned int n = model_lock_holders(sim->story.model, ref_of(lock), 0, holder, N_WORKERS);
	bool known[N_WORKERS] = { false };

	for (unsigned int i = 0; i < n; i++)
		known[(holder[i].process - 1) * N_THREADS + holder[i].thread] = true;
	for (uint32_t i = 0; i < N_WORKERS; i++)
		if (!sim->worker[i].waiting)
			ck_assert_msg(known[i] == sim->worker[i].has[lock], "lock %d worker %u: %d",
				      lock, i, known[i]);
}

static void begin(struct simulation *sim, uint64_t seed)
{
	sim->random = seed;
	sim->record = calloc(N_STEPS + N_PROCESSES, sizeof(sim->record[0]));
	story_begin(&sim->story);
	story_sem_init(&sim->story, ROOT, ref_of(SEM), 1);
	for (uint32_t i = 1; i <= N_PROCESSES; i++)
		story_process(&sim->story, i, ROOT, i);
	for (uint32_t i = 0; i < N_WORKERS; i++) {
		bool last = process_of(i) == N_PROCESSES;

		sim->worker[i].role = last ? 6 : (unsigned int)((seed + i) % 6);
		sim->worker[i].last_exit = sim->story.now;
	}
	sim->now = sim->story.now + 1;
}

static void simulate(uint64_t seed)
{
	struct simulation *sim = calloc(1, sizeof(*sim));

	begin(sim, seed);
	for (unsigned int i = 0; i < N_STEPS; i++) {
		uint32_t who = (uint32_t)draw(sim, N_WORKERS);

		advance(sim, who);
		sim->now += 1 + draw(sim, 5);
		if (process_of(who) == N_PROCESSES && !sim->worker[who].dead && draw(sim, 200) == 0)
			die(sim, N_WORKERS - N_THREADS);
	}
	feed(sim);
	for (int lock = 0; lock < N_LOCKS; lock++) {
		check_holders(sim, lock);
		ck_assert(!sim->n_records || model_is_lock(sim->story.model, ref_of(lock), 0) ||
			  lock == ROBUST || lock == SEM);
	}
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

static size_t n_bytes_used(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Mutexes that come and go, nested ones, threads, conditions, semaphores, records. */
static void work(struct story *s, uint32_t first, uint32_t n_rounds)
{
	uint64_t outer = story_private(OBJECT_MUTEX, 1, 1), file = OBJECT_REF(OBJECT_FILE, 1);
	uint64_t read = story_private(OBJECT_RWLOCK, 1, 1);

	for (uint32_t i = first; i < first + n_rounds; i++) {
		uint64_t mutex = story_private(OBJECT_MUTEX, 1, 10 + i);
		uint64_t sem = story_shared(OBJECT_PSEM, 10 + i);
		uint64_t cond = story_shared(OBJECT_COND, 10 + i);

		story_thread(s, 0);
		if (i % 3)
			story_create_thread(s, 1, 1 + i);
		story_thread(s, 1 + i);
		story_lock(s, 1, outer);
		story_lock(s, 1, mutex);
		story_cond_signal(s, 1, cond, false);
		story_cond_wait(s, 1, cond, mutex);
		story_unlock(s, 1, mutex);
		story_unlock(s, 1, outer);
		story_lock(s, 1, mutex); /* and never gives it back */
		story_sem_init(s, 1, sem, 2);
		story_take(s, 1, sem);
		story_record(s, 1, file, 3, F_SETLK, F_WRLCK, i, 1);
		story_lock_call(s, 1, CALL_pthread_rwlock_rdlock, read);
		story_thread(s, 0);
		if (i % 2)
			story_join_thread(s, 1, 1 + i);
		else
			model_thread_end(s->model, 1, 1 + i);
		story_record(s, 1, file, 3, F_SETLK, F_UNLCK, i, 1);
	}
}

START_TEST(does_not_grow)
{
	struct story s;
	size_t n_bytes;

	story_begin(&s);
	story_process(&s, 1, ROOT, 1);
	work(&s, 0, 10000);
	n_bytes = n_bytes_used();
	work(&s, 10000, 40000);
	/* Sanitizers have no mallinfo; then both are 0. */
	ck_assert_uint_le(n_bytes_used(), n_bytes + n_bytes / 20);
	story_shows(&s, "");
}
END_TEST

static Suite *noise_suite(void)
{
	const struct unit_case cases[] = {
		{ "right-programs", right_programs },
		{ "does-not-grow", does_not_grow },
	};

	return unit_suite("lock-noise", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { noise_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
