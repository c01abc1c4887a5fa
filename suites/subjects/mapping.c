/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that processes share by mmap: named, anonymous, of a file, of a memfd; moved, private,
 * left, written by two at once, and longer than its file. */
#include "subject_posix.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SIZE_BYTES = 8192, HUGE_BYTES = 2 * 1024 * 1024, N_NUMBERS = 50 };

struct counter {
	volatile int value;
	atomic_int was_read;    /* the slow writer has its old value */
	atomic_int was_written; /* the fast writer is done */
};

static char *memory;
static const char *name;
static struct counter *counter;
static mqd_t queue;

static void *map_file(int fd, size_t size_bytes, int flags)
{
	void *mapped = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mapped == MAP_FAILED)
		die("mmap");
	return mapped;
}

static void set_size(int fd, off_t size_bytes)
{
	CHECK(TEMP_FAILURE_RETRY(ftruncate(fd, size_bytes)));
}

static int write_hello(int who)
{
	memcpy(memory, "hello", 6);
	return who;
}

static void write_by_child(void)
{
	EXPECT(memory[0] == 0 && memory[SIZE_BYTES - 1] == 0);
	spawn(write_hello, 0);
	if (reap_all())
		fail("the child ended well");
	EXPECT(strcmp(memory, "hello") == 0);
}

static void map_named(int flags)
{
	int fd = CHECK(shm_open(name, O_RDWR | flags, 0600));

	if (flags & O_CREAT)
		set_size(fd, SIZE_BYTES);
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	close_end(&fd);
}

/* The child has nothing but the name. */
static int write_by_name(int who)
{
	map_named(0);
	write_hello(who);
	CHECK(munmap(memory, SIZE_BYTES));
	return who;
}

static int use_named(void)
{
	spawn(write_by_name, 0);
	if (reap_all())
		return 1;
	map_named(0);
	EXPECT(strcmp(memory, "hello") == 0);
	CHECK(munmap(memory, SIZE_BYTES));
	return 0;
}

static int run_named(int argc, char **argv)
{
	(void)argc, (void)argv;
	name = own_shm_name("shm");
	map_named(O_CREAT | O_EXCL);
	CHECK(munmap(memory, SIZE_BYTES));
	return use_named();
}

static int run_leak(int argc, char **argv)
{
	char left[NAME_BYTES];

	(void)argc, (void)argv;
	new_name(left, "left");
	name = left;
	map_named(O_CREAT | O_EXCL);
	return use_named();
}

/* Huge pages where the machine has some to give, ordinary ones elsewhere. */
static int run_anonymous(int argc, char **argv)
{
	(void)argc, (void)argv;
	memory = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		memory = map_shared(HUGE_BYTES);
	write_by_child();
	CHECK(munmap(memory, HUGE_BYTES));
	return 0;
}

static int make_file(const char *path)
{
	int fd = open_path(path, O_RDWR | O_CREAT | O_EXCL);

	set_size(fd, SIZE_BYTES);
	return fd;
}

/* What was written through the memory is read from the file. */
static int run_file(int argc, char **argv)
{
	char text[6];
	int fd;

	(void)argc, (void)argv;
	make_dir();
	fd = make_file(own_path("file"));
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	write_by_child();
	CHECK(msync(memory, SIZE_BYTES, MS_SYNC));
	CHECK(munmap(memory, SIZE_BYTES));
	EXPECT(read_full(fd, text, sizeof(text)) == sizeof(text) && strcmp(text, "hello") == 0);
	close_end(&fd);
	return 0;
}

/* Nobody else sees what is written to a private copy. */
static int run_private(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	fd = CHECK(memfd_create("subject", MFD_CLOEXEC));
	set_size(fd, SIZE_BYTES);
	memory = map_file(fd, SIZE_BYTES, MAP_PRIVATE);
	close_end(&fd);
	spawn(write_hello, 0);
	if (reap_all())
		return 1;
	EXPECT(memory[0] == 0);
	return 0;
}

/* Sealed, so that nobody can take it away from under the other. */
static int run_memfd(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	fd = CHECK(memfd_create("subject", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	set_size(fd, SIZE_BYTES);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT(TEMP_FAILURE_RETRY(ftruncate(fd, 0)) == -1 && errno == EPERM);
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	close_end(&fd);
	write_by_child();
	return 0;
}

/* Grown, and perhaps moved by that: what was there is there still. */
static int run_grown(int argc, char **argv)
{
	void *grown;
	int fd;

	(void)argc, (void)argv;
	fd = CHECK(memfd_create("subject", MFD_CLOEXEC));
	set_size(fd, SIZE_BYTES);
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	write_hello(0);
	set_size(fd, 16 * SIZE_BYTES);
	grown = mremap(memory, SIZE_BYTES, 16 * SIZE_BYTES, MREMAP_MAYMOVE);
	if (grown == MAP_FAILED)
		die("mremap");
	memory = (char *)grown + 15 * SIZE_BYTES;
	write_by_child();
	EXPECT(strcmp(grown, "hello") == 0);
	CHECK(munmap(grown, 16 * SIZE_BYTES));
	close_end(&fd);
	return 0;
}

/* The same numbers by a file in memory and by a queue. */
static int tell_both_ways(int who)
{
	int *numbers = (int *)(void *)memory;

	for (int i = 0; i < N_NUMBERS; i++) {
		numbers[i] = i * i;
		send_mq(queue, &numbers[i], sizeof(numbers[i]), 0);
	}
	return who;
}

static int compare_both_ways(int who)
{
	const int *numbers = (const int *)(const void *)memory;

	for (int i = 0; i < N_NUMBERS; i++) {
		int number;

		receive_mq(queue, &number, sizeof(number), NULL);
		EXPECT(number == i * i && numbers[i] == number);
	}
	return who;
}

static int run_file_and_queue(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	make_dir();
	fd = make_file(own_path("file"));
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	close_end(&fd);
	queue = make_mq(own_mq_name("numbers"), 5, sizeof(int));
	spawn(tell_both_ways, 0);
	spawn(compare_both_ways, 0);
	return reap_all();
}

static int slow_writer(int who)
{
	int value = counter->value;

	raise_flag(&counter->was_read);
	await_flag(&counter->was_written, 1);
	counter->value = value + 1;
	return who;
}

static int fast_writer(int who)
{
	await_flag(&counter->was_read, 1);
	counter->value = counter->value + 1;
	raise_flag(&counter->was_written);
	return who;
}

static int run_lost_update(int argc, char **argv)
{
	(void)argc, (void)argv;
	counter = map_shared(sizeof(*counter));
	spawn(slow_writer, 0);
	spawn(fast_writer, 0);
	return reap_all() || counter->value != 2;
}

static int touch_end(int who)
{
	CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	return who + ((volatile char *)memory)[SIZE_BYTES - 1];
}

/* The root does not mind how the child ends; the child crashes all the same. */
static int run_beyond_end(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	fd = CHECK(memfd_create("subject", MFD_CLOEXEC));
	set_size(fd, SIZE_BYTES / 2);
	memory = map_file(fd, SIZE_BYTES, MAP_SHARED);
	close_end(&fd);
	EXPECT(WTERMSIG(reap(spawn(touch_end, 0))) == SIGBUS);
	return 0;
}

static const struct variant variants[] = {
	{ "named", run_named },
	{ "anonymous", run_anonymous },
	{ "file", run_file },
	{ "private", run_private },
	{ "memfd", run_memfd },
	{ "grown", run_grown },
	{ "file_and_queue", run_file_and_queue },
	{ "lost_update", run_lost_update },
	{ "beyond_end", run_beyond_end },
	{ "leak", run_leak },
};

SUBJECT_MAIN(variants)
