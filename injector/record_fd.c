/* SPDX-License-Identifier: Apache-2.0 */
/* record_fd.c - calls on descriptors: what is recorded of each, before it is made and after. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>

#include "record.h"

static void (*const recorders[CALL_N])(struct gate *g, long result) = {
	[CALL_mq_send] = record_mq_sent,
	[CALL_mq_timedsend] = record_mq_sent,
	[CALL_mq_receive] = record_mq_received,
	[CALL_mq_timedreceive] = record_mq_received,
	[CALL_mq_notify] = record_mq_notify,
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
	[CALL_sendmsg] = record_sent_message,
	[CALL_recvmsg] = record_received_message,
	[CALL_sendmmsg] = record_messages,
	[CALL_recvmmsg] = record_messages,
	[CALL_eventfd] = record_made,
	[CALL_eventfd_read] = record_eventfd,
	[CALL_eventfd_write] = record_eventfd,
	[CALL_timerfd_create] = record_numbered,
	[CALL_timerfd_settime] = record_timer,
	[CALL_signalfd] = record_signalfd,
	[CALL_inotify_init] = record_numbered,
	[CALL_inotify_init1] = record_numbered,
	[CALL_inotify_add_watch] = record_watched,
	[CALL_epoll_create] = record_numbered,
	[CALL_epoll_create1] = record_numbered,
	[CALL_pidfd_open] = record_pidfd,
	[CALL_pidfd_getfd] = record_got_fd,
	[CALL_process_vm_readv] = record_memory_of,
	[CALL_process_vm_writev] = record_memory_of,
	[CALL_io_uring_setup] = record_numbered,
	[CALL_flock] = record_file_lock,
	[CALL_lockf] = record_file_lock,
};

void record_descriptor(struct gate *g, long result)
{
	void (*recorder)(struct gate *, long) = recorders[g->canonical];

	if (recorder)
		recorder(g, result);
	else if (!(g->call->flags & (CALL_READS | CALL_WRITES)))
		return;
	else if (object_kind_of(g->event->object) == OBJECT_EVENTFD &&
		 (g->canonical == CALL_read || g->canonical == CALL_write))
		record_eventfd(g, result);
	else
		record_payload(g, result);
}

/* A descriptor's O_NONBLOCK is not asked for at each call: this error tells it. */
void record_failure(struct gate *g)
{
	struct event *e = g->event;

	if (e->err == EAGAIN && g->call->flags & CALL_BLOCKS && !(e->flags & EVENT_TIMED) &&
	    call_arg(g->call, ARG_FD) >= 0)
		e->flags |= EVENT_NONBLOCK;
	if (g->canonical == CALL_bind || g->canonical == CALL_connect)
		record_address(g, -1);
}

bool record_fd_has_before(enum call_id id)
{
	switch (id) {
	case CALL_write:
	case CALL_writev:
	case CALL_mq_receive:
	case CALL_mq_timedreceive:
	case CALL_lockf:
		return true;
	default:
		return false;
	}
}

static bool is_pipe(const struct gate *g)
{
	enum object_kind kind = object_kind_of(g->event->object);

	return kind == OBJECT_PIPE || kind == OBJECT_FIFO;
}

void record_fd_before(struct gate *g)
{
	switch (g->canonical) {
	case CALL_write:
		if (UNLIKELY((size_t)g->a[2] > PIPE_BUF) && is_pipe(g))
			record_before_write(g, (size_t)g->a[2]);
		break;
	case CALL_writev:
		if (is_pipe(g))
			record_before_write(g, fault_vector_bytes(g, 1));
		break;
	case CALL_mq_receive:
	case CALL_mq_timedreceive:
		record_mq_before(g);
		break;
	case CALL_lockf:
		record_lockf_before(g);
		break;
	default:
		break;
	}
}
