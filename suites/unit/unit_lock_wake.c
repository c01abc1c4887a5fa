/* SPDX-License-Identifier: Apache-2.0 */
/* unit_lock_wake - who could wake whom, and wake-ups that nobody waited for: what the deadlock
 * watch asks of locks, conditions and signals. */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>

#include "story_lock.h"

enum { A = 1, B = 2, C = 3 };

static void begin(struct story *s)
{
	story_begin(s);
	for (uint32_t process = A; process <= C; process++)
		story_process(s, process, ROOT, process);
}

/* The thread waits now: was it told before? */
static bool is_lost(struct story *s, uint64_t object, uint32_t process)
{
	struct lost_wake wake;

	return model_wake_lost(s->model, object, process, s->thread, ++s->now, &wake);
}

START_TEST(has_woken)
{
	uint64_t sem = story_shared(OBJECT_PSEM, 1), cond = story_shared(OBJECT_COND, 1);
	uint64_t barrier = story_shared(OBJECT_BARRIER, 1), word = story_shared(OBJECT_FUTEX, 1);
	uint64_t counter = OBJECT_REF(OBJECT_EVENTFD, 7);
	struct event wake = { .call = CALL_futex,
			      .object = word,
			      .arg = { 0, FUTEX_WAKE | FUTEX_PRIVATE_FLAG } };
	struct event wait = { .call = CALL_futex, .object = word, .arg = { 0, FUTEX_WAIT } };
	struct story s;

	begin(&s);
	ck_assert(!model_has_woken(s.model, A, sem, WAKES_SEM));
	story_take(&s, A, sem);
	ck_assert(!model_has_woken(s.model, A, sem, WAKES_SEM));
	story_give(&s, A, sem);
	ck_assert(model_has_woken(s.model, A, sem, WAKES_SEM));
	ck_assert(!model_has_woken(s.model, B, sem, WAKES_SEM));
	story_cond_signal(&s, A, cond, true);
	ck_assert(model_has_woken(s.model, A, cond, WAKES_WAITER));
	ck_assert(!model_has_woken(s.model, B, cond, WAKES_WAITER));
	story_lock_call(&s, B, CALL_pthread_barrier_wait, barrier);
	ck_assert(model_has_woken(s.model, B, barrier, WAKES_WAITER));
	story_call(&s, A, wait, NULL, 0);
	ck_assert(!model_has_woken(s.model, A, word, WAKES_WAITER));
	story_call(&s, A, wake, NULL, 0);
	ck_assert(model_has_woken(s.model, A, word, WAKES_WAITER));
	story_lock_call(&s, A, CALL_eventfd_write, counter);
	story_lock_call(&s, B, CALL_eventfd_read, counter);
	ck_assert(model_has_woken(s.model, A, counter, WAKES_RECEIVER));
	ck_assert(!model_has_woken(s.model, A, counter, WAKES_SENDER));
	ck_assert(model_has_woken(s.model, B, counter, WAKES_SENDER));
	story_end(&s);
}
END_TEST

START_TEST(has_signalled)
{
	uint64_t child = OBJECT_REF(OBJECT_PROCESS, 100 + B);
	uint64_t thread = OBJECT_REF(OBJECT_THREAD, (uint64_t)(100 + B) << 16 | 2);
	struct event event = { .call = CALL_pthread_kill, .object = thread, .arg = { 0, SIGUSR1 } };
	struct story s;

	begin(&s);
	story_kill(&s, A, B, 0); /* only asks whether it is there */
	ck_assert(!model_has_woken(s.model, A, child, WAKES_WAITER));
	story_kill(&s, A, B, SIGUSR1);
	ck_assert(model_has_woken(s.model, A, child, WAKES_WAITER));
	ck_assert(model_has_woken(s.model, A, thread, WAKES_WAITER));
	story_call(&s, B, event, NULL, 0);
	ck_assert(model_has_woken(s.model, B, child, WAKES_WAITER));
	/* To a group: it could be anybody. */
	for (int i = 0; i < 2; i++) {
		static const struct event group[] = {
			{ .call = CALL_killpg, .arg = { 7, SIGUSR1 } },
			{ .call = CALL_kill, .arg = { -7, SIGUSR1 } },
		};
		uint32_t sender = i ? C : ROOT;

		ck_assert(!model_has_woken(s.model, sender, child, WAKES_WAITER));
		story_call(&s, sender, group[i], NULL, 0);
		ck_assert(model_has_woken(s.model, sender, child, WAKES_WAITER));
	}
	story_end(&s);
}
END_TEST

/* Told before it waited; the wait is the first that it came to since. */
START_TEST(condition_lost)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), cond = story_shared(OBJECT_COND, 1);
	struct lost_wake wake;
	struct story s;

	begin(&s);
	ck_assert(!is_lost(&s, cond, A));
	s.site = 77;
	story_cond_signal(&s, B, cond, false);
	s.site = 0;
	story_lock(&s, A, mutex);
	ck_assert(model_wake_lost(s.model, cond, A, 0, ++s.now, &wake));
	ck_assert_uint_eq(wake.process, B);
	ck_assert_uint_eq(wake.site, 77);
	ck_assert_uint_ne(wake.stack, 0);
	story_end(&s);

	/* With the lock, and without it, between its look and its wait. */
	begin(&s);
	story_lock(&s, A, mutex);
	story_cond_signal(&s, B, cond, false);
	ck_assert(is_lost(&s, cond, A));
	story_end(&s);
}
END_TEST

START_TEST(condition_not_lost)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1), cond = story_shared(OBJECT_COND, 1);
	struct story s;

	/* Somebody waited. */
	begin(&s);
	story_cond_signal(&s, B, cond, true);
	story_lock(&s, A, mutex);
	ck_assert(!is_lost(&s, cond, A));
	/* Before its last wait there. */
	story_cond_signal(&s, B, cond, false);
	story_cond_wait(&s, A, cond, mutex);
	ck_assert(!is_lost(&s, cond, A));
	/* It came by, and could see what it was to be told. */
	story_cond_signal(&s, B, cond, false);
	story_unlock(&s, A, mutex);
	story_lock(&s, A, mutex);
	ck_assert(!is_lost(&s, cond, A));
	story_end(&s);

	/* It waited already. */
	begin(&s);
	story_lock(&s, A, mutex);
	ck_assert_uint_gt(s.now, 0);
	{
		uint64_t waits = ++s.now;
		struct lost_wake wake;

		story_cond_signal(&s, B, cond, false);
		ck_assert(!model_wake_lost(s.model, cond, A, 0, waits, &wake));
	}
	story_end(&s);
}
END_TEST

/* Of more conditions than are remembered. */
START_TEST(many_conditions)
{
	uint64_t mutex = story_shared(OBJECT_MUTEX, 1);
	struct story s;

	begin(&s);
	for (unsigned int i = 0; i < 10; i++)
		story_cond_signal(&s, B, story_shared(OBJECT_COND, i), false);
	story_lock(&s, A, mutex);
	for (unsigned int i = 0; i < 10; i++)
		story_cond_wait(&s, A, story_shared(OBJECT_COND, i), mutex);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert(!is_lost(&s, story_shared(OBJECT_COND, i), A));
	story_cond_signal(&s, B, story_shared(OBJECT_COND, 0), false);
	ck_assert(is_lost(&s, story_shared(OBJECT_COND, 0), A));
	story_end(&s);
}
END_TEST

static uint64_t process_ref(uint32_t process)
{
	return OBJECT_REF(OBJECT_PROCESS, 100 + process);
}

START_TEST(signal_lost)
{
	struct lost_wake wake;
	struct story s;

	begin(&s);
	story_catch(&s, A, SIGUSR1);
	story_kill(&s, B, A, SIGUSR1);
	ck_assert(model_wake_lost(s.model, process_ref(A), A, 0, ++s.now, &wake));
	ck_assert_uint_eq(wake.process, B);
	/* Between two waits. */
	story_plain(&s, A, CALL_pause);
	ck_assert(!is_lost(&s, process_ref(A), A));
	story_kill(&s, B, A, SIGUSR1);
	ck_assert(is_lost(&s, process_ref(A), A));
	/* To its group. */
	story_plain(&s, A, CALL_sigsuspend);
	story_call(&s, B, (struct event){ .call = CALL_kill, .arg = { 0, SIGUSR1 } }, NULL, 0);
	ck_assert(is_lost(&s, process_ref(A), A));
	story_end(&s);
}
END_TEST

START_TEST(signal_not_lost)
{
	struct lost_wake wake;
	struct story s;
	uint64_t waits;

	/* Nobody catches it: it waits for sigwait, or has ended the process. */
	begin(&s);
	story_kill(&s, B, A, SIGUSR1);
	ck_assert(!is_lost(&s, process_ref(A), A));
	/* Only a question, and one's own. */
	story_catch(&s, A, SIGUSR1);
	story_kill(&s, B, A, 0);
	story_kill(&s, A, A, SIGUSR1);
	ck_assert(!is_lost(&s, process_ref(A), A));
	/* While it waited, and just now. */
	waits = ++s.now;
	story_kill(&s, B, A, SIGUSR1);
	ck_assert(!model_wake_lost(s.model, process_ref(A), A, 0, waits, &wake));
	story_overlap(&s, waits);
	story_plain(&s, A, CALL_pause);
	ck_assert(!is_lost(&s, process_ref(A), A));
	/* To another. */
	story_kill(&s, B, C, SIGUSR1);
	ck_assert(!is_lost(&s, process_ref(A), A));
	/* To a group, that does not catch it, and to which it did not belong yet. */
	story_call(&s, B, (struct event){ .call = CALL_kill, .arg = { 0, SIGUSR2 } }, NULL, 0);
	ck_assert(!is_lost(&s, process_ref(A), A));
	story_call(&s, B, (struct event){ .call = CALL_kill, .arg = { 0, SIGUSR1 } }, NULL, 0);
	story_process(&s, 9, A, 1);
	ck_assert(!is_lost(&s, process_ref(9), 9));
	ck_assert(is_lost(&s, process_ref(A), A));
	story_end(&s);
}
END_TEST

START_TEST(signal_to_a_thread)
{
	uint64_t thread = OBJECT_REF(OBJECT_THREAD, (uint64_t)(100 + A) << 16 | 2);
	struct event event = { .call = CALL_pthread_kill, .object = thread, .arg = { 0, SIGUSR1 } };
	struct story s;

	begin(&s);
	story_catch(&s, A, SIGUSR1);
	story_call(&s, A, event, NULL, 0);
	story_thread(&s, 2);
	ck_assert(is_lost(&s, thread, A));
	ck_assert(is_lost(&s, process_ref(A), A));
	story_thread(&s, 1);
	ck_assert(!is_lost(&s, process_ref(A), A));
	story_end(&s);
}
END_TEST

/* A handler that was taken away again, one that a child has from its parent, and exec. */
START_TEST(handlers)
{
	struct event ignores = { .call = CALL_signal,
				 .arg = { SIGUSR1, (int64_t)(intptr_t)SIG_IGN } };
	struct story s;

	begin(&s);
	story_catch(&s, ROOT, SIGUSR1);
	story_process(&s, 9, ROOT, 9);
	story_kill(&s, B, 9, SIGUSR1);
	ck_assert(is_lost(&s, process_ref(9), 9));
	story_call(&s, ROOT, ignores, NULL, 0);
	story_kill(&s, B, ROOT, SIGUSR1);
	ck_assert(!is_lost(&s, process_ref(ROOT), ROOT));
	story_process(&s, 10, 9, 1);
	story_plain(&s, 10, CALL_execve);
	story_kill(&s, B, 10, SIGUSR1);
	ck_assert(!is_lost(&s, process_ref(10), 10));
	story_end(&s);
}
END_TEST

static Suite *wake_suite(void)
{
	const struct unit_case cases[] = {
		{ "has-woken", has_woken },
		{ "has-signalled", has_signalled },
		{ "condition-lost", condition_lost },
		{ "condition-not-lost", condition_not_lost },
		{ "many-conditions", many_conditions },
		{ "signal-lost", signal_lost },
		{ "signal-not-lost", signal_not_lost },
		{ "signal-to-a-thread", signal_to_a_thread },
		{ "handlers", handlers },
	};

	return unit_suite("lock-wake", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { wake_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
