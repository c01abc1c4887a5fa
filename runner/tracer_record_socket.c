/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_record_socket.c - what an event says of a socket: the new ones, addresses, options,
 * messages and the descriptors that they carry. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "tracer_record.h"

#define CONTROL 1024 /* bytes of control messages that are looked at */
#define MESSAGES 32  /* of one call */

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

void record_made(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	p->event.object = object_of_fd(t, task, (int)fd);
}

void record_socketpair(struct tracer *t, struct task *task, struct passage *p, long result)
{
	int fds[2];

	(void)result;
	if (!peek(task->tid, (uint64_t)p->a[3], fds, sizeof(fds)))
		return;
	for (int i = 0; i < 2; i++)
		p->event.arg[4 + i] = (int64_t)object_of_fd(t, task, fds[i]);
	p->event.object = (uint64_t)p->event.arg[4];
}

void record_accepted(struct tracer *t, struct task *task, struct passage *p, long fd)
{
	p->event.arg[4] = fd;
	p->event.arg[5] = (int64_t)object_of_fd(t, task, (int)fd);
}

/* Also of a call that failed: whom it did not reach. */
void record_address(struct tracer *t, struct task *task, struct passage *p, long result)
{
	uint32_t n = (uint32_t)p->a[2];

	(void)result;
	record_more(t, task, (uint64_t)p->a[1],
		    n < sizeof(struct sockaddr_storage) ? n : sizeof(struct sockaddr_storage));
}

void record_sent_to(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	p->event.length = (uint32_t)n_bytes;
	record_bytes(t, task, p, (uint64_t)p->a[1], (size_t)n_bytes);
	if (p->a[4] && !t->n_more && (uint32_t)p->a[5] <= sizeof(struct sockaddr_storage))
		record_more(t, task, (uint64_t)p->a[4], (uint32_t)p->a[5]);
}

/* Most options are an int. */
void record_option(struct tracer *t, struct task *task, struct passage *p, long result)
{
	uint32_t size = (uint32_t)p->a[4];
	int value;

	(void)t, (void)result;
	if (p->canonical == CALL_getsockopt &&
	    !peek(task->tid, (uint64_t)p->a[4], &size, sizeof(size)))
		return;
	if (size >= sizeof(value) && peek(task->tid, (uint64_t)p->a[3], &value, sizeof(value)))
		p->event.arg[5] = value;
}

/* What was only looked at is still there, and what comes out of the error queue had been sent. */
static bool takes(long flags)
{
	return !(flags & (MSG_PEEK | MSG_ERRQUEUE));
}

/* With MSG_TRUNC the result is the message's length, however little of it was wanted; a stream's
 * bytes are thrown away unseen. */
void record_received(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	bool cut =
		(p->a[3] & MSG_TRUNC) && (!(p->event.flags & EVENT_MESSAGE) || n_bytes > p->a[2]);

	if (!takes(p->a[3]))
		return;
	p->event.length = (uint32_t)n_bytes;
	if (!cut)
		record_bytes(t, task, p, (uint64_t)p->a[1], (size_t)n_bytes);
}

struct passed {
	uint32_t n;
	uint64_t object[2]; /* of the first ones */
};

static void add_passed(struct tracer *t, struct task *task, struct passed *passed,
		       const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t i = 0; i < n; i++, passed->n++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (passed->n < 2)
			passed->object[passed->n] = object_of_fd(t, task, fd);
	}
}

/* The descriptors that a header carries, in the task's own memory. */
static struct passed passed_in(struct tracer *t, struct task *task, struct msghdr header)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL];
	struct passed passed = { 0 };

	if (!header.msg_control || header.msg_controllen < sizeof(struct cmsghdr))
		return passed;
	if (header.msg_controllen > sizeof(control))
		header.msg_controllen = sizeof(control);
	if (!peek(task->tid, (uint64_t)(uintptr_t)header.msg_control, control,
		  header.msg_controllen))
		return passed;
	header.msg_control = control;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	     c && c->cmsg_len >= CMSG_LEN(0) &&
	     (uint8_t *)c + c->cmsg_len <= control + header.msg_controllen;
	     c = CMSG_NXTHDR(&header, c))
		add_passed(t, task, &passed, c);
	return passed;
}

void record_message(struct tracer *t, struct task *task, struct passage *p, long n_bytes)
{
	bool received = p->call->flags & CALL_READS;
	struct passed passed;
	struct msghdr header;

	if (!peek(task->tid, (uint64_t)p->a[1], &header, sizeof(header)))
		return;
	passed = passed_in(t, task, header);
	p->event.arg[3] = passed.n;
	p->event.arg[4] = (int64_t)passed.object[0];
	p->event.arg[5] = (int64_t)passed.object[1];
	if (received && !takes(p->a[2]))
		return;
	p->event.length = (uint32_t)n_bytes;
	if (!received || !(p->a[2] & MSG_TRUNC))
		record_vector(t, task, p, (uint64_t)(uintptr_t)header.msg_iov, header.msg_iovlen,
			      (size_t)n_bytes);
}

/* Several at once: the event has the sum, and n_more each one. */
void record_messages(struct tracer *t, struct task *task, struct passage *p, long n)
{
	struct event_message *kept = (struct event_message *)(void *)t->more;
	uint64_t first = 0;
	int64_t n_passed = 0;

	if (p->call->flags & CALL_READS && !takes(p->a[3]))
		return;
	for (long i = 0; i < n; i++) {
		struct event_message m = { 0 };
		struct mmsghdr message;

		if (!peek(task->tid, (uint64_t)p->a[1] + (uint64_t)i * sizeof(message), &message,
			  sizeof(message)))
			return;
		p->event.digest = 0;
		if (!(p->call->flags & CALL_READS && p->a[3] & MSG_TRUNC))
			record_vector(t, task, p, (uint64_t)(uintptr_t)message.msg_hdr.msg_iov,
				      message.msg_hdr.msg_iovlen, message.msg_len);
		m.digest = p->event.digest;
		m.length = message.msg_len;
		m.n_passed = passed_in(t, task, message.msg_hdr).n;
		first = i ? first : m.digest;
		n_passed += m.n_passed;
		p->event.length += m.length;
		if (i < MESSAGES)
			kept[i] = m;
	}
	p->event.digest = first;
	p->event.arg[5] = n_passed;
	t->n_more = (uint32_t)((size_t)(n < MESSAGES ? n : MESSAGES) * sizeof(kept[0]));
}
