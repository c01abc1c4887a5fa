/* SPDX-License-Identifier: Apache-2.0 */
/* System V shared memory: content, size, attachments, and what IPC_RMID does when. */
#include "kernel_test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc shows it only where it thinks that we do not ask for POSIX. */
#ifndef SHM_DEST
#define SHM_DEST 01000
#endif

static void *attach(int id, int flags)
{
	void *at = shmat(id, NULL, flags);

	ck_assert_ptr_ne(at, (void *)-1);
	return at;
}

static int stat_of(int id, struct shmid_ds *ds)
{
	return shmctl(id, IPC_STAT, ds) < 0 ? -errno : 0;
}

static unsigned long n_attached(int id)
{
	struct shmid_ds ds;

	ck_assert_int_eq(stat_of(id, &ds), 0);
	return ds.shm_nattch;
}

static int get(key_t key, size_t size_bytes, int flags)
{
	int id = shmget(key, size_bytes, flags);

	if (id >= 0)
		kt_track(KT_SHM, id);
	return id < 0 ? -errno : id;
}

/* Whether a child that reads or writes there lives. */
static bool may_touch(volatile char *at, bool write_it)
{
	pid_t pid = kt_fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (write_it)
			*at = 1;
		else
			(void)*at;
		_exit(0);
	}
	return !WIFSIGNALED(kt_wait(pid));
}

START_TEST(a_new_segment_is_zero)
{
	size_t n_bytes = (size_t)sysconf(_SC_PAGESIZE) * 3;
	const char *at = attach(kt_shm(n_bytes), 0);

	for (size_t i = 0; i < n_bytes; i++)
		ck_assert_int_eq(at[i], 0);
}
END_TEST

START_TEST(the_size_stays_as_asked_and_the_page_is_usable)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int id = kt_shm(page + 1);
	struct shmid_ds ds;
	char *at = attach(id, 0);

	ck_assert_int_eq(stat_of(id, &ds), 0);
	ck_assert_uint_eq(ds.shm_segsz, page + 1);
	/* Up to the end of the second page, as zeros, and shared. */
	ck_assert_int_eq(at[2 * page - 1], 0);
	ck_assert(may_touch(at + 2 * page - 1, true));
	ck_assert_int_eq(at[2 * page - 1], 1);
}
END_TEST

START_TEST(shmget_of_an_existing_segment_compares_the_size)
{
	const key_t key = 0x6b740004;
	int id;

	kt_need_namespace();
	id = get(key, 100, IPC_CREAT | IPC_EXCL | 0600);
	ck_assert_int_ge(id, 0);
	ck_assert_int_eq(get(key, 100, 0), id);
	ck_assert_int_eq(get(key, 1, 0), id);
	ck_assert_int_eq(get(key, 0, 0), id);
	/* Though the page would have room for it. */
	ck_assert_int_eq(get(key, 101, 0), -EINVAL);
	ck_assert_int_eq(get(key, 100, IPC_CREAT | IPC_EXCL | 0600), -EEXIST);
	ck_assert_int_eq(get(key + 1, 100, 0), -ENOENT);
}
END_TEST

START_TEST(size_0_gives_einval)
{
	ck_assert_int_eq(get(IPC_PRIVATE, 0, 0600), -EINVAL);
}
END_TEST

START_TEST(a_size_above_shmmax_gives_einval)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!kt_set_sysctl("kernel/shmmax", 2 * page))
		suite_skip("kernel.shmmax may not be set here");
	ck_assert_int_eq(get(IPC_PRIVATE, 2 * page + 1, 0600), -EINVAL);
	ck_assert_int_ge(get(IPC_PRIVATE, 2 * page, 0600), 0);
}
END_TEST

START_TEST(more_pages_than_shmall_give_enospc)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!kt_set_sysctl("kernel/shmall", 3))
		suite_skip("kernel.shmall may not be set here");
	/* Counted in whole pages. */
	ck_assert_int_ge(get(IPC_PRIVATE, page + 1, 0600), 0);
	ck_assert_int_eq(get(IPC_PRIVATE, page + 1, 0600), -ENOSPC);
	ck_assert_int_ge(get(IPC_PRIVATE, page, 0600), 0);
}
END_TEST

START_TEST(more_segments_than_shmmni_give_enospc)
{
	int error;

	if (!kt_set_sysctl("kernel/shmmni", 2))
		suite_skip("kernel.shmmni may not be set here");
	ck_assert_int_ge(get(IPC_PRIVATE, 1, 0600), 0);
	ck_assert_int_ge(get(IPC_PRIVATE, 1, 0600), 0);
	error = get(IPC_PRIVATE, 1, 0600);
	kt_measured("a third one with shmmni 2: %s", kt_errno(error));
	ck_assert_int_eq(error, -ENOSPC);
}
END_TEST

START_TEST(more_than_there_is_memory_gives_enomem)
{
	const long too_much = 1L << 50;

	if (kt_sysctl("vm/overcommit_memory") == 1)
		suite_skip("vm.overcommit_memory is 1: nothing is too much");
	if (kt_sysctl("kernel/shmmax") < too_much)
		suite_skip("kernel.shmmax was lowered: it answers first");
	ck_assert_int_eq(get(IPC_PRIVATE, (size_t)too_much, 0600), -ENOMEM);
}
END_TEST

START_TEST(nattch_counts_attachments_and_not_processes)
{
	int id = kt_shm(1);
	void *first = attach(id, 0);
	void *second = attach(id, 0);

	ck_assert_ptr_ne(first, second);
	kt_measured("%lu of one process", n_attached(id));
	ck_assert_uint_eq(n_attached(id), 2);
	ck_assert_int_eq(shmdt(first), 0);
	ck_assert_uint_eq(n_attached(id), 1);
	ck_assert_int_eq(shmdt(second), 0);
	ck_assert_uint_eq(n_attached(id), 0);
	ck_assert_int_eq(shmdt(second), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(fork_attaches_and_exit_detaches)
{
	struct kt_gate end;
	int id = kt_shm(1);
	pid_t pid;

	attach(id, 0);
	kt_gate_make(&end);
	pid = kt_fork();
	if (!pid) {
		kt_gate_await(&end);
		_exit(0);
	}
	ck_assert_uint_eq(n_attached(id), 2);
	kt_gate_post(&end);
	kt_join(pid);
	ck_assert_uint_eq(n_attached(id), 1);
}
END_TEST

static void do_nothing(void *arg)
{
	(void)arg;
}

START_TEST(exec_detaches)
{
	int id = kt_shm(1);
	pid_t pid;
	int end;

	attach(id, 0);
	pid = kt_fork_cat(do_nothing, NULL, &end);
	ck_assert_uint_eq(n_attached(id), 1);
	close(end);
	kt_join(pid);
}
END_TEST

START_TEST(removal_waits_for_the_last_detach)
{
	const key_t key = 0x6b740005;
	struct shmid_ds ds;
	char *at;
	int id;

	kt_need_namespace();
	id = get(key, 8, IPC_CREAT | 0600);
	at = attach(id, 0);
	ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
	strcpy(at, "alive");
	ck_assert_int_eq(stat_of(id, &ds), 0);
	ck_assert(ds.shm_perm.mode & SHM_DEST);
	/* Its key is free at once: the next one is another segment. */
	ck_assert_int_eq(ds.shm_perm.__key, IPC_PRIVATE);
	ck_assert_int_eq(get(key, 8, 0), -ENOENT);
	ck_assert_int_ne(get(key, 8, IPC_CREAT | 0600), id);
	ck_assert_str_eq(at, "alive");
	kt_measured("after IPC_RMID the memory reads \"%s\"", at);
	ck_assert_int_eq(shmdt(at), 0);
	ck_assert_int_eq(stat_of(id, &ds), -EINVAL);
}
END_TEST

START_TEST(linux_attaches_after_removal_while_one_is_attached)
{
	int id = kt_shm(8);
	char *first = attach(id, 0);
	char *second;

	ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
	second = attach(id, 0);
	strcpy(first, "same");
	ck_assert_str_eq(second, "same");
	kt_measured("attached after IPC_RMID, and read \"%s\"", second);
	shmdt(first);
	shmdt(second);
	ck_assert_ptr_eq(shmat(id, NULL, 0), (void *)-1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_killed_process_detaches_and_so_completes_removal)
{
	struct kt_gate done;
	struct shmid_ds ds;
	int id = kt_shm(8);
	pid_t pid;

	kt_gate_make(&done);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(shmat(id, NULL, 0) != (void *)-1);
		kt_gate_post(&done);
		pause();
	}
	kt_gate_await(&done);
	ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
	ck_assert_int_eq(stat_of(id, &ds), 0);
	kt_kill(pid);
	ck_assert_int_eq(stat_of(id, &ds), -EINVAL);
}
END_TEST

START_TEST(content_stays_while_nobody_is_attached)
{
	int id = kt_shm(8);
	char *at = attach(id, 0);

	strcpy(at, "kept");
	ck_assert_int_eq(shmdt(at), 0);
	ck_assert_uint_eq(n_attached(id), 0);
	at = attach(id, 0);
	kt_measured("attached again: \"%s\"", at);
	ck_assert_str_eq(at, "kept");
}
END_TEST

START_TEST(shm_rdonly_is_enforced)
{
	int id = kt_shm(8);
	char *at = attach(id, SHM_RDONLY);

	ck_assert(may_touch(at, false));
	ck_assert(!may_touch(at, true));
}
END_TEST

START_TEST(an_address_must_be_aligned_or_shm_rnd_given)
{
	int id = kt_shm(8);
	char *at = attach(id, 0);
	char *again;

	ck_assert_int_eq(shmdt(at), 0);
	ck_assert_ptr_eq(shmat(id, at + 1, 0), (void *)-1);
	ck_assert_int_eq(errno, EINVAL);
	again = shmat(id, at + 1, SHM_RND);
	ck_assert_ptr_eq(again, at);
}
END_TEST

Suite *shm_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_new_segment_is_zero),
		KT_TEST(the_size_stays_as_asked_and_the_page_is_usable),
		KT_TEST(shmget_of_an_existing_segment_compares_the_size),
		KT_TEST(size_0_gives_einval),
		KT_TEST(a_size_above_shmmax_gives_einval),
		KT_TEST(more_pages_than_shmall_give_enospc),
		KT_CLAIM(
			more_segments_than_shmmni_give_enospc,
			"ENOMEM is the error when there is no room.",
			"Size 0 or above `shmmax`: EINVAL. Above `shmall` or `shmmni`: ENOSPC. More than memory: ENOMEM."),
		KT_TEST(more_than_there_is_memory_gives_enomem),
		KT_CLAIM(
			nattch_counts_attachments_and_not_processes,
			"`shm_nattch` counts processes.",
			"Attachments: one process can have several. fork adds, exec and death take away."),
		KT_TEST(fork_attaches_and_exit_detaches),
		KT_TEST(exec_detaches),
		KT_CLAIM(removal_waits_for_the_last_detach, "IPC_RMID removes the segment at once.",
			 "Its key at once; the memory at the last detach."),
		KT_CLAIM(linux_attaches_after_removal_while_one_is_attached,
			 "After IPC_RMID nobody can attach.",
			 "On Linux one can, by id, while another is attached."),
		KT_TEST(a_killed_process_detaches_and_so_completes_removal),
		KT_CLAIM(content_stays_while_nobody_is_attached,
			 "Without an attached process the content is gone.",
			 "It stays until removal."),
		KT_TEST(shm_rdonly_is_enforced),
		KT_TEST(an_address_must_be_aligned_or_shm_rnd_given),
	};

	return kt_suite("shm", tests, SUITE_COUNT(tests));
}
