/* SPDX-License-Identifier: Apache-2.0 */
/* unit_watch_fd - who is stuck, and why: waits for descriptors and for locks on files. */
#include "scene.h"

START_TEST(pipe_ends)
{
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_READ, scene_pipe(5, true), 0);
	scene_waits(b, 0, WAIT_LIVE, 0);
	scene_solved("LL"); /* nobody has the writing end: somebody outside */
	scene_has_file(a, scene_pipe(5, false));
	scene_solved("SL"); /* the reader alone has it */
	scene_has_file(b, scene_pipe(5, false));
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(withheld)
{
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_READ, scene_pipe(5, true), 0);
	scene_has_file(b, scene_pipe(5, false));
	scene_waits(b, 0, WAIT_CHILD, 0)->id = -1; /* of no kind that matches */
	scene.proc[a].ppid = PID(1);
	scene.task[1].id = 0; /* P_ALL */
	scene_solved("SS");
	scene_caused(CAUSE_CYCLE, 2); /* b may have meant to write */
	scene_moved(2, CALL_write, OBJECT_REF(OBJECT_PIPE, 5));
	s->n_processes = 3;
	scene_caused(CAUSE_WITHHELD, 1); /* somebody else has, and is gone */
	scene_moved(1, CALL_write, OBJECT_REF(OBJECT_PIPE, 5));
	scene_caused(CAUSE_CYCLE, 2);
	scene_end();
}
END_TEST

START_TEST(withheld_by_itself)
{
	uint32_t a;

	scene_begin();
	a = scene_proc(ROOT);
	scene_waits_fd(a, 0, WAIT_READ, scene_pipe(5, true), 0);
	scene_has_file(a, scene_pipe(5, false));
	scene_solved("S");
	scene_caused(CAUSE_WITHHELD, 1);
	scene_moved(ROOT, CALL_write, OBJECT_REF(OBJECT_PIPE, 5));
	scene_caused(CAUSE_MISSING, 1);
	scene_end();
}
END_TEST

START_TEST(both_read_first)
{
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_READ, scene_socket(10), 11);
	scene_waits_fd(b, 0, WAIT_READ, scene_socket(11), 10);
	scene_solved("SS");
	scene_caused(CAUSE_CYCLE, 2);
	scene_end();
}
END_TEST

START_TEST(sockets)
{
	uint32_t a, b, c;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	c = scene_proc(2);
	scene_waits_fd(a, 0, WAIT_READ, scene_socket(10), 11);
	scene_waits(b, 0, WAIT_LIVE, 0);
	scene_has_file(c, scene_socket(11));
	scene_waits(c, 0, WAIT_SIGNAL, 0);
	scene_solved("SLS"); /* who runs has not that socket */
	scene_has_file(b, scene_socket(10));
	scene_solved("LLS"); /* ... and could now shut it down */
	scene_end();
}
END_TEST

START_TEST(in_flight)
{
	struct event passed = { .call = CALL_sendmsg,
				.result = 1,
				.arg = { 0, 0, 0, 1, OBJECT_REF(OBJECT_PIPE, 5) } };
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_READ, scene_pipe(5, true), 0);
	scene_waits(b, 0, WAIT_SIGNAL, 0);
	scene_has_file(b, scene_socket(10));
	scene.hold[1].flying = true;
	scene_solved("LS"); /* another one, for all that is known */
	observe_descriptors(s, &s->process[ROOT], &passed, NULL);
	scene_solved("SS");
	scene.task[1].kind = WAIT_LIVE;
	scene_solved("LL");
	scene_end();
}
END_TEST

START_TEST(crowds)
{
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_ACCEPT, scene_socket(10), 0);
	scene.target[0].crowd = true;
	scene_waits(b, 0, WAIT_LIVE, 0);
	scene_solved("LL");
	scene.n_tasks = 1;
	scene_solved("S");
	scene_caused(CAUSE_MISSING, 1);
	scene_end();
}
END_TEST

START_TEST(queues_and_events)
{
	struct file queue = { .kind = FILE_QUEUE, .reads = true, .dev = 1, .ino = 3 };
	struct file event = { .kind = FILE_EVENT, .reads = true, .writes = true, .ino = 9 };
	uint32_t a, b;

	scene_begin();
	a = scene_proc(ROOT);
	b = scene_proc(1);
	scene_waits_fd(a, 0, WAIT_RECEIVE, queue, 0);
	scene_waits_fd(a, 1, WAIT_READ, event, 0);
	scene_waits(b, 0, WAIT_LIVE, 0);
	scene_has_file(b, queue); /* for reading */
	scene_solved("SSL");
	queue.writes = true;
	scene_has_file(b, queue);
	scene_has_file(b, event);
	scene_solved("LLL");
	scene_end();
}
END_TEST

static void has_lock(uint32_t of, int fd, enum file_lock_kind kind, uint64_t first, uint64_t last)
{
	scene.lock[scene.n_locks++] =
		(struct held_lock){ { kind, true, first, last }, 1, 7, of, fd };
}

START_TEST(file_locks)
{
	struct task *a;
	uint32_t p, q;

	scene_begin();
	p = scene_proc(ROOT);
	q = scene_proc(1);
	a = scene_waits(p, 0, WAIT_FILE_LOCK, OBJECT_REF(OBJECT_FILE, 1));
	a->memory.dev = 1;
	a->memory.ino = 7;
	a->id = 3;
	a->wanted = (struct file_lock){ FILE_LOCK_PROCESS, true, 0, 9 };
	scene_waits(q, 0, WAIT_LIVE, 0);
	has_lock(p, 4, FILE_LOCK_PROCESS, 0, 9); /* its own */
	has_lock(q, 4, FILE_LOCK_PROCESS, 10, 19);
	scene_solved("LL"); /* somebody outside has what it wants */
	has_lock(p, 5, FILE_LOCK_OFD, 5, 5);
	scene_solved("SL"); /* its own too, by another way */
	scene_caused(CAUSE_CYCLE, 1);
	has_lock(q, 5, FILE_LOCK_PROCESS, 9, 9);
	scene_solved("LL");
	scene_end();
}
END_TEST

static Suite *watch_fd_suite(void)
{
	const struct unit_case cases[] = {
		{ "pipe-ends", pipe_ends },
		{ "withheld", withheld },
		{ "withheld-by-itself", withheld_by_itself },
		{ "both-read-first", both_read_first },
		{ "sockets", sockets },
		{ "in-flight", in_flight },
		{ "crowds", crowds },
		{ "queues-and-events", queues_and_events },
		{ "file-locks", file_locks },
	};

	return unit_suite("watch-fd", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { watch_fd_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
