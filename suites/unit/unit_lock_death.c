/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_death - held-at-death for locks in memory: found, and silent when all is well. System
 * V's are in unit_model_sem. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3 };
enum { SHARED_ROBUST = MUTEX_ROBUST | MUTEX_SHARED };

static const enum object_kind kinds[] = { OBJECT_PSEM, OBJECT_MUTEX, OBJECT_RWLOCK, OBJECT_SPIN };

static void begin_on(struct story *s, uint64_t lock)
{
	static const unsigned int inits[OBJECT_N] = {
		[OBJECT_MUTEX] = CALL_pthread_mutex_init,
		[OBJECT_RWLOCK] = CALL_pthread_rwlock_init,
		[OBJECT_SPIN] = CALL_pthread_spin_init,
	};

	story_begin(s);
	if (object_kind_of(lock) == OBJECT_PSEM)
		story_sem_init(s, ROOT, lock, 1);
	else
		story_lock_call(s, ROOT, inits[object_kind_of(lock)], lock);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

static void reap(struct story *s, uint32_t process)
{
	story_exit(s, process);
	story_wait(s, ROOT, process);
}

static void use_as_lock(struct story *s, uint64_t lock)
{
	story_take(s, B, lock);
	story_give(s, B, lock);
}

/* That it is destroyed afterwards is no excuse; but whoever has it afterwards shows that it was
 * given back, but for a semaphore, which may have another unit. */
START_TEST(dies_holding)
{
	static const unsigned int destroys[OBJECT_N] = {
		[OBJECT_PSEM] = CALL_sem_destroy,
		[OBJECT_MUTEX] = CALL_pthread_mutex_destroy,
		[OBJECT_RWLOCK] = CALL_pthread_rwlock_destroy,
		[OBJECT_SPIN] = CALL_pthread_spin_destroy,
	};
	struct story s;

	for (size_t i = 0; i < SUITE_COUNT(kinds); i++) {
		uint64_t lock = story_shared(kinds[i], 1);

		begin_on(&s, lock);
		story_take(&s, A, lock);
		reap(&s, A);
		use_as_lock(&s, lock);
		story_shows(&s, kinds[i] == OBJECT_PSEM ? "held-at-death" : "");

		begin_on(&s, lock);
		use_as_lock(&s, lock);
		story_take(&s, A, lock);
		reap(&s, A);
		story_lock_call(&s, ROOT, destroys[kinds[i]], lock);
		story_shows(&s, "held-at-death");

		begin_on(&s, lock);
		story_take(&s, A, lock);
		story_give(&s, A, lock);
		reap(&s, A);
		story_shows(&s, "");
	}
}
END_TEST

/* A semaphore that is emptied before it is used to wake its owner: nobody misses what was in it. */
START_TEST(only_tried)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;

	begin_on(&s, sem);
	story_lock_call(&s, A, CALL_sem_trywait, sem);
	reap(&s, A);
	story_shows(&s, "");

	begin_on(&s, sem);
	story_lock_call(&s, B, CALL_sem_trywait, sem);
	story_give(&s, B, sem);
	story_lock_call(&s, A, CALL_sem_trywait, sem);
	reap(&s, A);
	story_shows(&s, "held-at-death");
}
END_TEST

START_TEST(text)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	const struct finding *f;
	struct story s;

	begin_on(&s, mutex);
	story_take(&s, A, mutex);
	story_killed_by_rule(&s, A);
	story_wait(&s, ROOT, A);
	story_expect(&s, TRIAL_ENDED, "held-at-death");
	f = story_find(&s, "held-at-death");
	ck_assert_str_eq(f->message,
			 "1.1 (story) was killed by a rule while it held mutex 1#1, and "
			 "nothing restored it");
	ck_assert_str_eq(f->object[0], "mutex 1#1");
	ck_assert_uint_eq(f->n_stacks, 1);
	ck_assert_str_eq(f->stack[0].lineage, "1.1");
	story_end(&s);
}
END_TEST

START_TEST(a_reader_too)
{
	uint64_t lock = story_shared(OBJECT_RWLOCK, 1);
	struct story s;

	begin_on(&s, lock);
	story_lock_call(&s, A, CALL_pthread_rwlock_rdlock, lock);
	story_lock_call(&s, B, CALL_pthread_rwlock_rdlock, lock);
	story_lock_call(&s, B, CALL_pthread_rwlock_unlock, lock);
	reap(&s, A);
	story_shows(&s, "held-at-death");

	/* A writer had it afterwards. */
	begin_on(&s, lock);
	story_lock_call(&s, A, CALL_pthread_rwlock_rdlock, lock);
	reap(&s, A);
	story_lock_call(&s, B, CALL_pthread_rwlock_wrlock, lock);
	story_lock_call(&s, B, CALL_pthread_rwlock_unlock, lock);
	story_shows(&s, "");
}
END_TEST

/* The kernel gives these back, or nobody misses them. */
START_TEST(no_harm)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), own = story_private(OBJECT_MUTEX, A, 1);
	struct story s;

	begin_on(&s, mutex);
	story_mutex(&s, A, CALL_pthread_mutex_lock, mutex, SHARED_ROBUST);
	story_lock(&s, A, own);
	story_flock(&s, A, OBJECT_REF(OBJECT_FILE, 9), 3, LOCK_EX);
	reap(&s, A);
	story_shows(&s, "");

	/* The last one that uses it takes it along. */
	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	story_unlock(&s, A, mutex);
	reap(&s, A);
	story_lock(&s, ROOT, mutex);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	/* The runner ended it. */
	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	story_stopped(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(a_name_outlives_all)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct event unlink = { .call = CALL_sem_unlink, .object = sem };
	struct story s;

	for (int unlinked = 0; unlinked <= 1; unlinked++) {
		story_begin(&s);
		story_sem_open(&s, ROOT, sem, "/only-one", O_CREAT, 1);
		if (unlinked)
			story_call(&s, ROOT, unlink, NULL, 0);
		story_take(&s, ROOT, sem);
		story_exit(&s, ROOT);
		story_expect(&s, TRIAL_ENDED, unlinked ? "" : "held-at-death");
		if (!unlinked)
			ck_assert_str_eq(s.findings.item[0]->object[0], "semaphore /only-one");
		story_end(&s);
	}
}
END_TEST

/* Somebody else posts for the dead, frees or makes it anew. */
START_TEST(restored)
{
	static const unsigned int again[OBJECT_N] = { [OBJECT_MUTEX] = CALL_pthread_mutex_init,
						      [OBJECT_RWLOCK] = CALL_pthread_rwlock_init,
						      [OBJECT_SPIN] = CALL_pthread_spin_init };
	struct story s;

	for (size_t i = 0; i < SUITE_COUNT(kinds); i++) {
		uint64_t lock = story_shared(kinds[i], 1);

		begin_on(&s, lock);
		story_take(&s, A, lock);
		reap(&s, A);
		story_give(&s, B, lock);
		story_shows(&s, "");

		begin_on(&s, lock);
		story_take(&s, A, lock);
		reap(&s, A);
		if (kinds[i] == OBJECT_PSEM)
			story_sem_init(&s, ROOT, lock, 1);
		else
			story_lock_call(&s, ROOT, again[kinds[i]], lock);
		story_shows(&s, "");
	}
}
END_TEST

/* It may have died within the return of its unlock: unless somebody finds it locked later. */
START_TEST(killed_by_somebody)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	story_killed(&s, A, 9);
	story_wait(&s, ROOT, A);
	story_shows(&s, "");

	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	story_killed(&s, A, 9);
	story_wait(&s, ROOT, A);
	story_fail(&s, EBUSY);
	story_lock_call(&s, B, CALL_pthread_mutex_trylock, mutex);
	story_shows(&s, "held-at-death");

	/* It waited until the runner ended it. */
	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	story_killed(&s, A, 9);
	s.flags = EVENT_ABANDONED;
	story_lock(&s, B, mutex);
	story_stopped(&s, B);
	story_expect(&s, TRIAL_STOPPED, "held-at-death");
	story_end(&s);
}
END_TEST

START_TEST(died_in_a_wait)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), cond = story_shared(OBJECT_COND, 1);
	struct story s;

	begin_on(&s, mutex);
	story_lock(&s, A, mutex);
	s.flags = EVENT_ABANDONED;
	story_cond_wait(&s, A, cond, mutex);
	story_killed_by_rule(&s, A);
	story_wait(&s, ROOT, A);
	story_shows(&s, "");
}
END_TEST

/* Which thread ended the process, and which was ended with it. */
START_TEST(threads)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	for (uint32_t exits = 0; exits <= 1; exits++) {
		begin_on(&s, mutex);
		story_create_thread(&s, A, 1);
		story_thread(&s, 1);
		story_lock(&s, A, mutex);
		story_thread(&s, exits);
		story_exit(&s, A);
		story_thread(&s, 0);
		story_wait(&s, ROOT, A);
		story_expect(&s, TRIAL_ENDED, exits ? "held-at-death" : "");
		if (exits)
			ck_assert_str_eq(s.findings.item[0]->lineage[0], "1.1/1");
		story_end(&s);
	}
}
END_TEST

START_TEST(no_lock)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;

	/* A baton: B posts what A has waited for. */
	begin_on(&s, sem);
	story_take(&s, A, sem);
	story_give(&s, B, sem);
	story_take(&s, A, sem);
	reap(&s, A);
	story_shows(&s, "");

	/* Nobody saw its value being set. */
	story_begin(&s);
	story_process(&s, A, ROOT, 1);
	story_take(&s, ROOT, story_shared(OBJECT_PSEM, 2));
	story_take(&s, A, story_shared(OBJECT_PSEM, 2));
	reap(&s, A);
	story_shows(&s, "");
}
END_TEST

static Suite *death_suite(void)
{
	const struct unit_case cases[] = {
		{ "dies-holding", dies_holding },
		{ "only-tried", only_tried },
		{ "text", text },
		{ "reader", a_reader_too },
		{ "no-harm", no_harm },
		{ "named", a_name_outlives_all },
		{ "restored", restored },
		{ "killed-by-somebody", killed_by_somebody },
		{ "died-in-a-wait", died_in_a_wait },
		{ "threads", threads },
		{ "no-lock", no_lock },
	};

	return unit_suite("lock-death", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { death_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
