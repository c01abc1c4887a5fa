/* SPDX-License-Identifier: Apache-2.0 */
/* epoll: what it keeps and for how long, how often it tells, and what it can wait for. */
#include "kernel_mq.h"
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_epoll(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_ge(ep, 0);
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
	return ep;
}

/* The events that are there now, or 0. */
static uint32_t wait_now(int ep)
{
	struct epoll_event event = { 0 };

	ck_assert_int_ge(epoll_wait(ep, &event, 1, 0), 0);
	return event.events;
}

START_TEST(epoll_keeps_an_entry_while_another_descriptor_is_open)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd[2];
	int ep, copy, error;

	ck_assert_int_eq(pipe(fd), 0);
	copy = dup(fd[0]);
	ep = make_epoll(fd[0], EPOLLIN);
	close(fd[0]);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
	error = epoll_ctl(ep, EPOLL_CTL_DEL, fd[0], &event) < 0 ? errno : 0;
	kt_measured("events of a closed descriptor, and EPOLL_CTL_DEL: %s", kt_errno(error));
	ck_assert_int_eq(error, EBADF);
	close(copy);
	ck_assert_uint_eq(wait_now(ep), 0);
}
END_TEST

START_TEST(a_childs_copy_keeps_the_entry_too)
{
	struct kt_gate end;
	int fd[2];
	pid_t pid;
	int ep;

	kt_gate_make(&end);
	ck_assert_int_eq(pipe(fd), 0);
	ep = make_epoll(fd[0], EPOLLIN);
	pid = kt_fork();
	if (!pid) {
		kt_gate_await(&end);
		_exit(0);
	}
	close(fd[0]);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
	kt_gate_post(&end);
	kt_join(pid);
	ck_assert_uint_eq(wait_now(ep), 0);
}
END_TEST

START_TEST(edge_triggered_tells_once)
{
	int fd[2];
	int ep;
	char c;

	ck_assert_int_eq(pipe(fd), 0);
	ep = make_epoll(fd[0], EPOLLIN | EPOLLET);
	ck_assert_int_eq(write(fd[1], "ab", 2), 2);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	ck_assert_uint_eq(wait_now(ep), 0);
	kt_measured("a byte is left, and nothing is told");
	ck_assert_int_eq(write(fd[1], "c", 1), 1);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
}
END_TEST

START_TEST(oneshot_tells_once_until_asked_again)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	int fd[2];
	int ep;

	ck_assert_int_eq(pipe(fd), 0);
	ep = make_epoll(fd[0], EPOLLIN | EPOLLONESHOT);
	ck_assert_int_eq(write(fd[1], "ab", 2), 2);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
	ck_assert_int_eq(write(fd[1], "c", 1), 1);
	ck_assert_uint_eq(wait_now(ep), 0);
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_MOD, fd[0], &event), 0);
	ck_assert_uint_eq(wait_now(ep), EPOLLIN);
}
END_TEST

START_TEST(a_child_shares_the_set)
{
	int fd[2];
	pid_t pid;
	int ep;

	ck_assert_int_eq(pipe(fd), 0);
	ep = make_epoll(fd[0], EPOLLIN);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(epoll_ctl(ep, EPOLL_CTL_DEL, fd[0], NULL) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	/* Our entry too. */
	ck_assert_uint_eq(wait_now(ep), 0);
	kt_measured("what the child took out is out for the parent");
}
END_TEST

START_TEST(an_epoll_can_be_polled_itself)
{
	int fd[2];
	int outer;

	ck_assert_int_eq(pipe(fd), 0);
	outer = make_epoll(make_epoll(fd[0], EPOLLIN), EPOLLIN);
	ck_assert_uint_eq(wait_now(outer), 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_uint_eq(wait_now(outer), EPOLLIN);
}
END_TEST

START_TEST(epoll_ctl_errors)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd[2];
	int ep;

	ck_assert_int_eq(pipe(fd), 0);
	ep = make_epoll(fd[0], EPOLLIN);
	ck_assert(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &event) == -1 && errno == EEXIST);
	ck_assert(epoll_ctl(ep, EPOLL_CTL_MOD, fd[1], &event) == -1 && errno == ENOENT);
	ck_assert(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event) == -1 && errno == EINVAL);
	/* A dup has a number of its own, so it is another entry. */
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, dup(fd[0]), &event), 0);
}
END_TEST

/* Forks two that wait for the same descriptor, each by a set of its own. */
static void fork_waiters(int fd, uint32_t flags, pid_t pids[2])
{
	for (int i = 0; i < 2; i++) {
		pids[i] = kt_fork();
		if (!pids[i]) {
			int ep = make_epoll(fd, EPOLLIN | flags);
			struct epoll_event event;

			KT_CHILD(epoll_wait(ep, &event, 1, -1) == 1);
			_exit(0);
		}
		kt_wait_blocked(pids[i], SYS_epoll_wait);
	}
}

START_TEST(all_who_wait_are_woken_for_one_event)
{
	pid_t pids[2];
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	fork_waiters(fd[0], 0, pids);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	for (int i = 0; i < 2; i++)
		kt_join(pids[i]);
	kt_measured("2 of 2 woken for one byte");
}
END_TEST

START_TEST(with_epollexclusive_one_is_woken)
{
	pid_t pids[2];
	pid_t woken;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	fork_waiters(fd[0], EPOLLEXCLUSIVE, pids);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	woken = waitpid(-1, NULL, 0);
	for (int i = 0; i < 2; i++) {
		if (pids[i] == woken)
			continue;
		kt_wait_blocked(pids[i], SYS_epoll_wait);
		kt_kill(pids[i]);
	}
}
END_TEST

/* Each of these makes a descriptor that is not readable, and what it takes to make it so. */
struct kind {
	const char *name;
	int (*make)(int *other);
	void (*kick)(int fd, int other);
};

static int make_pipe(int *other)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	*other = fd[1];
	return fd[0];
}

static int make_socket(int *other)
{
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	*other = fd[1];
	return fd[0];
}

static void write_8(int fd)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

static void kick_other(int fd, int other)
{
	(void)fd;
	write_8(other);
}

static int make_listener(int *other)
{
	struct sockaddr_un at = kt_unix_at("s");

	*other = -1;
	return kt_unix_listen(&at, SOCK_STREAM, 1);
}

static void kick_listener(int fd, int other)
{
	struct sockaddr_un at = kt_unix_at("s");

	(void)fd;
	(void)other;
	ck_assert_int_ge(kt_unix_connect(&at, SOCK_STREAM), 0);
}

static int make_mq(int *other)
{
	*other = -1;
	return kt_mq(0, 1, 8, 0);
}

static void kick_mq(int fd, int other)
{
	(void)other;
	ck_assert_int_eq(kt_mq_send(fd, "x", 0), 0);
}

static int make_eventfd(int *other)
{
	return *other = eventfd(0, 0);
}

static int make_timerfd(int *other)
{
	*other = -1;
	return timerfd_create(CLOCK_MONOTONIC, 0);
}

static void kick_timerfd(int fd, int other)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };

	(void)other;
	ck_assert_int_eq(timerfd_settime(fd, 0, &soon, NULL), 0);
}

static int make_inotify(int *other)
{
	int fd = inotify_init1(0);

	if (fd < 0 && errno == EMFILE)
		suite_skip("this user has too many inotify instances");
	*other = inotify_add_watch(fd, kt_dir(), IN_CREATE);
	return fd;
}

static void kick_inotify(int fd, int other)
{
	(void)fd;
	(void)other;
	close(open(kt_path("file"), O_RDWR | O_CREAT, 0600));
}

static int make_pidfd(int *other)
{
	*other = kt_fork();
	if (!*other)
		for (;;)
			pause();
	return pidfd_open(*other, 0);
}

static void kick_pidfd(int fd, int other)
{
	(void)fd;
	ck_assert_int_eq(kill(other, SIGKILL), 0);
}

static const struct kind kinds[] = {
	{ "pipe", make_pipe, kick_other },
	{ "socket", make_socket, kick_other },
	{ "listening_socket", make_listener, kick_listener },
	{ "message_queue", make_mq, kick_mq },
	{ "eventfd", make_eventfd, kick_other },
	{ "timerfd", make_timerfd, kick_timerfd },
	{ "inotify", make_inotify, kick_inotify },
	{ "pidfd", make_pidfd, kick_pidfd },
};

START_TEST(it_waits_for)
{
	const struct kind *kind = &kinds[_i];
	int other;
	int fd = kind->make(&other);
	int ep = make_epoll(fd, EPOLLIN);
	pid_t pid = kt_fork();

	if (!pid) {
		struct epoll_event event;

		KT_CHILD(epoll_wait(ep, &event, 1, -1) == 1);
		KT_CHILD(event.events & EPOLLIN);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_epoll_wait);
	kind->kick(fd, other);
	kt_join(pid);
}
END_TEST

Suite *epoll_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			epoll_keeps_an_entry_while_another_descriptor_is_open,
			"close() takes a descriptor out of the epoll set.",
			"The last close of all copies does, children's too. Until then its events come, and it cannot be taken out any more."),
		KT_TEST(a_childs_copy_keeps_the_entry_too),
		KT_CLAIM(
			edge_triggered_tells_once, "With EPOLLET one read an event will do.",
			"What is left is not told of again until something new comes: read until EAGAIN."),
		KT_TEST(oneshot_tells_once_until_asked_again),
		KT_CLAIM(a_child_shares_the_set, "A child gets a copy of the epoll set.",
			 "It is one set for both."),
		KT_TEST(an_epoll_can_be_polled_itself),
		KT_TEST(epoll_ctl_errors),
		KT_CLAIM(
			all_who_wait_are_woken_for_one_event,
			"The kernel wakes as many as there is work for.",
			"All who wait by poll() or by epoll sets of their own; one with EPOLLEXCLUSIVE."),
		KT_TEST(with_epollexclusive_one_is_woken),
		KT_ROWS(it_waits_for, kinds),
	};

	return kt_suite("epoll", tests, SUITE_COUNT(tests));
}
