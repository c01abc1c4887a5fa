/* SPDX-License-Identifier: Apache-2.0 */
/* record_message.c - messages with a header: their bytes in pieces, and the descriptors that they
 * carry from process to process. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "record.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

struct passed {
	uint32_t n;
	uint64_t object[2]; /* of the first ones */
};

/* What a header carries besides bytes. Descriptors that arrive are new here. */
static void add_passed(struct passed *passed, const struct cmsghdr *c, bool received)
{
	size_t n = c->cmsg_len < CMSG_LEN(0) ? 0 : (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	const unsigned char *data = CMSG_DATA(c);

	if (c->cmsg_level != SOL_SOCKET ||
	    (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SCM_PIDFD))
		return;
	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		if (received)
			fd_forget(fd);
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		if (passed->n < 2)
			passed->object[passed->n] = fd_object(fd);
		passed->n++;
	}
}

static struct passed passed_in(struct msghdr *header, bool received)
{
	struct passed passed = { 0 };

	if (header->msg_control && header->msg_controllen >= sizeof(struct cmsghdr))
		for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
			add_passed(&passed, c, received);
	return passed;
}

static void note_passed(struct gate *g, bool received)
{
	struct passed passed = passed_in((struct msghdr *)g->a[1], received);

	g->event->arg[3] = passed.n;
	g->event->arg[4] = (int64_t)passed.object[0];
	g->event->arg[5] = (int64_t)passed.object[1];
}

void record_sent_message(struct gate *g, long n_bytes)
{
	struct msghdr *header = (struct msghdr *)g->a[1];

	note_passed(g, false);
	g->event->length = (uint32_t)n_bytes;
	record_vector(g, header->msg_iov, header->msg_iovlen, (size_t)n_bytes);
}

/* Descriptors come with a message that is only looked at, too. */
void record_received_message(struct gate *g, long n_bytes)
{
	struct msghdr *header = (struct msghdr *)g->a[1];

	note_passed(g, true);
	if (!record_takes(g->a[2]))
		return;
	g->event->length = (uint32_t)n_bytes;
	if (!(g->a[2] & MSG_TRUNC))
		record_vector(g, header->msg_iov, header->msg_iovlen, (size_t)n_bytes);
}

static struct event_message one_message(struct gate *g, struct mmsghdr *message, bool received)
{
	struct msghdr *header = &message->msg_hdr;

	g->event->digest = 0;
	if (!(received && g->a[3] & MSG_TRUNC))
		record_vector(g, header->msg_iov, header->msg_iovlen, message->msg_len);
	return (struct event_message){
		.digest = g->event->digest,
		.length = message->msg_len,
		.n_passed = passed_in(header, received).n,
	};
}

/* Several at once: the event has the sum, and n_more each one. */
void record_messages(struct gate *g, long n)
{
	struct mmsghdr *message = (struct mmsghdr *)g->a[1];
	bool received = g->call->flags & CALL_READS;
	struct scratch *scratch = attach_scratch();
	int64_t n_passed = 0;

	if (!scratch || (received && !record_takes(g->a[3])))
		return;
	for (long i = 0; i < n; i++) {
		struct event_message m = one_message(g, &message[i], received);

		g->event->length += m.length;
		n_passed += m.n_passed;
		if (i < SCRATCH_MESSAGES)
			scratch->message[i] = m;
	}
	g->event->digest = scratch->message[0].digest;
	g->event->arg[5] = n_passed;
	n = n < SCRATCH_MESSAGES ? n : SCRATCH_MESSAGES;
	g->more = (const uint8_t *)scratch->message;
	g->n_more_bytes = (uint32_t)((size_t)n * sizeof(scratch->message[0]));
}
