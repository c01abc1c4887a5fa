/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_robust - robust-mutex, and sem-init for POSIX semaphores: found, and silent when all is
 * well. */
#include <errno.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3 };
enum { SHARED_ROBUST = MUTEX_ROBUST | MUTEX_SHARED };

static void begin_on(struct story *s, uint64_t lock)
{
	story_begin(s);
	if (object_kind_of(lock) == OBJECT_PSEM)
		story_sem_init(s, ROOT, lock, 1);
	else
		story_lock_call(s, ROOT, CALL_pthread_mutex_init, lock);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

static void reap(struct story *s, uint32_t process)
{
	story_exit(s, process);
	story_wait(s, ROOT, process);
}

static void robust_lock(struct story *s, uint32_t process, uint64_t mutex, int err)
{
	if (err)
		story_fail(s, err);
	story_mutex(s, process, CALL_pthread_mutex_lock, mutex, SHARED_ROBUST);
}

static void robust_unlock(struct story *s, uint32_t process, uint64_t mutex)
{
	story_mutex(s, process, CALL_pthread_mutex_unlock, mutex, SHARED_ROBUST);
}

static void begin_robust(struct story *s, uint64_t mutex)
{
	begin_on(s, mutex);
	robust_lock(s, A, mutex, 0);
	reap(s, A);
}

START_TEST(made_consistent)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin_robust(&s, mutex);
	robust_lock(&s, B, mutex, EOWNERDEAD);
	story_mutex(&s, B, CALL_pthread_mutex_consistent, mutex, SHARED_ROBUST);
	robust_unlock(&s, B, mutex);
	robust_lock(&s, C, mutex, 0);
	robust_unlock(&s, C, mutex);
	story_shows(&s, "");

	/* Nobody ever asks. */
	begin_robust(&s, mutex);
	story_shows(&s, "");

	/* The next one dies with it too, and the one after that mends it. */
	begin_robust(&s, mutex);
	robust_lock(&s, B, mutex, EOWNERDEAD);
	reap(&s, B);
	robust_lock(&s, C, mutex, EOWNERDEAD);
	story_mutex(&s, C, CALL_pthread_mutex_consistent, mutex, SHARED_ROBUST);
	robust_unlock(&s, C, mutex);
	story_shows(&s, "");
}
END_TEST

static uint64_t ignore(struct story *s, uint64_t mutex, bool refused)
{
	begin_robust(s, mutex);
	robust_lock(s, B, mutex, EOWNERDEAD);
	robust_unlock(s, B, mutex);
	if (refused)
		robust_lock(s, C, mutex, ENOTRECOVERABLE);
	story_expect(s, TRIAL_ENDED, "robust-mutex");
	ck_assert_uint_eq(s->findings.n, 1);
	return s->findings.item[0]->fingerprint;
}

START_TEST(ignored)
{
	uint64_t fingerprint[2];
	const struct finding *f;
	struct story s;

	fingerprint[0] = ignore(&s, story_shared(OBJECT_MUTEX, 1), false);
	f = story_find(&s, "robust-mutex");
	ck_assert_str_eq(f->cause, "EOWNERDEAD ignored");
	ck_assert_str_eq(f->message,
			 "1.2 (story) was told by EOWNERDEAD that the owner of mutex 1#1 had died, "
			 "and gave it back without pthread_mutex_consistent");
	ck_assert_uint_eq(f->n_stacks, 2);
	story_end(&s);
	/* What it leads to is the same fault. */
	fingerprint[1] = ignore(&s, story_shared(OBJECT_MUTEX, 2), true);
	f = story_find(&s, "robust-mutex");
	ck_assert_uint_eq(f->n_stacks, 3);
	ck_assert_uint_eq(f->n_details, 1);
	ck_assert_uint_eq(fingerprint[0], fingerprint[1]);
	story_end(&s);
}
END_TEST

START_TEST(ignored_by_waiting)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), cond = story_shared(OBJECT_COND, 1);
	struct story s;

	begin_robust(&s, mutex);
	robust_lock(&s, B, mutex, EOWNERDEAD);
	story_fail(&s, ENOTRECOVERABLE);
	story_cond_wait(&s, B, cond, mutex);
	story_expect(&s, TRIAL_ENDED, "robust-mutex");
	ck_assert_str_eq(s.findings.item[0]->cause, "EOWNERDEAD ignored");
	story_end(&s);

	/* It comes with the end of the wait, and is mended. */
	begin_robust(&s, mutex);
	story_fail(&s, EOWNERDEAD);
	story_cond_wait(&s, B, cond, mutex);
	story_mutex(&s, B, CALL_pthread_mutex_consistent, mutex, SHARED_ROBUST);
	robust_unlock(&s, B, mutex);
	story_shows(&s, "");
}
END_TEST

START_TEST(not_recoverable)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin_on(&s, mutex);
	robust_lock(&s, C, mutex, ENOTRECOVERABLE);
	story_expect(&s, TRIAL_ENDED, "robust-mutex");
	ck_assert_str_eq(s.findings.item[0]->cause, "ENOTRECOVERABLE");
	ck_assert_str_eq(s.findings.item[0]->message,
			 "1.3 (story) can not have mutex 1#1: ENOTRECOVERABLE");
	story_end(&s);

	/* An injected error is none of the mutex's. */
	begin_on(&s, mutex);
	s.flags = EVENT_NOT_PERFORMED;
	robust_lock(&s, C, mutex, ENOTRECOVERABLE);
	story_shows(&s, "");
}
END_TEST

/* Given up on purpose: it is made anew. */
START_TEST(made_anew)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin_robust(&s, mutex);
	robust_lock(&s, B, mutex, EOWNERDEAD);
	robust_unlock(&s, B, mutex);
	robust_lock(&s, C, mutex, ENOTRECOVERABLE);
	story_lock_call(&s, C, CALL_pthread_mutex_destroy, mutex);
	story_lock_call(&s, C, CALL_pthread_mutex_init, mutex);
	story_shows(&s, "");
}
END_TEST

/* The value that was there before sem_init. */
START_TEST(used_before_sem_init)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;
	uint64_t early;

	story_begin(&s);
	story_process(&s, A, ROOT, 1);
	story_give(&s, A, sem);
	story_sem_init(&s, ROOT, sem, 0);
	story_expect(&s, TRIAL_ENDED, "sem-init");
	ck_assert_str_eq(s.findings.item[0]->message,
			 "1.1 (story) used POSIX semaphore 1#1 before 1 had initialised it");
	ck_assert_uint_eq(s.findings.item[0]->n_stacks, 2);
	story_end(&s);

	/* It waited already, and that is seen later. */
	story_begin(&s);
	story_process(&s, A, ROOT, 1);
	early = ++s.now;
	story_sem_init(&s, ROOT, sem, 0);
	story_give(&s, ROOT, sem);
	story_overlap(&s, early);
	story_take(&s, A, sem);
	story_shows(&s, "sem-init");
}
END_TEST

START_TEST(initialised_in_time)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;

	begin_on(&s, sem);
	story_give(&s, A, sem);
	story_take(&s, B, sem);
	/* Set once more: it had been set before they used it. */
	story_sem_init(&s, ROOT, sem, 0);
	story_take(&s, B, sem);
	story_shows(&s, "");

	/* Its own earlier use; somebody may have set it whom nobody saw. */
	story_begin(&s);
	story_give(&s, ROOT, sem);
	story_sem_init(&s, ROOT, sem, 0);
	story_shows(&s, "");
	story_begin(&s);
	story_process(&s, A, ROOT, 1);
	model_unfollowed(s.model);
	story_give(&s, A, sem);
	story_sem_init(&s, ROOT, sem, 0);
	story_shows(&s, "");
}
END_TEST

static Suite *robust_suite(void)
{
	const struct unit_case cases[] = {
		{ "made-consistent", made_consistent },
		{ "ignored", ignored },
		{ "ignored-by-waiting", ignored_by_waiting },
		{ "not-recoverable", not_recoverable },
		{ "made-anew", made_anew },
		{ "used-before-sem-init", used_before_sem_init },
		{ "initialised-in-time", initialised_in_time },
	};

	return unit_suite("lock-robust", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { robust_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
