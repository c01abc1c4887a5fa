/* SPDX-License-Identifier: Apache-2.0 */
/* inotify on the places where IPC has names: what it tells of FIFOs, sockets, shared memory. */
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor that watches `path` for all of `mask`. */
static int watch(const char *path, uint32_t mask)
{
	int fd = inotify_init1(IN_NONBLOCK);

	if (fd < 0 && errno == EMFILE)
		suite_skip("this user has too many inotify instances");
	ck_assert_int_ge(fd, 0);
	if (inotify_add_watch(fd, path, mask) < 0)
		suite_skip("%s cannot be watched: %s", path, kt_errno(errno));
	return fd;
}

/* How long a short name in an event is. */
enum { NAME = 16 };

/* The mask of the next event, or -errno. There is room for one with `name_bytes` bytes of name, so
 * the others wait for the next read. */
static int next(int fd, size_t name_bytes)
{
	char bytes[sizeof(struct inotify_event) + NAME];
	struct inotify_event event;

	if (read(fd, bytes, sizeof(event) + name_bytes) < 0)
		return -errno;
	memcpy(&event, bytes, sizeof(event));
	return (int)event.mask;
}

/* Of the next event of this name, where others may have some too. */
static int next_of(int fd, const char *name)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (const char *at = bytes; at < bytes + n;) {
			const struct inotify_event *event = (const void *)at;

			if (event->len && !strcmp(event->name, name))
				return (int)event->mask;
			at += sizeof(*event) + event->len;
		}
	}
	return -errno;
}

START_TEST(a_name_that_is_made_and_removed_is_told)
{
	int fd = watch(kt_dir(), IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
	struct sockaddr_un at = kt_unix_at("s");

	ck_assert_int_eq(mkfifo(kt_path("f"), 0600), 0);
	ck_assert_int_eq(next(fd, NAME), IN_CREATE);
	kt_unix_listen(&at, SOCK_STREAM, 1);
	ck_assert_int_eq(next(fd, NAME), IN_CREATE);
	ck_assert_int_eq(rename(kt_path("f"), kt_path("g")), 0);
	ck_assert_int_eq(next(fd, NAME), IN_MOVED_FROM);
	ck_assert_int_eq(next(fd, NAME), IN_MOVED_TO);
	ck_assert_int_eq(unlink(kt_path("g")), 0);
	ck_assert_int_eq(next(fd, NAME), IN_DELETE);
	ck_assert_int_eq(next(fd, NAME), -EAGAIN);
}
END_TEST

START_TEST(writes_to_a_fifo_are_told)
{
	int fifo, fd;

	ck_assert_int_eq(mkfifo(kt_path("f"), 0600), 0);
	fd = watch(kt_path("f"), IN_OPEN | IN_MODIFY | IN_ACCESS);
	fifo = open(kt_path("f"), O_RDWR);
	ck_assert_int_eq(next(fd, 0), IN_OPEN);
	ck_assert_int_eq(write(fifo, "x", 1), 1);
	ck_assert_int_eq(next(fd, 0), IN_MODIFY);
	ck_assert_int_eq(write(fifo, "x", 1), 1);
	/* Two alike in a row are one. */
	ck_assert_int_eq(write(fifo, "x", 1), 1);
	ck_assert_int_eq(next(fd, 0), IN_MODIFY);
	ck_assert_int_eq(next(fd, 0), -EAGAIN);
}
END_TEST

START_TEST(writes_to_a_mapping_are_not_told)
{
	int file = open(kt_path("file"), O_RDWR | O_CREAT, 0600);
	char *at;
	int fd;
	int got;

	ck_assert_int_eq(ftruncate(file, 4096), 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	fd = watch(kt_path("file"), IN_MODIFY | IN_ACCESS);
	strcpy(at, "changed");
	ck_assert_int_eq(msync(at, 4096, MS_SYNC), 0);
	got = next(fd, 0);
	kt_measured("after a write to the mapping and msync(): %s", kt_errno(got));
	ck_assert_int_eq(got, -EAGAIN);
	ck_assert_int_eq(pwrite(file, "x", 1, 0), 1);
	ck_assert_int_eq(next(fd, 0), IN_MODIFY);
}
END_TEST

START_TEST(dev_shm_tells_of_posix_objects)
{
	int fd = watch("/dev/shm", IN_CREATE | IN_DELETE);
	int shm = shm_open(kt_name(0), O_CREAT | O_RDWR, 0600);

	ck_assert_int_ge(shm, 0);
	/* Others may make theirs there at the same time. */
	ck_assert_int_eq(next_of(fd, kt_name(0) + 1), IN_CREATE);
	ck_assert_int_eq(shm_unlink(kt_name(0)), 0);
	ck_assert_int_eq(next_of(fd, kt_name(0) + 1), IN_DELETE);
}
END_TEST

START_TEST(a_full_queue_loses_events_and_says_so)
{
	long max = kt_sysctl("fs/inotify/max_queued_events");
	int file = open(kt_path("file"), O_RDWR | O_CREAT, 0600);
	int fd = watch(kt_path("file"), IN_MODIFY | IN_ATTRIB);
	int got = 0;

	if (max < 0 || max > 100000)
		suite_skip("fs.inotify.max_queued_events is not readable here, or huge");
	for (long i = 0; i < max; i++) {
		/* Two kinds in turn, as two alike in a row are one. */
		ck_assert_int_eq(pwrite(file, "x", 1, 0), 1);
		ck_assert_int_eq(fchmod(file, 0600), 0);
	}
	for (long i = 0; i < max; i++)
		ck_assert_int_gt(next(fd, 0), 0);
	got = next(fd, 0);
	kt_measured("event %ld is %s", max + 1, got == IN_Q_OVERFLOW ? "IN_Q_OVERFLOW" : "another");
	ck_assert_int_eq(got, IN_Q_OVERFLOW);
}
END_TEST

Suite *inotify_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_name_that_is_made_and_removed_is_told),
		KT_TEST(writes_to_a_fifo_are_told),
		KT_CLAIM(writes_to_a_mapping_are_not_told,
			 "inotify tells of each change of a file.",
			 "Not of one through a mapping."),
		KT_TEST(dev_shm_tells_of_posix_objects),
		KT_CLAIM(
			a_full_queue_loses_events_and_says_so, "inotify loses no event.",
			"Its queue holds `max_queued_events`; then comes one IN_Q_OVERFLOW, and the rest is lost. Two alike in a row are one."),
	};

	return kt_suite("inotify", tests, SUITE_COUNT(tests));
}
