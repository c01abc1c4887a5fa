/* SPDX-License-Identifier: Apache-2.0 */
/* Shared mappings of files and of nothing: who sees what, and where SIGBUS waits. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void *map(int fd, size_t n_bytes, int flags)
{
	void *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	KT_CHILD(at != MAP_FAILED);
	return at;
}

static int make_file(off_t n_bytes)
{
	int fd = open(kt_path("file"), O_RDWR | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, n_bytes), 0);
	return fd;
}

/* The signal that a child dies of which reads there, or 0. */
static int signal_of_touch(volatile const char *at)
{
	pid_t pid = kt_fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		(void)*at;
		_exit(0);
	}
	status = kt_wait(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* What a child writes to. */
static void write_in_child(char *at, const char *text)
{
	pid_t pid = kt_fork();

	if (!pid) {
		strcpy(at, text);
		_exit(0);
	}
	kt_join(pid);
}

START_TEST(an_anonymous_one_is_shared_over_fork)
{
	char *at = map(-1, PAGE, MAP_SHARED | MAP_ANONYMOUS);

	ck_assert_int_eq(at[PAGE - 1], 0);
	write_in_child(at, "child");
	kt_measured("the parent reads \"%s\"", at);
	ck_assert_str_eq(at, "child");
}
END_TEST

START_TEST(a_private_one_is_not_shared)
{
	char *at = map(-1, PAGE, MAP_PRIVATE | MAP_ANONYMOUS);

	strcpy(at, "before");
	write_in_child(at, "child");
	ck_assert_str_eq(at, "before");
}
END_TEST

START_TEST(two_mappings_of_a_file_are_one_memory)
{
	int fd = make_file(PAGE);
	char *first = map(fd, PAGE, MAP_SHARED);
	char *second = map(open(kt_path("file"), O_RDWR), PAGE, MAP_SHARED);

	ck_assert_ptr_ne(first, second);
	strcpy(first, "same");
	ck_assert_str_eq(second, "same");
}
END_TEST

START_TEST(write_and_read_see_it_without_msync)
{
	int fd = make_file(PAGE);
	int reader = open(kt_path("file"), O_RDONLY);
	char *at = map(fd, PAGE, MAP_SHARED);
	char got[8] = "";

	strcpy(at, "mapped");
	ck_assert_int_eq(pread(reader, got, 7, 0), 7);
	kt_measured("read() before any msync(): \"%s\"", got);
	ck_assert_str_eq(got, "mapped");
	ck_assert_int_eq(pwrite(fd, "written", 8, 0), 8);
	ck_assert_str_eq(at, "written");
	ck_assert_int_eq(msync(at, PAGE, MS_SYNC), 0);
	ck_assert(msync(at + 1, PAGE, MS_SYNC) == -1 && errno == EINVAL);
}
END_TEST

START_TEST(a_private_one_sees_the_file_until_it_writes)
{
	int fd = make_file(PAGE);
	char *shared = map(fd, PAGE, MAP_SHARED);
	char *own = map(fd, PAGE, MAP_PRIVATE);

	strcpy(shared, "first");
	ck_assert_str_eq(own, "first");
	kt_measured("before its own write it reads \"%s\"", own);
	own[100] = 'x';
	strcpy(shared, "second");
	ck_assert_str_eq(own, "first");
	ck_assert_int_eq(shared[100], 0);
	kt_measured("after it still \"%s\"", own);
}
END_TEST

START_TEST(it_outlives_its_descriptor)
{
	int fd = make_file(PAGE);
	char *at = map(fd, PAGE, MAP_SHARED);

	close(fd);
	ck_assert_int_eq(unlink(kt_path("file")), 0);
	write_in_child(at, "alive");
	kt_measured("after close() and unlink(): \"%s\"", at);
	ck_assert_str_eq(at, "alive");
}
END_TEST

START_TEST(munmap_by_one_leaves_the_others)
{
	char *at = map(-1, PAGE, MAP_SHARED | MAP_ANONYMOUS);
	pid_t pid = kt_fork();

	if (!pid) {
		strcpy(at, "left");
		KT_CHILD(munmap(at, PAGE) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_str_eq(at, "left");
}
END_TEST

START_TEST(mremap_moves_it_and_it_stays_shared)
{
	int fd = make_file(4L * PAGE);
	char *other = map(fd, PAGE, MAP_SHARED);
	char *at = map(fd, PAGE, MAP_SHARED);
	char *moved;

	strcpy(at, "content");
	moved = mremap(at, PAGE, 4L * PAGE, MREMAP_MAYMOVE);
	ck_assert_ptr_ne(moved, MAP_FAILED);
	ck_assert_str_eq(moved, "content");
	strcpy(moved, "moved");
	ck_assert_str_eq(other, "moved");
	ck_assert_int_eq(signal_of_touch(moved + 3L * PAGE), 0);
}
END_TEST

START_TEST(a_fork_child_sees_no_later_mapping)
{
	struct kt_gate go;
	pid_t pid;
	char *at;

	kt_gate_make(&go);
	pid = kt_fork();
	if (!pid) {
		kt_gate_await(&go);
		/* It has no mapping there. */
		KT_CHILD(read(go.fd[0], &at, sizeof(at)) == sizeof(at));
		KT_CHILD(msync(at, PAGE, MS_ASYNC) == -1 && errno == ENOMEM);
		_exit(0);
	}
	at = map(-1, PAGE, MAP_SHARED | MAP_ANONYMOUS);
	kt_gate_post(&go);
	ck_assert_int_eq(write(go.fd[1], &at, sizeof(at)), sizeof(at));
	kt_join(pid);
}
END_TEST

START_TEST(behind_the_last_page_of_the_file_is_sigbus)
{
	int fd = make_file(100);
	char *at = map(fd, 2L * PAGE, MAP_SHARED);

	if (sysconf(_SC_PAGESIZE) != PAGE)
		suite_skip("the numbers here are for pages of %d bytes", PAGE);
	/* Up to the end of the page it is memory, zero, and not in the file. */
	ck_assert_int_eq(at[PAGE - 1], 0);
	at[100] = 'x';
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 100);
	ck_assert_int_eq(signal_of_touch(at + PAGE - 1), 0);
	ck_assert_int_eq(signal_of_touch(at + PAGE), SIGBUS);
	kt_measured("a file of 100 bytes: byte 4095 is memory, byte 4096 gives %s",
		    sigabbrev_np(signal_of_touch(at + PAGE)));
}
END_TEST

START_TEST(a_file_made_shorter_takes_the_pages_of_those_who_map_it)
{
	int fd = make_file(2L * PAGE);
	char *at = map(fd, 2L * PAGE, MAP_SHARED);

	strcpy(at + PAGE, "gone");
	ck_assert_int_eq(signal_of_touch(at + PAGE), 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	ck_assert_int_eq(signal_of_touch(at + PAGE), SIGBUS);
	/* Longer again: memory again, but zero. */
	ck_assert_int_eq(ftruncate(fd, 2L * PAGE), 0);
	ck_assert_int_eq(at[PAGE], 0);
	ck_assert_int_eq(signal_of_touch(at + PAGE), 0);
}
END_TEST

START_TEST(a_shared_mapping_to_write_needs_a_descriptor_to_write)
{
	int fd;

	close(make_file(PAGE));
	fd = open(kt_path("file"), O_RDONLY);
	ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	/* Its own copy one may write. */
	ck_assert_ptr_ne(map(fd, PAGE, MAP_PRIVATE), NULL);
}
END_TEST

START_TEST(length_0_gives_einval)
{
	/* cppcheck-suppress invalidFunctionArg */
	ck_assert_ptr_eq(mmap(NULL, 0, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

Suite *mapping_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			an_anonymous_one_is_shared_over_fork,
			"Each child has to attach shared memory for itself after fork().",
			"Mappings and System V attachments are inherited, at the same address. exec loses them."),
		KT_TEST(a_private_one_is_not_shared),
		KT_TEST(two_mappings_of_a_file_are_one_memory),
		KT_CLAIM(
			write_and_read_see_it_without_msync,
			"Other processes see a write to a mapped file after msync().",
			"At once, as mappings, read() and write() share one cache of the file. msync() is for the disk."),
		KT_CLAIM(
			a_private_one_sees_the_file_until_it_writes,
			"A MAP_PRIVATE mapping is a copy of the file.",
			"Page by page, from its first own write to each. Until then it shows what others write to the file."),
		KT_CLAIM(it_outlives_its_descriptor,
			 "A mapping ends when its file is closed or removed.",
			 "It holds the file by itself, until munmap(), exec or exit."),
		KT_TEST(munmap_by_one_leaves_the_others),
		KT_TEST(mremap_moves_it_and_it_stays_shared),
		KT_TEST(a_fork_child_sees_no_later_mapping),
		KT_CLAIM(
			behind_the_last_page_of_the_file_is_sigbus,
			"Reading behind the end of a mapped file gives zeros, or SIGSEGV.",
			"Zeros up to the end of the page, and SIGBUS behind it, though mmap() gave that memory."),
		KT_TEST(a_file_made_shorter_takes_the_pages_of_those_who_map_it),
		KT_TEST(a_shared_mapping_to_write_needs_a_descriptor_to_write),
		KT_TEST(length_0_gives_einval),
	};

	return kt_suite("mapping", tests, SUITE_COUNT(tests));
}
