/* SPDX-License-Identifier: Apache-2.0 */
/* The IPC objects and files of the kernel tests, and the short forms of the calls on them. */
#include "kernel_objects.h"
#include "kernel_test.h"
#include "textbook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum { MAX_OBJECTS = 512 };

struct object {
	enum kt_kind kind;
	int id;
};

struct shared_page {
	char note[KT_NOTE_BYTES];
	char measured[KT_NOTE_BYTES];
	char names[KT_NAMES][64];
	char dir[PATH_MAX];
	bool isolated;
	int n_objects;
	struct object objects[MAX_OBJECTS];
};

static struct shared_page *page;

void kt_objects_share(void)
{
	if (page)
		return;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		perror("ipcjam: kernel tests: mmap");
		exit(1);
	}
}

char *kt_objects_note(void)
{
	return page->note;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return;
	fputs(text, f);
	fclose(f);
}

/* In a user namespace one is nobody until told otherwise, and msgctl(IPC_SET) refuses nobody's ids.
 */
static bool isolate_as_user(void)
{
	char uid_map[64];
	char gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", getuid(), getuid());
	snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", getgid(), getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uid_map);
	write_file("/proc/self/gid_map", gid_map);
	return true;
}

void kt_objects_isolate(void)
{
	page->isolated = unshare(CLONE_NEWIPC) == 0 || isolate_as_user();
}

static void remove_object(const struct object *object)
{
	switch (object->kind) {
	case KT_SEM:
		semctl(object->id, 0, IPC_RMID);
		break;
	case KT_MSG:
		msgctl(object->id, IPC_RMID, NULL);
		break;
	case KT_SHM:
		shmctl(object->id, IPC_RMID, NULL);
		break;
	}
}

static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static void remove_names(void)
{
	for (int i = 0; i < KT_NAMES; i++) {
		if (!page->names[i][0])
			continue;
		mq_unlink(page->names[i]);
		shm_unlink(page->names[i]);
		sem_unlink(page->names[i]);
	}
}

void kt_objects_remove(void)
{
	for (int i = 0; i < page->n_objects && i < MAX_OBJECTS; i++)
		remove_object(&page->objects[i]);
	if (page->dir[0])
		remove_dir(page->dir);
	remove_names();
	kt_textbook_take(page->measured);
	memset(page, 0, sizeof(*page));
}

void kt_track(enum kt_kind kind, int id)
{
	int slot;

	if (id < 0 || page->isolated)
		return;
	slot = __atomic_fetch_add(&page->n_objects, 1, __ATOMIC_RELAXED);
	if (slot >= MAX_OBJECTS)
		abort();
	page->objects[slot] = (struct object){ .kind = kind, .id = id };
}

void kt_need_namespace(void)
{
	if (!page->isolated)
		suite_skip(
			"needs an IPC namespace of its own, and unshare(CLONE_NEWIPC) is not allowed");
}

int kt_sem(int n_sems, int value)
{
	int id = semget(IPC_PRIVATE, n_sems, 0600);

	ck_assert_int_ge(id, 0);
	kt_track(KT_SEM, id);
	for (int i = 0; i < n_sems; i++)
		ck_assert_int_eq(kt_semctl(id, i, SETVAL, value), 0);
	return id;
}

int kt_msgq(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	ck_assert_int_ge(id, 0);
	kt_track(KT_MSG, id);
	return id;
}

int kt_shm(size_t size_bytes)
{
	int id = shmget(IPC_PRIVATE, size_bytes, 0600);

	ck_assert_int_ge(id, 0);
	kt_track(KT_SHM, id);
	return id;
}

int kt_semctl(int id, int num, int cmd, int value)
{
	/* The C library makes no union for this argument; an int passed as a pointer-sized word is
	 * it. */
	int got = semctl(id, num, cmd, (long)value);

	return got < 0 ? -errno : got;
}

int kt_semval(int id, int num)
{
	return kt_semctl(id, num, GETVAL, 0);
}

int kt_semop(int id, int num, int op, int flags)
{
	struct sembuf sop = {
		.sem_num = (unsigned short)num,
		.sem_op = (short)op,
		.sem_flg = (short)flags,
	};

	return semop(id, &sop, 1) < 0 ? -errno : 0;
}

int kt_send(int id, long type, const char *text, int flags)
{
	struct kt_message m = { .type = type };
	size_t n_bytes = strlen(text);

	memcpy(m.text, text, n_bytes);
	return msgsnd(id, &m, n_bytes, flags) < 0 ? -errno : 0;
}

int kt_recv(int id, struct kt_message *m, size_t size_bytes, long type, int flags)
{
	ssize_t n_bytes;

	memset(m, 0, sizeof(*m));
	n_bytes = msgrcv(id, m, size_bytes, type, flags);
	return n_bytes < 0 ? -errno : (int)n_bytes;
}

const char *kt_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!page->dir[0]) {
		snprintf(page->dir, sizeof(page->dir), "%s/ipcjam-kernel-XXXXXX",
			 tmp ? tmp : "/tmp");
		ck_assert_ptr_nonnull(mkdtemp(page->dir));
	}
	return page->dir;
}

const char *kt_path(const char *file)
{
	static char paths[4][PATH_MAX];
	static int next;
	char *path = paths[next++ % (int)SUITE_COUNT(paths)];

	if ((size_t)snprintf(path, PATH_MAX, "%s/%s", kt_dir(), file) >= PATH_MAX)
		abort();
	return path;
}

const char *kt_name(int n)
{
	if (n < 0 || n >= KT_NAMES)
		abort();
	if (!page->names[n][0])
		snprintf(page->names[n], sizeof(page->names[n]), "/ipcjam-kernel-%d-%d", getpid(),
			 n);
	return page->names[n];
}

void *kt_shared(size_t n_bytes)
{
	void *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

void kt_measured(const char *format, ...)
{
	size_t used = strlen(page->measured);
	va_list args;

	if (used)
		used += (size_t)snprintf(page->measured + used, KT_NOTE_BYTES - used, ", ");
	if (used >= KT_NOTE_BYTES)
		abort();
	va_start(args, format);
	vsnprintf(page->measured + used, KT_NOTE_BYTES - used, format, args);
	va_end(args);
}

long kt_sysctl(const char *name)
{
	char path[128];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

bool kt_set_sysctl(const char *name, unsigned long value)
{
	char path[128];
	FILE *f;
	bool done;

	kt_need_namespace();
	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	f = fopen(path, "we");
	if (!f)
		return false;
	done = fprintf(f, "%lu\n", value) > 0;
	return fclose(f) == 0 && done;
}
