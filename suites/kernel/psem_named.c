/* SPDX-License-Identifier: Apache-2.0 */
/* Named POSIX semaphores: files that libc maps. What names, unlink, close, fork and death do. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t *make(int n, unsigned int value)
{
	sem_t *sem = sem_open(kt_name(n), O_CREAT | O_EXCL, 0600, value);

	ck_assert_ptr_ne(sem, SEM_FAILED);
	return sem;
}

/* -errno of a sem_open() that must fail. */
static int open_error(const char *name, int flags)
{
	return sem_open(name, flags, 0600, 1) == SEM_FAILED ? -errno : 0;
}

static int value_of(sem_t *sem)
{
	int value = -1;

	KT_CHILD(sem_getvalue(sem, &value) == 0);
	return value;
}

START_TEST(it_is_a_file_in_dev_shm)
{
	char path[128];
	struct stat st;

	make(0, 1);
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", kt_name(0) + 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, sizeof(sem_t));
	kt_measured("/dev/shm/sem.NAME, %ld bytes", (long)st.st_size);
}
END_TEST

START_TEST(an_existing_one_keeps_its_value)
{
	sem_t *sem;

	ck_assert_int_eq(sem_wait(make(0, 5)), 0);
	sem = sem_open(kt_name(0), O_CREAT, 0600, 9);
	ck_assert_ptr_ne(sem, SEM_FAILED);
	kt_measured("asked for 9, got %d", value_of(sem));
	ck_assert_int_eq(value_of(sem), 4);
	ck_assert_int_eq(open_error(kt_name(0), O_CREAT | O_EXCL), -EEXIST);
}
END_TEST

START_TEST(the_value_stays_when_all_have_closed_it)
{
	sem_t *sem = make(0, 3);

	ck_assert_int_eq(sem_wait(sem), 0);
	ck_assert_int_eq(sem_close(sem), 0);
	sem = sem_open(kt_name(0), 0);
	ck_assert_ptr_ne(sem, SEM_FAILED);
	ck_assert_int_eq(value_of(sem), 2);
}
END_TEST

START_TEST(its_holders_death_restores_nothing)
{
	sem_t *sem = make(0, 1);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(sem_wait(sem) == 0);
		kill(getpid(), SIGKILL);
	}
	kt_wait(pid);
	ck_assert_int_eq(value_of(sem), 0);
	/* Nor does the next start of the program. */
	ck_assert_int_eq(value_of(sem_open(kt_name(0), O_CREAT, 0600, 1)), 0);
}
END_TEST

START_TEST(opened_twice_it_is_at_one_address)
{
	sem_t *sem = make(0, 1);
	sem_t *again = sem_open(kt_name(0), 0);

	ck_assert_ptr_eq(sem, again);
	/* And has to be closed twice. */
	ck_assert_int_eq(sem_close(again), 0);
	ck_assert_int_eq(sem_wait(sem), 0);
}
END_TEST

START_TEST(a_removed_name_leaves_those_who_have_it)
{
	sem_t *sem = make(0, 0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(sem_wait(sem) == 0);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_futex);
	ck_assert_int_eq(sem_unlink(kt_name(0)), 0);
	ck_assert_int_eq(open_error(kt_name(0), 0), -ENOENT);
	kt_wait_blocked(pid, SYS_futex);
	kt_measured("the waiter went on waiting");
	ck_assert_int_eq(sem_post(sem), 0);
	kt_join(pid);
}
END_TEST

START_TEST(one_made_again_under_the_name_is_another_one)
{
	sem_t *sem = make(0, 0);
	sem_t *other;

	ck_assert_int_eq(sem_unlink(kt_name(0)), 0);
	other = make(0, 7);
	ck_assert_int_eq(value_of(sem), 0);
	ck_assert_int_eq(value_of(other), 7);
}
END_TEST

START_TEST(fork_inherits_it)
{
	sem_t *sem = make(0, 0);
	pid_t pid = kt_fork();

	if (!pid) {
		KT_CHILD(sem_post(sem) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(value_of(sem), 1);
}
END_TEST

struct name_row {
	const char *name;
	const char *semaphore;
	int error;
};

static const struct name_row name_rows[] = {
	{ "a_slash_inside", "/a/b", EINVAL },
	{ "only_a_slash", "/", EINVAL },
	{ "nothing", "", EINVAL },
	{ "nobodys", "/ipcjam-kernel-nobody", ENOENT },
	/* Unlike a queue's. */
	{ "nobodys_without_a_slash", "ipcjam-kernel-nobody", ENOENT },
};

START_TEST(names)
{
	const struct name_row *row = &name_rows[_i];

	ck_assert_int_eq(open_error(row->semaphore, 0), -row->error);
}
END_TEST

START_TEST(a_file_that_is_too_short_opens_and_gives_sigbus)
{
	char name[64];
	int fd;
	int status;
	pid_t pid;

	/* What sem_open(name) looks for is shm_open("sem.name"). */
	snprintf(name, sizeof(name), "/sem.%s", kt_name(0) + 1);
	fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	pid = kt_fork();
	if (!pid) {
		sem_t *sem = sem_open(kt_name(0), 0);

		/* The manual says EINVAL. */
		KT_CHILD(sem != SEM_FAILED);
		signal(SIGBUS, SIG_DFL);
		sem_trywait(sem);
		_exit(0);
	}
	status = kt_wait(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	ck_assert_int_eq(sem_unlink(kt_name(0)), 0);
}
END_TEST

START_TEST(a_value_above_the_highest_gives_einval)
{
	ck_assert_ptr_eq(sem_open(kt_name(0), O_CREAT, 0600, (unsigned int)SEM_VALUE_MAX + 1),
			 SEM_FAILED);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

Suite *psem_named_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			it_is_a_file_in_dev_shm, "A named semaphore is an object of the kernel.",
			"libc's: a small file that it maps. Who may write to that may set any value."),
		KT_CLAIM(
			an_existing_one_keeps_its_value,
			"sem_open() with O_CREAT and a value sets the value.",
			"Only of a new one. After a crash the next start gets what the dead left."),
		KT_TEST(the_value_stays_when_all_have_closed_it),
		KT_TEST(its_holders_death_restores_nothing),
		KT_TEST(opened_twice_it_is_at_one_address),
		KT_CLAIM(
			a_removed_name_leaves_those_who_have_it,
			"sem_unlink() ends the wait of the others.",
			"It takes the name away. Those who have it open go on with it; a new one of the name is another."),
		KT_TEST(one_made_again_under_the_name_is_another_one),
		KT_TEST(fork_inherits_it),
		KT_ROWS(names, name_rows),
		KT_TEST(a_file_that_is_too_short_opens_and_gives_sigbus),
		KT_TEST(a_value_above_the_highest_gives_einval),
	};

	return kt_suite("psem_named", tests, SUITE_COUNT(tests));
}
