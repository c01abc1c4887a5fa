/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_sem - held-at-death: found, and silent when all is well. */
#include <errno.h>
#include <string.h>
#include <sys/sem.h>

#include "story.h"

enum { A = 1, B = 2, C = 3, SET = 5 };

/* A binary lock made by the root, with two children. */
static void begin_lock(struct story *s, uint16_t value)
{
	story_begin(s);
	story_set(s, SET, 2, value);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

static void use_lock(struct story *s, uint32_t process, int flags)
{
	story_semop(s, process, SET, 0, -1, flags);
	story_semop(s, process, SET, 0, 1, flags);
}

START_TEST(lock_used_well)
{
	struct story s;

	begin_lock(&s, 1);
	for (int i = 0; i < 10; i++) {
		use_lock(&s, A, i % 2 ? SEM_UNDO : 0);
		use_lock(&s, B, 0);
	}
	story_exit(&s, A);
	story_exit(&s, B);
	story_wait(&s, ROOT, A);
	story_wait(&s, ROOT, B);
	story_semrm(&s, ROOT, SET);
	story_exit(&s, ROOT);
	story_shows(&s, "");
}
END_TEST

START_TEST(held_when_killed)
{
	const struct finding *f;
	struct story s;

	begin_lock(&s, 1);
	s.flags = EVENT_INJECTED | EVENT_KILL_AFTER;
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed_by_rule(&s, A);
	story_expect(&s, TRIAL_STOPPED, "held-at-death");
	f = story_find(&s, "held-at-death");
	ck_assert_str_eq(f->lineage[0], "1.1");
	ck_assert_str_eq(f->object[0], "semaphore set 5 (private) #0");
	ck_assert_str_eq(f->stack[0].label, "took it here");
	ck_assert_ptr_nonnull(strstr(f->message, "1.1 (story) was killed by a rule while it held"));
	story_end(&s);
}
END_TEST

START_TEST(killed_before_the_call)
{
	struct story s;

	begin_lock(&s, 1);
	s.flags = EVENT_INJECTED | EVENT_KILL_BEFORE;
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed_by_rule(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(held_at_exit_then_removed)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_exit(&s, A);
	story_wait(&s, ROOT, A);
	story_semrm(&s, ROOT, SET);
	story_shows(&s, "held-at-death");
}
END_TEST

/* The supervisor notices a death after the survivors have gone on. */
START_TEST(held_death_noticed_late)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_plain(&s, A, CALL_exit);
	story_semrm(&s, ROOT, SET);
	story_gone(&s, A);
	story_shows(&s, "held-at-death");
}
END_TEST

START_TEST(removed_while_held)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_semrm(&s, A, SET);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(held_but_restored)
{
	struct story s;

	for (int by_setval = 0; by_setval < 2; by_setval++) {
		begin_lock(&s, 1);
		story_semop(&s, A, SET, 0, -1, 0);
		story_killed_by_rule(&s, A);
		if (by_setval)
			story_setval(&s, B, SET, 0, 1);
		else
			story_semop(&s, B, SET, 0, 1, 0);
		story_shows(&s, "");
	}
}
END_TEST

START_TEST(failed_and_unperformed_hold_nothing)
{
	static const struct {
		unsigned int flags;
		int err;
	} cases[] = { { 0, EAGAIN },
		      { 0, EINTR },
		      { EVENT_NOT_PERFORMED | EVENT_INJECTED, EINTR },
		      { EVENT_ABANDONED, 0 } };
	struct story s;

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		begin_lock(&s, 1);
		s.flags = cases[i].flags;
		story_fail(&s, cases[i].err);
		story_semop(&s, A, SET, 0, -1, IPC_NOWAIT);
		story_killed_by_rule(&s, A);
		use_lock(&s, B, 0);
		story_shows(&s, "");
	}
}
END_TEST

/* A V left by a longjmp may have happened; so may a P before a SETVAL that it overlaps. */
START_TEST(unknown_effects)
{
	struct story s;
	uint64_t early;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	s.flags = EVENT_ABANDONED;
	story_semop(&s, A, SET, 0, 1, 0);
	story_killed_by_rule(&s, A);
	story_shows(&s, "");

	begin_lock(&s, 1);
	use_lock(&s, B, 0);
	early = s.now;
	story_setval(&s, ROOT, SET, 0, 1);
	story_overlap(&s, early);
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed_by_rule(&s, A);
	story_shows(&s, "");
}
END_TEST

/* Taken by the parent before the fork, given by the child. */
START_TEST(handed_over)
{
	struct story s;

	begin_lock(&s, 1);
	for (int i = 0; i < 3; i++) {
		story_semop(&s, ROOT, SET, 0, -1, 0);
		story_process(&s, C + (uint32_t)i, ROOT, 3 + (unsigned int)i);
		story_semop(&s, C + (uint32_t)i, SET, 0, 1, 0);
		story_exit(&s, C + (uint32_t)i);
		story_wait(&s, ROOT, C + (uint32_t)i);
	}
	story_exit(&s, ROOT);
	story_shows(&s, "");
}
END_TEST

START_TEST(signal_semaphore)
{
	struct story s;

	begin_lock(&s, 0);
	for (int i = 0; i < 4; i++) {
		story_semop(&s, A, SET, 0, 1, 0);
		story_semop(&s, B, SET, 0, -1, 0);
	}
	story_exit(&s, B);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(setval_as_a_post)
{
	struct story s;

	/* To a child that waits, and to one that was there before. */
	begin_lock(&s, 0);
	story_setval(&s, ROOT, SET, 0, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_exit(&s, A);
	story_exit(&s, B);
	story_shows(&s, "");

	story_begin(&s);
	story_semget(&s, ROOT, 0x12, IPC_CREAT | IPC_EXCL, SET);
	story_process(&s, A, ROOT, 1);
	story_setval(&s, ROOT, SET, 0, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

/* Producer and consumer, seen at the moments when nothing proves yet that EMPTY is no lock. */
START_TEST(bounded_store)
{
	struct story s;

	begin_lock(&s, 0);
	story_setval(&s, ROOT, SET, 1, 4);
	story_process(&s, C, ROOT, 3);
	for (int i = 0; i < 3; i++) {
		story_semop(&s, C, SET, 1, -1, 0);
		story_semop(&s, C, SET, 0, 1, 0);
	}
	story_exit(&s, C);
	story_process(&s, C + 1, ROOT, 4);
	story_semop(&s, C + 1, SET, 0, -1, 0);
	story_killed_by_rule(&s, C + 1);
	story_shows(&s, "");
}
END_TEST

START_TEST(unfollowed_may_restore)
{
	struct story s;

	begin_lock(&s, 1);
	model_unfollowed(s.model);
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed_by_rule(&s, A);
	story_shows(&s, "");

	/* The kernel says that nobody did. */
	begin_lock(&s, 1);
	model_unfollowed(s.model);
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed_by_rule(&s, A);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 0, 1 }, 2);
	story_shows(&s, "held-at-death");
}
END_TEST

/* SIGKILL from outside may strike between a V and its record: the kernel's value tells. */
START_TEST(killed_in_mid_call)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_killed(&s, A, 9);
	model_kernel_sem(s.model, SET, (const uint16_t[]){ 1, 1 }, 2);
	story_shows(&s, "");
}
END_TEST

START_TEST(id_used_again)
{
	struct story s;

	begin_lock(&s, 1);
	story_semop(&s, A, SET, 0, -1, 0);
	story_semrm(&s, ROOT, SET);
	story_set(&s, SET, 1, 0);
	story_semop(&s, A, SET, 0, 1, 0);
	story_exit(&s, A);
	story_shows(&s, "");
}
END_TEST

START_TEST(many_operations_in_one_call)
{
	static const int take[5][3] = {
		{ 0, -1, 0 }, { 1, -1, 0 }, { 2, -1, 0 }, { 3, -1, 0 }, { 4, -1, 0 }
	};
	struct lock_holder holder;
	struct story s;

	story_begin(&s);
	story_set(&s, SET, 5, 1);
	story_process(&s, A, ROOT, 1);
	story_semops(&s, A, SET, take, 5);
	for (unsigned int num = 0; num < 5; num++)
		ck_assert_uint_eq(
			model_lock_holders(s.model, OBJECT_REF(OBJECT_SEM, SET), num, &holder, 1),
			1);
	story_killed_by_rule(&s, A);
	story_shows(&s, "held-at-death");
}
END_TEST

static Suite *sem_suite(void)
{
	const struct unit_case cases[] = {
		{ "lock-used-well", lock_used_well },
		{ "held-when-killed", held_when_killed },
		{ "killed-before-the-call", killed_before_the_call },
		{ "held-at-exit-then-removed", held_at_exit_then_removed },
		{ "held-death-noticed-late", held_death_noticed_late },
		{ "removed-while-held", removed_while_held },
		{ "held-but-restored", held_but_restored },
		{ "failed-hold-nothing", failed_and_unperformed_hold_nothing },
		{ "unknown-effects", unknown_effects },
		{ "handed-over", handed_over },
		{ "signal-semaphore", signal_semaphore },
		{ "setval-as-a-post", setval_as_a_post },
		{ "bounded-store", bounded_store },
		{ "unfollowed-may-restore", unfollowed_may_restore },
		{ "killed-in-mid-call", killed_in_mid_call },
		{ "id-used-again", id_used_again },
		{ "many-operations", many_operations_in_one_call },
	};

	return unit_suite("model-sem", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { sem_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
