/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftovers_named.c - POSIX queues, named semaphores, named shared memory and the files of sockets
 * that the trial leaves behind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "leftovers.h"
#include "place.h"

#define MQUEUE_MAGIC 0x19800202
#define MEMORY_PATH "/dev/shm"

/* The kernel has all queues in a file system of their own, mounted or not. */
static int queues_mount(void)
{
	int fs = fsopen("mqueue", FSOPEN_CLOEXEC), mounted = -1, directory;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fs >= 0)
		close(fs);
	if (mounted < 0)
		return -1;
	directory = openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(mounted);
	return directory;
}

int queues_open(void)
{
	int directory = open("/dev/mqueue", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (directory >= 0 && fstatfs(directory, &fs) == 0 && fs.f_type == MQUEUE_MAGIC)
		return directory;
	if (directory >= 0)
		close(directory);
	return queues_mount();
}

static pid_t maker_of(const struct supervisor *s, enum object_kind kind, const char *name)
{
	for (unsigned int i = 0; i < s->n_opened; i++)
		if (s->opened[i].kind == kind && strcmp(s->opened[i].name, name) == 0)
			return s->opened[i].maker;
	return 0;
}

static bool is_ours(const struct supervisor *s, enum object_kind kind, const char *name)
{
	return s->isolated || maker_of(s, kind, name) != 0;
}

static struct leftover *add_named(const struct supervisor *s, struct leftovers *list,
				  enum object_kind kind, uint64_t object, const char *name)
{
	struct leftover *left = leftovers_add(list, kind, object, 0);
	char *path;

	if (asprintf(&path, "/%s", name) < 0)
		abort();
	left->maker_pid = maker_of(s, kind, name);
	left->path = list->path[list->n - 1] = path;
	return left;
}

static uint64_t messages_in(const char *path)
{
	mqd_t queue = mq_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct mq_attr attributes = { 0 };

	if (queue == (mqd_t)-1)
		return 0;
	if (mq_getattr(queue, &attributes) < 0)
		attributes.mq_curmsgs = 0;
	mq_close(queue);
	return (uint64_t)attributes.mq_curmsgs;
}

static void list_queues(const struct supervisor *s, struct leftovers *list)
{
	int fd = queues_open();
	DIR *queues = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (queues && (entry = readdir(queues))) {
		struct leftover *left;
		struct stat info;

		if (entry->d_name[0] == '.' || !is_ours(s, OBJECT_MQ, entry->d_name) ||
		    fstatat(dirfd(queues), entry->d_name, &info, 0) < 0)
			continue;
		left = add_named(s, list, OBJECT_MQ,
				 OBJECT_REF(OBJECT_MQ, place_file(info.st_dev, info.st_ino)),
				 entry->d_name);
		left->n_messages = messages_in(left->path);
	}
	if (queues)
		closedir(queues);
}

/* A named semaphore is the first thing in its file. */
static uint64_t memory_object(enum object_kind kind, const struct stat *info)
{
	uint64_t file = place_file(info->st_dev, info->st_ino);

	return kind == OBJECT_PSEM ? OBJECT_REF(kind, place_shared(place_key(file, 0, 0), 0))
				   : OBJECT_REF(kind, file);
}

static void list_memory(const struct supervisor *s, struct leftovers *list)
{
	DIR *memory = opendir(MEMORY_PATH);
	struct dirent *entry;

	while (memory && (entry = readdir(memory))) {
		const char *name;
		enum object_kind kind = name_kind(entry->d_name, &name);
		struct stat info;

		if (!is_ours(s, kind, name) ||
		    fstatat(dirfd(memory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(info.st_mode))
			continue;
		add_named(s, list, kind, memory_object(kind, &info), name)->n_bytes =
			(uint64_t)info.st_size;
	}
	if (memory)
		closedir(memory);
}

static bool socket_exists(const struct named_socket *named)
{
	struct stat info;

	return named->path && lstat(named->path, &info) == 0 && S_ISSOCK(info.st_mode) &&
	       info.st_dev == named->dev && info.st_ino == named->file;
}

static void list_sockets(const struct supervisor *s, struct leftovers *list)
{
	for (unsigned int i = 0; i < s->n_named; i++) {
		struct leftover *left;

		if (!socket_exists(&s->named[i]))
			continue;
		left = leftovers_add(list, OBJECT_SOCKET,
				     OBJECT_REF(OBJECT_SOCKET, s->named[i].ino), 0);
		left->maker_pid = s->named[i].maker;
		left->path = s->named[i].path;
	}
}

void named_list(const struct supervisor *s, struct leftovers *list)
{
	list_queues(s, list);
	list_memory(s, list);
	list_sockets(s, list);
}

void sockets_remove(struct supervisor *s)
{
	for (unsigned int i = 0; i < s->n_named; i++)
		if (socket_exists(&s->named[i]))
			unlink(s->named[i].path);
}

void named_remove(const struct leftover *left)
{
	char path[NAME_MAX + sizeof(MEMORY_PATH) + 8];

	if (left->kind == OBJECT_MQ)
		mq_unlink(left->path);
	else if (left->kind == OBJECT_PSEM)
		snprintf(path, sizeof(path), MEMORY_PATH "/sem.%s", left->path + 1);
	else
		snprintf(path, sizeof(path), MEMORY_PATH "/%s", left->path + 1);
	if (left->kind != OBJECT_MQ)
		unlink(path);
}
