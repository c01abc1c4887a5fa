/* SPDX-License-Identifier: Apache-2.0 */
/* unit_model_socket - what the two of a socketpair leave unread, and how sockets are called. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "story.h"

enum { A = 1, B = 2 };
#define LEFT OBJECT_REF(OBJECT_SOCKET, 11)
#define RIGHT OBJECT_REF(OBJECT_SOCKET, 12)

static void begin(struct story *s)
{
	story_begin(s);
	story_call(s, ROOT,
		   (struct event){
			   .call = CALL_socketpair,
			   .object = LEFT,
			   .arg = { AF_UNIX, SOCK_STREAM, 0, 0, (int64_t)LEFT, (int64_t)RIGHT } },
		   NULL, 0);
	story_process(s, A, ROOT, 1);
	story_process(s, B, ROOT, 2);
}

static void move(struct story *s, uint32_t process, unsigned int call, uint64_t end, uint32_t n)
{
	story_call(s, process,
		   (struct event){ .call = (uint16_t)call,
				   .object = end,
				   .length = n,
				   .result = n,
				   .arg = { 3, 0, n } },
		   NULL, 0);
}

static void close_end(struct story *s, uint32_t process, uint64_t end, int64_t n_left)
{
	story_call(
		s, process,
		(struct event){ .call = CALL_close, .object = end, .arg = { 3, 0, 0, 0, n_left } },
		NULL, 0);
}

START_TEST(unread)
{
	const struct finding *f;
	struct story s;

	begin(&s);
	move(&s, A, CALL_send, LEFT, 10);
	move(&s, B, CALL_recv, RIGHT, 4);
	close_end(&s, B, RIGHT, 6);
	story_expect(&s, TRIAL_ENDED, "lost-message");
	f = story_find(&s, "lost-message");
	ck_assert_str_eq(f->message,
			 "1.2 (story), the last reader of socket 1#2, left 6 bytes unread, "
			 "and no writer was told");
	story_end(&s);
}
END_TEST

START_TEST(all_read)
{
	struct story s;

	begin(&s);
	move(&s, A, CALL_send, LEFT, 10);
	/* closed by one while another still reads */
	close_end(&s, ROOT, RIGHT, 10);
	move(&s, B, CALL_recv, RIGHT, 10);
	close_end(&s, B, RIGHT, 0);
	story_shows(&s, "");
}
END_TEST

/* Whoever sends next learns that the other end is gone. */
START_TEST(writer_learns)
{
	struct story s;

	begin(&s);
	move(&s, A, CALL_send, LEFT, 10);
	close_end(&s, B, RIGHT, 10);
	story_fail(&s, EPIPE);
	move(&s, A, CALL_send, LEFT, 10);
	story_shows(&s, "");
}
END_TEST

/* A loop that wakes itself leaves bytes of its own. */
START_TEST(own_bytes)
{
	struct story s;

	begin(&s);
	move(&s, A, CALL_send, LEFT, 1);
	close_end(&s, A, RIGHT, 1);
	story_shows(&s, "");
}
END_TEST

START_TEST(names)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmp/x" };
	struct story s;
	char name[100];

	begin(&s);
	ck_assert_str_eq(model_object_name(s.model, LEFT, name, sizeof(name)), "socket 1#1");
	story_call(&s, A,
		   (struct event){ .call = CALL_bind,
				   .object = LEFT,
				   .arg = { 3, 0, offsetof(struct sockaddr_un, sun_path) + 7 } },
		   &address, sizeof(address));
	ck_assert_str_eq(model_object_name(s.model, LEFT, name, sizeof(name)), "socket /tmp/x");
	memcpy(address.sun_path, "\0name", 5);
	story_call(&s, A,
		   (struct event){ .call = CALL_bind,
				   .object = RIGHT,
				   .arg = { 3, 0, offsetof(struct sockaddr_un, sun_path) + 5 } },
		   &address, sizeof(address));
	ck_assert_str_eq(model_object_name(s.model, RIGHT, name, sizeof(name)), "socket @name");
	story_end(&s);
}
END_TEST

static Suite *socket_suite(void)
{
	const struct unit_case cases[] = {
		{ "unread", unread },
		{ "all-read", all_read },
		{ "writer-learns", writer_learns },
		{ "own-bytes", own_bytes },
		{ "names", names },
	};

	return unit_suite("model-socket", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { socket_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
