/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_mq - POSIX queues: lost-message, order and duplicate-message, and silence otherwise.
 */
#include <fcntl.h>
#include <string.h>

#include "story.h"

#define QUEUE OBJECT_REF(OBJECT_MQ, 0x1234)
enum { A = 1, B = 2 };
static const char name[] = "/jobs";

static void open_queue(struct story *s, uint32_t process)
{
	story_call(s, process,
		   (struct event){ .call = CALL_mq_open,
				   .object = QUEUE,
				   .result = 3,
				   .arg = { 0, O_CREAT | O_RDWR } },
		   name, sizeof(name));
}

static void begin(struct story *s, const char *order)
{
	story_begin_with(s, order, false);
	open_queue(s, ROOT);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

static void send(struct story *s, uint32_t process, int priority, uint32_t number)
{
	story_call(s, process,
		   (struct event){ .call = CALL_mq_send,
				   .object = QUEUE,
				   .length = sizeof(number),
				   .digest = number + 1,
				   .arg = { 3, 0, sizeof(number), priority } },
		   &number, sizeof(number));
}

static void receive(struct story *s, uint32_t process, int priority, uint32_t number)
{
	story_call(s, process,
		   (struct event){ .call = CALL_mq_receive,
				   .object = QUEUE,
				   .length = sizeof(number),
				   .result = sizeof(number),
				   .digest = number + 1,
				   .arg = { 3, 0, sizeof(number), 0, 0, priority } },
		   &number, sizeof(number));
}

static void unlink_queue(struct story *s)
{
	story_call(s, ROOT, (struct event){ .call = CALL_mq_unlink, .object = QUEUE }, name,
		   sizeof(name));
}

START_TEST(by_priority)
{
	struct story s;

	begin(&s, NULL);
	send(&s, A, 1, 1);
	send(&s, A, 5, 2);
	receive(&s, B, 5, 2);
	unlink_queue(&s);
	/* the name is gone, the queue is not */
	receive(&s, B, 1, 1);
	story_shows(&s, "");
}
END_TEST

START_TEST(against_priority)
{
	const struct finding *f;
	struct story s;

	begin(&s, NULL);
	send(&s, A, 1, 1);
	send(&s, A, 5, 2);
	receive(&s, B, 1, 1);
	receive(&s, B, 5, 2);
	story_expect(&s, TRIAL_ENDED, "order");
	f = story_find(&s, "order");
	ck_assert_str_eq(
		f->message,
		"queue /jobs gave a message of priority 1 while one of priority 5 was in it");
	story_end(&s);
}
END_TEST

/* The higher one came in while the lower one was on its way out. */
START_TEST(priority_overlaps)
{
	struct story s;
	uint64_t early;

	begin(&s, NULL);
	send(&s, A, 1, 1);
	early = ++s.now;
	send(&s, A, 5, 2);
	story_overlap(&s, early);
	receive(&s, B, 1, 1);
	receive(&s, B, 5, 2);
	story_shows(&s, "");
}
END_TEST

START_TEST(unlinked_with_messages)
{
	const struct finding *f;
	struct story s;

	begin(&s, NULL);
	send(&s, A, 1, 1);
	send(&s, A, 1, 2);
	receive(&s, B, 1, 1);
	unlink_queue(&s);
	story_expect(&s, TRIAL_ENDED, "lost-message");
	f = story_find(&s, "lost-message");
	ck_assert_str_eq(f->message, "1 message still in queue /jobs when 1 removed it");
	story_end(&s);
}
END_TEST

START_TEST(received_twice)
{
	struct story s;

	begin(&s, NULL);
	send(&s, A, 1, 1);
	receive(&s, B, 1, 1);
	receive(&s, B, 1, 1);
	unlink_queue(&s);
	story_shows(&s, "duplicate-message");
}
END_TEST

START_TEST(declared_order)
{
	struct story s;

	begin(&s, "queue name:/jobs by sender u32@0");
	send(&s, A, 1, 2);
	send(&s, A, 1, 1);
	receive(&s, B, 1, 2);
	receive(&s, B, 1, 1);
	unlink_queue(&s);
	story_shows(&s, "order");
	begin(&s, "queue name:/others by sender u32@0");
	send(&s, A, 1, 2);
	send(&s, A, 1, 1);
	receive(&s, B, 1, 2);
	receive(&s, B, 1, 1);
	unlink_queue(&s);
	story_shows(&s, "");
}
END_TEST

static Suite *mq_suite(void)
{
	const struct unit_case cases[] = {
		{ "by-priority", by_priority },
		{ "against-priority", against_priority },
		{ "priority-overlaps", priority_overlaps },
		{ "unlinked-with-messages", unlinked_with_messages },
		{ "received-twice", received_twice },
		{ "declared-order", declared_order },
	};

	return unit_suite("model-mq", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { mq_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
