/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_query - what the deadlock watch and the reports ask of the model, and the findings'
 * list. */
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "story.h"

enum { A = 1, B = 2, SET = 5, QUEUE = 7 };

static void begin(struct story *s)
{
	story_begin(s);
	story_set(s, SET, 2, 1);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

START_TEST(holders)
{
	uint64_t set = OBJECT_REF(OBJECT_SEM, SET);
	struct lock_holder holder[4];
	struct story s;

	begin(&s);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 0, holder, 4), 0);
	ck_assert_uint_eq(model_lock_holders(s.model, OBJECT_REF(OBJECT_SEM, 999), 0, holder, 4),
			  0);
	s.thread = 3;
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 0, holder, 4), 1);
	ck_assert_uint_eq(holder[0].process, A);
	ck_assert_uint_eq(holder[0].thread, 3);
	ck_assert_int_eq(holder[0].units, 1);
	ck_assert(holder[0].restored && holder[0].alive);
	ck_assert_uint_ne(holder[0].stack, 0);
	story_semop(&s, A, SET, 0, 1, SEM_UNDO);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 0, holder, 4), 0);

	/* Undo lets go at the death, else it stays held by the dead. */
	story_semop(&s, A, SET, 0, -1, SEM_UNDO);
	story_semop(&s, A, SET, 1, -1, 0);
	story_killed_by_rule(&s, A);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 0, holder, 4), 0);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 1, holder, 4), 1);
	ck_assert(!holder[0].alive && !holder[0].restored);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 1, holder, 0), 1);
	story_semop(&s, B, SET, 1, 1, 0);
	ck_assert_uint_eq(model_lock_holders(s.model, set, 1, holder, 4), 0);
	story_end(&s);
}
END_TEST

START_TEST(is_lock)
{
	uint64_t set = OBJECT_REF(OBJECT_SEM, SET);
	struct story s;

	begin(&s);
	ck_assert(model_is_lock(s.model, set, 0));
	ck_assert(!model_is_lock(s.model, set, 77));
	ck_assert(!model_is_lock(s.model, OBJECT_REF(OBJECT_SEM, 999), 0));
	story_semop(&s, A, SET, 0, -1, 0);
	story_semop(&s, A, SET, 0, 1, 0);
	ck_assert(model_is_lock(s.model, set, 0));
	story_semop(&s, B, SET, 0, 1, 0);
	ck_assert(!model_is_lock(s.model, set, 0));
	story_setval(&s, ROOT, SET, 1, 4);
	ck_assert(!model_is_lock(s.model, set, 1));
	story_end(&s);
}
END_TEST

START_TEST(has_woken)
{
	uint64_t set = OBJECT_REF(OBJECT_SEM, SET), queue = OBJECT_REF(OBJECT_MSG, QUEUE);
	uint64_t child = OBJECT_REF(OBJECT_PROCESS, 100 + B);
	struct story s;

	begin(&s);
	story_msgget(&s, ROOT, IPC_PRIVATE, IPC_CREAT, QUEUE);
	ck_assert(!model_has_woken(s.model, ROOT, set, WAKES_SEM));
	story_semop(&s, A, SET, 0, -1, 0);
	ck_assert(!model_has_woken(s.model, A, set, WAKES_SEM));
	story_semop(&s, B, SET, 0, 0, 0);
	ck_assert(model_has_woken(s.model, A, set, WAKES_SEM));
	story_semop(&s, B, SET, 0, 1, 0);
	ck_assert(model_has_woken(s.model, B, set, WAKES_SEM));
	story_setval(&s, ROOT, SET, 0, 1);
	ck_assert(model_has_woken(s.model, ROOT, set, WAKES_SEM));
	story_send(&s, A, QUEUE, 1, 1);
	story_receive(&s, B, QUEUE, 1, 1, 0);
	ck_assert(model_has_woken(s.model, A, queue, WAKES_RECEIVER));
	ck_assert(!model_has_woken(s.model, A, queue, WAKES_SENDER));
	ck_assert(model_has_woken(s.model, B, queue, WAKES_SENDER));
	story_call(&s, A, (struct event){ .call = CALL_kill, .arg = { 100 + B, 10 } }, NULL, 0);
	ck_assert(model_has_woken(s.model, A, child, WAKES_SEM));
	ck_assert(!model_has_woken(s.model, ROOT, child, WAKES_SEM));
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
	struct event made = { .call = CALL_mkfifo, .object = OBJECT_REF(OBJECT_FIFO, 9) };
	struct story s;

	begin(&s);
	story_semget(&s, A, 0x1234, IPC_CREAT, 0);
	story_msgget(&s, A, IPC_PRIVATE, IPC_CREAT, QUEUE);
	story_pipe(&s, B, 50, 3, 4);
	story_pipe(&s, B, 51, 5, 6);
	story_call(&s, A, made, "/tmp/x", 7);
	check_name(&s, OBJECT_REF(OBJECT_SEM, 0), "semaphore set 0 (key 0x1234)");
	check_name(&s, OBJECT_REF(OBJECT_MSG, QUEUE), "queue 7 (private)");
	check_name(&s, OBJECT_REF(OBJECT_PIPE, 51), "pipe 1.2#2");
	check_name(&s, OBJECT_REF(OBJECT_FIFO, 9), "FIFO /tmp/x");
	check_name(&s, OBJECT_REF(OBJECT_SHM, 3), "shared memory 3");
	check_name(&s, OBJECT_REF(OBJECT_PROCESS, 100 + B), "process 1.2");
	ck_assert_int_eq(model_find_pid(s.model, 100 + B), B);
	ck_assert_int_eq(model_find_pid(s.model, 5), -1);
	ck_assert_str_eq(model_lineage(s.model, 99), "?");
	story_end(&s);
}
END_TEST

/* The same program with other pids, ids and inodes, and another key from ftok. */
static uint64_t mark_of(int id, int inode, int key, uint64_t *keyed, uint64_t *pipe)
{
	struct story s;
	uint64_t mark;

	story_begin(&s);
	story_semget(&s, ROOT, IPC_PRIVATE, IPC_CREAT, id);
	story_pipe(&s, ROOT, inode, 3, 4);
	s.site = 77;
	story_call(&s, ROOT, (struct event){ .call = CALL_ftok, .result = key }, NULL, 0);
	story_semget(&s, ROOT, key, IPC_CREAT, id + 1);
	mark = model_object_mark(s.model, OBJECT_REF(OBJECT_SEM, id));
	*keyed = model_object_mark(s.model, OBJECT_REF(OBJECT_SEM, id + 1));
	*pipe = model_object_mark(s.model, OBJECT_REF(OBJECT_PIPE, inode));
	story_end(&s);
	return mark;
}

START_TEST(marks_are_stable)
{
	uint64_t keyed[2], pipe[2];

	ck_assert_uint_eq(mark_of(3, 50, 0x111, &keyed[0], &pipe[0]),
			  mark_of(9, 88, 0x222, &keyed[1], &pipe[1]));
	ck_assert_uint_eq(keyed[0], keyed[1]);
	ck_assert_uint_eq(pipe[0], pipe[1]);
	ck_assert_uint_ne(keyed[0], pipe[0]);
}
END_TEST

/* Nothing that a subject could have written into an event may break the model. */
START_TEST(odd_events)
{
	struct event event = { .call = CALL_N };
	struct story s;

	begin(&s);
	model_event(s.model, 0, 0, &event, NULL);
	for (unsigned int call = 0; call < CALL_N; call++)
		for (unsigned int kind = 0; kind < 256; kind += kind < OBJECT_N ? 1 : 60)
			for (int64_t arg = -1; arg <= 1; arg++) {
				event = (struct event){ .call = (uint16_t)call,
							.object = OBJECT_REF(kind, 1 + arg),
							.result = 1,
							.length = UINT32_MAX,
							.arg = { arg, arg, arg, arg, arg, arg } };
				event.exit_tsc = 1;
				model_event(s.model, A, 0, &event, NULL);
				model_event(s.model, 99, 0, &event, NULL);
			}
	model_process_end(s.model, 99, &(struct process_end){ .kind = END_EXIT }, 5);
	model_process_begin(s.model, A, NO_PARENT, "x", "y", 7, 1);
	model_finish(s.model, TRIAL_ENDED, NULL, 0);
	story_end(&s);
}
END_TEST

START_TEST(findings_once)
{
	struct finding_list list = { 0 };
	struct finding *f;
	uint64_t fingerprint;

	for (int i = 0; i < 2; i++) {
		f = finding_new("deadlock", "cycle");
		finding_mark(f, i ? 1 : 2);
		finding_mark(f, i ? 2 : 1);
		fingerprint = f->fingerprint;
		ck_assert_int_eq(findings_add(&list, f), !i);
	}
	ck_assert_uint_eq(list.n_seen[0], 2);
	ck_assert_int_eq(findings_add(&list, finding_new("deadlock", "lost wake-up")), 1);
	findings_withdraw(&list, 12345);
	ck_assert_uint_eq(list.n, 2);
	findings_withdraw(&list, fingerprint);
	ck_assert_uint_eq(list.n, 1);
	ck_assert_str_eq(list.item[0]->cause, "lost wake-up");
	findings_free(&list);
}
END_TEST

START_TEST(finding_has_bounds)
{
	struct finding *f = finding_new(
		"hang", "a cause that is a good deal longer than its field has room for");
	struct finding_list list = { 0 };
	char text[600];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (unsigned int i = 0; i < 100; i++) {
		text[0] = (char)(33 + i % 90);
		finding_lineage(f, text);
		finding_object(f, text);
		finding_stack(f, text, 1, "%s", text);
		finding_detail(f, "%s", text);
	}
	finding_message(f, "%s", text);
	ck_assert_uint_eq(f->n_lineages, FINDING_LINEAGES);
	ck_assert_uint_eq(f->n_objects, FINDING_OBJECTS);
	ck_assert_uint_eq(f->n_stacks, FINDING_STACKS);
	ck_assert_uint_eq(f->n_details, FINDING_DETAILS);
	ck_assert_uint_eq(strlen(f->message), sizeof(f->message) - 1);
	findings_add(&list, f);
	findings_free(&list);
}
END_TEST

START_TEST(all_kinds_are_listed)
{
	static const char *const kinds[] = {
		"deadlock",          "lost-wakeup",   "hang",          "crash",    "exit",
		"sem-undo",          "held-at-death", "undo-mismatch", "sem-init", "lost-message",
		"duplicate-message", "order",         "torn-message",  "leak",     "lock-order",
		"robust-mutex",
	};

	for (size_t i = 0; i < SUITE_COUNT(kinds); i++) {
		ck_assert_str_eq(invariants[i]->name, kinds[i]);
		ck_assert_int_eq(invariants[i]->about[strlen(invariants[i]->about) - 1], '.');
	}
	ck_assert_ptr_null(invariants[SUITE_COUNT(kinds)]);
}
END_TEST

static Suite *query_suite(void)
{
	const struct unit_case cases[] = {
		{ "holders", holders },
		{ "is-lock", is_lock },
		{ "has-woken", has_woken },
		{ "names", names },
		{ "marks-are-stable", marks_are_stable },
		{ "odd-events", odd_events },
		{ "findings-once", findings_once },
		{ "finding-has-bounds", finding_has_bounds },
		{ "all-kinds-are-listed", all_kinds_are_listed },
	};

	return unit_suite("model-query", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { query_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
