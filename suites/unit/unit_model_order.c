/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_order - order on queues, within a type and as declared; declarations read. */
#include <string.h>
#include <sys/ipc.h>

#include "story.h"

enum { A = 1, B = 2, QUEUE = 7, KEY = 0x49500003 };
#define BY_SENDER "queue key:0x49500003 by sender u32@0"

static void begin_with(struct story *s, const char *order)
{
	story_begin_with(s, order, false);
	story_msgget(s, ROOT, KEY, IPC_CREAT | IPC_EXCL | 0600, QUEUE);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

static void begin(struct story *s)
{
	begin_with(s, NULL);
}

START_TEST(fifo_within_a_type)
{
	struct story s;

	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, A, QUEUE, 1, 2);
	story_receive(&s, B, QUEUE, 1, 2, 0);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "order");

	/* Other types may overtake. */
	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, A, QUEUE, 2, 2);
	story_receive(&s, B, QUEUE, 2, 2, 0);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(concurrent_is_not_wrong)
{
	struct story s;
	uint64_t early;

	/* Sent at the same time. */
	begin(&s);
	early = s.now;
	story_send(&s, A, QUEUE, 1, 1);
	story_overlap(&s, early);
	story_send(&s, B, QUEUE, 1, 2);
	story_receive(&s, B, QUEUE, 1, 2, 0);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "");

	/* Received at the same time. */
	begin(&s);
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, A, QUEUE, 1, 2);
	early = s.now;
	story_receive(&s, B, QUEUE, 1, 2, 0);
	story_overlap(&s, early);
	story_receive(&s, A, QUEUE, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

/* The first of two equal messages is seen last: which was received when, nobody can tell. */
START_TEST(equal_messages)
{
	struct story s;
	uint64_t early;

	begin(&s);
	early = s.now;
	story_send(&s, A, QUEUE, 1, 2);
	story_send(&s, A, QUEUE, 1, 1);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_receive(&s, B, QUEUE, 1, 2, 0);
	story_overlap(&s, early - 1);
	story_send(&s, B, QUEUE, 1, 1);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(declared_order)
{
	const struct finding *f;
	struct story s;

	begin_with(&s, BY_SENDER);
	story_send(&s, A, QUEUE, 2, 1);
	story_send(&s, A, QUEUE, 1, 2);
	story_send(&s, B, QUEUE, 1, 1);
	story_receive(&s, ROOT, QUEUE, 1, 2, 0);
	story_receive(&s, ROOT, QUEUE, 1, 1, 0);
	story_receive(&s, ROOT, QUEUE, 2, 1, 0);
	story_expect(&s, TRIAL_ENDED, "order");
	f = story_find(&s, "order");
	ck_assert_ptr_nonnull(strstr(f->message,
				     "number 1 of 1.1 came through queue 7 (key 0x49500003) "
				     "after its number 2"));
	story_end(&s);
}
END_TEST

/* Two receivers at the same time: whose came first, nobody can tell. */
START_TEST(declared_but_concurrent)
{
	struct story s;
	uint64_t early;

	begin_with(&s, BY_SENDER);
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, A, QUEUE, 2, 2);
	early = s.now;
	story_receive(&s, ROOT, QUEUE, 2, 2, 0);
	story_overlap(&s, early);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	story_shows(&s, "");
}
END_TEST

START_TEST(declared_order_kept)
{
	struct story s;

	begin_with(&s, BY_SENDER);
	for (uint32_t i = 1; i < 200; i++) {
		story_send(&s, A, QUEUE, 1 + i % 2, i);
		story_send(&s, B, QUEUE, 1, i);
		story_receive(&s, ROOT, QUEUE, 1, i, 0);
		story_receive(&s, ROOT, QUEUE, 1 + i % 2, i, 0);
	}
	story_shows(&s, "");
}
END_TEST

START_TEST(declared_number_long_ago)
{
	struct story s;

	begin_with(&s, BY_SENDER);
	for (uint32_t i = 1; i < 100; i++) {
		story_send(&s, A, QUEUE, 1, i == 20 ? 5000 : i);
		story_receive(&s, ROOT, QUEUE, 1, i == 20 ? 5000 : i, 0);
	}
	story_shows(&s, "order");
}
END_TEST

START_TEST(declared_number_twice)
{
	struct story s;

	begin_with(&s, BY_SENDER);
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, A, QUEUE, 2, 1);
	story_receive(&s, ROOT, QUEUE, 1, 1, 0);
	story_receive(&s, ROOT, QUEUE, 2, 1, 0);
	story_shows(&s, "duplicate-message");
}
END_TEST

START_TEST(declared_by_type)
{
	struct story s;

	begin_with(&s, "queue id:7 by type u32@0");
	story_send(&s, A, QUEUE, 1, 1);
	story_send(&s, B, QUEUE, 1, 1);
	story_receive(&s, ROOT, QUEUE, 1, 1, 0);
	story_receive(&s, ROOT, QUEUE, 1, 1, 0);
	story_shows(&s, "duplicate-message");
}
END_TEST

START_TEST(orders_read)
{
	static const struct {
		const char *text;
		struct order_declaration order;
	} good[] = {
		{ "queue key:0x1234 by sender u32@0", { true, 0x1234, 4, 0, true, "" } },
		{ "queue id:7 by type u64@16", { false, 7, 8, 16, false, "" } },
		{ "  queue\tkey:10  by sender u8@3 ", { true, 10, 1, 3, true, "" } },
		{ "queue key:0xffffffff by type u16@2", { true, -1, 2, 2, false, "" } },
		{ "queue name:/jobs by type u8@1", { false, 0, 1, 1, false, "/jobs" } },
	};

	for (size_t i = 0; i < SUITE_COUNT(good); i++) {
		struct order_declaration order;
		unsigned int column;
		const char *expected;

		ck_assert_int_eq(order_parse(good[i].text, &order, &column, &expected), 0);
		ck_assert_int_eq(order.by_key, good[i].order.by_key);
		ck_assert_str_eq(order.name, good[i].order.name);
		if (!order.name[0])
			ck_assert_int_eq(order.queue, good[i].order.queue);
		ck_assert_uint_eq(order.width, good[i].order.width);
		ck_assert_uint_eq(order.offset, good[i].order.offset);
		ck_assert_int_eq(order.by_sender, good[i].order.by_sender);
	}
}
END_TEST

START_TEST(orders_refused)
{
	static const struct {
		const char *text;
		unsigned int column;
		const char *expected;
	} bad[] = {
		{ "", 0, "\"queue\"" },
		{ "pipe", 0, "\"queue\"" },
		{ "queues key:1", 0, "\"queue\"" },
		{ "queue 5 by sender u32@0", 6, "key:NUMBER, id:NUMBER or name:/NAME" },
		{ "queue key:", 6, "key:NUMBER, id:NUMBER or name:/NAME" },
		{ "queue key:0x1ffffffff by sender u32@0", 6,
		  "key:NUMBER, id:NUMBER or name:/NAME" },
		{ "queue id:1x by sender u32@0", 6, "key:NUMBER, id:NUMBER or name:/NAME" },
		{ "queue id:1 for sender u32@0", 11, "\"by\"" },
		{ "queue id:1 by senders u32@0", 14, "\"sender\" or \"type\"" },
		{ "queue id:1 by sender u24@0", 21,
		  "u8@OFFSET, u16@OFFSET, u32@OFFSET or u64@OFFSET" },
		{ "queue id:1 by sender u32@-1", 21,
		  "u8@OFFSET, u16@OFFSET, u32@OFFSET or u64@OFFSET" },
		{ "queue id:1 by sender u32@0 x", 27, "the end" },
	};

	for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
		struct order_declaration order;
		unsigned int column = 99;
		const char *expected = "";

		ck_assert_msg(order_parse(bad[i].text, &order, &column, &expected) == -1, "%s",
			      bad[i].text);
		ck_assert_msg(column == bad[i].column && !strcmp(expected, bad[i].expected),
			      "%s: %u: %s", bad[i].text, column, expected);
	}
}
END_TEST

static Suite *order_suite(void)
{
	const struct unit_case cases[] = {
		{ "fifo-within-a-type", fifo_within_a_type },
		{ "concurrent", concurrent_is_not_wrong },
		{ "equal-messages", equal_messages },
		{ "declared-order", declared_order },
		{ "declared-but-concurrent", declared_but_concurrent },
		{ "declared-order-kept", declared_order_kept },
		{ "declared-long-ago", declared_number_long_ago },
		{ "declared-twice", declared_number_twice },
		{ "declared-by-type", declared_by_type },
		{ "orders-read", orders_read },
		{ "orders-refused", orders_refused },
	};

	return unit_suite("model-order", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { order_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
