/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd: a counter with a descriptor. What a read takes, when a write waits. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int make(unsigned int value, int flags)
{
	int fd = eventfd(value, flags);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* 0 or -errno. */
static int add(int fd, uint64_t n)
{
	return write(fd, &n, sizeof(n)) < 0 ? -errno : 0;
}

/* The value, or -errno. */
static int64_t take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) < 0 ? -errno : (int64_t)n;
}

START_TEST(a_read_takes_all)
{
	int fd = make(2, EFD_NONBLOCK);
	int64_t got, next;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(add(fd, 5), 0);
	got = take(fd);
	next = take(fd);
	kt_measured("2, and three writes of 5: one read of %lld, then %s", (long long)got,
		    kt_errno((int)next));
	ck_assert_int_eq(got, 17);
	ck_assert_int_eq(next, -EAGAIN);
}
END_TEST

START_TEST(as_a_semaphore_it_gives_one_at_a_time)
{
	int fd = make(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	ck_assert_int_eq(take(fd), 1);
	ck_assert_int_eq(take(fd), 1);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(a_write_above_the_highest_waits)
{
	int fd = make(0, 0);
	pid_t pid;

	ck_assert_int_eq(add(fd, UINT64_MAX - 1), 0);
	ck_assert_int_eq(kt_poll(fd, POLLIN | POLLOUT), POLLIN);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(add(fd, 1) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	kt_measured("at 2^64 - 2 the writer of 1 waits");
	ck_assert_int_eq((uint64_t)take(fd), UINT64_MAX - 1);
	kt_join(pid);
	ck_assert_int_eq(take(fd), 1);
}
END_TEST

START_TEST(with_o_nonblock_it_gives_eagain)
{
	int fd = make(0, EFD_NONBLOCK);

	ck_assert_int_eq(add(fd, UINT64_MAX - 1), 0);
	ck_assert_int_eq(add(fd, 1), -EAGAIN);
	ck_assert_int_eq(add(fd, 0), 0);
	ck_assert_int_eq(add(fd, UINT64_MAX), -EINVAL);
}
END_TEST

START_TEST(less_than_8_bytes_give_einval)
{
	int fd = make(1, EFD_NONBLOCK);
	char few[7] = { 0 };
	char many[16];

	ck_assert(read(fd, few, sizeof(few)) == -1 && errno == EINVAL);
	ck_assert(write(fd, few, sizeof(few)) == -1 && errno == EINVAL);
	ck_assert_int_eq(read(fd, many, sizeof(many)), 8);
}
END_TEST

START_TEST(a_reader_is_woken_across_fork)
{
	int fd = make(0, 0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(take(fd) == 3);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_read);
	ck_assert_int_eq(add(fd, 3), 0);
	kt_join(pid);
}
END_TEST

START_TEST(it_has_no_end_of_file)
{
	int fd = make(0, EFD_NONBLOCK);
	pid_t pid = kt_fork();
	int64_t got;

	if (!pid)
		_exit(0);
	kt_join(pid);
	/* One descriptor is both ends: nobody can tell that there is no writer. */
	got = take(fd);
	kt_measured("without any other process: %s", kt_errno((int)got));
	ck_assert_int_eq(got, -EAGAIN);
}
END_TEST

Suite *eventfd_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			a_read_takes_all, "An eventfd hands on each write.",
			"It adds them up; a read takes the sum. With EFD_SEMAPHORE it gives 1 at a time."),
		KT_TEST(as_a_semaphore_it_gives_one_at_a_time),
		KT_CLAIM(a_write_above_the_highest_waits, "A write to an eventfd never waits.",
			 "It does when the sum would reach 2^64 - 1."),
		KT_TEST(with_o_nonblock_it_gives_eagain),
		KT_TEST(less_than_8_bytes_give_einval),
		KT_TEST(a_reader_is_woken_across_fork),
		KT_CLAIM(
			it_has_no_end_of_file, "When the writers are dead the reader is told.",
			"A pipe's reader is. An eventfd's waits for ever, as do those of all that has one descriptor for both sides."),
	};

	return kt_suite("eventfd", tests, SUITE_COUNT(tests));
}
