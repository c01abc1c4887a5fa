/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_files - who has a file, or some of its bytes, locked; and what locks of all kinds are
 * called. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3 };

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

static int record(struct story *s, uint32_t process, int command, int type, int64_t start,
		  int64_t length)
{
	uint64_t file = OBJECT_REF(OBJECT_FILE, 9);

	story_record(s, process, file, 3, command, type, start, length);
	return (int)n_holders(s, file);
}

START_TEST(records)
{
	uint64_t file = OBJECT_REF(OBJECT_FILE, 9);
	struct lock_holder holder[4];
	struct story s;

	begin(&s);
	ck_assert_int_eq(record(&s, A, F_SETLKW, F_WRLCK, 0, 10), 1);
	ck_assert_int_eq(record(&s, B, F_SETLK, F_WRLCK, 10, 10), 2);
	/* In the middle: two are left. Then what is left of the first, and again. */
	ck_assert_int_eq(record(&s, A, F_SETLK, F_UNLCK, 4, 2), 3);
	ck_assert_int_eq(record(&s, A, F_SETLK, F_UNLCK, 0, 5), 2);
	ck_assert_int_eq(record(&s, A, F_SETLK, F_UNLCK, 12, -4), 2);
	ck_assert_int_eq(record(&s, A, F_SETLK, F_UNLCK, 0, 0), 1);
	ck_assert(has(&s, file, B, 0));
	/* To share what one had alone: the same bytes, another lock. */
	ck_assert_int_eq(record(&s, B, F_SETLK, F_RDLCK, 10, 10), 1);
	ck_assert_int_eq(record(&s, A, F_SETLK, F_RDLCK, 0, 0), 2);
	model_lock_holders(s.model, file, 0, holder, 4);
	ck_assert(holder[0].shared && holder[1].shared);
	/* Open-file locks are others; flock's do not meet them. */
	ck_assert_int_eq(record(&s, C, F_OFD_SETLK, F_RDLCK, 0, 1), 3);
	story_flock(&s, C, file, 3, LOCK_EX);
	ck_assert_uint_eq(n_holders(&s, file), 4);
	story_close_file(&s, A, file, 77);
	ck_assert_uint_eq(n_holders(&s, file), 3);
	story_close_file(&s, C, file, 77);
	ck_assert_uint_eq(n_holders(&s, file), 3);
	story_close_file(&s, C, file, 3);
	ck_assert_uint_eq(n_holders(&s, file), 1);
	story_end(&s);
}
END_TEST

START_TEST(flocks)
{
	uint64_t file = OBJECT_REF(OBJECT_FILE, 9);
	struct story s;

	begin(&s);
	story_flock(&s, A, file, 3, LOCK_SH);
	story_flock(&s, B, file, 3, LOCK_SH | LOCK_NB);
	ck_assert_uint_eq(n_holders(&s, file), 2);
	story_flock(&s, A, file, 3, LOCK_UN);
	story_fail(&s, EWOULDBLOCK);
	story_flock(&s, C, file, 3, LOCK_EX | LOCK_NB);
	ck_assert(has(&s, file, B, 0) && n_holders(&s, file) == 1);
	story_flock(&s, B, file, 3, LOCK_EX);
	ck_assert_uint_eq(n_holders(&s, file), 1);
	story_flock(&s, B, file, 3, LOCK_UN);
	ck_assert_uint_eq(n_holders(&s, file), 0);
	/* A child has inherited it, and gives it back. */
	story_flock(&s, ROOT, file, 3, LOCK_EX);
	story_flock(&s, A, file, 3, LOCK_UN);
	ck_assert_uint_eq(n_holders(&s, file), 0);
	ck_assert(model_is_lock(s.model, file, 0));
	story_end(&s);
}
END_TEST

static void check_name(struct story *s, uint64_t object, const char *expected)
{
	char name[80];

	ck_assert_str_eq(model_object_name(s->model, object, name, sizeof(name)), expected);
}

START_TEST(names)
{
	struct story s;

	begin(&s);
	story_lock(&s, B, story_private(OBJECT_MUTEX, B, 1));
	story_lock(&s, B, story_private(OBJECT_MUTEX, B, 2));
	story_sem_init(&s, A, story_shared(OBJECT_PSEM, 1), 1);
	story_sem_open(&s, A, story_shared(OBJECT_PSEM, 2), "/sem", O_CREAT, 1);
	story_flock(&s, A, OBJECT_REF(OBJECT_FILE, 9), 3, LOCK_SH);
	story_lock_call(&s, A, CALL_pthread_rwlock_init, story_shared(OBJECT_RWLOCK, 1));
	story_lock_call(&s, A, CALL_pthread_spin_init, story_shared(OBJECT_SPIN, 1));
	story_lock_call(&s, A, CALL_pthread_barrier_wait, story_shared(OBJECT_BARRIER, 1));
	story_cond_signal(&s, A, story_shared(OBJECT_COND, 1), true);
	check_name(&s, story_private(OBJECT_MUTEX, B, 2), "mutex 1.2#2");
	check_name(&s, story_shared(OBJECT_PSEM, 1), "POSIX semaphore 1.1#1");
	check_name(&s, story_shared(OBJECT_PSEM, 2), "semaphore /sem");
	check_name(&s, OBJECT_REF(OBJECT_FILE, 9), "file 1.1#1");
	check_name(&s, story_shared(OBJECT_RWLOCK, 1), "read-write lock 1.1#1");
	check_name(&s, story_shared(OBJECT_SPIN, 1), "spin lock 1.1#1");
	check_name(&s, story_shared(OBJECT_BARRIER, 1), "barrier 1.1#1");
	check_name(&s, story_shared(OBJECT_COND, 1), "condition variable 1.1#1");
	check_name(&s, story_shared(OBJECT_MUTEX, 77), "mutex");
	check_name(&s, OBJECT_REF(OBJECT_THREAD, (100 + B) << 16 | 4), "thread 1.2/4");
	check_name(&s, OBJECT_REF(OBJECT_THREAD, (100 + B) << 16), "thread 1.2");
	story_end(&s);
}
END_TEST

/* Whichever thread was there first this time, and wherever it lies in memory. */
START_TEST(marks_are_stable)
{
	uint64_t mark[2], named[2];

	for (unsigned int run = 0; run < 2; run++) {
		uint64_t sem = story_shared(OBJECT_PSEM, 3 + run);
		uint64_t mutex = story_private(OBJECT_MUTEX, A, 7 + run);
		struct story s;

		begin(&s);
		for (unsigned int i = 0; i < 2; i++) {
			s.site = i == run ? 50 : 60;
			story_thread(&s, i);
			story_lock(&s, A, mutex);
			story_unlock(&s, A, mutex);
		}
		mark[run] = model_object_mark(s.model, mutex);
		s.site = 50 + run;
		story_sem_open(&s, A, sem, "/sem", 0, 0);
		story_take(&s, A, sem);
		named[run] = model_object_mark(s.model, sem);
		story_end(&s);
	}
	ck_assert_uint_eq(mark[0], mark[1]);
	ck_assert_uint_eq(named[0], named[1]);
}
END_TEST

static Suite *files_suite(void)
{
	const struct unit_case cases[] = {
		{ "records", records },
		{ "flocks", flocks },
		{ "names", names },
		{ "marks-are-stable", marks_are_stable },
	};

	return unit_suite("lock-files", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { files_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
