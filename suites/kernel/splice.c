/* SPDX-License-Identifier: Apache-2.0 */
/* splice, tee, vmsplice, sendfile: what they move without a copy, and what that means. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void make_pipe(int fd[2])
{
	ck_assert_int_eq(pipe2(fd, O_NONBLOCK), 0);
}

static int make_file(const char *text)
{
	int fd = open(kt_path("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

START_TEST(splice_moves_and_tee_copies)
{
	int from[2], to[2];
	char got[8];

	make_pipe(from);
	make_pipe(to);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	ck_assert_int_eq(tee(from[0], to[1], 3, 0), 3);
	ck_assert_int_eq(read(to[0], got, sizeof(got)), 3);
	ck_assert_int_eq(splice(from[0], NULL, to[1], NULL, 3, 0), 3);
	ck_assert_int_eq(read(to[0], got, sizeof(got)), 3);
	ck_assert(read(from[0], got, sizeof(got)) == -1 && errno == EAGAIN);
}
END_TEST

START_TEST(one_end_must_be_a_pipe)
{
	int file = make_file("abc");
	int other = open(kt_path("other"), O_RDWR | O_CREAT, 0600);
	int pipe_fd[2];
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert(splice(file, &(off64_t){ 0 }, other, NULL, 3, 0) == -1 && errno == EINVAL);
	kt_measured("splice from file to file: %s", kt_errno(errno));
	/* By way of a pipe. */
	make_pipe(pipe_fd);
	ck_assert_int_eq(splice(file, &(off64_t){ 0 }, pipe_fd[1], NULL, 3, 0), 3);
	ck_assert_int_eq(splice(pipe_fd[0], NULL, fd[0], NULL, 3, 0), 3);
}
END_TEST

START_TEST(it_returns_what_is_there_and_0_at_the_end)
{
	int from[2], to[2];

	make_pipe(from);
	make_pipe(to);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	ck_assert_int_eq(splice(from[0], NULL, to[1], NULL, 100, 0), 3);
	ck_assert(splice(from[0], NULL, to[1], NULL, 100, SPLICE_F_NONBLOCK) == -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(from[1]);
	ck_assert_int_eq(splice(from[0], NULL, to[1], NULL, 100, 0), 0);
}
END_TEST

START_TEST(without_a_reader_it_gives_epipe)
{
	int from[2], to[2];

	make_pipe(from);
	make_pipe(to);
	kt_handle(SIGPIPE, 0);
	close(to[0]);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	ck_assert(splice(from[0], NULL, to[1], NULL, 3, 0) == -1 && errno == EPIPE);
	ck_assert_int_eq(kt_n_handled, 1);
	/* It is still in the first pipe. */
	ck_assert_int_eq(read(from[0], &(char[3]){ 0 }, 3), 3);
}
END_TEST

START_TEST(what_vmsplice_gave_is_the_page_and_no_copy)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec bytes = { page, 6 };
	char got[8] = "";
	int fd[2];

	make_pipe(fd);
	strcpy(page, "before");
	ck_assert_int_eq(vmsplice(fd[1], &bytes, 1, 0), 6);
	strcpy(page, "after!");
	ck_assert_int_eq(read(fd[0], got, sizeof(got)), 6);
	kt_measured("given \"before\", then written over: the reader got \"%s\"", got);
	ck_assert_str_eq(got, "after!");
}
END_TEST

START_TEST(what_splice_took_of_a_file_is_the_page_and_no_copy)
{
	int file = make_file("before");
	char got[8] = "";
	int fd[2];

	make_pipe(fd);
	ck_assert_int_eq(splice(file, &(off64_t){ 0 }, fd[1], NULL, 6, 0), 6);
	ck_assert_int_eq(pwrite(file, "after!", 6, 0), 6);
	ck_assert_int_eq(read(fd[0], got, sizeof(got)), 6);
	kt_measured("spliced \"before\", then the file was written: the reader got \"%s\"", got);
	ck_assert_str_eq(got, "after!");
}
END_TEST

START_TEST(sendfile_goes_to_sockets_and_pipes_and_keeps_the_place)
{
	int file = make_file("abcdef");
	off_t from = 2;
	char got[8] = "";
	int fd[2];

	kt_pair(fd, SOCK_STREAM);
	ck_assert_int_eq(sendfile(fd[0], file, &from, 100), 4);
	ck_assert_int_eq(from, 6);
	ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 6);
	ck_assert_int_eq(recv(fd[1], got, sizeof(got), 0), 4);
	ck_assert_str_eq(got, "cdef");
	make_pipe(fd);
	from = 0;
	ck_assert_int_eq(sendfile(fd[1], file, &from, 3), 3);
}
END_TEST

START_TEST(a_full_pipe_blocks_splice)
{
	static char page[PAGE];
	int from[2], to[2];
	pid_t pid;

	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(fcntl(to[1], F_SETPIPE_SZ, PAGE), PAGE);
	ck_assert_int_eq(write(to[1], page, PAGE), PAGE);
	ck_assert_int_eq(write(from[1], "abc", 3), 3);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(splice(from[0], NULL, to[1], NULL, 3, 0) == 3);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_splice);
	ck_assert_int_eq(read(to[0], page, PAGE), PAGE);
	kt_join(pid);
}
END_TEST

Suite *splice_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(splice_moves_and_tee_copies),
		KT_CLAIM(
			one_end_must_be_a_pipe, "splice() moves between any two descriptors.",
			"One of them has to be a pipe; for a file and a socket there is sendfile()."),
		KT_TEST(it_returns_what_is_there_and_0_at_the_end),
		KT_TEST(without_a_reader_it_gives_epipe),
		KT_CLAIM(what_vmsplice_gave_is_the_page_and_no_copy,
			 "After vmsplice() the buffer may be used again.",
			 "The pipe holds the page itself: who writes to it changes what is read."),
		KT_CLAIM(
			what_splice_took_of_a_file_is_the_page_and_no_copy,
			"What is in a pipe does not change any more.",
			"What came by splice() or sendfile() is the file's own page, and changes with the file."),
		KT_TEST(sendfile_goes_to_sockets_and_pipes_and_keeps_the_place),
		KT_TEST(a_full_pipe_blocks_splice),
	};

	return kt_suite("splice", tests, SUITE_COUNT(tests));
}
