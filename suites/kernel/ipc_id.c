/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of System V objects: an index and a sequence number. Since Linux 5.2 the kernel goes
 * through the indices in a circle of at least 64 and raises the sequence number when it begins
 * again.
 */
#include "kernel_test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { CIRCLE = 64, SEQUENCE_UNIT = 32768, SEQUENCE_UNIT_LARGE = 1 << 24 };

static int make_sem(void)
{
	return semget(IPC_PRIVATE, 1, 0600);
}

static void remove_sem(int id)
{
	ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
}

static int make_msg(void)
{
	return msgget(IPC_PRIVATE, 0600);
}

static void remove_msg(int id)
{
	ck_assert_int_eq(msgctl(id, IPC_RMID, NULL), 0);
}

static int make_shm(void)
{
	return shmget(IPC_PRIVATE, 1, 0600);
}

static void remove_shm(int id)
{
	ck_assert_int_eq(shmctl(id, IPC_RMID, NULL), 0);
}

struct remake_row {
	const char *name;
	int (*make)(void);
	void (*remove)(int id);
};

static const struct remake_row remake_rows[] = {
	{ "a_remade_set_gets_the_next_index_in_a_circle_of_64", make_sem, remove_sem },
	{ "a_remade_queue_gets_the_next_index_in_a_circle_of_64", make_msg, remove_msg },
	{ "a_remade_segment_gets_the_next_index_in_a_circle_of_64", make_shm, remove_shm },
};

START_TEST(remake)
{
	const struct remake_row *row = &remake_rows[_i];

	kt_need_namespace();
	for (int i = 0; i < 2 * CIRCLE + 1; i++) {
		int id = row->make();
		int sequence = i / CIRCLE;

		if (i == 1 && (id == SEQUENCE_UNIT || id == SEQUENCE_UNIT_LARGE))
			suite_skip("this kernel gives the lowest free index (before Linux 5.2)");
		if (i == CIRCLE && id == SEQUENCE_UNIT_LARGE)
			suite_skip("booted with ipcmni_extend: indices are wider");
		ck_assert_int_eq(id, sequence * SEQUENCE_UNIT + i % CIRCLE);
		row->remove(id);
	}
}
END_TEST

START_TEST(an_old_id_never_means_the_new_object)
{
	int old_id, id;

	kt_need_namespace();
	old_id = make_sem();
	remove_sem(old_id);
	do {
		id = make_sem();
		ck_assert_int_ge(id, 0);
		ck_assert_int_ne(id, old_id);
		if (id % SEQUENCE_UNIT == old_id % SEQUENCE_UNIT)
			break;
		remove_sem(id);
	} while (id < 2 * SEQUENCE_UNIT);
	/* The same index, in use, and yet. */
	ck_assert_int_eq(id % SEQUENCE_UNIT, old_id % SEQUENCE_UNIT);
	ck_assert_int_eq(kt_semop(old_id, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(kt_semop(id, 0, 0, 0), 0);
}
END_TEST

START_TEST(proc_sysvipc_shows_key_id_and_mode)
{
	const key_t key = 0x6b740006;
	long seen_key = 0;
	char line[256];
	int seen_id = -1;
	unsigned int mode = 0;
	FILE *f;
	int id;

	kt_need_namespace();
	f = fopen("/proc/sysvipc/sem", "re");
	if (!f)
		suite_skip("/proc/sysvipc is not there");
	id = semget(key, 1, IPC_CREAT | 0640);
	ck_assert_int_ge(id, 0);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	ck_assert_int_eq(sscanf(line, "%ld %d %o", &seen_key, &seen_id, &mode), 3);
	ck_assert_int_eq(seen_key, key);
	ck_assert_int_eq(seen_id, id);
	ck_assert_uint_eq(mode, 0640);
}
END_TEST

Suite *ipc_id_suite(void)
{
	static const struct kt_test tests[] = {
		KT_ROWS(remake, remake_rows),
		KT_TEST(an_old_id_never_means_the_new_object),
		KT_TEST(proc_sysvipc_shows_key_id_and_mode),
	};

	return kt_suite("ipc_id", tests, SUITE_COUNT(tests));
}
