/* SPDX-License-Identifier: Apache-2.0 */
/* unit_watch - who is stuck, and why: threads that wait for one another, and what they have in
 * memory. */
#include "scene.h"

START_TEST(mutex_circle)
{
	struct task *a, *b;
	uint32_t p;

	scene_begin();
	p = scene_proc(ROOT);
	a = scene_waits_mutex(p, 1, PRIVATE_LOCK(OBJECT_MUTEX, 1), NULL);
	b = scene_waits_mutex(p, 2, PRIVATE_LOCK(OBJECT_MUTEX, 2), a);
	a->memory.owner = b->tid;
	scene_waits_mutex(p, 3, PRIVATE_LOCK(OBJECT_MUTEX, 1), b);
	scene_waits(p, 0, WAIT_LIVE, 0);
	scene_solved("SSSL");
	scene_caused(CAUSE_CYCLE, 2);
	scene_end();
}
END_TEST

START_TEST(mutex_held_by_itself)
{
	struct task *a;

	scene_begin();
	a = scene_waits_mutex(scene_proc(ROOT), 0, PRIVATE_LOCK(OBJECT_MUTEX, 1), NULL);
	a->memory.owner = a->tid;
	scene_solved("S");
	scene_caused(CAUSE_CYCLE, 1);
	scene_end();
}
END_TEST

START_TEST(mutex_owner_runs)
{
	struct task *a;
	uint32_t p;

	scene_begin();
	p = scene_proc(ROOT);
	a = scene_waits(p, 0, WAIT_LIVE, 0);
	scene_waits_mutex(p, 1, PRIVATE_LOCK(OBJECT_MUTEX, 1), a);
	scene_waits_mutex(p, 2, PRIVATE_LOCK(OBJECT_MUTEX, 2), &scene.task[1]);
	scene_solved("LLL");
	scene_end();
}
END_TEST

START_TEST(mutex_owner_unknown)
{
	uint32_t p;

	scene_begin();
	p = scene_proc(ROOT);
	scene_waits_mutex(p, 1, PRIVATE_LOCK(OBJECT_MUTEX, 1), NULL);
	scene_waits(p, 0, WAIT_LIVE, 0);
	scene_solved("LL");
	scene.n_tasks = 1;
	scene_solved("S");
	scene_end();
}
END_TEST

START_TEST(mutex_owner_dead)
{
	struct task *a;

	scene_begin();
	a = scene_waits_mutex(scene_proc(ROOT), 0, PRIVATE_LOCK(OBJECT_MUTEX, 1), NULL);
	a->memory.owner = 4711;
	scene_solved("L"); /* somebody whom nobody has looked at yet */
	gone = 4711;
	scene_solved("S");
	scene_caused(CAUSE_ORPHANED, 1);
	a->memory.robust = true;
	scene_solved("L");
	scene_end();
}
END_TEST

START_TEST(mutex_came_by_fork)
{
	struct task *parent, *child;

	scene_begin();
	parent = scene_waits(scene_proc(ROOT), 1, WAIT_LIVE, 0);
	child = scene_waits_mutex(scene_proc(1), 0, PRIVATE_LOCK(OBJECT_MUTEX, 1), parent);
	scene_solved("LS");
	scene_caused(CAUSE_ORPHANED, 1);
	child->object = SHARED_LOCK(OBJECT_MUTEX, 1);
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(private_semaphore)
{
	uint32_t p;

	scene_begin();
	p = scene_proc(ROOT);
	scene_waits(p, 1, WAIT_PSEM, PRIVATE_LOCK(OBJECT_PSEM, 1));
	scene_waits(p, 0, WAIT_LIVE, 0);
	scene_waits(scene_proc(1), 0, WAIT_PSEM, PRIVATE_LOCK(OBJECT_PSEM, 2));
	/* any thread of its own can post, nobody else */
	scene_solved("LLS");
	scene_end();
}
END_TEST

START_TEST(shared_semaphore)
{
	uint64_t sem = SHARED_LOCK(OBJECT_PSEM, 1);
	uint32_t runs, waits;

	scene_begin();
	runs = scene_proc(ROOT);
	waits = scene_proc(1);
	scene_waits(runs, 0, WAIT_LIVE, 0);
	scene_waits_shared(waits, WAIT_PSEM, sem);
	scene_has_page(waits);
	scene_call(ROOT, CALL_sem_post, sem);
	scene_solved("LS"); /* it has posted, and has not that memory any more */
	scene_has_page(runs);
	scene_solved("LL");
	scene_end();
	scene_begin();
	runs = scene_proc(ROOT);
	scene_waits(runs, 0, WAIT_LIVE, 0);
	scene_waits_shared(scene_proc(1), WAIT_PSEM, sem);
	scene_has_page(runs);
	scene_solved("LS"); /* it never has */
	scene.any_unfollowed = true;
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(semaphore_holder_runs)
{
	uint64_t sem = SHARED_LOCK(OBJECT_PSEM, 1);
	uint32_t holder;

	scene_begin();
	story_process(&story, 1, ROOT, 1);
	holder = scene_proc(1);
	story_call(&story, ROOT,
		   (struct event){ .call = CALL_sem_init, .object = sem, .arg = { 0, 1, 1 } }, NULL,
		   0);
	scene_call(1, CALL_sem_wait, sem);
	ck_assert(model_is_lock(s->model, sem, 0));
	scene_waits(holder, 0, WAIT_LIVE, 0);
	scene_waits_shared(scene_proc(ROOT), WAIT_PSEM, sem);
	scene_solved("LL");
	scene.task[0].kind = WAIT_SIGNAL;
	scene_solved("SS");
	scene_end();
}
END_TEST

START_TEST(condition)
{
	uint64_t cond = SHARED_LOCK(OBJECT_COND, 1);
	uint32_t runs;

	scene_begin();
	runs = scene_proc(ROOT);
	scene_waits(runs, 0, WAIT_LIVE, 0);
	scene_waits_shared(scene_proc(1), WAIT_COND, cond);
	scene_has_page(runs);
	scene_solved("LS");
	scene_call(ROOT, CALL_pthread_cond_signal, cond);
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(barrier)
{
	uint32_t runs;

	scene_begin();
	runs = scene_proc(ROOT);
	scene_waits(runs, 0, WAIT_LIVE, 0);
	scene_waits_shared(scene_proc(1), WAIT_BARRIER, SHARED_LOCK(OBJECT_BARRIER, 1));
	scene_solved("LS");
	scene_has_page(runs);
	scene_solved("LL"); /* it may be about to come for the first time */
	scene_end();
}
END_TEST

START_TEST(joins)
{
	struct task *a, *b;
	uint32_t p;

	scene_begin();
	p = scene_proc(ROOT);
	a = scene_waits(p, 0, WAIT_JOIN, OBJECT_REF(OBJECT_THREAD, 1));
	b = scene_waits_mutex(p, 1, PRIVATE_LOCK(OBJECT_MUTEX, 1), a);
	a->memory.owner = b->tid;
	scene_solved("SS");
	scene_caused(CAUSE_CYCLE, 2);
	a->memory.owner = 4711; /* it has just ended */
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(signals)
{
	uint32_t a, b;

	scene_begin();
	story_process(&story, 1, ROOT, 1);
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits(a, 0, WAIT_SIGNAL, 0);
	scene_waits(b, 0, WAIT_LIVE, 0);
	scene_solved("SL");
	story_call(&story, 1, (struct event){ .call = CALL_kill, .arg = { PID(ROOT), 10 } }, NULL,
		   0);
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(threads_signal_one_another)
{
	uint32_t a;

	scene_begin();
	a = scene_proc(ROOT);
	scene_waits(a, 0, WAIT_SIGNAL, 0);
	scene_waits(a, 1, WAIT_LIVE, 0);
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(lost_condition)
{
	uint64_t cond = PRIVATE_LOCK(OBJECT_COND, 1);

	scene_begin();
	scene_call(ROOT, CALL_pthread_cond_signal, cond);
	scene_call(ROOT, CALL_pthread_mutex_lock, PRIVATE_LOCK(OBJECT_MUTEX, 1));
	scene_waits(scene_proc(ROOT), 0, WAIT_COND, cond);
	scene_solved("S");
	scene_caused(CAUSE_LOST, 1);
	scene_end();
}
END_TEST

START_TEST(acts_alone)
{
	scene_begin();
	scene_waits(scene_proc(ROOT), 0, WAIT_PSEM, PRIVATE_LOCK(OBJECT_PSEM, 1));
	scene.proc[0].acts_alone = true;
	scene_solved("L");
	scene_end();
}
END_TEST

static Suite *watch_suite(void)
{
	const struct unit_case cases[] = {
		{ "mutex-circle", mutex_circle },
		{ "mutex-held-by-itself", mutex_held_by_itself },
		{ "mutex-owner-runs", mutex_owner_runs },
		{ "mutex-owner-unknown", mutex_owner_unknown },
		{ "mutex-owner-dead", mutex_owner_dead },
		{ "mutex-came-by-fork", mutex_came_by_fork },
		{ "private-semaphore", private_semaphore },
		{ "shared-semaphore", shared_semaphore },
		{ "semaphore-holder-runs", semaphore_holder_runs },
		{ "condition", condition },
		{ "barrier", barrier },
		{ "joins", joins },
		{ "signals", signals },
		{ "threads-signal-one-another", threads_signal_one_another },
		{ "lost-condition", lost_condition },
		{ "acts-alone", acts_alone },
	};

	return unit_suite("watch", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { watch_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
