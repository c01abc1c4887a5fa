/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_record_fd.c - calls on descriptors: what is recorded of each, before it is made and after.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tracer_record.h"

static bool is_pipe(const struct passage *p)
{
	enum object_kind kind = object_kind_of(p->event.object);

	return kind == OBJECT_PIPE || kind == OBJECT_FIFO;
}

static void payload(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	p->event.length = (uint32_t)n_bytes;
	switch (p->call->arg[1]) {
	case ARG_BUF_IN:
	case ARG_BUF_OUT:
		record_bytes(t, task, p, (uint64_t)p->a[1], (size_t)n_bytes);
		break;
	case ARG_IOV_IN:
	case ARG_IOV_OUT:
		record_vector(t, task, p, (uint64_t)p->a[1], (size_t)p->a[2], (size_t)n_bytes);
		break;
	default:
		break;
	}
}

/* A blocking write above PIPE_BUF may be torn: what it finds in the pipe, and the pipe's capacity.
 */
static void before_write(struct task *task, struct passage *p, size_t n_bytes)
{
	char path[48];
	int fd, held = 0;

	if (n_bytes <= PIPE_BUF || !is_pipe(p))
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)task->tid, (int)p->a[0]);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!(record_fd_flags(task, (int)p->a[0]) & O_NONBLOCK) &&
	    ioctl(fd, FIONREAD, &held) == 0) {
		p->event.arg[3] = held;
		p->event.arg[4] = fcntl(fd, F_GETPIPE_SZ);
	}
	close(fd);
}

static size_t vector_bytes(struct task *task, const struct passage *p)
{
	struct iovec vector[POINT_IOVECS];
	size_t n = (size_t)p->a[2] < POINT_IOVECS ? (size_t)p->a[2] : POINT_IOVECS, total = 0;

	if (n == 0 || !peek(task->tid, (uint64_t)p->a[1], vector, n * sizeof(vector[0])))
		return 0;
	for (size_t i = 0; i < n; i++)
		total += vector[i].iov_len;
	return total;
}

void record_descriptor_before(struct tracer *t, struct task *task, struct passage *p)
{
	switch (p->canonical) {
	case CALL_write:
		before_write(task, p, (size_t)p->a[2]);
		break;
	case CALL_writev:
		before_write(task, p, vector_bytes(task, p));
		break;
	case CALL_close:
	case CALL_dup2:
	case CALL_dup3:
		close_probe(t, task, p);
		break;
	case CALL_mq_receive:
	case CALL_mq_timedreceive:
		record_queue_before(p);
		break;
	case CALL_fcntl:
		record_file_lock(t, task, p);
		break;
	default:
		break;
	}
}

/* A descriptor's O_NONBLOCK is not asked for at each call: this error tells it. */
void record_failure(struct tracer *t, struct task *task, struct passage *p)
{
	struct event *e = &p->event;

	if (e->err == EAGAIN && p->call->flags & CALL_BLOCKS && !(e->flags & EVENT_TIMED) &&
	    call_arg(p->call, ARG_FD) >= 0)
		e->flags |= EVENT_NONBLOCK;
	if (p->canonical == CALL_bind || p->canonical == CALL_connect)
		record_address(t, task, p, -1);
}

static void closed(struct tracer *t, struct task *task, struct passage *p, long result)
{
	(void)t, (void)task, (void)result;
	p->event.arg[4] = close_probe_lost(p);
}

static void replaced(struct tracer *t, struct task *task, struct passage *p, long result)
{
	(void)result;
	close_replaced(t, task, p);
}

static record_function *const recorders[CALL_N] = {
	[CALL_close] = closed,
	[CALL_dup2] = replaced,
	[CALL_dup3] = replaced,
	[CALL_fcntl] = record_fcntl,
	[CALL_mq_open] = record_queue_opened,
	[CALL_mq_unlink] = record_queue_unlinked,
	[CALL_mq_send] = record_queue_sent,
	[CALL_mq_timedsend] = record_queue_sent,
	[CALL_mq_receive] = record_queue_received,
	[CALL_mq_timedreceive] = record_queue_received,
	[CALL_mq_notify] = record_queue_notify,
	[CALL_socket] = record_made,
	[CALL_socketpair] = record_socketpair,
	[CALL_bind] = record_address,
	[CALL_connect] = record_address,
	[CALL_accept] = record_accepted,
	[CALL_accept4] = record_accepted,
	[CALL_getsockopt] = record_option,
	[CALL_setsockopt] = record_option,
	[CALL_sendto] = record_sent_to,
	[CALL_recv] = record_received,
	[CALL_recvfrom] = record_received,
	[CALL_sendmsg] = record_message,
	[CALL_recvmsg] = record_message,
	[CALL_sendmmsg] = record_messages,
	[CALL_recvmmsg] = record_messages,
	[CALL_eventfd] = record_made,
	[CALL_timerfd_create] = record_made,
	[CALL_timerfd_settime] = record_timer,
	[CALL_signalfd] = record_signalfd,
	[CALL_inotify_init] = record_made,
	[CALL_inotify_init1] = record_made,
	[CALL_inotify_add_watch] = record_watched,
	[CALL_epoll_create] = record_made,
	[CALL_epoll_create1] = record_made,
	[CALL_pidfd_open] = record_made,
	[CALL_pidfd_getfd] = record_got_fd,
	[CALL_process_vm_readv] = record_memory_of,
	[CALL_process_vm_writev] = record_memory_of,
	[CALL_io_uring_setup] = record_ring_made,
	[CALL_mmap] = record_mapped,
	[CALL_memfd_create] = record_memory_made,
};

void record_descriptor(struct tracer *t, struct task *task, struct passage *p, long result)
{
	record_function *recorder = recorders[p->canonical];

	if (recorder)
		recorder(t, task, p, result);
	else if (!(p->call->flags & (CALL_READS | CALL_WRITES)))
		return;
	else if (object_kind_of(p->event.object) == OBJECT_EVENTFD)
		record_eventfd(t, task, p, result);
	else
		payload(t, task, p, result);
}
