/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_object.c - which IPC object is behind a descriptor, a path or an address of a task that
 * has stopped: the numbers that the shim computes from inside, see event.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"
#include "proc_text.h"
#include "tracer_record.h"

#define MQUEUE_MAGIC 0x19800202
#define FD_PATH 48

static uint64_t file_ref(enum object_kind kind, const struct stat *info)
{
	return OBJECT_REF(kind, place_file(info->st_dev, info->st_ino));
}

static const struct {
	const char *link;
	enum object_kind kind;
	const char *number; /* in fdinfo; NULL: the kernel gives none */
} anonymous[] = {
	{ "anon_inode:[eventfd]", OBJECT_EVENTFD, "eventfd-id:" },
	{ "anon_inode:[timerfd]", OBJECT_TIMERFD, NULL },
	{ "anon_inode:[signalfd]", OBJECT_SIGNALFD, NULL },
	{ "anon_inode:inotify", OBJECT_INOTIFY, NULL },
	{ "anon_inode:[eventpoll]", OBJECT_EPOLL, NULL },
	{ "anon_inode:[pidfd]", OBJECT_PIDFD, "Pid:" },
	{ "anon_inode:[io_uring]", OBJECT_URING, NULL },
};

/* The number behind `name` in what the kernel tells of a descriptor, or -1. */
static int64_t fdinfo(pid_t tid, int fd, const char *name)
{
	char path[FD_PATH], line[128];
	long long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)tid, fd);
	file = fopen(path, "re");
	while (file && value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), "%lld", &value);
	if (file)
		fclose(file);
	return value;
}

static uint64_t process_hash(const struct task *task)
{
	return task->program->slot ? point_lineage_hash(task->program->slot, 0) : 0;
}

/* What the kernel does not number is numbered by the process that has it, and by the descriptor. */
static uint64_t number_of(const struct task *task, enum object_kind kind, int fd)
{
	return OBJECT_REF(kind, arena_mix(~process_hash(task) ^ arena_mix((uint64_t)fd) ^
					  arena_mix((uint64_t)kind)));
}

static uint64_t object_anonymous(const struct task *task, const char *path, int fd)
{
	char link[32];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < sizeof(anonymous) / sizeof(anonymous[0]); i++) {
		enum object_kind kind = anonymous[i].kind;
		int64_t number = -1;

		if (strcmp(link, anonymous[i].link) != 0)
			continue;
		if (anonymous[i].number)
			number = fdinfo(task->tid, fd, anonymous[i].number);
		return number < 0 ? number_of(task, kind, fd) : OBJECT_REF(kind, number);
	}
	return 0;
}

static bool is_queue(const char *path, const struct stat *info)
{
	struct statfs fs;

	/* a file system without a device: ask which */
	return major(info->st_dev) == 0 && statfs(path, &fs) == 0 && fs.f_type == MQUEUE_MAGIC;
}

uint64_t object_of_fd(struct tracer *t, const struct task *task, int fd)
{
	char path[FD_PATH];
	struct stat info;

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)task->tid, fd);
	if (stat(path, &info) < 0)
		return 0;
	switch (info.st_mode & S_IFMT) {
	case S_IFIFO:
		return info.st_dev == t->pipefs ? OBJECT_REF(OBJECT_PIPE, info.st_ino)
						: file_ref(OBJECT_FIFO, &info);
	case S_IFSOCK:
		return OBJECT_REF(OBJECT_SOCKET, info.st_ino);
	case S_IFREG:
		return is_queue(path, &info) ? file_ref(OBJECT_MQ, &info) : 0;
	case 0:
		return object_anonymous(task, path, fd);
	default:
		return 0;
	}
}

uint64_t object_of_file(const struct task *task, int fd, enum object_kind kind)
{
	char path[FD_PATH];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)task->tid, fd);
	return fd < 0 || stat(path, &info) < 0 ? 0 : file_ref(kind, &info);
}

/* The mapping around an address. */
bool mapping_of(const struct task *task, uint64_t address, struct mapping *mapping)
{
	char path[FD_PATH], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)task->tid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = mapping_parse(line, mapping) && mapping->start <= address &&
			address < mapping->end;
	if (file)
		fclose(file);
	return found;
}

/* A word that a futex is about. */
static uint64_t object_of_place(const struct task *task, uint64_t address)
{
	struct mapping m;

	if (!mapping_of(task, address, &m))
		return 0;
	if (!m.shared)
		return OBJECT_REF(OBJECT_FUTEX,
				  place_private(place_private_key(process_hash(task)), address));
	return OBJECT_REF(
		OBJECT_FUTEX,
		place_shared(place_key(place_file(m.dev, m.ino), m.start, m.offset), address));
}

/* Memory that can be shared, by its mapping. */
uint64_t object_of_memory(const struct task *task, uint64_t address)
{
	struct mapping m;

	if (!mapping_of(task, address, &m) || !m.shared)
		return 0;
	return OBJECT_REF(OBJECT_MEMORY, place_file(m.dev, m.ino));
}

static uint64_t object_of_argument(struct tracer *t, const struct task *task,
				   const struct passage *p, unsigned int at)
{
	switch (p->call->arg[at]) {
	case ARG_SEMID:
		return OBJECT_REF(OBJECT_SEM, p->a[at]);
	case ARG_MSQID:
		return OBJECT_REF(OBJECT_MSG, p->a[at]);
	case ARG_SHMID:
		return OBJECT_REF(OBJECT_SHM, p->a[at]);
	case ARG_FD:
	case ARG_FD2:
		return object_of_fd(t, task, (int)p->a[at]);
	case ARG_LOCKFD:
		return object_of_file(task, (int)p->a[at], OBJECT_FILE);
	case ARG_FUTEX:
		return object_of_place(task, (uint64_t)p->a[at]);
	default:
		return 0;
	}
}

/* Locks that fcntl takes concern the file. */
static bool is_file_lock(const struct passage *p)
{
	return p->canonical == CALL_fcntl &&
	       (p->a[1] == F_GETLK || p->a[1] == F_SETLK || p->a[1] == F_SETLKW ||
		p->a[1] == F_OFD_GETLK || p->a[1] == F_OFD_SETLK || p->a[1] == F_OFD_SETLKW);
}

uint64_t object_of_call(struct tracer *t, struct task *task, struct passage *p)
{
	uint64_t object = 0;

	if (p->canonical == CALL_mq_unlink)
		return object_of_queue(task, p);
	if (is_file_lock(p))
		return object_of_file(task, (int)p->a[0], OBJECT_FILE);
	if (p->canonical == CALL_mmap && !(p->a[3] & MAP_ANONYMOUS))
		return object_of_file(task, (int)p->a[4], OBJECT_MEMORY);
	if (p->canonical == CALL_munmap || p->canonical == CALL_mremap ||
	    p->canonical == CALL_msync)
		return object_of_memory(task, (uint64_t)p->a[0]);
	for (unsigned int i = 0; i < p->call->n_args && !object; i++)
		object = object_of_argument(t, task, p, i);
	return object;
}

/* Only operations that wait have a time-out in that argument. */
static unsigned int futex_flags(const struct passage *p)
{
	switch ((int)p->a[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return p->a[3] ? EVENT_TIMED : 0;
	default:
		return EVENT_NONBLOCK;
	}
}

static unsigned int argument_flags(enum arg_kind kind, long value)
{
	switch (kind) {
	case ARG_MSEC:
		return (int)value > 0 ? EVENT_TIMED : (int)value == 0 ? EVENT_NONBLOCK : 0;
	case ARG_OP_FLAGS:
		return value & IPC_NOWAIT ? EVENT_NONBLOCK : 0;
	case ARG_WAIT_FLAGS:
		return value & WNOHANG ? EVENT_NONBLOCK : 0;
	case ARG_OPEN_FLAGS:
		return value & O_NONBLOCK ? EVENT_NONBLOCK : 0;
	case ARG_SOCK_FLAGS:
		return value & MSG_DONTWAIT ? EVENT_NONBLOCK : 0;
	case ARG_FLOCK_OP:
		return value & LOCK_NB ? EVENT_NONBLOCK : 0;
	case ARG_TIMEOUT:
	case ARG_TIMEVAL:
		return value ? EVENT_TIMED : 0;
	default:
		return 0;
	}
}

/* Of a socket: whether it keeps boundaries, and its own time-out. */
unsigned int object_flags_of(const struct task *task, const struct passage *p)
{
	int at = call_arg(p->call, ARG_FD);

	if (object_kind_of(p->event.object) != OBJECT_SOCKET || at < 0 ||
	    !(p->call->flags & (CALL_BLOCKS | CALL_READS | CALL_WRITES)))
		return 0;
	return socket_flags(task, (int)p->a[at], !(p->call->flags & CALL_WRITES));
}

unsigned int wait_flags_of(const struct passage *p)
{
	unsigned int flags = p->call->classes & CLASS_TIME ? EVENT_TIMED : 0;

	if (!(p->call->flags & CALL_BLOCKS))
		return 0;
	if (p->canonical == CALL_futex)
		return futex_flags(p);
	for (unsigned int i = 0; i < p->call->n_args; i++)
		flags |= argument_flags((enum arg_kind)p->call->arg[i], p->a[i]);
	return flags;
}
