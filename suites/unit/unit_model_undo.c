/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_undo - SEM_UNDO: sem-undo and undo-mismatch: found, and silent when all is well. */
#include <sys/sem.h>

#include "story.h"

enum { A = 1, B = 2, SET = 5 };

/* A binary lock made by the root, with two children. */
static void begin_lock(struct story *s, uint16_t value)
{
	story_begin(s);
	story_set(s, SET, 2, value);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

START_TEST(undo_restores)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_killed_by_rule(&s, A);
	story_semop(&s, B, SET, 0, -1, SEM_UNDO);
	story_semop(&s, B, SET, 0, 1, SEM_UNDO);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 1, 1 }, 2);
	story_shows(&s, "");
}
END_TEST

/* A V is seen after the P that it let through. */
START_TEST(events_out_of_kernel_order)
{
	struct story s;
	uint64_t early;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	early = s.now;
	story_semop(&s, B, SET, 0, -1, SEM_UNDO);
	story_overlap(&s, early);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	story_exit(&s, A);
	story_semop(&s, B, SET, 0, 1, SEM_UNDO);
	story_exit(&s, B);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 1, 1 }, 2);
	story_shows(&s, "");
}
END_TEST

START_TEST(undo_clamped)
{
	const struct finding *f;
	struct story s;

	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_exit(&s, A);
	story_expect(&s, TRIAL_ENDED, "sem-undo");
	f = story_find(&s, "sem-undo");
	ck_assert_str_eq(f->cause, "clamped at 0");
	story_end(&s);
}
END_TEST

START_TEST(undo_clamped_by_the_kernels_word)
{
	struct story s;

	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	story_exit(&s, A);
	/* In the kernel this came before the death. */
	story_overlap(&s, 1050);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 0, 0 }, 2);
	story_shows(&s, "sem-undo");
}
END_TEST

/* The death is noticed when the set is gone, the last P when the death is. */
START_TEST(undo_clamped_seen_late)
{
	struct story s;
	uint64_t early;

	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_plain(&s, A, CALL_exit);
	story_wait(&s, ROOT, A);
	story_semrm(&s, ROOT, SET);
	story_gone(&s, A);
	story_shows(&s, "sem-undo");

	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	early = s.now;
	story_exit(&s, A);
	story_overlap(&s, early);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_shows(&s, "sem-undo");

	/* The set went first, as far as is known. */
	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_semrm(&s, ROOT, SET);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

/* The V that made room for the undo is seen after the death. */
START_TEST(undo_not_clamped_after_all)
{
	struct story s;
	uint64_t early;

	begin_lock(&s, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	early = s.now;
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_exit(&s, A);
	story_overlap(&s, early);
	story_semop(&s, B, SET, 0, 1, 0);
	story_shows(&s, "");
}
END_TEST

/* Both died; the one that gives back was first, but is noticed last. */
START_TEST(two_deaths_noticed_in_the_other_order)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_semop(&s, B, SET, 0, 1, SEM_UNDO);
	story_semop(&s, ROOT, SET, 0, -1, 0);
	story_plain(&s, A, CALL_exit);
	story_exit(&s, B);
	story_killed_by_rule(&s, A);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 0, 1 }, 2);
	story_shows(&s, "");
}
END_TEST

START_TEST(setval_clears_undo)
{
	struct story s;

	/* Proven by the signal that ended it. */
	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_setval(&s, ROOT, SET, 0, 0);
	story_call(&s, ROOT, (struct event){ .call = CALL_kill, .arg = { 100 + A, 9 } }, NULL, 0);
	story_killed(&s, A, 9);
	story_expect(&s, TRIAL_ENDED, "sem-undo");
	ck_assert_str_eq(story_find(&s, "sem-undo")->cause, "cleared");
	story_end(&s);
}
END_TEST

START_TEST(setval_after_the_death)
{
	struct story s;

	/* It was dead already, though it is noticed later. */
	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_setval(&s, ROOT, SET, 0, 1);
	story_killed(&s, A, 9);
	story_shows(&s, "");

	/* The process itself set it; it knows. */
	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_setval(&s, A, SET, 0, 1);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(exec_keeps_undo)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	model_process_exec(s.model, A, "other");
	story_killed_by_rule(&s, A);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 1, 1 }, 2);
	story_shows(&s, "");
}
END_TEST

START_TEST(undo_mismatch)
{
	const struct finding *f;
	struct story s;

	for (int taken_with = 0; taken_with < 2; taken_with++) {
		begin_lock(&s, 1);
		for (int i = 0; i < 3; i++) {
			story_semop(&s, A, SET, 0, -1, taken_with ? SEM_UNDO : 0);
			story_semop(&s, A, SET, 0, 1, taken_with ? 0 : SEM_UNDO);
		}
		story_expect(&s, TRIAL_ENDED, "undo-mismatch");
		f = story_find(&s, "undo-mismatch");
		ck_assert_str_eq(f->cause, taken_with ? "V without" : "P without");
		ck_assert_uint_eq(f->n_stacks, 2);
		ck_assert_str_eq(f->stack[1].label, taken_with
							    ? "gave it back here without SEM_UNDO"
							    : "gave it back here with SEM_UNDO");
		story_end(&s);
	}
}
END_TEST

/* A worker takes a job with undo and posts new jobs without: no pair. */
START_TEST(no_mismatch_on_a_job_counter)
{
	struct story s;

	begin_lock(&s, 3);
	story_semop(&s, ROOT, SET, 0, 1, 0);
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_semop(&s, A, SET, 0, 1, 0);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 4, 3 }, 2);
	story_shows(&s, "");
}
END_TEST

static Suite *undo_suite(void)
{
	const struct unit_case cases[] = {
		{ "undo-restores", undo_restores },
		{ "out-of-kernel-order", events_out_of_kernel_order },
		{ "undo-clamped", undo_clamped },
		{ "undo-clamped-kernel", undo_clamped_by_the_kernels_word },
		{ "undo-clamped-seen-late", undo_clamped_seen_late },
		{ "undo-not-clamped", undo_not_clamped_after_all },
		{ "two-deaths", two_deaths_noticed_in_the_other_order },
		{ "setval-clears-undo", setval_clears_undo },
		{ "setval-after-the-death", setval_after_the_death },
		{ "exec-keeps-undo", exec_keeps_undo },
		{ "undo-mismatch", undo_mismatch },
		{ "no-mismatch-on-jobs", no_mismatch_on_a_job_counter },
	};

	return unit_suite("model-undo", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { undo_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
