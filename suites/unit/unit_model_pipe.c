/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_pipe - torn-message and lost-message on pipes, leaks and zombies. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>

#include "story.h"

enum { A = 1, B = 2, PIPE = 77, READ_END = 3, WRITE_END = 4, CAPACITY = 65536 };

static void begin(struct story *s)
{
	story_begin(s);
	story_pipe(s, ROOT, PIPE, READ_END, WRITE_END);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

static void write_inside(struct story *s, uint32_t large_before, uint32_t length, uint32_t other)
{
	uint64_t early = ++s->now;

	story_write(s, other, PIPE, 100, 0, 0);
	story_overlap(s, early);
	story_write(s, A, PIPE, length, large_before, CAPACITY);
}

START_TEST(torn)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	write_inside(&s, 60000, 8192, B);
	story_expect(&s, TRIAL_ENDED, "torn-message");
	f = story_find(&s, "torn-message");
	ck_assert_str_eq(f->object[0], "pipe 1#1");
	ck_assert_str_eq(f->message, "1.1 (story) wrote 8192 bytes to pipe 1#1 and had to wait; "
				     "100 bytes of 1.2 went in between");
	story_end(&s);
}
END_TEST

START_TEST(not_torn)
{
	struct story s;

	/* There was room; it is small enough; its own; one after the other. */
	begin(&s);
	write_inside(&s, 0, 8192, B);
	write_inside(&s, 65000, 4096, B);
	write_inside(&s, 60000, 8192, A);
	story_write(&s, B, PIPE, 100, 0, 0);
	story_write(&s, A, PIPE, 8192, 60000, CAPACITY);
	story_shows(&s, "");
}
END_TEST

/* Written by the root, a part of it read by A. */
static void leave_some(struct story *s, bool root_closes)
{
	begin(s);
	story_write(s, ROOT, PIPE, 100, 0, 0);
	story_close(s, ROOT, PIPE, WRITE_END, 0);
	story_close(s, B, PIPE, READ_END, 0);
	if (root_closes)
		story_close(s, ROOT, PIPE, READ_END, 0);
	story_read(s, A, PIPE, 40);
}

START_TEST(unread_bytes)
{
	const struct finding *f;
	struct story s;

	leave_some(&s, true);
	story_close(&s, A, PIPE, READ_END, 60);
	story_exit(&s, A);
	story_expect(&s, TRIAL_ENDED, "lost-message");
	f = story_find(&s, "lost-message");
	ck_assert_ptr_nonnull(strstr(f->message, "left 60 bytes unread"));
	story_end(&s);

	/* As the reader ends. */
	leave_some(&s, true);
	story_close(&s, A, PIPE, READ_END, 60);
	story_exit(&s, A);
	story_shows(&s, "lost-message");
}
END_TEST

/* The writer had kept the reading end, though it never read: so it is the last to close it. */
START_TEST(unread_by_the_other)
{
	uint64_t fingerprint[2];
	struct story s;

	for (int last = 0; last < 2; last++) {
		begin(&s);
		story_write(&s, ROOT, PIPE, 100, 0, 0);
		story_read(&s, A, PIPE, 40);
		story_close(&s, last ? ROOT : A, PIPE, READ_END, 60);
		story_expect(&s, TRIAL_ENDED, "lost-message");
		fingerprint[last] = s.findings.item[0]->fingerprint;
		story_end(&s);
	}
	ck_assert_uint_eq(fingerprint[0], fingerprint[1]);
}
END_TEST

START_TEST(unread_but_all_is_well)
{
	struct story s;

	/* Another can still read it: the shim has asked the kernel, and says that nothing is lost.
	 */
	leave_some(&s, false);
	story_close(&s, A, PIPE, READ_END, 0);
	story_exit(&s, A);
	story_wait(&s, ROOT, A);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	/* A later writer was told. */
	leave_some(&s, true);
	story_close(&s, A, PIPE, READ_END, 60);
	story_fail(&s, EPIPE);
	story_write(&s, ROOT, PIPE, 1, 0, 0);
	story_shows(&s, "");

	/* A writer died of it. */
	leave_some(&s, true);
	story_write(&s, B, PIPE, 1, 0, 0);
	story_close(&s, A, PIPE, READ_END, 61);
	story_killed(&s, B, SIGPIPE);
	story_shows(&s, "");

	/* A pipe to itself: to wake a poll. Others may have the ends too. */
	begin(&s);
	story_close(&s, A, PIPE, READ_END, 0);
	story_close(&s, B, PIPE, READ_END, 0);
	story_write(&s, ROOT, PIPE, 1, 0, 0);
	story_close(&s, ROOT, PIPE, READ_END, 1);
	story_shows(&s, "");

	/* Nobody knows what the others did. */
	leave_some(&s, true);
	model_unfollowed(s.model);
	story_close(&s, A, PIPE, READ_END, 60);
	story_shows(&s, "");

	leave_some(&s, true);
	story_close(&s, A, PIPE, READ_END, 60);
	story_expect(&s, TRIAL_STOPPED, "");
	story_end(&s);
}
END_TEST

START_TEST(unread_fifo)
{
	struct event made = { .call = CALL_mkfifo, .object = OBJECT_REF(OBJECT_FIFO, 9) };
	struct event opened = { .call = CALL_open,
				.object = OBJECT_REF(OBJECT_FIFO, 9),
				.result = 5,
				.arg = { 0, O_RDONLY } };
	struct event closed = { .call = CALL_close,
				.object = OBJECT_REF(OBJECT_FIFO, 9),
				.arg = { 5, 0, 0, 0, 8 } };
	struct event written = {
		.call = CALL_write, .object = OBJECT_REF(OBJECT_FIFO, 9), .length = 8, .result = 8
	};
	struct story s;

	begin(&s);
	story_call(&s, ROOT, made, "/tmp/x", 7);
	story_call(&s, A, opened, "/tmp/x", 7);
	story_call(&s, B, written, NULL, 0);
	story_call(&s, A, closed, NULL, 0);
	story_expect(&s, TRIAL_ENDED, "lost-message");
	ck_assert_str_eq(story_find(&s, "lost-message")->object[0], "FIFO /tmp/x");
	story_end(&s);

	/* The next one to open it may read on. */
	begin(&s);
	story_call(&s, ROOT, made, "/tmp/x", 7);
	story_call(&s, A, opened, "/tmp/x", 7);
	story_call(&s, B, written, NULL, 0);
	story_call(&s, A, closed, NULL, 0);
	story_call(&s, ROOT, opened, "/tmp/x", 7);
	story_shows(&s, "");
}
END_TEST

START_TEST(left_objects)
{
	struct story s;

	story_begin(&s);
	story_set(&s, 3, 1, 1);
	story_left(&s, OBJECT_SEM, 3, 0, 100);
	story_left(&s, OBJECT_SHM, 4, 0, 100);
	story_expect(&s, TRIAL_ENDED, "leak");
	ck_assert_uint_eq(s.findings.n, 2);
	ck_assert_str_eq(s.findings.item[0]->message,
			 "semaphore set 3 (private), made by 1 (story), is left at the end");
	ck_assert_str_eq(s.findings.item[0]->stack[0].label, "made it here");
	story_end(&s);
}
END_TEST

START_TEST(left_by_a_killed_maker)
{
	struct story s;

	for (int strict = 0; strict < 2; strict++) {
		story_begin_with(&s, NULL, strict);
		story_process(&s, A, ROOT, 1);
		story_semget(&s, A, IPC_PRIVATE, IPC_CREAT, 3);
		story_killed_by_rule(&s, A);
		story_left(&s, OBJECT_SEM, 3, 0, 101);
		story_expect(&s, TRIAL_ENDED, "orphaned-object");
		ck_assert_uint_eq(s.findings.item[0]->outcome, !strict);
		story_end(&s);
	}
}
END_TEST

static void end_child(struct story *s)
{
	story_begin(s);
	story_call(s, ROOT, (struct event){ .call = CALL_fork, .result = 100 + A }, NULL, 0);
	story_process(s, A, ROOT, 1);
	story_exit(s, A);
}

START_TEST(zombie)
{
	struct story s;

	end_child(&s);
	story_plain(&s, ROOT, CALL_nanosleep);
	story_exit(&s, ROOT);
	story_expect(&s, TRIAL_ENDED, "leak");
	ck_assert_str_eq(s.findings.item[0]->cause, "zombie");
	ck_assert_str_eq(s.findings.item[0]->stack[0].label, "made the child here");
	story_end(&s);
}
END_TEST

START_TEST(no_zombie)
{
	struct story s;

	/* Waited for, also by pclose; nothing done after; both ways of ignoring SIGCHLD. */
	end_child(&s);
	story_wait(&s, ROOT, A);
	story_plain(&s, ROOT, CALL_nanosleep);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	end_child(&s);
	story_call(&s, ROOT,
		   (struct event){ .call = CALL_pclose, .arg = { 0, 0, 0, 0, 0, 100 + A } }, NULL,
		   0);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	end_child(&s);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	/* What libraries do at the end is not going on. */
	end_child(&s);
	story_plain(&s, ROOT, CALL_pthread_mutex_lock);
	story_plain(&s, ROOT, CALL_pthread_mutex_unlock);
	story_plain(&s, ROOT, CALL_pthread_mutex_destroy);
	story_plain(&s, ROOT, CALL_sem_destroy);
	story_plain(&s, ROOT, CALL_munmap);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	story_begin(&s);
	story_call(&s, ROOT,
		   (struct event){ .call = CALL_signal,
				   .arg = { SIGCHLD, (int64_t)(intptr_t)SIG_IGN } },
		   NULL, 0);
	story_process(&s, A, ROOT, 1);
	story_exit(&s, A);
	story_plain(&s, ROOT, CALL_nanosleep);
	story_exit(&s, ROOT);
	story_shows(&s, "");

	/* A parent that did not end by itself. */
	end_child(&s);
	story_plain(&s, ROOT, CALL_nanosleep);
	story_killed(&s, ROOT, SIGTERM);
	story_shows(&s, "");

	end_child(&s);
	story_plain(&s, ROOT, CALL_nanosleep);
	story_stopped(&s, ROOT);
	story_expect(&s, TRIAL_STOPPED, "");
	story_end(&s);
}
END_TEST

/* A handler that waits once for two deaths. That it waited shows that SIGCHLD is not ignored. */
START_TEST(zombie_of_two)
{
	struct story s;

	story_begin(&s);
	story_call(&s, ROOT, (struct event){ .call = CALL_sigaction, .arg = { SIGCHLD, 1 } }, NULL,
		   0);
	story_process(&s, A, ROOT, 1);
	story_process(&s, B, ROOT, 2);
	story_exit(&s, A);
	story_exit(&s, B);
	story_wait(&s, ROOT, A);
	story_plain(&s, ROOT, CALL_pause);
	story_exit(&s, ROOT);
	story_shows(&s, "leak");
}
END_TEST

static Suite *pipe_suite(void)
{
	const struct unit_case cases[] = {
		{ "torn", torn },
		{ "not-torn", not_torn },
		{ "unread-bytes", unread_bytes },
		{ "unread-by-the-other", unread_by_the_other },
		{ "unread-but-well", unread_but_all_is_well },
		{ "unread-fifo", unread_fifo },
		{ "left-objects", left_objects },
		{ "left-by-a-killed-maker", left_by_a_killed_maker },
		{ "zombie", zombie },
		{ "no-zombie", no_zombie },
		{ "zombie-of-two", zombie_of_two },
	};

	return unit_suite("model-pipe", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { pipe_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
