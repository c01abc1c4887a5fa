/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_order - lock-order over all kinds of lock together, between processes and threads:
 * found, and silent where the locks cannot close a circle. System V's alone are in unit_model_lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sem.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3, SET = 5, FD = 3 };
#define FILE_A OBJECT_REF(OBJECT_FILE, 9)
#define FILE_B OBJECT_REF(OBJECT_FILE, 10)

static void begin(struct story *s)
{
	story_begin(s);
	story_set(s, SET, 1, 1);
	story_sem_init(s, ROOT, story_shared(OBJECT_PSEM, 1), 1);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

/* All kinds behind one pair of functions; a file lock is flock's. */
static void take(struct story *s, uint32_t process, uint64_t lock)
{
	if (object_kind_of(lock) == OBJECT_SEM)
		story_semop(s, process, SET, 0, -1, 0);
	else if (object_kind_of(lock) == OBJECT_FILE)
		story_flock(s, process, lock, FD, LOCK_EX);
	else
		story_take(s, process, lock);
}

static void give(struct story *s, uint32_t process, uint64_t lock)
{
	if (object_kind_of(lock) == OBJECT_SEM)
		story_semop(s, process, SET, 0, 1, 0);
	else if (object_kind_of(lock) == OBJECT_FILE)
		story_flock(s, process, lock, FD, LOCK_UN);
	else
		story_give(s, process, lock);
}

static void take_two(struct story *s, uint32_t process, uint64_t first, uint64_t second)
{
	take(s, process, first);
	take(s, process, second);
	give(s, process, second);
	give(s, process, first);
}

static void all_kinds(uint64_t locks[6])
{
	locks[0] = OBJECT_REF(OBJECT_SEM, SET);
	locks[1] = story_shared(OBJECT_PSEM, 1);
	locks[2] = story_shared(OBJECT_MUTEX, 1);
	locks[3] = story_shared(OBJECT_RWLOCK, 1);
	locks[4] = story_shared(OBJECT_SPIN, 1);
	locks[5] = FILE_A;
}

START_TEST(each_kind_with_each)
{
	uint64_t locks[6];
	struct story s;

	all_kinds(locks);
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < 6; k++) {
			if (i == k)
				continue;
			begin(&s);
			take_two(&s, A, locks[i], locks[k]);
			take_two(&s, B, locks[k], locks[i]);
			story_expect(&s, TRIAL_ENDED, "lock-order");
			ck_assert_uint_eq(s.findings.n, 1);
			ck_assert_uint_eq(story_find(&s, "lock-order")->n_objects, 2);
			story_end(&s);

			begin(&s);
			take_two(&s, A, locks[i], locks[k]);
			take_two(&s, B, locks[i], locks[k]);
			story_shows(&s, "");
		}
}
END_TEST

START_TEST(a_ring_of_all_kinds)
{
	uint64_t locks[6];
	struct story s;

	all_kinds(locks);
	for (int missing = 5; missing <= 6; missing++) {
		begin(&s);
		for (uint32_t i = 0; i < 6; i++) {
			story_process(&s, 10 + i, ROOT, 10 + i);
			if ((int)i != missing)
				take_two(&s, 10 + i, locks[i], locks[(i + 1) % 6]);
		}
		story_shows(&s, missing == 6 ? "lock-order" : "");
	}
}
END_TEST

START_TEST(text)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	take_two(&s, A, story_shared(OBJECT_PSEM, 1), FILE_A);
	take_two(&s, B, FILE_A, story_shared(OBJECT_PSEM, 1));
	story_expect(&s, TRIAL_ENDED, "lock-order");
	f = story_find(&s, "lock-order");
	ck_assert_str_eq(f->message, "1.1 (story) takes POSIX semaphore 1#1, then file 1.1#1; "
				     "1.2 (story) takes file 1.1#1, then POSIX semaphore 1#1");
	ck_assert_uint_eq(f->n_stacks, 4);
	ck_assert_str_eq(f->stack[0].label, "took POSIX semaphore 1#1 here");
	story_end(&s);
}
END_TEST

static void thread_takes(struct story *s, uint32_t thread, uint64_t first, uint64_t second)
{
	story_thread(s, thread);
	take_two(s, A, first, second);
	story_thread(s, 0);
}

/* What one does not wait for for ever, what one has already, and what failed. */
START_TEST(no_edges)
{
	static const unsigned int calls_[] = { CALL_pthread_mutex_trylock,
					       CALL_pthread_mutex_timedlock,
					       CALL_pthread_mutex_clocklock };
	uint64_t one = story_shared(OBJECT_MUTEX, 1), two = story_shared(OBJECT_MUTEX, 2);
	struct story s;

	for (size_t i = 0; i < SUITE_COUNT(calls_); i++) {
		begin(&s);
		take_two(&s, A, one, two);
		story_lock(&s, B, two);
		story_lock_call(&s, B, calls_[i], one);
		story_shows(&s, "");
	}
	begin(&s);
	take_two(&s, A, one, two);
	story_mutex(&s, B, CALL_pthread_mutex_lock, one, MUTEX_RECURSIVE);
	story_mutex(&s, B, CALL_pthread_mutex_lock, two, MUTEX_RECURSIVE);
	story_mutex(&s, B, CALL_pthread_mutex_lock, one, MUTEX_RECURSIVE);
	story_shows(&s, "");

	begin(&s);
	take_two(&s, A, one, two);
	story_lock(&s, B, two);
	story_fail(&s, EDEADLK);
	story_lock(&s, B, one);
	story_shows(&s, "");

	/* It may have been given back. */
	begin(&s);
	take_two(&s, A, one, two);
	story_lock(&s, B, two);
	s.flags = EVENT_ABANDONED;
	story_unlock(&s, B, two);
	story_lock(&s, B, one);
	story_shows(&s, "");

	/* But what was tried is held. */
	begin(&s);
	take_two(&s, A, one, two);
	story_lock_call(&s, B, CALL_pthread_mutex_trylock, two);
	story_lock(&s, B, one);
	story_shows(&s, "lock-order");
}
END_TEST

static void read_two(struct story *s, uint32_t process, uint64_t read, uint64_t mutex,
		     bool read_first)
{
	if (!read_first)
		story_lock(s, process, mutex);
	story_lock_call(s, process, CALL_pthread_rwlock_rdlock, read);
	if (read_first)
		story_lock(s, process, mutex);
	story_unlock(s, process, mutex);
	story_give(s, process, read);
}

START_TEST(readers)
{
	uint64_t lock = story_shared(OBJECT_RWLOCK, 1), mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin(&s);
	read_two(&s, A, lock, mutex, true);
	read_two(&s, B, lock, mutex, false);
	story_shows(&s, "");

	begin(&s);
	read_two(&s, A, lock, mutex, true);
	take_two(&s, B, mutex, lock);
	story_shows(&s, "lock-order");

	begin(&s);
	read_two(&s, A, lock, mutex, false);
	take_two(&s, B, lock, mutex);
	story_shows(&s, "lock-order");
}
END_TEST

static void gated(struct story *s, uint32_t process, uint64_t gate, unsigned int how,
		  uint64_t first, uint64_t second)
{
	story_lock_call(s, process, how, gate);
	take_two(s, process, first, second);
	story_give(s, process, gate);
}

START_TEST(a_common_lock_around_both)
{
	uint64_t one = story_shared(OBJECT_MUTEX, 1), two = story_shared(OBJECT_MUTEX, 2);
	uint64_t gate = story_shared(OBJECT_RWLOCK, 1);
	struct story s;

	begin(&s);
	gated(&s, A, gate, CALL_pthread_rwlock_wrlock, one, two);
	gated(&s, B, gate, CALL_pthread_rwlock_rdlock, two, one);
	story_shows(&s, "");

	/* It lets in all that read. */
	begin(&s);
	gated(&s, A, gate, CALL_pthread_rwlock_rdlock, one, two);
	gated(&s, B, gate, CALL_pthread_rwlock_rdlock, two, one);
	story_shows(&s, "lock-order");

	begin(&s);
	gated(&s, A, gate, CALL_pthread_rwlock_wrlock, one, two);
	gated(&s, B, gate, CALL_pthread_rwlock_wrlock, two, one);
	take_two(&s, B, two, one);
	story_shows(&s, "lock-order");
}
END_TEST

/* A wait for a condition takes its mutex again, while the other lock is still held. */
START_TEST(waiting_with_another_lock)
{
	uint64_t outer = story_shared(OBJECT_MUTEX, 1), inner = story_shared(OBJECT_MUTEX, 2);
	uint64_t cond = story_shared(OBJECT_COND, 1);
	struct story s;

	begin(&s);
	story_lock(&s, A, inner);
	story_lock(&s, A, outer);
	story_cond_wait(&s, A, cond, inner);
	story_unlock(&s, A, outer);
	story_unlock(&s, A, inner);
	story_lock(&s, B, inner);
	story_lock(&s, B, outer);
	story_shows(&s, "lock-order");

	begin(&s);
	story_lock(&s, A, inner);
	story_cond_wait(&s, A, cond, inner);
	story_unlock(&s, A, inner);
	take_two(&s, B, inner, outer);
	story_shows(&s, "");
}
END_TEST

static void take_records(struct story *s, uint32_t process, int command, int64_t first,
			 int64_t second)
{
	story_record(s, process, FILE_A, FD, command, F_WRLCK, first, 10);
	story_record(s, process, FILE_A, FD, command, F_WRLCK, second, 10);
	story_record(s, process, FILE_A, FD, F_SETLK, F_UNLCK, 0, 0);
	story_record(s, process, FILE_A, FD, F_OFD_SETLK, F_UNLCK, 0, 0);
}

START_TEST(records_of_a_file)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	take_records(&s, A, F_OFD_SETLKW, 0, 10);
	take_records(&s, B, F_OFD_SETLKW, 10, 0);
	story_expect(&s, TRIAL_ENDED, "lock-order");
	f = story_find(&s, "lock-order");
	ck_assert_str_eq(f->object[0], "file 1.1#1 bytes 0 to 9");
	ck_assert_str_eq(f->object[1], "file 1.1#1 bytes 10 to 19");
	story_end(&s);

	/* Other bytes are other locks; some of the same are the same. */
	begin(&s);
	take_records(&s, A, F_OFD_SETLKW, 0, 10);
	take_records(&s, B, F_OFD_SETLKW, 20, 0);
	story_shows(&s, "");
	begin(&s);
	take_records(&s, A, F_OFD_SETLKW, 0, 20);
	take_records(&s, B, F_OFD_SETLKW, 25, 5);
	story_shows(&s, "lock-order");

	/* The kernel refuses a circle of processes' own record locks, but of nothing else. */
	begin(&s);
	take_records(&s, A, F_SETLKW, 0, 10);
	take_records(&s, B, F_SETLKW, 10, 0);
	story_shows(&s, "");

	begin(&s);
	take_records(&s, A, F_OFD_SETLKW, 0, 10);
	take_records(&s, B, F_OFD_SETLK, 10, 0);
	story_shows(&s, "");
}
END_TEST

/* Threads with one descriptor share the lock. */
START_TEST(one_open_file_for_two_threads)
{
	uint64_t mutex = story_private(OBJECT_MUTEX, A, 1);
	struct story s;

	for (int same = 0; same <= 1; same++) {
		begin(&s);
		story_create_thread(&s, A, 1);
		story_create_thread(&s, A, 2);
		thread_takes(&s, 1, FILE_A, mutex);
		story_thread(&s, 2);
		story_lock(&s, A, mutex);
		story_flock(&s, A, FILE_A, same ? FD : FD + 1, LOCK_EX);
		story_shows(&s, same ? "" : "lock-order");
	}
}
END_TEST

/* flock's locks and record locks do not meet. */
START_TEST(two_kinds_of_file_lock)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin(&s);
	take_two(&s, A, FILE_A, mutex);
	story_lock(&s, B, mutex);
	story_record(&s, B, FILE_A, FD, F_SETLKW, F_WRLCK, 0, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(handed_over_is_no_lock)
{
	uint64_t one = story_shared(OBJECT_MUTEX, 1), two = story_shared(OBJECT_MUTEX, 2);
	struct story s;

	begin(&s);
	take_two(&s, A, one, two);
	take_two(&s, B, two, one);
	story_lock(&s, A, one);
	story_unlock(&s, C, one);
	story_shows(&s, "");
}
END_TEST

/* The same fault has the same fingerprint wherever the locks lie, whoever comes first. */
START_TEST(fingerprints)
{
	uint64_t fingerprint[2];

	for (uint32_t run = 0; run < 2; run++) {
		uint64_t one = story_shared(OBJECT_MUTEX, 1 + run);
		uint64_t two = story_shared(OBJECT_SPIN, 7 - run);
		struct story s;

		begin(&s);
		take_two(&s, run ? B : A, one, two);
		take_two(&s, run ? A : B, two, one);
		story_expect(&s, TRIAL_ENDED, "lock-order");
		fingerprint[run] = s.findings.item[0]->fingerprint;
		story_end(&s);
	}
	ck_assert_uint_eq(fingerprint[0], fingerprint[1]);
}
END_TEST

static Suite *order_suite(void)
{
	const struct unit_case cases[] = {
		{ "each-kind-with-each", each_kind_with_each },
		{ "ring-of-all-kinds", a_ring_of_all_kinds },
		{ "text", text },
		{ "no-edges", no_edges },
		{ "readers", readers },
		{ "common-lock", a_common_lock_around_both },
		{ "condition", waiting_with_another_lock },
		{ "records", records_of_a_file },
		{ "one-open-file", one_open_file_for_two_threads },
		{ "two-kinds-of-file-lock", two_kinds_of_file_lock },
		{ "handed-over", handed_over_is_no_lock },
		{ "fingerprints", fingerprints },
	};

	return unit_suite("lock-order", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { order_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
