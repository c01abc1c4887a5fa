/* SPDX-License-Identifier: Apache-2.0 */
/* watch_file.c - what a descriptor of a task stands for, and what a wait for a file's lock wants.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place.h"
#include "watch.h"

#define MQUEUE_MAGIC 0x19800202

void fdinfo_read(pid_t pid, pid_t tid, int fd, bool (*line)(const char *text, void *data),
		 void *data)
{
	char path[96], text[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fdinfo/%d", (int)pid, (int)tid, fd);
	file = fopen(path, "re");
	while (file && fgets(text, sizeof(text), file) && line(text, data))
		;
	if (file)
		fclose(file);
}

static bool read_fields(const char *text, void *data)
{
	struct file *file = data;
	long long seconds, nanoseconds;
	int pid;

	if (sscanf(text, "eventfd-id: %" SCNu64, &file->ino) == 1)
		return true;
	if (sscanf(text, "sigmask: %" SCNx64, &file->signals) == 1)
		return true;
	if (sscanf(text, "it_value: (%lld, %lld)", &seconds, &nanoseconds) == 2)
		file->armed = seconds || nanoseconds;
	else if (sscanf(text, "Pid: %d", &pid) == 1)
		file->ino = pid > 0 ? (uint64_t)pid : 0;
	return true;
}

/* Those that have no file of their own: what they are stands in their link. */
static void look_nameless(pid_t pid, pid_t tid, int fd, const char *link, struct file *file)
{
	static const struct {
		const char *link;
		enum file_kind kind;
	} kinds[] = {
		{ "anon_inode:[eventfd]", FILE_EVENT },    { "anon_inode:[timerfd]", FILE_TIMER },
		{ "anon_inode:[signalfd]", FILE_SIGNALS }, { "anon_inode:[pidfd]", FILE_PROCESS },
		{ "anon_inode:[eventpoll]", FILE_POLLER },
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(link, kinds[i].link) == 0)
			file->kind = kinds[i].kind;
	if (file->kind == FILE_OTHER)
		return;
	file->dev = file->ino = 0;
	fdinfo_read(pid, tid, fd, read_fields, file);
}

/* False: it is not open, or cannot be looked at. */
bool file_look(pid_t pid, pid_t tid, int fd, struct file *file)
{
	char path[96], link[64];
	struct stat info, access;
	struct statfs fs;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", (int)pid, (int)tid, fd);
	if (stat(path, &info) < 0 || lstat(path, &access) < 0)
		return false;
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	*file = (struct file){ .reads = access.st_mode & S_IRUSR,
			       .writes = access.st_mode & S_IWUSR,
			       .dev = info.st_dev,
			       .ino = info.st_ino };
	if (S_ISFIFO(info.st_mode)) {
		file->kind = FILE_PIPE;
		file->named = strncmp(link, "pipe:[", 6) != 0;
	} else if (S_ISSOCK(info.st_mode)) {
		file->kind = FILE_SOCKET;
	} else if (strncmp(link, "anon_inode:", 11) == 0) {
		look_nameless(pid, tid, fd, link, file);
	} else if (S_ISREG(info.st_mode) && statfs(path, &fs) == 0 && fs.f_type == MQUEUE_MAGIC) {
		file->kind = FILE_QUEUE;
	}
	file->plain = S_ISREG(info.st_mode) && file->kind == FILE_OTHER;
	return true;
}

uint64_t file_object(const struct file *file)
{
	uint64_t place = place_file(file->dev, file->ino);

	switch (file->kind) {
	case FILE_PIPE:
		return file->named ? OBJECT_REF(OBJECT_FIFO, place)
				   : OBJECT_REF(OBJECT_PIPE, file->ino);
	case FILE_SOCKET:
		return OBJECT_REF(OBJECT_SOCKET, file->ino);
	case FILE_QUEUE:
		return OBJECT_REF(OBJECT_MQ, place);
	case FILE_EVENT:
		return OBJECT_REF(OBJECT_EVENTFD, file->ino);
	case FILE_PROCESS:
		return OBJECT_REF(OBJECT_PIDFD, file->ino);
	default:
		return 0;
	}
}

static bool read_position(const char *text, void *data)
{
	return sscanf(text, "pos: %" SCNd64, (int64_t *)data) != 1;
}

/* The bytes that fcntl's request means; false: none that could be. */
static bool range_of(const struct task *t, const struct flock *request, struct file_lock *lock)
{
	int64_t from = request->l_start, position = 0, n = request->l_len;
	char path[96];
	struct stat info;

	if (request->l_whence == SEEK_CUR) {
		fdinfo_read(t->pid, t->tid, (int)t->context.arg[0], read_position, &position);
		from += position;
	} else if (request->l_whence == SEEK_END) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", (int)t->pid, (int)t->tid,
			 (int)t->context.arg[0]);
		if (stat(path, &info) < 0)
			return false;
		from += info.st_size;
	}
	if (n < 0) {
		from += n;
		n = -n;
	}
	lock->first = (uint64_t)from;
	lock->last = n ? (uint64_t)(from + n - 1) : UINT64_MAX;
	return from >= 0;
}

static bool read_request(const struct task *t, struct file_lock *lock)
{
	struct flock request;

	if (t->context.nr == SYS_flock) {
		int operation = (int)t->context.arg[1];

		*lock = (struct file_lock){ FILE_LOCK_FLOCK, (operation & LOCK_EX) != 0, 0,
					    UINT64_MAX };
		return true;
	}
	if (t->context.arg[1] != F_SETLKW && t->context.arg[1] != F_OFD_SETLKW)
		return false;
	if (!remote_read(t->pid, t->context.arg[2], &request, sizeof(request)))
		return false;
	lock->kind = t->context.arg[1] == F_SETLKW ? FILE_LOCK_PROCESS : FILE_LOCK_OFD;
	lock->writes = request.l_type == F_WRLCK;
	return range_of(t, &request, lock);
}

void file_lock_decode(struct supervisor *s, struct task *t)
{
	struct file file;

	if (!read_request(t, &t->wanted) ||
	    !file_look(t->pid, t->tid, (int)t->context.arg[0], &file) ||
	    is_outside(s, file.dev, file.ino))
		return;
	t->kind = WAIT_FILE_LOCK;
	t->id = (int)t->context.arg[0];
	t->memory.dev = file.dev;
	t->memory.ino = file.ino;
	t->object = OBJECT_REF(OBJECT_FILE, place_file(file.dev, file.ino));
}
