/* SPDX-License-Identifier: Apache-2.0 */
/* What libc puts between a program and a pipe: stdio's buffers, popen() and pclose(). */
#include "kernel_test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *start(const char *command, const char *mode)
{
	FILE *f = popen(command, mode);

	ck_assert_ptr_nonnull(f);
	return f;
}

/* A stream that writes to the pipe. */
static FILE *stream_to(int fd)
{
	FILE *f = fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	return f;
}

START_TEST(what_is_printed_to_a_pipe_waits_in_the_buffer)
{
	int fd[2];
	FILE *f;

	ck_assert_int_eq(pipe(fd), 0);
	f = stream_to(fd[1]);
	fputs("a line\n", f);
	kt_measured("after a line with its newline: %s",
		    kt_poll(fd[0], POLLIN) ? "readable" : "nothing to read");
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), 0);
	fflush(f);
	ck_assert_int_eq(kt_poll(fd[0], POLLIN), POLLIN);
}
END_TEST

START_TEST(what_is_in_the_buffer_at_fork_is_written_twice)
{
	char got[64] = "";
	ssize_t n;
	int fd[2];
	FILE *f;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	f = stream_to(fd[1]);
	fputs("once ", f);
	pid = kt_fork();
	if (!pid) {
		/* As exit() does. */
		fclose(f);
		_exit(0);
	}
	kt_join(pid);
	fclose(f);
	n = read(fd[0], got, sizeof(got) - 1);
	kt_measured("one fputs(): \"%s\"", got);
	ck_assert_int_eq(n, 10);
	ck_assert_str_eq(got, "once once ");
}
END_TEST

START_TEST(what_is_in_the_buffer_at_death_is_lost)
{
	int fd[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(fd), 0);
	pid = kt_fork();
	if (!pid) {
		FILE *f = stream_to(fd[1]);

		fputs("lost", f);
		kill(getpid(), SIGKILL);
	}
	kt_wait(pid);
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
}
END_TEST

START_TEST(popen_reads_and_pclose_tells_the_status)
{
	FILE *f = start("echo out; exit 3", "r");
	char got[8] = "";
	int status;

	ck_assert_ptr_nonnull(fgets(got, sizeof(got), f));
	ck_assert_str_eq(got, "out\n");
	status = pclose(f);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	/* The shell's word for a command that is not there. */
	status = pclose(start("exec 2>&-; ipcjam-no-such-command", "r"));
	kt_measured("popen() of no command: a stream, and status %d", WEXITSTATUS(status));
	ck_assert_int_eq(WEXITSTATUS(status), 127);
}
END_TEST

START_TEST(popen_writes_and_the_end_of_file_comes_by_pclose)
{
	FILE *f = start("read line && test \"$line\" = in && ! read line", "w");

	fputs("in\n", f);
	ck_assert_int_eq(pclose(f), 0);
}
END_TEST

START_TEST(popen_is_one_way)
{
	ck_assert_ptr_null(popen("cat", "r+"));
	kt_measured("popen(\"r+\"): %s", kt_errno(errno));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_second_popen_does_not_hold_the_first_ones_end)
{
	FILE *first = start("cat >/dev/null", "w");
	FILE *second = start("cat >/dev/null", "w");

	/* It would wait for ever if the second child had the write end of the first. */
	ck_assert_int_eq(pclose(first), 0);
	ck_assert_int_eq(pclose(second), 0);
}
END_TEST

START_TEST(with_sigchld_ignored_pclose_has_no_status)
{
	FILE *f;

	signal(SIGCHLD, SIG_IGN);
	f = start("exit 3", "r");
	ck_assert_int_eq(pclose(f), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

Suite *stdio_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			what_is_printed_to_a_pipe_waits_in_the_buffer,
			"What printf() printed with a newline has been sent.",
			"To a terminal. To a pipe it waits until the buffer is full or flushed: two programs that talk like this wait for each other."),
		KT_CLAIM(
			what_is_in_the_buffer_at_fork_is_written_twice,
			"What was printed before fork() is printed once.",
			"The child has a copy of the buffer: flush before fork(), or end the child with _exit()."),
		KT_TEST(what_is_in_the_buffer_at_death_is_lost),
		KT_CLAIM(popen_reads_and_pclose_tells_the_status,
			 "popen() fails when there is no such command.",
			 "It starts a shell, and that does: pclose() tells."),
		KT_TEST(popen_writes_and_the_end_of_file_comes_by_pclose),
		KT_CLAIM(popen_is_one_way, "popen() can read and write.",
			 "One of the two; some other systems have both."),
		KT_TEST(a_second_popen_does_not_hold_the_first_ones_end),
		KT_TEST(with_sigchld_ignored_pclose_has_no_status),
	};

	return kt_suite("stdio", tests, SUITE_COUNT(tests));
}
