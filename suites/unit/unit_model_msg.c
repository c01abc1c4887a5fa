/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_msg - lost-message and duplicate-message on queues: found, and silent otherwise. */
#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "story.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

enum { A = 1, B = 2, QUEUE = 7, KEY = 0x49500003 };

static void begin(struct story *s)
{
	story_begin(s);
	story_msgget(s, ROOT, KEY, IPC_CREAT | IPC_EXCL | 0600, QUEUE);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

START_TEST(all_received)
{
	struct story s;

	begin(&s);
	for (uint32_t i = 0; i < 2000; i++) {
		story_send(&s, A, QUEUE, 1 + i % 3, i / 7);
		story_receive(&s, B, QUEUE, 1 + i % 3, i / 7, 0);
	}
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

START_TEST(removed_with_messages)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	for (uint32_t i = 0; i < 3; i++)
		story_send(&s, A, QUEUE, 1, i);
	story_receive(&s, B, QUEUE, 1, 0, 0);
	story_msgrm(&s, ROOT, QUEUE);
	story_expect(&s, TRIAL_ENDED, "lost-message");
	f = story_find(&s, "lost-message");
	ck_assert_str_eq(f->message,
			 "2 messages still in queue 7 (key 0x49500003) when 1 removed it");
	story_end(&s);
}
END_TEST

/* Its receipt is seen after the removal. */
START_TEST(removed_before_receipt_is_seen)
{
	struct story s;
	uint64_t early;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	early = s.now;
	story_msgrm(&s, ROOT, QUEUE);
	story_overlap(&s, early);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

/* Taken with other bytes than were sent, as far as is known: no message is left. */
START_TEST(removed_after_an_odd_receipt)
{
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_receive(&s, B, QUEUE, 1, 2, 0);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "duplicate-message");
}
END_TEST

START_TEST(removed_by_a_rule)
{
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	s.flags = EVENT_INJECTED | EVENT_NOT_PERFORMED;
	story_fail(&s, EIDRM);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_fail(&s, EINVAL);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

START_TEST(left_at_the_end)
{
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_left(&s, OBJECT_MSG, QUEUE, 1, 100);
	story_shows(&s, "leak,lost-message");

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_left(&s, OBJECT_MSG, QUEUE, 1, 100);
	story_expect(&s, TRIAL_STOPPED, "");
	story_end(&s);
}
END_TEST

START_TEST(unknown_effects)
{
	struct story s;

	/* A receipt that a longjmp left. */
	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	s.flags = EVENT_ABANDONED;
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");

	/* Somebody whom nobody follows may have taken it. */
	begin(&s);
	model_unfollowed(s.model);
	story_send(&s, A, QUEUE, 1, 1);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");

	/* A sender killed from outside, its sending unrecorded. */
	begin(&s);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_killed(&s, A, 9);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");

	/* Not sent at all. */
	begin(&s);
	story_fail(&s, EAGAIN);
	story_send(&s, A, QUEUE, 1, 1);
	s.flags = EVENT_NOT_PERFORMED;
	story_send(&s, A, QUEUE, 1, 2);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

START_TEST(receipts_seen_first)
{
	struct story s;

	begin(&s);
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t early = s.now;

		story_receive(&s, B, QUEUE, 1, i, 0);
		story_overlap(&s, early);
		story_send(&s, A, QUEUE, 1, i);
	}
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

START_TEST(peeked_and_taken)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 7);
	story_receive(&s, A, QUEUE, 1, 7, MSG_COPY | IPC_NOWAIT);
	story_receive(&s, B, QUEUE, 1, 7, 0);
	story_expect(&s, TRIAL_ENDED, "duplicate-message");
	f = story_find(&s, "duplicate-message");
	ck_assert_uint_eq(f->n_stacks, 3);
	story_end(&s);

	/* Only looked at. */
	begin(&s);
	story_send(&s, A, QUEUE, 1, 7);
	story_receive(&s, A, QUEUE, 1, 7, MSG_COPY | IPC_NOWAIT);
	story_shows(&s, "");
}
END_TEST

START_TEST(received_once_too_often)
{
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 7);
	story_receive(&s, B, QUEUE, 1, 7, 0);
	story_receive(&s, B, QUEUE, 1, 7, 0);
	story_shows(&s, "duplicate-message");

	/* What is sent later cannot be what was received. */
	begin(&s);
	story_receive(&s, B, QUEUE, 1, 7, 0);
	story_send(&s, A, QUEUE, 1, 7);
	story_shows(&s, "duplicate-message");
}
END_TEST

START_TEST(cut_short)
{
	struct event event = { .call = CALL_msgrcv,
			       .object = OBJECT_REF(OBJECT_MSG, QUEUE),
			       .result = 2,
			       .length = 2,
			       .digest = 99,
			       .arg = { QUEUE, 0, 2, 1, MSG_NOERROR, 1 } };
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 7);
	story_call(&s, B, event, NULL, 0);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

START_TEST(id_used_again)
{
	struct story s;

	begin(&s);
	story_msgrm(&s, ROOT, QUEUE);
	story_msgget(&s, ROOT, KEY, IPC_CREAT | IPC_EXCL, QUEUE);
	story_send(&s, A, QUEUE, 1, 1);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_msgrm(&s, ROOT, QUEUE);
	story_shows(&s, "");
}
END_TEST

static Suite *msg_suite(void)
{
	const struct unit_case cases[] = {
		{ "all-received", all_received },
		{ "removed-with-messages", removed_with_messages },
		{ "removed-before-receipt", removed_before_receipt_is_seen },
		{ "removed-after-odd-receipt", removed_after_an_odd_receipt },
		{ "removed-by-a-rule", removed_by_a_rule },
		{ "left-at-the-end", left_at_the_end },
		{ "unknown-effects", unknown_effects },
		{ "receipts-seen-first", receipts_seen_first },
		{ "peeked-and-taken", peeked_and_taken },
		{ "received-too-often", received_once_too_often },
		{ "cut-short", cut_short },
		{ "id-used-again", id_used_again },
	};

	return unit_suite("model-msg", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { msg_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
