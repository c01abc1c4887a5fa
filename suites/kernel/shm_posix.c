/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX shared memory: names and what removal leaves. Memory without a name, and its seals. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int make(int n)
{
	int fd = shm_open(kt_name(n), O_CREAT | O_EXCL | O_RDWR, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_size;
}

static char *map(int fd, size_t n_bytes)
{
	char *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

/* That a shared mapping to write is refused: -errno, or 0. */
static int map_error(int fd)
{
	if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

static char *make_mapped(int n)
{
	int fd = make(n);
	char *at;

	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	at = map(fd, PAGE);
	close(fd);
	return at;
}

START_TEST(a_new_one_has_no_size_and_then_zeros)
{
	int fd = make(0);
	const char *at;

	ck_assert_int_eq(size_of(fd), 0);
	ck_assert_int_eq(ftruncate(fd, 3L * PAGE), 0);
	at = map(fd, 3L * PAGE);
	for (int i = 0; i < 3 * PAGE; i++)
		ck_assert_int_eq(at[i], 0);
}
END_TEST

START_TEST(removal_leaves_the_mappings_joined)
{
	char *at = make_mapped(0);
	int fd = shm_open(kt_name(0), O_RDWR, 0);
	char *other = map(fd, PAGE);

	ck_assert_int_eq(shm_unlink(kt_name(0)), 0);
	strcpy(at, "joined");
	kt_measured("after shm_unlink(): \"%s\"", other);
	ck_assert_str_eq(other, "joined");
	ck_assert(shm_open(kt_name(0), O_RDWR, 0) == -1 && errno == ENOENT);
	ck_assert(shm_unlink(kt_name(0)) == -1 && errno == ENOENT);
}
END_TEST

START_TEST(one_made_again_under_the_name_is_another_one)
{
	char *old = make_mapped(0);
	char *again;

	strcpy(old, "old");
	ck_assert_int_eq(shm_unlink(kt_name(0)), 0);
	again = make_mapped(0);
	ck_assert_int_eq(again[0], 0);
	ck_assert_str_eq(old, "old");
}
END_TEST

START_TEST(content_stays_while_nobody_has_it)
{
	char *at = make_mapped(0);

	strcpy(at, "kept");
	ck_assert_int_eq(munmap(at, PAGE), 0);
	at = map(shm_open(kt_name(0), O_RDWR, 0), PAGE);
	kt_measured("mapped again: \"%s\"", at);
	ck_assert_str_eq(at, "kept");
}
END_TEST

START_TEST(exec_closes_the_descriptor)
{
	ck_assert_int_eq(fcntl(make(0), F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(o_trunc_empties_it_under_those_who_map_it)
{
	int fd;

	make_mapped(0);
	fd = shm_open(kt_name(0), O_RDWR | O_TRUNC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(size_of(fd), 0);
}
END_TEST

START_TEST(a_memfd_has_no_name_and_is_reached_through_proc)
{
	char path[64];
	int fd = memfd_create("ipcjam", MFD_CLOEXEC);
	char *at;
	char *found;
	int other;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	at = map(fd, PAGE);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	other = open(path, O_RDWR);
	ck_assert_int_ge(other, 0);
	found = map(other, PAGE);
	strcpy(found, "found");
	ck_assert_str_eq(at, "found");
	/* The name is for people: several may have it. */
	ck_assert_int_ge(memfd_create("ipcjam", MFD_CLOEXEC), 0);
}
END_TEST

static int sealable(unsigned int flags)
{
	int fd = memfd_create("ipcjam", MFD_CLOEXEC | flags);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	return fd;
}

static int seal(int fd, int seals)
{
	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

START_TEST(seals_hold_for_all_and_for_ever)
{
	int fd = sealable(MFD_ALLOW_SEALING);

	ck_assert_int_eq(seal(fd, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	ck_assert(ftruncate(fd, 1) == -1 && errno == EPERM);
	ck_assert(ftruncate(fd, 2L * PAGE) == -1 && errno == EPERM);
	/* Within its size it may still be written. */
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
	ck_assert_int_eq(seal(fd, F_SEAL_WRITE | F_SEAL_SEAL), 0);
	ck_assert(pwrite(fd, "x", 1, 0) == -1 && errno == EPERM);
	ck_assert_int_eq(map_error(fd), -EPERM);
	ck_assert_int_eq(seal(fd, F_SEAL_GROW), -EPERM);
}
END_TEST

START_TEST(a_write_seal_wants_no_writable_mapping)
{
	int fd = sealable(MFD_ALLOW_SEALING);
	char *at = map(fd, PAGE);

	ck_assert_int_eq(seal(fd, F_SEAL_WRITE), -EBUSY);
	/* This one spares those who have it already. */
	ck_assert_int_eq(seal(fd, F_SEAL_FUTURE_WRITE), 0);
	at[0] = 'x';
	ck_assert_int_eq(map_error(fd), -EPERM);
	ck_assert_int_eq(munmap(at, PAGE), 0);
	ck_assert_int_eq(seal(fd, F_SEAL_WRITE), 0);
}
END_TEST

START_TEST(without_the_flag_it_cannot_be_sealed)
{
	int fd = sealable(0);

	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	ck_assert_int_eq(seal(fd, F_SEAL_WRITE), -EPERM);
}
END_TEST

START_TEST(huge_pages_need_some_in_the_pool)
{
	long n_free = kt_sysctl("vm/nr_hugepages");
	void *at = mmap(NULL, 2UL << 20, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (n_free != 0)
		suite_skip("this machine has %ld huge pages: there may be enough", n_free);
	ck_assert_ptr_eq(at, MAP_FAILED);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

Suite *shm_posix_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_new_one_has_no_size_and_then_zeros),
		KT_CLAIM(removal_leaves_the_mappings_joined,
			 "shm_unlink() takes the memory away from those who use it.",
			 "Only the name, like unlink() of a file; it is one."),
		KT_TEST(one_made_again_under_the_name_is_another_one),
		KT_CLAIM(
			content_stays_while_nobody_has_it,
			"Shared memory is freed when the last process has unmapped it.",
			"Not before its name is removed: what a crashed program left takes memory until somebody does that, or until the machine starts anew."),
		KT_TEST(exec_closes_the_descriptor),
		KT_TEST(o_trunc_empties_it_under_those_who_map_it),
		KT_TEST(a_memfd_has_no_name_and_is_reached_through_proc),
		KT_TEST(seals_hold_for_all_and_for_ever),
		KT_TEST(a_write_seal_wants_no_writable_mapping),
		KT_TEST(without_the_flag_it_cannot_be_sealed),
		KT_TEST(huge_pages_need_some_in_the_pool),
	};

	return kt_suite("shm_posix", tests, SUITE_COUNT(tests));
}
