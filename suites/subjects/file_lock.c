/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks: of processes and of open files with fcntl, and lockf. The kernel refuses a circle
 * of the first kind with EDEADLK, not of the second. */
#include "subject_posix.h"

#include <fcntl.h>
#include <sched.h>

enum { N_WORKERS = 3, N_ROUNDS = 25, COUNTER_AT = 8 };

static const char *path;
static atomic_int *n_taken;

static void make(void)
{
	int fd;

	make_dir();
	path = own_path("records");
	fd = open_path(path, O_RDWR | O_CREAT | O_EXCL);
	close_end(&fd);
	n_taken = map_shared(sizeof(*n_taken));
}

static int open_file(void)
{
	return open_path(path, O_RDWR);
}

/* One byte of the file. */
static int change_lock(int fd, int command, short type, int at)
{
	struct flock record = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	return TEMP_FAILURE_RETRY(fcntl(fd, command, &record));
}

static void lock_record(int fd, int command, int at)
{
	CHECK(change_lock(fd, command, F_WRLCK, at));
}

static void unlock_record(int fd, int command, int at)
{
	CHECK(change_lock(fd, command, F_UNLCK, at));
}

static void count_slowly(int fd)
{
	int value = 0;

	EXPECT(TEMP_FAILURE_RETRY(pread(fd, &value, sizeof(value), COUNTER_AT)) != -1);
	sched_yield();
	value++;
	EXPECT(TEMP_FAILURE_RETRY(pwrite(fd, &value, sizeof(value), COUNTER_AT)) == sizeof(value));
}

static int counted(void)
{
	int fd = open_file(), value = 0;

	EXPECT(TEMP_FAILURE_RETRY(pread(fd, &value, sizeof(value), COUNTER_AT)) != -1);
	close_end(&fd);
	return value;
}

static int count_under(int command)
{
	int fd = open_file();

	for (int i = 0; i < N_ROUNDS; i++) {
		lock_record(fd, command, 0);
		count_slowly(fd);
		unlock_record(fd, command, 0);
	}
	close_end(&fd);
	return 0;
}

static int process_worker(int who)
{
	(void)who;
	return count_under(F_SETLKW);
}

static int open_file_worker(int who)
{
	(void)who;
	return count_under(F_OFD_SETLKW);
}

static int lockf_worker(int who)
{
	int fd = open_file();

	for (int i = 0; i < N_ROUNDS; i++) {
		CHECK((int)lseek(fd, 0, SEEK_SET));
		CHECK(TEMP_FAILURE_RETRY(lockf(fd, F_LOCK, 1)));
		count_slowly(fd);
		CHECK((int)lseek(fd, 0, SEEK_SET));
		CHECK(lockf(fd, F_ULOCK, 1));
	}
	close_end(&fd);
	return who;
}

static int count_all(int (*body)(int who))
{
	make();
	for (int i = 0; i < N_WORKERS; i++)
		spawn(body, 0);
	return reap_all() || counted() != N_WORKERS * N_ROUNDS;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	return count_all(process_worker);
}

static int run_open_file(int argc, char **argv)
{
	(void)argc, (void)argv;
	return count_all(open_file_worker);
}

static int run_lockf(int argc, char **argv)
{
	(void)argc, (void)argv;
	return count_all(lockf_worker);
}

/* Another record is free, this one says who has it. */
static int inquirer(int who)
{
	struct flock record = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = open_file();

	CHECK(fcntl(fd, F_GETLK, &record));
	EXPECT(record.l_type == F_WRLCK && record.l_pid == getppid());
	EXPECT(change_lock(fd, F_SETLK, F_WRLCK, 0) == -1 && errno == EAGAIN);
	lock_record(fd, F_SETLK, 1);
	close_end(&fd);
	return who;
}

static int run_records(int argc, char **argv)
{
	int fd;

	(void)argc, (void)argv;
	make();
	fd = open_file();
	lock_record(fd, F_SETLK, 0);
	spawn(inquirer, 0);
	if (reap_all())
		return 1;
	close_end(&fd);
	return 0;
}

/* Keeps its record until it has the other's too. */
static int patient(int who)
{
	int fd = open_file();

	lock_record(fd, F_SETLKW, 0);
	raise_flag(n_taken);
	await_flag(n_taken, 2);
	lock_record(fd, F_SETLKW, 1);
	close_end(&fd);
	return who;
}

/* Is told that this would be a circle, gives way, and begins again in the other's order. */
static int giving_way(int who)
{
	int fd = open_file();

	await_flag(n_taken, 1);
	lock_record(fd, F_SETLKW, 1);
	raise_flag(n_taken);
	wait_blocked(who, IN_FCNTL);
	EXPECT(change_lock(fd, F_SETLKW, F_WRLCK, 0) == -1 && errno == EDEADLK);
	unlock_record(fd, F_SETLKW, 1);
	lock_record(fd, F_SETLKW, 0);
	lock_record(fd, F_SETLKW, 1);
	close_end(&fd);
	return 0;
}

static int run_gives_way(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	spawn(giving_way, spawn(patient, 0));
	return reap_all();
}

/* The second lock is gone for only when as many as needed hold their first. */
static int cross_worker(int who)
{
	int fd = open_file();

	lock_record(fd, F_OFD_SETLKW, who);
	raise_flag(n_taken);
	await_flag(n_taken, 2);
	lock_record(fd, F_OFD_SETLKW, !who);
	close_end(&fd);
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

/* Closing any descriptor of the file gives up the locks of the process: the other one comes in
 * between. */
static int closing_worker(int who)
{
	int fd = open_file(), again, value = 0;

	lock_record(fd, F_SETLKW, 0);
	again = open_file();
	close_end(&again);
	EXPECT(TEMP_FAILURE_RETRY(pread(fd, &value, sizeof(value), COUNTER_AT)) != -1);
	raise_flag(n_taken);
	await_flag(n_taken, 2);
	value++;
	EXPECT(TEMP_FAILURE_RETRY(pwrite(fd, &value, sizeof(value), COUNTER_AT)) == sizeof(value));
	close_end(&fd);
	return who;
}

static int other_worker(int who)
{
	int fd = open_file();

	await_flag(n_taken, 1);
	lock_record(fd, F_SETLKW, 0);
	count_slowly(fd);
	close_end(&fd);
	raise_flag(n_taken);
	return who;
}

static int run_closed_too_early(int argc, char **argv)
{
	(void)argc, (void)argv;
	make();
	spawn(closing_worker, 0);
	spawn(other_worker, 0);
	return reap_all() || counted() != 2;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "open_file", run_open_file },
	{ "lockf", run_lockf },
	{ "records", run_records },
	{ "gives_way", run_gives_way },
	{ "abba", run_abba },
	{ "both_orders", run_both_orders },
	{ "closed_too_early", run_closed_too_early },
};

SUBJECT_MAIN(variants)
