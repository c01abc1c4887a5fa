/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_holders - who has which lock, of each kind, and what is a lock at all. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sem.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3, SET = 5 };

static void begin(struct story *s)
{
	story_begin(s);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

static unsigned int n_holders(struct story *s, uint64_t lock)
{
	return model_lock_holders(s->model, lock, 0, NULL, 0);
}

static bool has(struct story *s, uint64_t lock, uint32_t process, uint32_t thread)
{
	struct lock_holder holder[8];
	unsigned int n = model_lock_holders(s->model, lock, 0, holder, 8);

	for (unsigned int i = 0; i < n; i++)
		if (holder[i].process == process && holder[i].thread == thread)
			return true;
	return false;
}

static const enum object_kind kinds[] = { OBJECT_PSEM, OBJECT_MUTEX, OBJECT_RWLOCK, OBJECT_SPIN };

static void take_and_give(enum object_kind kind)
{
	uint64_t lock = story_shared(kind, 1);
	struct lock_holder holder;
	struct story s;

	begin(&s);
	ck_assert(!model_is_lock(s.model, lock, 0));
	if (kind == OBJECT_PSEM)
		story_sem_init(&s, ROOT, lock, 1);
	story_thread(&s, 3);
	s.site = 77;
	story_take(&s, A, lock);
	ck_assert_uint_eq(model_lock_holders(s.model, lock, 0, &holder, 1), 1);
	ck_assert_uint_eq(holder.process, A);
	ck_assert_uint_eq(holder.thread, 3);
	ck_assert_int_eq(holder.units, 1);
	ck_assert_uint_eq(holder.site, 77);
	ck_assert(holder.alive && !holder.restored && !holder.shared);
	ck_assert_uint_ne(holder.stack, 0);
	ck_assert(model_is_lock(s.model, lock, 0));
	story_give(&s, A, lock);
	ck_assert_uint_eq(n_holders(&s, lock), 0);
	ck_assert(model_is_lock(s.model, lock, 0));
	story_end(&s);
}

START_TEST(taken_and_given)
{
	for (size_t i = 0; i < SUITE_COUNT(kinds); i++)
		take_and_give(kinds[i]);
}
END_TEST

/* System V's answer the same question. */
START_TEST(system_v)
{
	uint64_t set = OBJECT_REF(OBJECT_SEM, SET);
	struct lock_holder holder;
	struct story s;

	story_begin(&s);
	story_set(&s, SET, 2, 1);
	story_process(&s, A, ROOT, 1);
	story_semop(&s, A, SET, 1, -1, SEM_UNDO);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 0, &holder, 1), 0);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 1, &holder, 1), 1);
	ck_assert(holder.restored && holder.alive);
	ck_assert(model_is_lock(s.model, set, 1));
	ck_assert(!model_is_lock(s.model, set, 9));
	ck_assert(!model_is_lock(s.model, OBJECT_REF(OBJECT_SEM, 99), 0));
	story_end(&s);
}
END_TEST

START_TEST(failed_calls_take_nothing)
{
	static const int errors[] = { EBUSY, ETIMEDOUT, EDEADLK, EAGAIN, EINVAL, ENOTRECOVERABLE };
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin(&s);
	for (size_t i = 0; i < SUITE_COUNT(errors); i++) {
		story_fail(&s, errors[i]);
		story_lock(&s, A, mutex);
	}
	s.flags = EVENT_NOT_PERFORMED | EVENT_FAILED;
	story_fail(&s, EOWNERDEAD);
	story_lock(&s, A, mutex);
	s.flags = EVENT_ABANDONED;
	story_lock(&s, A, mutex);
	ck_assert_uint_eq(n_holders(&s, mutex), 0);
	story_fail(&s, EOWNERDEAD);
	story_lock(&s, A, mutex);
	ck_assert_uint_eq(n_holders(&s, mutex), 1);
	story_fail(&s, EPERM);
	story_unlock(&s, B, mutex);
	ck_assert(has(&s, mutex, A, 0));
	ck_assert(model_is_lock(s.model, mutex, 0));
	story_end(&s);
}
END_TEST

START_TEST(recursive)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), lock = story_shared(OBJECT_RWLOCK, 1);
	struct lock_holder holder;
	struct story s;

	begin(&s);
	for (int i = 0; i < 2; i++) {
		story_mutex(&s, A, CALL_pthread_mutex_lock, mutex, MUTEX_RECURSIVE);
		story_lock_call(&s, A, CALL_pthread_rwlock_rdlock, lock);
	}
	ck_assert_uint_eq(model_lock_holders(s.model, mutex, 0, &holder, 1), 1);
	ck_assert_int_eq(holder.units, 2);
	ck_assert_uint_eq(model_lock_holders(s.model, lock, 0, &holder, 1), 1);
	ck_assert_int_eq(holder.units, 2);
	ck_assert(holder.shared);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(n_holders(&s, mutex), 1);
		ck_assert_uint_eq(n_holders(&s, lock), 1);
		story_mutex(&s, A, CALL_pthread_mutex_unlock, mutex, MUTEX_RECURSIVE);
		story_lock_call(&s, A, CALL_pthread_rwlock_unlock, lock);
	}
	ck_assert_uint_eq(n_holders(&s, mutex), 0);
	ck_assert_uint_eq(n_holders(&s, lock), 0);
	story_end(&s);
}
END_TEST

START_TEST(readers_and_a_writer)
{
	uint64_t lock = story_shared(OBJECT_RWLOCK, 1);
	struct story s;

	begin(&s);
	story_lock_call(&s, A, CALL_pthread_rwlock_rdlock, lock);
	story_lock_call(&s, B, CALL_pthread_rwlock_tryrdlock, lock);
	ck_assert_uint_eq(n_holders(&s, lock), 2);
	story_lock_call(&s, A, CALL_pthread_rwlock_unlock, lock);
	ck_assert(!has(&s, lock, A, 0) && has(&s, lock, B, 0));
	/* B's unlock is on its way: the writer could not have it otherwise. */
	story_lock_call(&s, C, CALL_pthread_rwlock_wrlock, lock);
	ck_assert_uint_eq(n_holders(&s, lock), 1);
	ck_assert(has(&s, lock, C, 0));
	story_end(&s);
}
END_TEST

/* Whoever is seen to have it, the one before has it no more, whatever came in which order. */
START_TEST(seen_late)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	uint64_t early, later;
	struct story s;

	begin(&s);
	story_lock(&s, A, mutex);
	early = ++s.now;
	story_lock(&s, B, mutex);
	ck_assert(has(&s, mutex, B, 0) && n_holders(&s, mutex) == 1);
	story_unlock(&s, B, mutex);
	story_overlap(&s, early);
	story_unlock(&s, A, mutex);
	ck_assert_uint_eq(n_holders(&s, mutex), 0);
	ck_assert(model_is_lock(s.model, mutex, 0));

	/* A thread that has ended is told to its end at once: what others did before comes after.
	 */
	later = s.now + 50;
	early = s.now;
	s.now = later;
	story_lock(&s, A, mutex);
	s.now = early;
	story_lock(&s, B, mutex);
	ck_assert(has(&s, mutex, A, 0) && n_holders(&s, mutex) == 1);
	story_unlock(&s, B, mutex);
	ck_assert(has(&s, mutex, A, 0) && n_holders(&s, mutex) == 1);
	ck_assert(model_is_lock(s.model, mutex, 0));
	story_end(&s);
}
END_TEST

/* Given back by who has not taken it: nothing is known of its holders. */
static void hand_over(enum object_kind kind)
{
	uint64_t lock = story_shared(kind, 1);
	struct story s;

	begin(&s);
	if (kind == OBJECT_PSEM)
		story_sem_init(&s, ROOT, lock, 1);
	story_take(&s, A, lock);
	story_give(&s, B, lock);
	ck_assert(!model_is_lock(s.model, lock, 0));
	if (kind != OBJECT_PSEM)
		ck_assert_uint_eq(n_holders(&s, lock), 0);
	story_end(&s);
}

START_TEST(handed_over)
{
	for (size_t i = 0; i < SUITE_COUNT(kinds); i++)
		hand_over(kinds[i]);
}
END_TEST

START_TEST(waits_give_the_mutex)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), cond = story_shared(OBJECT_COND, 1);
	struct story s;
	uint64_t early;

	begin(&s);
	story_lock(&s, A, mutex);
	early = ++s.now;
	story_lock(&s, B, mutex);
	story_cond_signal(&s, B, cond, true);
	ck_assert(has(&s, mutex, B, 0) && n_holders(&s, mutex) == 1);
	story_unlock(&s, B, mutex);
	story_overlap(&s, early);
	story_cond_wait(&s, A, cond, mutex);
	ck_assert(has(&s, mutex, A, 0) && n_holders(&s, mutex) == 1);
	story_fail(&s, ETIMEDOUT);
	story_cond_wait(&s, A, cond, mutex);
	ck_assert(has(&s, mutex, A, 0));
	story_fail(&s, EPERM);
	story_cond_wait(&s, B, cond, mutex);
	ck_assert(has(&s, mutex, A, 0) && n_holders(&s, mutex) == 1);
	story_fail(&s, ENOTRECOVERABLE);
	story_cond_wait(&s, A, cond, mutex);
	ck_assert_uint_eq(n_holders(&s, mutex), 0);
	/* Who dies waiting has given it. */
	story_lock(&s, A, mutex);
	s.flags = EVENT_ABANDONED;
	story_cond_wait(&s, A, cond, mutex);
	story_killed(&s, A, 9);
	ck_assert_uint_eq(n_holders(&s, mutex), 0);
	ck_assert(model_is_lock(s.model, mutex, 0));
	story_end(&s);
}
END_TEST

/* What a process leaves behind. */
START_TEST(at_the_end_of_a_process)
{
	uint64_t plain = story_shared(OBJECT_MUTEX, 1), robust = story_shared(OBJECT_MUTEX, 2);
	uint64_t own = story_private(OBJECT_MUTEX, A, 1), file = OBJECT_REF(OBJECT_FILE, 9);
	struct lock_holder holder;
	struct story s;

	begin(&s);
	story_lock(&s, A, plain);
	story_lock(&s, A, own);
	story_mutex(&s, A, CALL_pthread_mutex_lock, robust, MUTEX_ROBUST | MUTEX_SHARED);
	story_flock(&s, A, file, 3, LOCK_EX);
	ck_assert_uint_eq(model_lock_holders(s.model, robust, 0, &holder, 1), 1);
	ck_assert(holder.restored);
	ck_assert_uint_eq(model_lock_holders(s.model, file, 0, &holder, 1), 1);
	ck_assert(holder.restored);
	story_killed(&s, A, 9);
	ck_assert_uint_eq(n_holders(&s, robust), 0);
	ck_assert_uint_eq(n_holders(&s, own), 0);
	ck_assert_uint_eq(n_holders(&s, file), 0);
	ck_assert_uint_eq(model_lock_holders(s.model, plain, 0, &holder, 1), 1);
	ck_assert(!holder.alive);
	ck_assert_uint_eq(holder.process, A);
	/* If somebody has it after all, it had been given back. */
	story_lock(&s, B, plain);
	ck_assert(has(&s, plain, B, 0) && n_holders(&s, plain) == 1);
	story_end(&s);
}
END_TEST

START_TEST(at_the_end_of_a_thread)
{
	uint64_t plain = story_private(OBJECT_MUTEX, A, 1),
		 robust = story_private(OBJECT_MUTEX, A, 2);
	uint64_t file = OBJECT_REF(OBJECT_FILE, 9);
	struct lock_holder holder;
	struct story s;

	begin(&s);
	for (uint32_t thread = 1; thread <= 2; thread++) {
		story_thread(&s, 0);
		story_create_thread(&s, A, thread);
		story_thread(&s, thread);
		story_lock(&s, A, plain);
		story_mutex(&s, A, CALL_pthread_mutex_lock, robust, MUTEX_ROBUST);
		story_record(&s, A, file, 3, F_SETLK, F_WRLCK, 0, 1);
		ck_assert_uint_eq(model_lock_holders(s.model, plain, 0, &holder, 1), 1);
		ck_assert(holder.alive);
		story_thread(&s, 0);
		if (thread == 1)
			story_join_thread(&s, A, thread);
		else
			model_thread_end(s.model, A, thread);
		ck_assert_uint_eq(n_holders(&s, robust), 0);
		ck_assert_uint_eq(model_lock_holders(s.model, plain, 0, &holder, 1), 1);
		ck_assert(!holder.alive);
		ck_assert_uint_eq(holder.thread, thread);
		/* A record lock belongs to the process. */
		ck_assert_uint_eq(model_lock_holders(s.model, file, 0, &holder, 1), 1);
		ck_assert(holder.alive);
		story_record(&s, A, file, 3, F_SETLK, F_UNLCK, 0, 0);
		ck_assert_uint_eq(n_holders(&s, file), 0);
	}
	story_end(&s);
}
END_TEST

START_TEST(exec_leaves_private_locks)
{
	uint64_t own = story_private(OBJECT_MUTEX, A, 1), robust = story_shared(OBJECT_MUTEX, 2);
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;

	begin(&s);
	story_sem_init(&s, ROOT, sem, 1);
	story_lock(&s, A, own);
	story_mutex(&s, A, CALL_pthread_mutex_lock, robust, MUTEX_ROBUST | MUTEX_SHARED);
	story_take(&s, A, sem);
	story_plain(&s, A, CALL_execve);
	ck_assert_uint_eq(n_holders(&s, own), 0);
	ck_assert_uint_eq(n_holders(&s, robust), 0);
	ck_assert(has(&s, sem, A, 0));
	story_end(&s);
}
END_TEST

/* A place in memory can be another lock later. */
START_TEST(the_same_place_again)
{
	uint64_t mutex = story_private(OBJECT_MUTEX, A, 1);
	struct story s;

	/* Not made by a call that we see: it is known by what was destroyed there. */
	begin(&s);
	story_unlock(&s, A, mutex);
	ck_assert(!model_is_lock(s.model, mutex, 0));
	story_lock_call(&s, A, CALL_pthread_mutex_destroy, mutex);
	story_lock(&s, A, mutex);
	ck_assert(model_is_lock(s.model, mutex, 0));
	ck_assert(has(&s, mutex, A, 0));
	story_end(&s);

	begin(&s);
	for (int again = 0; again < 2; again++) {
		story_lock(&s, A, mutex);
		story_lock_call(&s, A, CALL_pthread_mutex_destroy, mutex);
		ck_assert_uint_eq(n_holders(&s, mutex), 0);
		story_thread(&s, 1);
		if (again)
			story_lock_call(&s, A, CALL_pthread_mutex_init, mutex);
		story_unlock(&s, A, mutex); /* odd */
		ck_assert(!model_is_lock(s.model, mutex, 0));
		story_thread(&s, 0);
		story_lock_call(&s, A, CALL_pthread_mutex_init, mutex);
		ck_assert(model_is_lock(s.model, mutex, 0));
	}
	story_end(&s);
}
END_TEST

/* Few are remembered, but those that somebody has are. */
START_TEST(many_locks)
{
	uint64_t held = story_private(OBJECT_MUTEX, A, 1);
	struct story s;

	begin(&s);
	story_lock(&s, A, held);
	for (unsigned int i = 0; i < 20000; i++) {
		story_lock(&s, A, story_private(OBJECT_MUTEX, A, 10 + i));
		story_unlock(&s, A, story_private(OBJECT_MUTEX, A, 10 + i));
	}
	ck_assert(has(&s, held, A, 0));
	story_shows(&s, "");
}
END_TEST

/* Used by others before they were set, or set to another value than was said: no locks. */
START_TEST(semaphores_that_are_no_locks)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1), named = story_shared(OBJECT_PSEM, 2);
	struct event wait = { .call = CALL_sem_wait, .object = named, .arg = { [5] = 3 } };
	struct story s;
	uint64_t early;

	begin(&s);
	early = ++s.now;
	story_sem_init(&s, ROOT, sem, 1);
	story_overlap(&s, early);
	story_take(&s, A, sem);
	ck_assert(!model_is_lock(s.model, sem, 0));
	story_sem_init(&s, ROOT, sem, 0);
	ck_assert(!model_is_lock(s.model, sem, 0));
	story_sem_open(&s, A, named, "/named", O_CREAT, 1);
	ck_assert(model_is_lock(s.model, named, 0));
	story_call(&s, A, wait, NULL, 0);
	ck_assert(!model_is_lock(s.model, named, 0));
	story_end(&s);
}
END_TEST

START_TEST(named_semaphores)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1);
	struct story s;

	/* Its maker is seen last. */
	begin(&s);
	story_sem_open(&s, B, sem, "/named", 0, 0);
	story_take(&s, B, sem);
	ck_assert(!model_is_lock(s.model, sem, 0));
	story_overlap(&s, s.now - 4);
	story_sem_open(&s, A, sem, "/named", O_CREAT | O_EXCL, 1);
	ck_assert(model_is_lock(s.model, sem, 0));
	ck_assert(has(&s, sem, B, 0));
	/* It was there before. */
	sem = story_shared(OBJECT_PSEM, 2);
	story_sem_open(&s, B, sem, "/older", 0, 0);
	story_take(&s, B, sem);
	story_sem_open(&s, A, sem, "/older", O_CREAT, 1);
	ck_assert(!model_is_lock(s.model, sem, 0));
	story_end(&s);
}
END_TEST

static Suite *holders_suite(void)
{
	const struct unit_case cases[] = {
		{ "taken-and-given", taken_and_given },
		{ "system-v", system_v },
		{ "failed-calls", failed_calls_take_nothing },
		{ "recursive", recursive },
		{ "readers-and-a-writer", readers_and_a_writer },
		{ "seen-late", seen_late },
		{ "handed-over", handed_over },
		{ "waits-give-the-mutex", waits_give_the_mutex },
		{ "end-of-a-process", at_the_end_of_a_process },
		{ "end-of-a-thread", at_the_end_of_a_thread },
		{ "exec", exec_leaves_private_locks },
		{ "the-same-place-again", the_same_place_again },
		{ "many-locks", many_locks },
		{ "no-locks", semaphores_that_are_no_locks },
		{ "named-semaphores", named_semaphores },
	};

	return unit_suite("lock-holders", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { holders_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
