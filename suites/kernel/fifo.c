/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs: which open() waits for whom, and what becomes of one whose name goes or changes. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct path {
	char name[PATH_MAX];
};

static struct path path_of(const char *name)
{
	struct path p;

	snprintf(p.name, sizeof(p.name), "%s/%s", kt_dir(), name);
	return p;
}

static struct path make_fifo(const char *name)
{
	struct path p = path_of(name);

	ck_assert_int_eq(mkfifo(p.name, 0600), 0);
	return p;
}

static int open_now(const struct path *p, int flags)
{
	int fd = open(p->name, flags | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* Forks a child whose blocking open() must succeed, and which is blocked in it when we return. */
static pid_t fork_opener(const struct path *p, int flags)
{
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(open(p->name, flags) >= 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_open);
	return pid;
}

START_TEST(open_for_reading_waits_for_a_writer)
{
	struct path p = make_fifo("f");
	pid_t pid = fork_opener(&p, O_RDONLY);

	ck_assert_int_ge(open_now(&p, O_WRONLY), 0);
	kt_join(pid);
}
END_TEST

START_TEST(open_for_writing_waits_for_a_reader)
{
	struct path p = make_fifo("f");
	pid_t pid = fork_opener(&p, O_WRONLY);

	ck_assert_int_ge(open_now(&p, O_RDONLY), 0);
	kt_join(pid);
}
END_TEST

START_TEST(open_comes_back_though_the_other_has_gone_again)
{
	struct path p = make_fifo("f");
	pid_t pid = fork_opener(&p, O_RDONLY);
	int fd = open_now(&p, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	close(fd);
	kt_join(pid);
}
END_TEST

START_TEST(with_o_nonblock_reading_opens_at_once_and_writing_gives_enxio)
{
	struct path p = make_fifo("f");
	int fd;

	ck_assert_int_eq(open_now(&p, O_WRONLY), -ENXIO);
	fd = open_now(&p, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(open_now(&p, O_WRONLY), 0);
}
END_TEST

START_TEST(o_rdwr_never_waits_on_linux)
{
	struct path p = make_fifo("f");
	int fd = open(p.name, O_RDWR);
	char c;

	ck_assert_int_ge(fd, 0);
	kt_measured("open(O_RDWR) came back alone");
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	/* It counts as both ends, so others do not wait either. */
	ck_assert_int_ge(open(p.name, O_RDONLY), 0);
	ck_assert_int_ge(open(p.name, O_WRONLY), 0);
}
END_TEST

START_TEST(without_a_writer_o_nonblock_read_gives_eof_and_not_eagain)
{
	struct path p = make_fifo("f");
	int reader = open_now(&p, O_RDONLY);
	int writer;
	char c;

	ck_assert_int_eq(read(reader, &c, 1), 0);
	kt_measured("before the first writer 0");
	/* poll() tells the two apart: no POLLHUP before the first writer has been there. */
	ck_assert_int_eq(kt_poll(reader, POLLIN), 0);
	writer = open_now(&p, O_WRONLY);
	ck_assert_int_eq(read(reader, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	kt_measured("with one %s", kt_errno(errno));
	close(writer);
	ck_assert_int_eq(kt_poll(reader, POLLIN), POLLHUP);
}
END_TEST

START_TEST(after_eof_a_new_writer_makes_it_readable_again)
{
	struct path p = make_fifo("f");
	int reader = open_now(&p, O_RDONLY);
	int writer = open_now(&p, O_WRONLY);
	char c;

	close(writer);
	ck_assert_int_eq(read(reader, &c, 1), 0);
	writer = open_now(&p, O_WRONLY);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(read(reader, &c, 1), 1);
}
END_TEST

START_TEST(what_is_in_it_is_lost_when_all_have_closed_it)
{
	struct path p = make_fifo("f");
	int fd = open_now(&p, O_RDWR);
	struct stat st;
	char c;

	ck_assert_int_eq(write(fd, "lost", 4), 4);
	close(fd);
	/* The name stays, and never had a size. */
	ck_assert_int_eq(stat(p.name, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	ck_assert_int_eq(st.st_size, 0);
	fd = open_now(&p, O_RDWR);
	ck_assert_int_eq(read(fd, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	kt_measured("closed and opened again: %s", kt_errno(errno));
}
END_TEST

START_TEST(rename_changes_nothing_for_those_who_have_it)
{
	struct path p = make_fifo("f");
	struct path to = path_of("g");
	pid_t pid = fork_opener(&p, O_RDONLY);

	ck_assert_int_eq(rename(p.name, to.name), 0);
	ck_assert_int_eq(open_now(&p, O_WRONLY), -ENOENT);
	ck_assert_int_ge(open_now(&to, O_WRONLY), 0);
	kt_join(pid);
}
END_TEST

START_TEST(a_hard_link_is_the_same_fifo)
{
	struct path p = make_fifo("f");
	struct path to = path_of("g");
	int reader = open_now(&p, O_RDONLY);
	int writer;
	char c;

	ck_assert_int_eq(link(p.name, to.name), 0);
	writer = open_now(&to, O_WRONLY);
	ck_assert_int_ge(writer, 0);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(read(reader, &c, 1), 1);
}
END_TEST

START_TEST(unlink_leaves_the_open_ends_joined)
{
	struct path p = make_fifo("f");
	int reader = open_now(&p, O_RDONLY);
	int writer = open_now(&p, O_WRONLY);
	char c;

	ck_assert_int_eq(unlink(p.name), 0);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(read(reader, &c, 1), 1);
}
END_TEST

START_TEST(a_fifo_made_again_under_the_name_is_another_one)
{
	struct path p = make_fifo("f");
	pid_t pid = fork_opener(&p, O_RDONLY);

	ck_assert_int_eq(unlink(p.name), 0);
	make_fifo("f");
	/* The one that waits at the old one is not found under the name, and waits for ever. */
	ck_assert_int_eq(open_now(&p, O_WRONLY), -ENXIO);
	kt_wait_blocked(pid, SYS_open);
	kt_measured("one who waited in open() waits for ever");
	kt_kill(pid);
}
END_TEST

START_TEST(mkfifo_of_a_name_that_is_there_gives_eexist)
{
	struct path p = make_fifo("f");

	ck_assert_int_eq(mkfifo(p.name, 0600), -1);
	ck_assert_int_eq(errno, EEXIST);
}
END_TEST

Suite *fifo_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(open_for_reading_waits_for_a_writer),
		KT_TEST(open_for_writing_waits_for_a_reader),
		KT_TEST(open_comes_back_though_the_other_has_gone_again),
		KT_TEST(with_o_nonblock_reading_opens_at_once_and_writing_gives_enxio),
		KT_CLAIM(
			o_rdwr_never_waits_on_linux, "Opening a FIFO always waits.",
			"Not with O_RDWR (Linux), nor with O_NONBLOCK: reading opens at once, writing gives ENXIO."),
		KT_CLAIM(
			without_a_writer_o_nonblock_read_gives_eof_and_not_eagain,
			"An empty FIFO with O_NONBLOCK gives EAGAIN.",
			"Only while it has a writer. Otherwise 0, also before the first one; poll() shows POLLHUP only after it."),
		KT_TEST(after_eof_a_new_writer_makes_it_readable_again),
		KT_CLAIM(what_is_in_it_is_lost_when_all_have_closed_it,
			 "A FIFO's data are in the file.",
			 "They are gone when all have closed it; its size is always 0."),
		KT_TEST(rename_changes_nothing_for_those_who_have_it),
		KT_TEST(a_hard_link_is_the_same_fifo),
		KT_TEST(unlink_leaves_the_open_ends_joined),
		KT_CLAIM(
			a_fifo_made_again_under_the_name_is_another_one,
			"Unlinking a FIFO breaks it.",
			"Open ends stay joined. But one who waits in open() is found by nobody any more."),
		KT_TEST(mkfifo_of_a_name_that_is_there_gives_eexist),
	};

	return kt_suite("fifo", tests, SUITE_COUNT(tests));
}
