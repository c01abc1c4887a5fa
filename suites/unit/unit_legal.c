/* SPDX-License-Identifier: Apache-2.0 */
/* unit_legal - what the kernel could have done to a call on a descriptor, which calls a class means
 * there, and digests of payloads in pieces. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "digest.h"
#include "point.h"
#include "unit.h"

/* A world in which each answer is written down. */
static struct arena arena;
static struct world {
	struct arena_proc proc;
	struct event event;
	long a[6];
	long fd_flags;
	unsigned int socket;
	unsigned int handler[65]; /* enum point_handler */
	uint64_t blocked;
} world;

static int64_t key_of(const struct point *point, uint64_t object)
{
	(void)point, (void)object;
	return -1;
}

static uint64_t path_object(const struct point *point, const char *path)
{
	(void)path;
	return point->event->object;
}

static bool read_memory(const struct point *point, const void *from, void *to, size_t n_bytes)
{
	(void)point;
	memcpy(to, from, n_bytes);
	return true;
}

static long fd_flags(const struct point *point, int fd)
{
	(void)point, (void)fd;
	return world.fd_flags;
}

static unsigned int socket_is(const struct point *point, int fd)
{
	(void)point, (void)fd;
	return world.socket;
}

static unsigned int handler(const struct point *point, int signo)
{
	(void)point;
	return world.handler[signo];
}

static uint64_t blocked(const struct point *point)
{
	(void)point;
	return world.blocked;
}

static const struct point_ops ops = { key_of,    path_object, read_memory, fd_flags,
				      socket_is, handler,     blocked };

static struct point point_of(enum call_id call, enum object_kind kind)
{
	memset(&world, 0, sizeof(world));
	world.handler[SIGUSR1] = POINT_HANDLED;
	arena.mode = ARENA_SUPERVISED;
	world.event.call = (uint16_t)call;
	world.event.object = kind == OBJECT_NONE ? 0 : OBJECT_REF(kind, 7);
	return (struct point){ .arena = &arena,
			       .plan = &arena.plan,
			       .proc = &world.proc,
			       .call = &calls[call],
			       .canonical = call,
			       .a = world.a,
			       .event = &world.event,
			       .ops = &ops };
}

static bool legal(const struct point *point, int err)
{
	enum refusal why;

	return point_error_legal(point, err, &why);
}

/* Each error that the rows let through, and the sockets that give it. */
START_TEST(errors_of_sockets)
{
	static const struct {
		enum call_id call;
		int err;
		unsigned int is;
		bool legal;
	} cases[] = {
		{ CALL_connect, ETIMEDOUT, POINT_INET, true },
		{ CALL_connect, ETIMEDOUT, POINT_LOCAL, false },
		{ CALL_connect, ENOENT, POINT_LOCAL, true },
		{ CALL_connect, ENOENT, POINT_INET, false },
		{ CALL_connect, ECONNREFUSED, POINT_LOCAL, true },
		{ CALL_connect, ECONNREFUSED, POINT_INET, true },
		{ CALL_bind, EADDRNOTAVAIL, POINT_LOCAL, false },
		{ CALL_bind, EADDRINUSE, POINT_LOCAL, true },
		{ CALL_recv, ECONNRESET, POINT_INET, true },
		{ CALL_recv, ECONNRESET, POINT_INET | POINT_MESSAGE, false },
		{ CALL_recv, ECONNRESET, POINT_LOCAL, false },
		{ CALL_recv, ECONNREFUSED, POINT_INET, false },
		{ CALL_recv, ECONNREFUSED, POINT_INET | POINT_MESSAGE, true },
		{ CALL_recv, ECONNREFUSED, POINT_LOCAL | POINT_MESSAGE, false },
		{ CALL_sendto, ECONNREFUSED, POINT_LOCAL | POINT_MESSAGE, true },
		{ CALL_send, ENOBUFS, POINT_LOCAL, true },
		{ CALL_send, EPIPE, POINT_LOCAL, false },
		{ CALL_accept, EMFILE, POINT_LOCAL, true },
		{ CALL_accept, EPROTO, POINT_LOCAL, false },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		struct point point = point_of(cases[i].call, OBJECT_SOCKET);

		world.socket = cases[i].is;
		ck_assert_msg(legal(&point, cases[i].err) == cases[i].legal, "%s %s 0x%x",
			      calls[cases[i].call].name, errno_text(cases[i].err), cases[i].is);
	}
}
END_TEST

/* The kernel finds out that nobody is there any more only where it looks for the address. */
START_TEST(aborted_connections)
{
	struct point point = point_of(CALL_accept, OBJECT_SOCKET);

	world.socket = POINT_INET;
	ck_assert(!legal(&point, ECONNABORTED));
	world.a[1] = 1;
	ck_assert(legal(&point, ECONNABORTED));
	world.socket = POINT_LOCAL;
	ck_assert(!legal(&point, ECONNABORTED));
}
END_TEST

START_TEST(not_waiting)
{
	struct point point = point_of(CALL_recv, OBJECT_SOCKET);

	ck_assert(!legal(&point, EAGAIN) && legal(&point, EINTR));
	world.fd_flags = O_NONBLOCK;
	ck_assert(legal(&point, EAGAIN) && !legal(&point, EINTR));
	world.fd_flags = 0;
	world.event.flags = EVENT_NONBLOCK; /* as MSG_DONTWAIT makes it */
	ck_assert(legal(&point, EAGAIN) && !legal(&point, EINTR));
	world.event.flags = EVENT_TIMED; /* as SO_RCVTIMEO makes it */
	ck_assert(legal(&point, EAGAIN) && legal(&point, EINTR));
	point = point_of(CALL_connect, OBJECT_SOCKET);
	world.fd_flags = O_NONBLOCK;
	world.socket = POINT_LOCAL;
	ck_assert(legal(&point, EAGAIN) && !legal(&point, EINPROGRESS));
	world.socket = POINT_INET;
	ck_assert(!legal(&point, EAGAIN) && legal(&point, EINPROGRESS));
}
END_TEST

#define BIT(signo) (UINT64_C(1) << ((signo)-1))

/* Only a signal whose handler runs, and lets the call end, interrupts it. */
START_TEST(interrupters)
{
	struct point p = point_of(CALL_read, OBJECT_PIPE);
	uint64_t mask = ~BIT(SIGTERM);
	bool pending;

	ck_assert_int_eq(point_interrupter(&p, WHEN_SIGNAL, &pending), SIGUSR1);
	ck_assert(!pending);
	world.handler[SIGUSR1] |= POINT_RESTARTS;
	ck_assert_int_eq(point_interrupter(&p, WHEN_SIGNAL, &pending), 0);
	ck_assert_int_eq(point_interrupter(&p, WHEN_HANDLER, &pending), SIGUSR1);
	world.handler[SIGTERM] = POINT_HANDLED;
	ck_assert_int_eq(point_interrupter(&p, WHEN_SIGNAL, &pending), SIGTERM);
	world.blocked = BIT(SIGTERM);
	ck_assert_int_eq(point_interrupter(&p, WHEN_SIGNAL, &pending), 0);
	/* what the call itself lets through */
	p = point_of(CALL_ppoll, OBJECT_NONE);
	world.handler[SIGTERM] = POINT_HANDLED;
	world.blocked = BIT(SIGTERM) | BIT(SIGUSR1);
	world.a[3] = (long)&mask;
	ck_assert_int_eq(point_interrupter(&p, WHEN_HANDLER, &pending), SIGTERM);
	ck_assert(pending);
	mask = ~UINT64_C(0);
	ck_assert_int_eq(point_interrupter(&p, WHEN_HANDLER, &pending), 0);
}
END_TEST

/* With a time-out on the socket nothing is restarted, and a stop interrupts too (signal(7)). */
START_TEST(interrupted)
{
	struct point point = point_of(CALL_recv, OBJECT_SOCKET);
	const struct call_error *e = call_error_find(point.call, EINTR);

	ck_assert_int_eq(point_error_when(&point, e), WHEN_SIGNAL);
	world.event.flags = EVENT_TIMED;
	ck_assert_int_eq(point_error_when(&point, e), WHEN_STOP);
	ck_assert_int_eq(point_error_when(&point, call_error_find(point.call, EAGAIN)),
			 WHEN_NOWAIT);
	point = point_of(CALL_mq_timedreceive, OBJECT_MQ);
	world.event.flags = EVENT_TIMED;
	e = call_error_find(point.call, EINTR);
	ck_assert_int_eq(point_error_when(&point, e), WHEN_SIGNAL);
}
END_TEST

START_TEST(commands_of_locks)
{
	static const struct {
		enum call_id call;
		int command, err;
		bool legal;
	} cases[] = {
		{ CALL_fcntl, F_SETLKW, EINTR, true },   { CALL_fcntl, F_OFD_SETLKW, EINTR, true },
		{ CALL_fcntl, F_SETLK, EINTR, false },   { CALL_fcntl, F_SETLK, EAGAIN, true },
		{ CALL_fcntl, F_SETLKW, EAGAIN, false }, { CALL_fcntl, F_GETLK, EAGAIN, false },
		{ CALL_fcntl, F_GETFL, EAGAIN, false },  { CALL_fcntl, F_SETLK, ENOLCK, true },
		{ CALL_fcntl, F_GETLK, ENOLCK, false },  { CALL_fcntl, F_DUPFD, EMFILE, true },
		{ CALL_fcntl, F_SETFL, EMFILE, false },  { CALL_lockf, F_LOCK, EINTR, true },
		{ CALL_lockf, F_TLOCK, EAGAIN, true },   { CALL_lockf, F_TEST, EAGAIN, false },
		{ CALL_lockf, F_TEST, EACCES, true },    { CALL_lockf, F_TLOCK, EACCES, false },
		{ CALL_lockf, F_TEST, ENOLCK, false },   { CALL_flock, LOCK_EX, EINTR, true },
		{ CALL_flock, LOCK_UN, ENOLCK, false },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		struct point point = point_of(cases[i].call, OBJECT_FILE);
		bool waits = cases[i].command == F_SETLKW || cases[i].command == F_OFD_SETLKW ||
			     cases[i].command == F_LOCK || cases[i].call == CALL_flock;

		world.a[1] = cases[i].command;
		world.event.flags = waits ? 0 : EVENT_NONBLOCK;
		ck_assert_msg(legal(&point, cases[i].err) == cases[i].legal, "%s %d %s",
			      calls[cases[i].call].name, cases[i].command,
			      errno_text(cases[i].err));
	}
}
END_TEST

static enum refusal shorten(enum call_id call, enum object_kind kind, unsigned int flags,
			    size_t n_bytes, struct point_length *length)
{
	static struct iovec vector[2];
	static struct msghdr header = { .msg_iov = vector, .msg_iovlen = 2 };
	struct point point = point_of(call, kind);

	vector[0] = vector[1] = (struct iovec){ NULL, n_bytes / 2 };
	world.event.flags = (uint16_t)flags;
	world.a[1] = call == CALL_sendmsg ? (long)&header : (long)vector;
	world.a[2] = call == CALL_writev ? 2 : (long)n_bytes;
	return point_shorten(&point, 5, length);
}

/* Only what has no boundaries can be cut, and a pipe keeps a small write whole. */
START_TEST(short_transfers)
{
	struct point_length length;

	ck_assert_int_eq(shorten(CALL_write, OBJECT_PIPE, 0, 100, &length), REFUSED_ATOMIC);
	ck_assert_int_eq(shorten(CALL_write, OBJECT_PIPE, 0, 5000, &length), REFUSED_NOT);
	ck_assert_int_eq(shorten(CALL_write, OBJECT_SOCKET, 0, 100, &length), REFUSED_NOT);
	ck_assert(!length.is_vector && !length.is_header && length.at == 2);
	ck_assert_int_eq(shorten(CALL_send, OBJECT_SOCKET, EVENT_MESSAGE, 100, &length),
			 REFUSED_ATOMIC);
	ck_assert_int_eq(shorten(CALL_read, OBJECT_EVENTFD, 0, 8, &length), REFUSED_ATOMIC);
	ck_assert_int_eq(shorten(CALL_read, OBJECT_PIPE, 0, 5, &length), REFUSED_ATOMIC);
	ck_assert_int_eq(shorten(CALL_read, OBJECT_PIPE, 0, 6, &length), REFUSED_NOT);
	ck_assert_int_eq(shorten(CALL_writev, OBJECT_SOCKET, 0, 100, &length), REFUSED_NOT);
	ck_assert(length.is_vector && length.at == 1);
	ck_assert_uint_eq(length.n_bytes, 100);
	ck_assert_int_eq(shorten(CALL_sendmsg, OBJECT_SOCKET, 0, 100, &length), REFUSED_NOT);
	ck_assert(length.is_header && length.at == 1);
	ck_assert_uint_eq(length.n_bytes, 100);
}
END_TEST

static bool selects(const char *rule, enum call_id call, enum object_kind kind, long command)
{
	struct point point = point_of(call, kind);
	struct plan_error error;

	ck_assert_msg(rule_parse(rule, &arena.plan.rule[0], &error) == 0, "%s: %s", rule,
		      error.message);
	world.a[1] = command;
	return point_selected(&point, 0);
}

/* Bytes move over pipes and sockets by the same calls: the object says which class is meant. */
START_TEST(classes_by_object)
{
	ck_assert(selects("%pipe:kill", CALL_read, OBJECT_PIPE, 0));
	ck_assert(selects("%pipe:kill", CALL_read, OBJECT_FIFO, 0));
	ck_assert(!selects("%pipe:kill", CALL_read, OBJECT_SOCKET, 0));
	ck_assert(selects("%socket:kill", CALL_read, OBJECT_SOCKET, 0));
	ck_assert(!selects("%socket:kill", CALL_read, OBJECT_PIPE, 0));
	ck_assert(selects("%desc:kill", CALL_read, OBJECT_EVENTFD, 0));
	ck_assert(!selects("%desc:kill", CALL_read, OBJECT_PIPE, 0));
	ck_assert(selects("read,%pipe:kill", CALL_read, OBJECT_SOCKET, 0));
	ck_assert(selects("%all:kill", CALL_read, OBJECT_SOCKET, 0));
	ck_assert(selects("%socket:kill", CALL_send, OBJECT_SOCKET, 0));
	ck_assert(selects("%lock:kill", CALL_fcntl, OBJECT_FILE, F_SETLKW));
	ck_assert(!selects("%lock:kill", CALL_fcntl, OBJECT_PIPE, F_GETFL));
	ck_assert(selects("%desc:kill", CALL_fcntl, OBJECT_PIPE, F_GETFL));
	ck_assert(selects("fcntl:kill", CALL_fcntl, OBJECT_FILE, F_SETLK));
}
END_TEST

/* Who sends in pieces and who receives in others must find the same. */
START_TEST(digests_in_pieces)
{
	uint8_t data[100];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof(data); n++) {
		uint64_t whole = digest_of(data, n, 3);

		ck_assert_uint_ne(whole, 0);
		for (size_t first = 0; first <= n; first++) {
			size_t second = (n - first) / 2;
			struct digest d = digest_begin(3, n);

			digest_feed(&d, data, first);
			digest_feed(&d, data + first, second);
			digest_feed(&d, data + first + second, n - first - second);
			ck_assert_msg(digest_end(&d) == whole, "%zu of %zu", first, n);
		}
	}
	ck_assert_uint_ne(digest_of(data, 10, 3), digest_of(data, 11, 3));
	ck_assert_uint_ne(digest_of(data, 10, 3), digest_of(data, 10, 8));
}
END_TEST

static Suite *legal_suite(void)
{
	const struct unit_case cases[] = {
		{ "errors-of-sockets", errors_of_sockets },
		{ "aborted-connections", aborted_connections },
		{ "not-waiting", not_waiting },
		{ "interrupters", interrupters },
		{ "interrupted", interrupted },
		{ "commands-of-locks", commands_of_locks },
		{ "short-transfers", short_transfers },
		{ "classes-by-object", classes_by_object },
		{ "digests-in-pieces", digests_in_pieces },
	};

	return unit_suite("legal", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { legal_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
