/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_record_event.c - what an event says of POSIX queues, of descriptors that stand for events,
 * of other processes, of mappings and of locks on files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "place.h"
#include "tracer_record.h"

#define RED_ZONE 256 /* below the stack pointer: what nobody uses, with room */

/* The kernel's names have no slash, libc's have. */
static bool queue_name(const struct task *task, const struct passage *p, char *name, size_t n_bytes)
{
	name[0] = '/';
	if (!peek_text(task->tid, (uint64_t)p->a[0], name + 1, n_bytes - 1))
		return false;
	if (name[1] == '/')
		memmove(name, name + 1, strlen(name));
	return true;
}

static void keep_name(struct tracer *t, const char *name)
{
	t->n_more = (uint32_t)strlen(name);
	memcpy(t->more, name, t->n_more);
}

void record_queue_opened(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	int copy = socket_borrow(task, (int)fd);
	char name[NAME_MAX + 2];
	struct mq_attr attributes;

	p->event.object = object_of_fd(t, task, (int)fd);
	if (copy >= 0 && syscall(SYS_mq_getsetattr, copy, NULL, &attributes) == 0) {
		p->event.arg[4] = attributes.mq_maxmsg;
		p->event.arg[5] = attributes.mq_msgsize;
	}
	if (copy >= 0)
		close(copy);
	if (queue_name(task, p, name, sizeof(name)))
		keep_name(t, name);
}

/* Which queue a name stands for: a descriptor for a moment tells. */
uint64_t object_of_queue(const struct task *task, const struct passage *p)
{
	char name[NAME_MAX + 2];
	struct stat info;
	uint64_t object = 0;
	long fd;

	if (!queue_name(task, p, name, sizeof(name)))
		return 0;
	fd = syscall(SYS_mq_open, name + 1, O_RDONLY | O_CLOEXEC, 0, NULL);
	if (fd < 0)
		return 0;
	if (fstat((int)fd, &info) == 0)
		object = OBJECT_REF(OBJECT_MQ, place_file(info.st_dev, info.st_ino));
	close((int)fd);
	return object;
}

void record_queue_unlinked(struct tracer *t, struct task *task, struct passage *p, long result)
{
	char name[NAME_MAX + 2];

	(void)result;
	if (queue_name(task, p, name, sizeof(name)))
		keep_name(t, name);
}

static void queue_message(struct tracer *t, struct task *task, struct passage *p, size_t n_bytes)
{
	p->event.length = (uint32_t)n_bytes;
	p->event.digest = record_digest(task, (uint64_t)p->a[1], n_bytes, 0, n_bytes);
	record_kept(t, task, (uint64_t)p->a[1], n_bytes);
}

void record_queue_sent(struct tracer *t, struct task *task, struct passage *p, long result)
{
	(void)result;
	queue_message(t, task, p, (size_t)p->a[2]);
}

/* Order is judged by priority: it is asked for even if the caller does not want it. */
void record_queue_before(struct passage *p)
{
	if (!p->a[3])
		p->a[3] = (long)((p->sp - RED_ZONE) & ~UINT64_C(7));
}

void record_queue_received(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	unsigned int priority = 0;

	queue_message(t, task, p, (size_t)n_bytes);
	if (peek(task->tid, (uint64_t)p->a[3], &priority, sizeof(priority)))
		p->event.arg[5] = priority;
}

void record_queue_notify(struct tracer *t, struct task *task, struct passage *p, long result)
{
	struct sigevent event = { .sigev_notify = -1 };

	(void)t, (void)result;
	if (p->a[1])
		peek(task->tid, (uint64_t)p->a[1], &event, sizeof(event));
	p->event.arg[2] = event.sigev_notify;
	p->event.arg[3] = event.sigev_signo;
}

void record_ring_made(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	struct arena_proc *proc = program_slot(t, task->program);

	record_made(t, task, p, fd);
	if (proc)
		atomic_fetch_or(&proc->flags, PROC_URING);
}

void record_signalfd(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	uint64_t mask = 0;

	if ((int)p->a[0] == -1)
		record_made(t, task, p, fd);
	if (peek(task->tid, (uint64_t)p->a[1], &mask, sizeof(mask)))
		p->event.arg[3] = (int64_t)mask;
}

/* A counter: what was added to it, or taken from it. */
void record_eventfd(struct tracer *t, struct task *task, struct passage *p, long result)
{
	uint64_t value = 0;

	(void)t, (void)result;
	p->event.length = sizeof(value);
	if (peek(task->tid, (uint64_t)p->a[1], &value, sizeof(value)))
		p->event.arg[4] = (int64_t)value;
}

static int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * (int64_t)NS_PER_S + time->tv_nsec;
}

void record_timer(struct tracer *t, struct task *task, struct passage *p, long result)
{
	struct itimerspec value;

	(void)t, (void)result;
	if (!peek(task->tid, (uint64_t)p->a[2], &value, sizeof(value)))
		return;
	p->event.arg[4] = ns_of(&value.it_value);
	p->event.arg[5] = ns_of(&value.it_interval);
}

void record_watched(struct tracer *t, struct task *task, struct passage *p, long result)
{
	char path[PATH_MAX];

	(void)result;
	if (!peek_text(task->tid, (uint64_t)p->a[1], path, sizeof(path)))
		return;
	path[EVENT_MORE_BYTES * 2] = '\0';
	keep_name(t, path);
}

void record_got_fd(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	p->event.arg[4] = (int64_t)object_of_fd(t, task, (int)fd);
}

void record_memory_of(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	(void)t, (void)task;
	p->event.object = OBJECT_REF(OBJECT_PROCESS, p->a[0]);
	p->event.length = (uint32_t)n_bytes;
}

/* What is mapped is known for sure only now. */
void record_mapped(struct tracer *t, struct task *task, struct passage *p, long result)
{
	(void)t;
	if (!p->event.object)
		p->event.object = object_of_memory(task, (uint64_t)result);
}

void record_memory_made(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	char name[NAME_MAX + 1];

	p->event.object = object_of_file(task, (int)fd, OBJECT_MEMORY);
	if (peek_text(task->tid, (uint64_t)p->a[0], name, sizeof(name)))
		keep_name(t, name);
}

/* Where a descriptor stands in its file, or how long that is. */
static int64_t position(const struct task *task, int fd, int whence)
{
	int copy = socket_borrow(task, fd);
	struct stat info;
	int64_t at = -1;

	if (copy < 0)
		return -1;
	if (whence == SEEK_CUR)
		at = lseek(copy, 0, SEEK_CUR);
	else if (fstat(copy, &info) == 0)
		at = info.st_size;
	close(copy);
	return at;
}

/* From the beginning of the file, wherever that can be told. */
static void from_start(const struct task *task, int fd, struct flock *lock)
{
	int64_t at = lock->l_whence == SEEK_SET ? 0 : position(task, fd, lock->l_whence);

	if (at < 0)
		return;
	lock->l_whence = SEEK_SET;
	lock->l_start += at;
	if (lock->l_len < 0) {
		lock->l_start += lock->l_len;
		lock->l_len = -lock->l_len;
	}
}

/* What is asked for or, of F_GETLK, what was found. */
void record_file_lock(struct tracer *t, struct task *task, struct passage *p)
{
	struct flock lock;

	(void)t;
	if (object_kind_of(p->event.object) != OBJECT_FILE || p->canonical != CALL_fcntl ||
	    !peek(task->tid, (uint64_t)p->a[2], &lock, sizeof(lock)))
		return;
	from_start(task, (int)p->a[0], &lock);
	p->event.arg[3] = (uint16_t)lock.l_type | (int64_t)lock.l_whence << 16;
	p->event.arg[4] = lock.l_start;
	p->event.arg[5] = lock.l_len;
}

void record_fcntl(struct tracer *t, struct task *task, struct passage *p, long result)
{
	(void)result;
	if (p->a[1] == F_GETLK || p->a[1] == F_OFD_GETLK)
		record_file_lock(t, task, p);
}
