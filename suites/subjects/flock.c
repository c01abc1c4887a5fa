/* SPDX-License-Identifier: Apache-2.0 */
/* flock: a counter in a file, shared locks, two files in two orders, and a holder that waits for
 * the one that waits for it. file_lock has the locks of fcntl and lockf. */
#include "subject_posix.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>

enum { N_WORKERS = 3, N_ROUNDS = 25 };

static const char *paths[2];
static atomic_int *n_taken;
static int ends[2];

static void make(void)
{
	make_dir();
	paths[0] = own_path("a");
	paths[1] = own_path("b");
	for (int i = 0; i < 2; i++) {
		int fd = open_path(paths[i], O_RDWR | O_CREAT | O_EXCL);

		close_end(&fd);
	}
	n_taken = map_shared(sizeof(*n_taken));
}

/* The lock belongs to the open file: each process opens its own. */
static int open_file(int which)
{
	return open_path(paths[which], O_RDWR);
}

static void lock(int fd, int how)
{
	CHECK(TEMP_FAILURE_RETRY(flock(fd, how)));
}

static void unlock(int fd)
{
	CHECK(flock(fd, LOCK_UN));
}

static int read_counter(int fd)
{
	int value = 0;

	EXPECT(TEMP_FAILURE_RETRY(pread(fd, &value, sizeof(value), 0)) != -1);
	return value;
}

static void write_counter(int fd, int value)
{
	EXPECT(TEMP_FAILURE_RETRY(pwrite(fd, &value, sizeof(value), 0)) == sizeof(value));
}

static int counting_worker(int who)
{
	int fd = open_file(who);

	for (int i = 0; i < N_ROUNDS; i++) {
		int value;

		lock(fd, LOCK_EX);
		value = read_counter(fd);
		sched_yield();
		write_counter(fd, value + 1);
		unlock(fd);
	}
	close_end(&fd);
	return 0;
}

static int run_right(int argc, char **argv)
{
	int fd, value;

	(void)argc, (void)argv;
	make();
	for (int i = 0; i < N_WORKERS; i++)
		spawn(counting_worker, 0);
	if (reap_all())
		return 1;
	fd = open_file(0);
	value = read_counter(fd);
	close_end(&fd);
	return value != N_WORKERS * N_ROUNDS;
}

/* All at once, while each keeps its lock until the others have theirs. */
static int sharing_worker(int who)
{
	int fd = open_file(who);

	lock(fd, LOCK_SH);
	raise_flag(n_taken);
	await_flag(n_taken, N_WORKERS);
	close_end(&fd);
	return 0;
}

static int refused_worker(int who)
{
	int fd = open_file(who);

	EXPECT(TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) == -1 && errno == EWOULDBLOCK);
	lock(fd, LOCK_SH);
	close_end(&fd);
	return 0;
}

static int run_shared(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	make();
	fd = open_file(0);
	lock(fd, LOCK_SH);
	for (int i = 0; i < N_WORKERS; i++)
		spawn(sharing_worker, 0);
	spawn(refused_worker, 0);
	if (reap_all())
		return 1;
	lock(fd, LOCK_EX);
	close_end(&fd);
	return 0;
}

static int dying_holder(int who)
{
	lock(open_file(who), LOCK_EX);
	return 0;
}

/* The kernel closes the file of the dead, and its lock is gone. */
static int run_holder_dies(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	spawn(dying_holder, 0);
	spawn(counting_worker, 0);
	return reap_all();
}

/* The second lock is gone for only when as many as needed hold their first. */
static int cross_worker(int who)
{
	int first = open_file(who), second = open_file(!who);

	lock(first, LOCK_EX);
	raise_flag(n_taken);
	await_flag(n_taken, 2);
	lock(second, LOCK_EX);
	unlock(second);
	unlock(first);
	return 0;
}

static int run_abba(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	spawn(cross_worker, 0);
	spawn(cross_worker, 1);
	return reap_all();
}

/* One after the other, so that nothing can happen this time. */
static int run_both_orders(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	raise_flag(n_taken);
	for (int i = 0; i < 2; i++) {
		spawn(cross_worker, i);
		if (reap_all())
			return 1;
	}
	return 0;
}

/* Waits for a byte, with the file locked. */
static int holder(int who)
{
	int fd = open_file(who);
	char byte;

	close_end(&ends[1]);
	lock(fd, LOCK_EX);
	raise_flag(n_taken);
	EXPECT(read_full(ends[0], &byte, 1) == 1);
	unlock(fd);
	return 0;
}

/* Writes that byte once it has the lock. */
static int writer(int who)
{
	int fd = open_file(who);

	close_end(&ends[0]);
	await_flag(n_taken, 1);
	lock(fd, LOCK_EX);
	write_full(ends[1], "x", 1);
	unlock(fd);
	return 0;
}

static int run_holder_waits(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	make_pipe(ends);
	spawn(holder, 0);
	spawn(writer, 0);
	close_end(&ends[0]);
	close_end(&ends[1]);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "shared", run_shared },
	{ "holder_dies", run_holder_dies },
	{ "abba", run_abba },
	{ "both_orders", run_both_orders },
	{ "holder_waits", run_holder_waits },
};

SUBJECT_MAIN(variants)
