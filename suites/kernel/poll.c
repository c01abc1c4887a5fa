/* SPDX-License-Identifier: Apache-2.0 */
/* select and poll: what is ready and when, and what they change. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

START_TEST(select_on_linux_writes_what_is_left_of_the_time)
{
	struct timeval time = { .tv_sec = 1000 };
	fd_set set;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	ck_assert_int_eq(select(fd[0] + 1, &set, NULL, NULL, &time), 1);
	kt_measured("1000 s before, %ld s and %s after", (long)time.tv_sec,
		    time.tv_usec ? "some microseconds" : "nothing");
	ck_assert_int_lt(time.tv_sec, 1000);
	/* The sets too: what was asked for is lost. */
	time = (struct timeval){ 0 };
	ck_assert_int_eq(select(fd[0] + 1, NULL, &set, NULL, &time), 0);
	ck_assert(!FD_ISSET(fd[0], &set));
}
END_TEST

START_TEST(select_says_nothing_of_why)
{
	struct timeval now = { 0 };
	fd_set readable, special;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	close(fd[1]);
	FD_ZERO(&readable);
	FD_SET(fd[0], &readable);
	special = readable;
	/* End of file is "readable", and nothing special. */
	ck_assert_int_eq(select(fd[0] + 1, &readable, NULL, &special, &now), 1);
	ck_assert(FD_ISSET(fd[0], &readable));
	ck_assert(!FD_ISSET(fd[0], &special));
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLHUP);
}
END_TEST

START_TEST(poll_tells_of_a_closed_descriptor_and_select_fails)
{
	struct timeval now = { 0 };
	fd_set set;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	close(fd[0]);
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLNVAL);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	ck_assert(select(fd[0] + 1, &set, NULL, NULL, &now) == -1 && errno == EBADF);
	/* A negative one is passed over. */
	ck_assert_int_eq(kt_poll(-1, POLLIN), 0);
}
END_TEST

START_TEST(hangup_and_error_need_not_be_asked_for)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	close(fd[0]);
	ck_assert_int_eq(kt_poll(fd[1], 0), POLLERR);
}
END_TEST

START_TEST(ready_may_not_be_ready_any_more)
{
	int fd[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLIN);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(read(fd[0], &c, 1) == 1);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(read(fd[0], &c, 1), -1);
	kt_measured("poll said POLLIN, read gave %s", kt_errno(errno));
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(files_are_always_ready_and_epoll_refuses_them)
{
	int fd = open(kt_path("file"), O_RDWR | O_CREAT, 0600);
	struct epoll_event event = { .events = EPOLLIN };

	ck_assert_int_eq(kt_poll(fd, POLLIN | POLLOUT), POLLIN | POLLOUT);
	ck_assert_int_eq(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &event), -1);
	kt_measured("poll: ready though empty; epoll: %s", kt_errno(errno));
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

Suite *poll_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			select_on_linux_writes_what_is_left_of_the_time,
			"select() leaves its time-out as it was.",
			"Linux writes what is left of it. In a loop it has to be set each time, like the sets."),
		KT_TEST(select_says_nothing_of_why),
		KT_TEST(poll_tells_of_a_closed_descriptor_and_select_fails),
		KT_TEST(hangup_and_error_need_not_be_asked_for),
		KT_CLAIM(
			ready_may_not_be_ready_any_more,
			"After poll() has said so, a read does not block.",
			"Unless another process or thread was quicker. Who must not block sets O_NONBLOCK."),
		KT_CLAIM(files_are_always_ready_and_epoll_refuses_them,
			 "poll() and epoll wait for any descriptor.",
			 "A regular file is always ready, at its end too; epoll refuses it."),
	};

	return kt_suite("poll", tests, SUITE_COUNT(tests));
}
