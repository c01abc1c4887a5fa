/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_lock - lock-order and sem-init: found, and silent when all is well. */
#include <sys/sem.h>

#include "story.h"

enum { A = 1, B = 2, C = 3, SET = 5, KEY = 0x1234 };

static void begin(struct story *s, uint16_t value)
{
	story_begin(s);
	story_set(s, SET, 4, value);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

static void take_two(struct story *s, uint32_t process, int first, int second, int flags)
{
	story_semop(s, process, SET, first, -1, 0);
	story_semop(s, process, SET, second, -1, flags);
	story_semop(s, process, SET, second, 1, 0);
	story_semop(s, process, SET, first, 1, 0);
}

START_TEST(both_orders)
{
	const struct finding *f;
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, B, 1, 0, 0);
	story_expect(&s, TRIAL_ENDED, "lock-order");
	f = story_find(&s, "lock-order");
	ck_assert_uint_eq(s.findings.n, 1);
	ck_assert_uint_eq(f->n_objects, 2);
	ck_assert_uint_eq(f->n_stacks, 4);
	ck_assert_str_eq(f->detail[0], "1.1 (story) takes semaphore set 5 (private) #0, then "
				       "semaphore set 5 (private) #1");
	story_end(&s);
}
END_TEST

START_TEST(one_order)
{
	struct story s;

	begin(&s, 1);
	for (uint32_t process = A; process <= C; process++)
		take_two(&s, process, 0, 1, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(three_in_a_ring)
{
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, B, 1, 2, 0);
	take_two(&s, C, 2, 0, 0);
	story_expect(&s, TRIAL_ENDED, "lock-order");
	ck_assert_uint_eq(story_find(&s, "lock-order")->n_lineages, 3);
	story_end(&s);
}
END_TEST

/* What cannot close a ring: the same process, one that would not wait, several at once. */
START_TEST(no_ring)
{
	static const int pair[2][3] = { { 1, -1, 0 }, { 0, -1, 0 } };
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, A, 1, 0, 0);
	story_shows(&s, "");

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, B, 1, 0, IPC_NOWAIT);
	story_shows(&s, "");

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	story_semops(&s, B, SET, pair, 2);
	story_semop(&s, B, SET, 0, 1, 0);
	story_semop(&s, B, SET, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

static void gated(struct story *s, uint32_t process, int first, int second)
{
	story_semop(s, process, SET, 3, -1, 0);
	take_two(s, process, first, second, 0);
	story_semop(s, process, SET, 3, 1, 0);
}

START_TEST(common_third_lock)
{
	struct story s;

	begin(&s, 1);
	gated(&s, A, 0, 1);
	gated(&s, B, 1, 0);
	story_shows(&s, "");

	/* Once without it is enough. */
	begin(&s, 1);
	gated(&s, A, 0, 1);
	gated(&s, B, 1, 0);
	take_two(&s, A, 0, 1, 0);
	story_shows(&s, "lock-order");
}
END_TEST

/* The philosophers' room: one place fewer than there are of them. */
START_TEST(room_for_all_but_one)
{
	struct story s;

	for (int places = 2; places <= 3; places++) {
		story_begin(&s);
		story_set(&s, SET, 3, 1);
		story_setval(&s, ROOT, SET, 3, places);
		for (uint32_t process = A; process <= C; process++)
			story_process(&s, process, ROOT, process);
		gated(&s, A, 0, 1);
		gated(&s, B, 1, 2);
		gated(&s, C, 2, 0);
		story_shows(&s, places == 2 ? "" : "lock-order");
	}
}
END_TEST

START_TEST(parent_before_the_fork)
{
	struct story s;

	story_begin(&s);
	story_set(&s, SET, 2, 1);
	take_two(&s, ROOT, 0, 1, 0);
	story_process(&s, A, ROOT, 1);
	take_two(&s, A, 1, 0, 0);
	story_expect(&s, TRIAL_ENDED, "");
	story_end(&s);
}
END_TEST

/* Semaphores that others give are no locks. */
START_TEST(signals_are_no_locks)
{
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, B, 1, 0, 0);
	story_semop(&s, C, SET, 0, 1, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(silent_after_a_deadlock)
{
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	take_two(&s, B, 1, 0, 0);
	findings_add(&s.findings, finding_new("deadlock", "cycle"));
	story_shows(&s, "deadlock");
}
END_TEST

START_TEST(threads_hold_their_own)
{
	struct story s;

	begin(&s, 1);
	take_two(&s, A, 0, 1, 0);
	story_semop(&s, B, SET, 1, -1, 0);
	s.thread = 1;
	story_semop(&s, B, SET, 0, -1, 0);
	story_shows(&s, "");
}
END_TEST

static void begin_race(struct story *s)
{
	story_begin(s);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
	story_semget(s, A, KEY, IPC_CREAT | IPC_EXCL | 0600, SET);
	story_semget(s, B, KEY, 0, SET);
}

static void use(struct story *s, uint32_t process)
{
	story_semop(s, process, SET, 0, -1, 0);
	story_semop(s, process, SET, 0, 1, 0);
}

START_TEST(used_before_setval)
{
	const struct finding *f;
	struct story s;
	uint64_t early;

	/* It waits, and the SETVAL lets it go on: its end is seen later. */
	begin_race(&s);
	early = ++s.now;
	story_setval(&s, A, SET, 0, 1);
	story_overlap(&s, early);
	story_semop(&s, B, SET, 0, -1, 0);
	story_expect(&s, TRIAL_ENDED, "sem-init");
	f = story_find(&s, "sem-init");
	ck_assert_str_eq(f->object[0], "semaphore set 5 (key 0x1234) #0");
	ck_assert_uint_eq(f->n_stacks, 3);
	story_end(&s);

	begin_race(&s);
	story_semop(&s, B, SET, 0, 1, 0);
	story_setall(&s, A, SET, (const uint16_t[]){ 1 }, 1);
	story_shows(&s, "sem-init");
}
END_TEST

START_TEST(used_before_first_semop)
{
	struct story s;
	uint64_t early;

	begin_race(&s);
	early = ++s.now;
	story_semop(&s, A, SET, 0, 1, 0);
	story_overlap(&s, early);
	story_semop(&s, B, SET, 0, -1, 0);
	story_semop(&s, B, SET, 0, 1, 0);
	use(&s, A);
	story_shows(&s, "sem-init");
}
END_TEST

START_TEST(initialised_in_time)
{
	struct story s;

	begin_race(&s);
	story_setval(&s, A, SET, 0, 1);
	use(&s, B);
	use(&s, A);
	story_shows(&s, "");

	begin_race(&s);
	story_semop(&s, A, SET, 0, 1, 0);
	use(&s, B);
	use(&s, A);
	story_shows(&s, "");
}
END_TEST

/* The kernel's 0 is meant: B waits for a signal. */
START_TEST(waits_for_a_signal)
{
	struct story s;
	uint64_t early;

	begin_race(&s);
	early = ++s.now;
	story_semop(&s, A, SET, 0, 1, 0);
	story_overlap(&s, early);
	story_semop(&s, B, SET, 0, -1, 0);
	story_shows(&s, "");

	begin_race(&s);
	early = ++s.now;
	story_setval(&s, A, SET, 0, 0);
	story_semop(&s, A, SET, 0, 1, 0);
	story_overlap(&s, early);
	story_semop(&s, B, SET, 0, -1, 0);
	story_shows(&s, "");
}
END_TEST

/* A reset between two rounds is no initialisation. */
START_TEST(reset_later)
{
	struct story s;

	begin_race(&s);
	story_semop(&s, B, SET, 0, 1, 0);
	story_semop(&s, A, SET, 0, -1, 0);
	story_setval(&s, A, SET, 0, 0);
	story_shows(&s, "");

	begin_race(&s);
	story_semop(&s, B, SET, 0, 1, 0);
	story_exit(&s, B);
	story_setval(&s, A, SET, 0, 0);
	story_shows(&s, "");
}
END_TEST

/* Inherited, not found by its key; and nobody knows who made it. */
START_TEST(not_stevenss_race)
{
	struct story s;

	begin_race(&s);
	story_process(&s, C, A, 1);
	story_semop(&s, C, SET, 0, 1, 0);
	story_setval(&s, A, SET, 0, 1);
	story_shows(&s, "");

	story_begin(&s);
	story_process(&s, A, ROOT, 1);
	story_process(&s, B, ROOT, 2);
	story_semget(&s, A, KEY, IPC_CREAT, SET);
	story_overlap(&s, s.now - 1);
	story_semget(&s, B, KEY, IPC_CREAT, SET);
	story_semop(&s, B, SET, 0, 1, 0);
	story_setval(&s, A, SET, 0, 1);
	story_shows(&s, "");
}
END_TEST

static Suite *lock_suite(void)
{
	const struct unit_case cases[] = {
		{ "both-orders", both_orders },
		{ "one-order", one_order },
		{ "three-in-a-ring", three_in_a_ring },
		{ "no-ring", no_ring },
		{ "common-third-lock", common_third_lock },
		{ "room", room_for_all_but_one },
		{ "parent-before-the-fork", parent_before_the_fork },
		{ "signals-are-no-locks", signals_are_no_locks },
		{ "silent-after-a-deadlock", silent_after_a_deadlock },
		{ "threads", threads_hold_their_own },
		{ "used-before-setval", used_before_setval },
		{ "used-before-first-semop", used_before_first_semop },
		{ "initialised-in-time", initialised_in_time },
		{ "waits-for-a-signal", waits_for_a_signal },
		{ "reset-later", reset_later },
		{ "not-stevenss-race", not_stevenss_race },
	};

	return unit_suite("model-lock", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { lock_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
