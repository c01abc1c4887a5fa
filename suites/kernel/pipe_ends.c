/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: their ends. Empty, end of file, broken, and who may have an end. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_pipe(int fd[2], int flags)
{
	ck_assert_int_eq(pipe2(fd, flags), 0);
}

START_TEST(reading_an_empty_pipe_blocks_while_there_is_a_writer)
{
	int fd[2];
	pid_t pid;

	make_pipe(fd, 0);
	pid = kt_fork();
	if (!pid) {
		char c;

		KT_CHILD(read(fd[0], &c, 1) == 1);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_read);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	kt_join(pid);
}
END_TEST

START_TEST(reading_an_empty_pipe_gives_eagain_with_o_nonblock)
{
	int fd[2];
	char c;

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(read(fd[0], &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(reading_an_empty_pipe_gives_eof_without_a_writer)
{
	int fd[2];
	char c;

	make_pipe(fd, O_NONBLOCK);
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLHUP);
}
END_TEST

START_TEST(what_was_written_outlives_its_writer)
{
	char got[8];
	int fd[2];
	pid_t pid;

	make_pipe(fd, 0);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(write(fd[1], "left", 4) == 4);
		kill(getpid(), SIGKILL);
	}
	close(fd[1]);
	kt_wait(pid);
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLIN | POLLHUP);
	ck_assert_int_eq(read(fd[0], got, sizeof(got)), 4);
	ck_assert_int_eq(read(fd[0], got, sizeof(got)), 0);
}
END_TEST

START_TEST(the_last_writers_death_ends_a_blocked_read)
{
	int fd[2];
	pid_t reader, writer;

	make_pipe(fd, 0);
	writer = kt_fork();
	if (!writer)
		for (;;)
			pause();
	reader = kt_fork();
	if (!reader) {
		char c;

		close(fd[1]);
		KT_CHILD(read(fd[0], &c, 1) == 0);
		_exit(0);
	}
	close(fd[1]);
	kt_wait_blocked(reader, SYS_read);
	kt_kill(writer);
	kt_join(reader);
}
END_TEST

START_TEST(a_readers_own_write_end_keeps_eof_away)
{
	int fd[2];
	pid_t pid;

	make_pipe(fd, 0);
	pid = kt_fork();
	if (!pid) {
		char c;

		(void)!read(fd[0], &c, 1);
		_exit(0);
	}
	close(fd[1]);
	/* Nobody else is left, and it waits: for itself. */
	kt_wait_blocked(pid, SYS_read);
	kt_measured("the reader, alone, waits");
	kt_kill(pid);
}
END_TEST

START_TEST(epipe_and_sigpipe_come_only_without_a_reader)
{
	int fd[2];

	make_pipe(fd, 0);
	kt_handle(SIGPIPE, 0);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_int_eq(kt_n_handled, 0);
	close(fd[0]);
	ck_assert_int_eq(write(fd[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(kt_n_handled, 1);
	ck_assert_int_eq(kt_poll(fd[1], POLLOUT), POLLOUT | POLLERR);
}
END_TEST

START_TEST(sigpipe_kills_by_default)
{
	int fd[2];
	int status;
	pid_t pid;

	make_pipe(fd, 0);
	close(fd[0]);
	pid = kt_fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		(void)!write(fd[1], "x", 1);
		_exit(0);
	}
	status = kt_wait(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}
END_TEST

START_TEST(a_writers_own_read_end_keeps_epipe_away)
{
	static char buffer[65536 + 1];
	int fd[2];
	pid_t pid;

	make_pipe(fd, 0);
	pid = kt_fork();
	if (!pid) {
		(void)!write(fd[1], buffer, sizeof(buffer));
		_exit(0);
	}
	close(fd[0]);
	close(fd[1]);
	kt_wait_blocked(pid, SYS_write);
	kt_kill(pid);
}
END_TEST

START_TEST(a_blocked_write_ends_when_the_last_reader_goes)
{
	static char buffer[65536 + 1];
	int fd[2];
	pid_t pid;

	make_pipe(fd, 0);
	ck_assert_int_ge(fcntl(fd[1], F_SETPIPE_SZ, 4096), 0);
	ck_assert_int_eq(write(fd[1], buffer, 4096), 4096);
	pid = kt_fork();
	if (!pid) {
		close(fd[0]);
		signal(SIGPIPE, SIG_IGN);
		KT_CHILD(write(fd[1], buffer, 1) == -1 && errno == EPIPE);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_write);
	close(fd[0]);
	kt_join(pid);
}
END_TEST

START_TEST(a_write_of_nothing_does_nothing)
{
	int fd[2];
	char c;

	make_pipe(fd, O_NONBLOCK);
	ck_assert_int_eq(write(fd[1], "", 0), 0);
	ck_assert_int_eq(read(fd[0], &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(fd[0]);
	/* Not even EPIPE. */
	ck_assert_int_eq(write(fd[1], "", 0), 0);
	kt_measured("without a reader: 0");
}
END_TEST

START_TEST(a_pipe_cannot_seek_and_its_ends_are_one_way)
{
	int fd[2];
	char c = 0;

	make_pipe(fd, 0);
	ck_assert(lseek(fd[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
	ck_assert(pread(fd[0], &c, 1, 0) == -1 && errno == ESPIPE);
	ck_assert(write(fd[0], &c, 1) == -1 && errno == EBADF);
	ck_assert(read(fd[1], &c, 1) == -1 && errno == EBADF);
}
END_TEST

START_TEST(a_byte_is_read_by_one_reader_only)
{
	enum { N_READERS = 3, N_BYTES = 200 };
	unsigned char seen[N_BYTES] = { 0 };
	int in[2], out[2];
	unsigned char c;

	make_pipe(in, 0);
	make_pipe(out, 0);
	for (int i = 0; i < N_READERS; i++) {
		if (kt_fork())
			continue;
		close(in[1]);
		while (read(in[0], &c, 1) == 1)
			KT_CHILD(write(out[1], &c, 1) == 1);
		_exit(0);
	}
	close(out[1]);
	for (c = 0; c < N_BYTES; c++)
		ck_assert_int_eq(write(in[1], &c, 1), 1);
	close(in[1]);
	while (read(out[0], &c, 1) == 1)
		seen[c]++;
	for (int i = 0; i < N_BYTES; i++)
		ck_assert_int_eq(seen[i], 1);
}
END_TEST

START_TEST(proc_gives_a_pipe_to_one_that_did_not_inherit_it)
{
	struct kt_gate go;
	char path[64];
	int other;
	char c;
	pid_t pid;

	kt_gate_make(&go);
	pid = kt_fork();
	if (!pid) {
		int mine[2];

		KT_CHILD(pipe(mine) == 0);
		KT_CHILD(dup2(mine[0], 100) == 100 && dup2(mine[1], 101) == 101);
		kt_gate_post(&go);
		KT_CHILD(read(mine[0], &c, 1) == 1 && c == 'p');
		_exit(0);
	}
	kt_gate_await(&go);
	snprintf(path, sizeof(path), "/proc/%d/fd/101", pid);
	other = open(path, O_WRONLY);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(write(other, "p", 1), 1);
	kt_join(pid);
}
END_TEST

Suite *pipe_ends_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(reading_an_empty_pipe_blocks_while_there_is_a_writer),
		KT_TEST(reading_an_empty_pipe_gives_eagain_with_o_nonblock),
		KT_TEST(reading_an_empty_pipe_gives_eof_without_a_writer),
		KT_TEST(what_was_written_outlives_its_writer),
		KT_TEST(the_last_writers_death_ends_a_blocked_read),
		KT_CLAIM(
			a_readers_own_write_end_keeps_eof_away, "Unused ends do no harm.",
			"A reader with its own write end open waits for itself; a writer with its own read end never gets EPIPE."),
		KT_TEST(epipe_and_sigpipe_come_only_without_a_reader),
		KT_TEST(sigpipe_kills_by_default),
		KT_TEST(a_writers_own_read_end_keeps_epipe_away),
		KT_TEST(a_blocked_write_ends_when_the_last_reader_goes),
		KT_CLAIM(a_write_of_nothing_does_nothing,
			 "Writing nothing gives EPIPE too, or ends the file.",
			 "It does nothing at all."),
		KT_TEST(a_pipe_cannot_seek_and_its_ends_are_one_way),
		KT_TEST(a_byte_is_read_by_one_reader_only),
		KT_TEST(proc_gives_a_pipe_to_one_that_did_not_inherit_it),
	};

	return kt_suite("pipe_ends", tests, SUITE_COUNT(tests));
}
