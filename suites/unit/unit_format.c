/* SPDX-License-Identifier: Apache-2.0 */
/* unit_format - events as lines of a trace. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "arena.h"
#include "calls.h"
#include "format.h"
#include "plan.h"
#include "unit.h"

static const char *name_of(void *data, uint64_t ref)
{
	(void)data;
	if (ref == OBJECT_REF(OBJECT_SEM, 5))
		return "key 0x1234";
	return ref == OBJECT_REF(OBJECT_FIFO, 9) ? "/tmp/a\nb" : NULL;
}

static const struct format_names names = { .object = name_of, .ticks_per_us = 1000 };

static void check_line(const struct event *event, const void *more, const char *expected)
{
	char line[FORMAT_LINE];
	int n = event_format(event, more, &names, line, sizeof(line));

	ck_assert_str_eq(line, expected);
	ck_assert_int_eq(n, (int)strlen(line));
}

/* A call that took 12 us. */
#define EVENT(name, ...) \
	(struct event) \
	{ \
		.call = CALL_##name, .enter_tsc = 1000, .exit_tsc = 13000, __VA_ARGS__ \
	}

#define SEM_5 .object = OBJECT_REF(OBJECT_SEM, 5)

START_TEST(semop_lines)
{
	struct event e =
		EVENT(semop, SEM_5, .arg = { 5, 0x1000, 1, event_pack_sop(0, -1, SEM_UNDO) });
	int64_t more[EVENT_MORE_BYTES / 8] = { event_pack_sop(3, 4, 0x4000) };

	check_line(&e, NULL, "semop(5 \"key 0x1234\", [{0, -1, SEM_UNDO}]) = 0 <0.000012>");
	e.arg[2] = 4;
	e.arg[3] = event_pack_sop(0, -1, SEM_UNDO | IPC_NOWAIT);
	e.arg[4] = event_pack_sop(65535, -32768, 0);
	check_line(&e, NULL,
		   "semop(5 \"key 0x1234\", [{0, -1, SEM_UNDO|IPC_NOWAIT}, {65535, -32768, 0}, "
		   "{0, 0, 0}, ...]) = 0 <0.000012>");
	e.n_more = 1;
	check_line(&e, more,
		   "semop(5 \"key 0x1234\", [{0, -1, SEM_UNDO|IPC_NOWAIT}, {65535, -32768, 0}, "
		   "{0, 0, 0}, {3, 4, 0x4000}]) = 0 <0.000012>");
	e.flags = EVENT_FAILED;
	e.err = EINTR;
	e.result = -1;
	check_line(
		&e, more,
		"semop(5 \"key 0x1234\", [{0, -1, SEM_UNDO|IPC_NOWAIT}, {65535, -32768, 0}, {0, 0, 0}, "
		"{3, 4, 0x4000}]) = -1 EINTR <0.000012>");
	e.err = EFAULT;
	check_line(&e, more, "semop(5 \"key 0x1234\", [4 operations]) = -1 EFAULT <0.000012>");
	e = EVENT(semtimedop, SEM_5, .flags = EVENT_TIMED,
		  .arg = { 5, 0x1000, 1, event_pack_sop(0, 1, 0) });
	check_line(&e, NULL, "semtimedop(5 \"key 0x1234\", [{0, 1, 0}], {...}) = 0 <0.000012>");
}
END_TEST

START_TEST(ipc_lines)
{
	const struct {
		struct event event;
		const char *line;
	} cases[] = {
		{ EVENT(semget, .arg = { 0x1234, 2, IPC_CREAT | IPC_EXCL | 0600 }, .result = 7),
		  "semget(0x1234, 2, IPC_CREAT|IPC_EXCL|0600) = 7 <0.000012>" },
		{ EVENT(msgget, .arg = { IPC_PRIVATE, 0 }, .result = 7),
		  "msgget(IPC_PRIVATE, 0) = 7 <0.000012>" },
		{ EVENT(shmget, .arg = { -1, 4096, 0666 }, .result = -1, .err = ENOENT,
			.flags = EVENT_FAILED),
		  "shmget(0xffffffff, 4096, 0666) = -1 ENOENT <0.000012>" },
		{ EVENT(semctl, SEM_5, .arg = { 5, 0, SETVAL, 1 }),
		  "semctl(5 \"key 0x1234\", 0, SETVAL, 1) = 0 <0.000012>" },
		{ EVENT(semctl, .arg = { 5, 2, GETVAL, 99 }, .result = 3),
		  "semctl(5, 2, GETVAL) = 3 <0.000012>" },
		{ EVENT(semctl, .arg = { 5, 0, IPC_RMID }),
		  "semctl(5, 0, IPC_RMID) = 0 <0.000012>" },
		{ EVENT(semctl, .arg = { 5, 0, 777 }), "semctl(5, 0, 777) = 0 <0.000012>" },
		{ EVENT(msgctl, .arg = { 5, 11, 0x10 }),
		  "msgctl(5, MSG_STAT, 0x10) = 0 <0.000012>" },
		{ EVENT(shmctl, .arg = { 5, 11, 0 }), "shmctl(5, SHM_LOCK, NULL) = 0 <0.000012>" },
		{ EVENT(msgsnd, .arg = { 3, 0x10, 12, IPC_NOWAIT, 7 }, .length = 12),
		  "msgsnd(3, {7, 12 bytes}, 12, IPC_NOWAIT) = 0 <0.000012>" },
		{ EVENT(msgrcv, .arg = { 3, 0x10, 64, -2, MSG_NOERROR, 2 }, .length = 12,
			.result = 12),
		  "msgrcv(3, {2, 12 bytes}, 64, -2, MSG_NOERROR) = 12 <0.000012>" },
		{ EVENT(msgrcv, .arg = { 3, 0x10, 64, 0, 0 }, .result = -1, .err = ENOMSG,
			.flags = EVENT_FAILED),
		  "msgrcv(3, 0x10, 64, 0, 0) = -1 ENOMSG <0.000012>" },
		{ EVENT(shmat, .arg = { 1, 0, 010000 }, .result = 0x7f00),
		  "shmat(1, NULL, SHM_RDONLY) = 0x7f00 <0.000012>" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++)
		check_line(&cases[i].event, NULL, cases[i].line);
}
END_TEST

START_TEST(setall_line)
{
	uint16_t more[EVENT_MORE_BYTES / 2] = { 1, 2, 65535 };
	struct event e = EVENT(semctl, .arg = { 5, 0, SETALL, 0x10 }, .n_more = 1, .length = 6);

	check_line(&e, more, "semctl(5, 0, SETALL, [1, 2, 65535]) = 0 <0.000012>");
	e.length = 400;
	char line[FORMAT_LINE];
	event_format(&e, (const uint8_t *)more, NULL, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "0, ...]) = 0"));
}
END_TEST

#define PIPE_8 .object = OBJECT_REF(OBJECT_PIPE, 8)

START_TEST(pipe_lines)
{
	const struct {
		struct event event;
		const char *line;
	} cases[] = {
		{ EVENT(pipe, PIPE_8, .arg = { 0x10, 0, 3 | INT64_C(4) << 32 }),
		  "pipe([3, 4] \"pipe 8\") = 0 <0.000012>" },
		{ EVENT(pipe2, .arg = { 0x10, O_CLOEXEC }, .flags = EVENT_FAILED, .err = EMFILE),
		  "pipe2(0x10, O_CLOEXEC) = -1 EMFILE <0.000012>" },
		{ EVENT(read, PIPE_8, .arg = { 3, 0x10, 64 }, .result = 12),
		  "read(3 \"pipe 8\", \"...\", 64) = 12 <0.000012>" },
		{ EVENT(writev, PIPE_8, .arg = { 3, 0x10, 2 }, .result = 12),
		  "writev(3 \"pipe 8\", [...], 2) = 12 <0.000012>" },
		{ EVENT(close, PIPE_8, .arg = { 3, 0, 0, 0, 17 }),
		  "close(3 \"pipe 8\") = 0 (17 bytes left unread) <0.000012>" },
		{ EVENT(read, .object = OBJECT_REF(OBJECT_FIFO, 9), .arg = { 3, 0x10, 64 }),
		  "read(3 \"/tmp/a\\nb\", \"...\", 64) = 0 <0.000012>" },
		{ EVENT(fcntl, PIPE_8, .arg = { 3, F_SETFL, O_NONBLOCK | O_WRONLY }),
		  "fcntl(3 \"pipe 8\", F_SETFL, O_WRONLY|O_NONBLOCK) = 0 <0.000012>" },
		{ EVENT(fcntl, .arg = { 3, F_GETFL, 5 }, .result = 1),
		  "fcntl(3, F_GETFL) = 1 <0.000012>" },
		{ EVENT(fcntl, .arg = { 3, F_SETPIPE_SZ, 4096 }, .result = 4096),
		  "fcntl(3, F_SETPIPE_SZ, 4096) = 4096 <0.000012>" },
		{ EVENT(poll, .arg = { 0x10, 2, -1 }, .result = 1),
		  "poll([...], 2, -1) = 1 <0.000012>" },
		{ EVENT(select, .arg = { 4, 0x10, 0, 0, 0x20 }, .result = 1),
		  "select(4, [...], NULL, NULL, {...}) = 1 <0.000012>" },
		{ EVENT(popen, .arg = { 0x10, 0x20 }, .flags = EVENT_FAILED, .err = ENOMEM),
		  "popen(\"...\", \"...\") = NULL ENOMEM <0.000012>" },
		{ EVENT(epoll_ctl, .arg = { 4, 1, 3, 0x10 }),
		  "epoll_ctl(4, EPOLL_CTL_ADD, 3, 0x10) = 0 <0.000012>" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++)
		check_line(&cases[i].event, NULL, cases[i].line);
}
END_TEST

START_TEST(path_lines)
{
	char more[2 * EVENT_MORE_BYTES] = "/tmp/a\"b\\\001";
	struct event e = EVENT(open, .arg = { 0x10, O_RDWR | O_CREAT | O_CLOEXEC, 0644 },
			       .n_more = 1, .result = 3);

	check_line(&e, more,
		   "open(\"/tmp/a\\\"b\\\\\\x01\", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3 <0.000012>");
	check_line(&e, NULL, "open(0x10, O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3 <0.000012>");
	e = EVENT(openat, .arg = { AT_FDCWD, 0x10, O_RDONLY, 0644 }, .n_more = 1, .result = 3);
	strcpy(more, "/x");
	check_line(&e, more, "openat(AT_FDCWD, \"/x\", O_RDONLY) = 3 <0.000012>");
	e = EVENT(rename, .arg = { 0x10, 0x20 }, .n_more = 1);
	memcpy(more, "/x\0/y", 6);
	check_line(&e, more, "rename(\"/x\", \"/y\") = 0 <0.000012>");
	/* A path that fills its continuation to the last byte. */
	memset(more, 'p', sizeof(more));
	e.n_more = 2;
	char line[FORMAT_LINE];
	ck_assert_int_eq(event_format(&e, (const uint8_t *)more, NULL, line, sizeof(line)),
			 (int)(strlen("rename(\"\", 0x20) = 0") + sizeof(more)));
}
END_TEST

START_TEST(process_lines)
{
	const struct {
		struct event event;
		const char *line;
	} cases[] = {
		{ EVENT(fork, .result = 100), "fork() = 100 <0.000012>" },
		{ EVENT(exit, .arg = { 3 }), "exit(3) = ? <0.000012>" },
		{ EVENT(waitpid, .arg = { -1, 0x10, WNOHANG, 0, 0x300, 55 }, .result = 55),
		  "waitpid(-1, {exited 3}, WNOHANG) = 55 <0.000012>" },
		{ EVENT(wait, .arg = { 0x10, 0, 0, 0, 9, 55 }, .result = 55),
		  "wait({killed by SIGKILL}) = 55 <0.000012>" },
		{ EVENT(wait, .arg = { 0, 0, 0, 0, -1, 55 }, .result = 55),
		  "wait(NULL) = 55 <0.000012>" },
		{ EVENT(wait, .arg = { 0x10 }, .result = -1, .err = ECHILD, .flags = EVENT_FAILED),
		  "wait(0x10) = -1 ECHILD <0.000012>" },
		{ EVENT(waitid, .arg = { P_PID, 55, 0x10, WEXITED, 0x137f, 55 }),
		  "waitid(P_PID, 55, {pid 55, stopped by SIGSTOP}, WEXITED) = 0 <0.000012>" },
		{ EVENT(kill, .arg = { 55, SIGTERM }), "kill(55, SIGTERM) = 0 <0.000012>" },
		{ EVENT(kill, .arg = { 55, 0 }), "kill(55, 0) = 0 <0.000012>" },
		{ EVENT(sigprocmask, .arg = { SIG_BLOCK, 0x10, 0 }),
		  "sigprocmask(SIG_BLOCK, 0x10, NULL) = 0 <0.000012>" },
		{ EVENT(posix_spawn, .arg = { 0x10 }, .result = EAGAIN, .err = EAGAIN,
			.flags = EVENT_FAILED),
		  "posix_spawn(0x10, NULL, NULL, NULL, NULL, NULL) = 11 EAGAIN <0.000012>" },
		{ EVENT(nanosleep, .arg = { 0x10, 0 }), "nanosleep({...}, NULL) = 0 <0.000012>" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++)
		check_line(&cases[i].event, NULL, cases[i].line);
}
END_TEST

START_TEST(injected_lines)
{
	struct event e = EVENT(close, .arg = { 3 }, .flags = EVENT_INJECTED, .fault = FAULT_DELAY,
			       .rule = 1);

	check_line(&e, NULL, "close(3) = 0 (injected: delay) <0.000012>");
	e.flags = EVENT_INJECTED | EVENT_NOT_PERFORMED | EVENT_FAILED;
	e.fault = FAULT_ERROR;
	e.err = EINTR;
	check_line(&e, NULL, "close(3) = -1 EINTR (injected: error, not performed) <0.000012>");
	e.err = 4000;
	e.flags = EVENT_FAILED;
	check_line(&e, NULL, "close(3) = -1 errno 4000 <0.000012>");
	e.flags = EVENT_INJECTED | EVENT_KILL_BEFORE;
	e.rule = 2;
	check_line(&e, NULL, "close(3) = ? (killed here by rule 2) <0.000012>");
	e.flags = EVENT_INJECTED | EVENT_KILL_AFTER;
	check_line(&e, NULL, "close(3) = ? (done, then killed here by rule 2) <0.000012>");
	e.flags = EVENT_ABANDONED;
	e.exit_tsc = 0;
	check_line(&e, NULL, "close(3) = ?");
}
END_TEST

START_TEST(odd_events)
{
	struct event e = { .call = 60000, .exit_tsc = 1, .result = 5 };
	char line[FORMAT_LINE];

	check_line(&e, NULL, "call 60000(...) = 5 <0.000000>");
	/* An alias is shown as the call that it is. */
	e = EVENT(open64, .arg = { 0x10, 0 }, .result = 3);
	check_line(&e, NULL, "open(0x10, O_RDONLY) = 3 <0.000012>");
	/* More operations than there can be. */
	e = EVENT(semop, .arg = { 5, 0x10, -1 });
	check_line(&e, NULL, "semop(5, [{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, ...]) = 0 <0.000012>");
	ck_assert_int_eq(event_format_call(&e, NULL, NULL, line, 6), 48);
	ck_assert_str_eq(line, "semop");
	event_format_prefix("1.2/3", "perl", line, sizeof(line));
	ck_assert_str_eq(line, "1.2/3 perl ");
}
END_TEST

/* Whatever the bytes are: one line, terminated, of the length that was told. */
START_TEST(random_events)
{
	uint64_t random = 1;
	uint8_t *more = malloc(255 * EVENT_MORE_BYTES);
	struct event e = { 0 };
	char line[300];

	for (unsigned int i = 0; i < 40000; i++) {
		for (size_t at = 0; at < sizeof(e); at += 8) {
			random = arena_mix(random);
			memcpy((char *)&e + at, &random, 8);
		}
		e.call = (uint16_t)(e.call % (CALL_N + 1));
		memset(more, (int)(random & 0xff), (size_t)e.n_more * EVENT_MORE_BYTES);
		if (event_format(&e, more, &names, line, sizeof(line)) < (int)sizeof(line))
			ck_assert_ptr_nonnull(strstr(line, " = "));
		ck_assert_ptr_null(strpbrk(line, "\n\r\033"));
		ck_assert_uint_lt(strlen(line), sizeof(line));
	}
	free(more);
}
END_TEST

START_TEST(socket_lines)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	struct sockaddr_in inet = { .sin_family = AF_INET, .sin_port = htons(80) };
	uint8_t more[EVENT_MORE_BYTES * 2] = { 0 };
	struct event e =
		EVENT(socket, .result = 3, .arg = { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0 });

	check_line(&e, NULL, "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3 <0.000012>");
	e = EVENT(bind, .n_more = 1,
		  .arg = { 3, 0x1000, offsetof(struct sockaddr_un, sun_path) + 7 });
	memcpy(more, &path, sizeof(path));
	check_line(&e, more, "bind(3, {AF_UNIX, \"/run/x\"}, 9) = 0 <0.000012>");
	memcpy(more + offsetof(struct sockaddr_un, sun_path), "\0name", 5);
	e.arg[2] = offsetof(struct sockaddr_un, sun_path) + 5;
	check_line(&e, more, "bind(3, {AF_UNIX, @\"name\"}, 7) = 0 <0.000012>");
	e.arg[2] = 2;
	check_line(&e, more, "bind(3, {AF_UNIX, unnamed}, 2) = 0 <0.000012>");
	inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(more, &inet, sizeof(inet));
	e.arg[2] = sizeof(inet);
	check_line(&e, more, "bind(3, {AF_INET, 127.0.0.1:80}, 16) = 0 <0.000012>");
	e = EVENT(sendmsg, .object = OBJECT_REF(OBJECT_SOCKET, 7), .length = 5, .result = 5,
		  .arg = { 3, 0x1000, MSG_DONTWAIT, 1 });
	check_line(&e, NULL,
		   "sendmsg(3 \"socket 7\", {5 bytes, 1 descriptor}, MSG_DONTWAIT) = 5 <0.000012>");
}
END_TEST

START_TEST(lock_lines)
{
	struct event e = EVENT(pthread_mutex_lock, .flags = EVENT_FAILED, .err = EOWNERDEAD,
			       .result = EOWNERDEAD, .arg = { 0x1000 });

	check_line(&e, NULL, "pthread_mutex_lock(0x1000) = 130 EOWNERDEAD <0.000012>");
	e = EVENT(pthread_join, .object = OBJECT_REF(OBJECT_THREAD, 7 << 16 | 2),
		  .arg = { 0x1000 });
	check_line(&e, NULL, "pthread_join(thread 2 of 7, NULL) = 0 <0.000012>");
	e = EVENT(flock, .arg = { 3, LOCK_EX | LOCK_NB });
	check_line(&e, NULL, "flock(3, LOCK_EX|LOCK_NB) = 0 <0.000012>");
	e = EVENT(futex, .arg = { 0x1000, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1 });
	check_line(&e, NULL,
		   "futex(0x1000, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) = 0 <0.000012>");
	e = EVENT(mq_open, .result = 3, .arg = { 0x1000, O_RDWR | O_CREAT, 0600 });
	check_line(&e, NULL, "mq_open(0x1000, O_RDWR|O_CREAT, 0600, NULL) = 3 <0.000012>");
	e.arg[1] = O_RDONLY;
	check_line(&e, NULL, "mq_open(0x1000, O_RDONLY) = 3 <0.000012>");
	e = EVENT(mmap, .result = 0x7000,
		  .arg = { 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0 });
	check_line(
		&e, NULL,
		"mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0x0) = 0x7000 "
		"<0.000012>");
}
END_TEST

static Suite *format_suite(void)
{
	const struct unit_case cases[] = {
		{ "semop", semop_lines },       { "ipc", ipc_lines },
		{ "setall", setall_line },      { "pipe", pipe_lines },
		{ "path", path_lines },         { "process", process_lines },
		{ "injected", injected_lines }, { "odd", odd_events },
		{ "random", random_events },    { "socket-lines", socket_lines },
		{ "lock-lines", lock_lines },
	};

	return unit_suite("format", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { format_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
