/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: how much they hold, in pages and not in bytes, and what poll() makes of that. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPACITY = 65536, PAGE = 4096, SLOTS = CAPACITY / PAGE };

static char buffer[2 * CAPACITY];

/* A pipe of the usual size. Users above pipe-user-pages-soft get smaller ones: then we cannot tell.
 */
static void make_pipe(int fd[2], int flags)
{
	ck_assert_int_eq(pipe2(fd, flags), 0);
	if (sysconf(_SC_PAGESIZE) != PAGE)
		suite_skip("the numbers here are for pages of %d bytes", PAGE);
	if (fcntl(fd[1], F_GETPIPE_SZ) < CAPACITY && geteuid() != 0)
		suite_skip("this user's pipes are above fs.pipe-user-pages-soft");
}

/* How many writes of `n_bytes` go in until EAGAIN. */
static int fill(int fd, size_t n_bytes)
{
	int n_writes = 0;

	while (write(fd, buffer, n_bytes) == (ssize_t)n_bytes)
		n_writes++;
	ck_assert_int_eq(errno, EAGAIN);
	return n_writes;
}

START_TEST(capacity_is_64_kib)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(fcntl(fd[1], F_GETPIPE_SZ), CAPACITY);
	ck_assert_int_eq(write(fd[1], buffer, sizeof(buffer)), CAPACITY);
	ck_assert_int_eq(write(fd[1], buffer, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

struct fill_row {
	const char *name;
	size_t write_bytes;
	int n_writes;
	int flags;
};

/* A write joins the last page only if it fits there whole; otherwise it starts a page. */
static const struct fill_row fill_rows[] = {
	{ "writes_of_1_byte_share_pages", 1, CAPACITY, 0 },
	{ "writes_of_2048_bytes_share_pages", 2048, 2 * SLOTS, 0 },
	{ "writes_of_2049_bytes_take_a_page_each", 2049, SLOTS, 0 },
	{ "writes_of_3000_bytes_take_a_page_each", 3000, SLOTS, 0 },
	{ "writes_of_a_page_fill_it_wholly", PAGE, SLOTS, 0 },
	{ "packets_of_1_byte_take_a_page_each", 1, SLOTS, O_DIRECT },
};

START_TEST(fills)
{
	const struct fill_row *row = &fill_rows[_i];
	int n_writes;
	int fd[2];

	make_pipe(fd, O_NONBLOCK | row->flags);
	n_writes = fill(fd[1], row->write_bytes);
	kt_measured("%s of %zu: %zu bytes", row->flags ? "packets" : "writes", row->write_bytes,
		    (size_t)n_writes * row->write_bytes);
	ck_assert_int_eq(n_writes, row->n_writes);
}
END_TEST

START_TEST(a_page_is_free_only_when_read_to_its_end)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(fill(fd[1], PAGE), SLOTS);
	ck_assert_int_eq(read(fd[0], buffer, PAGE - 1), PAGE - 1);
	/* 4095 bytes less are in it, and still not one goes in. */
	ck_assert_int_eq(write(fd[1], buffer, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	kt_measured("after %d bytes read: %s", PAGE - 1, kt_errno(errno));
	ck_assert_int_eq(read(fd[0], buffer, 1), 1);
	ck_assert_int_eq(write(fd[1], buffer, PAGE), PAGE);
}
END_TEST

START_TEST(pollout_means_a_free_page)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(kt_poll(fd[1], POLLOUT), POLLOUT);
	for (int i = 0; i < SLOTS - 1; i++)
		ck_assert_int_eq(write(fd[1], buffer, PAGE), PAGE);
	ck_assert_int_eq(kt_poll(fd[1], POLLOUT), POLLOUT);
	ck_assert_int_eq(write(fd[1], buffer, 1), 1);
	/* The last page is begun: no POLLOUT, and yet a byte goes in, because it fits behind the
	 * other. */
	ck_assert_int_eq(kt_poll(fd[1], POLLOUT), 0);
	ck_assert_int_eq(write(fd[1], buffer, 1), 1);
	ck_assert_int_eq(write(fd[1], buffer, PAGE), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(pollout_promises_pipe_buf_and_not_more)
{
	pid_t pid;
	int fd[2];

	make_pipe(fd, 0);
	for (int i = 0; i < SLOTS - 1; i++)
		ck_assert_int_eq(write(fd[1], buffer, PAGE), PAGE);
	ck_assert_int_eq(kt_poll(fd[1], POLLOUT), POLLOUT);
	pid = kt_fork();
	if (!pid) {
		/* A descriptor that poll() calls ready blocks all the same, when more is written.
		 */
		KT_CHILD(write(fd[1], buffer, PIPE_BUF + 1) == PIPE_BUF + 1);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	kt_measured("after POLLOUT a write of %d bytes waits", PIPE_BUF + 1);
	ck_assert_int_eq(read(fd[0], buffer, PAGE), PAGE);
	kt_join(pid);
}
END_TEST

START_TEST(nonblocking_write_up_to_pipe_buf_is_all_or_nothing)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	for (int i = 0; i < SLOTS - 1; i++)
		ck_assert_int_eq(write(fd[1], buffer, PAGE), PAGE);
	ck_assert_int_eq(write(fd[1], buffer, 100), 100);
	ck_assert_int_eq(write(fd[1], buffer, PIPE_BUF), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(write(fd[1], buffer, PAGE - 100), PAGE - 100);
}
END_TEST

START_TEST(nonblocking_write_above_pipe_buf_may_be_short)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	for (int i = 0; i < SLOTS - 1; i++)
		ck_assert_int_eq(write(fd[1], buffer, PAGE), PAGE);
	ck_assert_int_eq(write(fd[1], buffer, PIPE_BUF + 1), PIPE_BUF);
}
END_TEST

START_TEST(f_setpipe_sz_rounds_up_to_a_power_of_two_pages)
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(fcntl(fd[1], F_SETPIPE_SZ, 1), PAGE);
	kt_measured("asked for 1: %d", fcntl(fd[1], F_GETPIPE_SZ));
	ck_assert_int_eq(fill(fd[1], PAGE), 1);
	ck_assert_int_eq(fcntl(fd[1], F_SETPIPE_SZ, PAGE + 1), 2 * PAGE);
	ck_assert_int_eq(fcntl(fd[0], F_SETPIPE_SZ, 5 * PAGE), 8 * PAGE);
	kt_measured("asked for %d: %d", 5 * PAGE, fcntl(fd[1], F_GETPIPE_SZ));
	ck_assert_int_eq(fill(fd[1], PAGE), 7);
	/* Not below what is in it. */
	ck_assert_int_eq(fcntl(fd[1], F_SETPIPE_SZ, 4 * PAGE), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(fcntl(fd[1], F_GETPIPE_SZ), 8 * PAGE);
}
END_TEST

START_TEST(pipe_max_size_binds_users_without_rights)
{
	long max_bytes = kt_sysctl("fs/pipe-max-size");
	int fd[2];
	pid_t pid;

	if (max_bytes < 0 || max_bytes > INT_MAX / 4)
		suite_skip("fs.pipe-max-size is not readable here, or huge");
	make_pipe(fd, 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(kt_drop_rights());
		KT_CHILD(fcntl(fd[1], F_SETPIPE_SZ, (int)max_bytes) == max_bytes);
		KT_CHILD(fcntl(fd[1], F_SETPIPE_SZ, (int)max_bytes + 1) == -1);
		KT_CHILD(errno == EPERM);
		_exit(0);
	}
	kt_join(pid);
}
END_TEST

START_TEST(fionread_counts_bytes)
{
	int n_bytes = -1;
	int fd[2];

	make_pipe(fd, 0);
	ck_assert_int_eq(write(fd[1], buffer, 3000), 3000);
	ck_assert_int_eq(write(fd[1], buffer, 3000), 3000);
	ck_assert_int_eq(read(fd[0], buffer, 1), 1);
	ck_assert_int_eq(ioctl(fd[0], FIONREAD, &n_bytes), 0);
	ck_assert_int_eq(n_bytes, 5999);
}
END_TEST

START_TEST(o_direct_keeps_packets_apart_and_drops_their_rest)
{
	int fd[2];

	make_pipe(fd, O_DIRECT);
	ck_assert_int_eq(write(fd[1], "first", 5), 5);
	ck_assert_int_eq(write(fd[1], "second", 6), 6);
	ck_assert_int_eq(read(fd[0], buffer, 2), 2);
	ck_assert_int_eq(read(fd[0], buffer, sizeof(buffer)), 6);
	ck_assert_mem_eq(buffer, "second", 6);
	kt_measured("after 2 bytes of \"first\" came \"%.6s\"", buffer);
}
END_TEST

START_TEST(without_o_direct_writes_have_no_borders)
{
	int fd[2];

	make_pipe(fd, 0);
	ck_assert_int_eq(write(fd[1], "first", 5), 5);
	ck_assert_int_eq(write(fd[1], "second", 6), 6);
	ck_assert_int_eq(read(fd[0], buffer, 2), 2);
	ck_assert_int_eq(read(fd[0], buffer, sizeof(buffer)), 9);
	ck_assert_mem_eq(buffer, "rstsecond", 9);
}
END_TEST

Suite *pipe_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(capacity_is_64_kib),
		KT_CLAIM_ROWS(
			fills, fill_rows, "A pipe holds 65536 bytes, however written.",
			"It holds 16 pages. A write joins the last page only if it fits there whole."),
		KT_CLAIM(
			a_page_is_free_only_when_read_to_its_end,
			"When a byte was read, a byte fits.",
			"A page is free when it is read to its end. After 4095 bytes read, not one fits."),
		KT_TEST(pollout_means_a_free_page),
		KT_CLAIM(
			pollout_promises_pipe_buf_and_not_more,
			"POLLOUT means that a write does not block.",
			"It means a free page: `PIPE_BUF` bytes. One byte more may block. Without POLLOUT a small write may still fit."),
		KT_TEST(nonblocking_write_up_to_pipe_buf_is_all_or_nothing),
		KT_TEST(nonblocking_write_above_pipe_buf_may_be_short),
		KT_CLAIM(
			f_setpipe_sz_rounds_up_to_a_power_of_two_pages,
			"F_SETPIPE_SZ sets the size.",
			"It rounds up to a power of two pages; not below the content (EBUSY); not above `pipe-max-size` without the right (EPERM)."),
		KT_TEST(pipe_max_size_binds_users_without_rights),
		KT_TEST(fionread_counts_bytes),
		KT_CLAIM(o_direct_keeps_packets_apart_and_drops_their_rest,
			 "A pipe never keeps the borders of writes.",
			 "With O_DIRECT it does, and drops what a short read leaves."),
		KT_TEST(without_o_direct_writes_have_no_borders),
	};

	return kt_suite("pipe", tests, SUITE_COUNT(tests));
}
