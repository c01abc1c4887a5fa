/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd: expirations are counted until a read; over fork it is one timer. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int make(int flags)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, flags);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void set(int fd, int flags, long first_ns, long then_ns)
{
	struct itimerspec when = {
		.it_value.tv_nsec = first_ns,
		.it_interval.tv_nsec = then_ns,
	};

	KT_CHILD(timerfd_settime(fd, flags, &when, NULL) == 0);
}

/* How often it expired, or -errno. */
static int64_t take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) < 0 ? -errno : (int64_t)n;
}

START_TEST(a_read_tells_how_often_and_begins_anew)
{
	int fd = make(0);

	set(fd, 0, 1, 0);
	ck_assert_int_eq(take(fd), 1);
	ck_assert_int_eq(kt_poll(fd, POLLIN), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(expirations_that_nobody_read_are_counted)
{
	int fd = make(0);
	int64_t n = 0;

	/* Every microsecond: while we read once, more than one comes. */
	set(fd, 0, 1, 1000);
	for (int i = 0; i < 1000 && n < 2; i++)
		n = take(fd);
	kt_measured("one read for %s expirations", n >= 2 ? "several" : "one");
	ck_assert_int_ge(n, 2);
}
END_TEST

START_TEST(a_moment_that_is_past_expires_at_once)
{
	int fd = make(TFD_NONBLOCK);

	set(fd, TFD_TIMER_ABSTIME, 1, 0);
	while (take(fd) == -EAGAIN)
		;
	/* A time of 0 is no moment: it stops the timer. */
	set(fd, 0, 1, 0);
	set(fd, TFD_TIMER_ABSTIME, 0, 0);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(setting_it_forgets_what_was_not_read)
{
	int fd = make(TFD_NONBLOCK);

	set(fd, 0, 1, 0);
	while (kt_poll(fd, POLLIN) != POLLIN)
		;
	set(fd, 0, 999999999, 0);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(a_child_has_the_same_timer)
{
	int fd = make(TFD_NONBLOCK);
	pid_t pid = kt_fork();

	if (!pid) {
		set(fd, 0, 1, 0);
		while (kt_poll(fd, POLLIN) != POLLIN)
			;
		_exit(0);
	}
	kt_join(pid);
	/* Set by the child, and expired, for us too; and read once. */
	ck_assert_int_eq(take(fd), 1);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(it_cannot_be_written_and_wants_8_bytes)
{
	int fd = make(0);
	char few[7];

	ck_assert(write(fd, "12345678", 8) == -1 && errno == EINVAL);
	ck_assert(read(fd, few, sizeof(few)) == -1 && errno == EINVAL);
	ck_assert(timerfd_create(99, 0) == -1 && errno == EINVAL);
}
END_TEST

Suite *timerfd_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_read_tells_how_often_and_begins_anew),
		KT_CLAIM(expirations_that_nobody_read_are_counted,
			 "A slow reader of a timer loses expirations.",
			 "A read of a timerfd tells how many there were."),
		KT_TEST(a_moment_that_is_past_expires_at_once),
		KT_TEST(setting_it_forgets_what_was_not_read),
		KT_TEST(a_child_has_the_same_timer),
		KT_TEST(it_cannot_be_written_and_wants_8_bytes),
	};

	return kt_suite("timerfd", tests, SUITE_COUNT(tests));
}
