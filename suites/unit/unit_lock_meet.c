/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_meet - lock-order between threads and processes: who can be at it at the same time. */
#include "story_lock.h"

enum { A = 1, B = 2, C = 3 };

static void begin(struct story *s)
{
	story_begin(s);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

static void take_two(struct story *s, uint32_t process, uint64_t first, uint64_t second)
{
	story_lock(s, process, first);
	story_lock(s, process, second);
	story_unlock(s, process, second);
	story_unlock(s, process, first);
}

static void thread_takes(struct story *s, uint32_t thread, uint64_t first, uint64_t second)
{
	story_thread(s, thread);
	take_two(s, A, first, second);
	story_thread(s, 0);
}

START_TEST(threads_of_one_process)
{
	uint64_t one = story_private(OBJECT_MUTEX, A, 1), two = story_private(OBJECT_MUTEX, A, 2);
	const struct finding *f;
	struct story s;

	begin(&s);
	story_create_thread(&s, A, 1);
	thread_takes(&s, 1, one, two);
	story_join_thread(&s, A, 1);
	story_create_thread(&s, A, 2);
	thread_takes(&s, 2, two, one);
	story_join_thread(&s, A, 2);
	story_expect(&s, TRIAL_ENDED, "lock-order");
	f = story_find(&s, "lock-order");
	ck_assert_uint_eq(f->n_lineages, 2);
	ck_assert_str_eq(f->lineage[0], "1.1/1");
	ck_assert_str_eq(f->lineage[1], "1.1/2");
	ck_assert_str_eq(f->stack[0].lineage, "1.1/1");
	ck_assert_str_eq(f->detail[0], "1.1/1 (story) takes mutex 1.1#1, then mutex 1.1#2");
	story_end(&s);

	/* One thread alone closes no circle. */
	begin(&s);
	story_create_thread(&s, A, 1);
	thread_takes(&s, 1, one, two);
	thread_takes(&s, 1, two, one);
	story_shows(&s, "");
}
END_TEST

/* They are over before the call that made them returns. */
START_TEST(short_threads)
{
	uint64_t one = story_private(OBJECT_MUTEX, A, 1), two = story_private(OBJECT_MUTEX, A, 2);
	struct story s;

	begin(&s);
	for (uint32_t thread = 1; thread <= 2; thread++) {
		uint64_t early = ++s.now;

		thread_takes(&s, thread, thread == 1 ? one : two, thread == 1 ? two : one);
		model_thread_end(s.model, A, thread);
		story_overlap(&s, early);
		story_create_thread(&s, A, thread);
		story_join_thread(&s, A, thread);
	}
	story_shows(&s, "lock-order");
}
END_TEST

/* What the maker does before the thread is first seen, it does at the same time. */
START_TEST(the_maker_meanwhile)
{
	uint64_t one = story_private(OBJECT_MUTEX, A, 1), two = story_private(OBJECT_MUTEX, A, 2);
	struct story s;

	begin(&s);
	story_create_thread(&s, A, 1);
	thread_takes(&s, 0, one, two);
	thread_takes(&s, 1, two, one);
	story_shows(&s, "lock-order");
}
END_TEST

/* Before it makes a thread, and when it has waited for its end, the maker is alone. */
START_TEST(the_maker_before_and_after)
{
	uint64_t one = story_private(OBJECT_MUTEX, A, 1), two = story_private(OBJECT_MUTEX, A, 2);
	struct story s;

	for (int meets = 0; meets <= 1; meets++) {
		begin(&s);
		thread_takes(&s, 0, one, two);
		story_create_thread(&s, A, 1);
		thread_takes(&s, 1, two, one);
		if (meets)
			thread_takes(&s, 0, one, two);
		story_join_thread(&s, A, 1);
		thread_takes(&s, 0, one, two);
		story_shows(&s, meets ? "lock-order" : "");
	}
}
END_TEST

START_TEST(the_parent_before_and_after)
{
	uint64_t one = story_shared(OBJECT_MUTEX, 1), two = story_shared(OBJECT_MUTEX, 2);
	struct story s;

	for (int meets = 0; meets <= 1; meets++) {
		begin(&s);
		take_two(&s, ROOT, one, two);
		story_call(&s, ROOT, (struct event){ .call = CALL_fork, .result = 109 }, NULL, 0);
		story_process(&s, 9, ROOT, 9);
		take_two(&s, 9, two, one);
		if (meets)
			take_two(&s, ROOT, one, two);
		story_exit(&s, 9);
		story_wait(&s, ROOT, 9);
		take_two(&s, ROOT, one, two);
		story_shows(&s, meets ? "lock-order" : "");
	}
}
END_TEST

/* Nobody saw where the thread came from: only what happened at the same time counts. */
START_TEST(a_thread_from_nowhere)
{
	uint64_t one = story_private(OBJECT_MUTEX, A, 1), two = story_private(OBJECT_MUTEX, A, 2);
	struct story s;

	for (int meets = 0; meets <= 1; meets++) {
		begin(&s);
		thread_takes(&s, 0, one, two);
		thread_takes(&s, 1, two, one);
		if (meets)
			thread_takes(&s, 0, one, two);
		story_shows(&s, meets ? "lock-order" : "");
	}
}
END_TEST

static Suite *meet_suite(void)
{
	const struct unit_case cases[] = {
		{ "threads", threads_of_one_process },
		{ "short-threads", short_threads },
		{ "maker-meanwhile", the_maker_meanwhile },
		{ "maker", the_maker_before_and_after },
		{ "parent", the_parent_before_and_after },
		{ "thread-from-nowhere", a_thread_from_nowhere },
	};

	return unit_suite("lock-meet", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { meet_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
