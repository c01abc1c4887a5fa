/* SPDX-License-Identifier: Apache-2.0 */
/* record_socket.c - what an event says of a socket: the new ones, addresses, options, and what was
 * received without being taken. */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "record.h"

#define TIMEO_NEW_FIRST 66 /* SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW */
#define TIMEO_NEW_LAST 67

void record_made(struct gate *g, long fd)
{
	fd_forget((int)fd);
	g->event->object = fd_object((int)fd);
}

void record_socketpair(struct gate *g, long result)
{
	const int *fds = (const int *)g->a[3];

	(void)result;
	for (int i = 0; i < 2; i++) {
		fd_forget(fds[i]);
		g->event->arg[4 + i] = (int64_t)fd_object(fds[i]);
	}
	g->event->object = (uint64_t)g->event->arg[4];
}

void record_accepted(struct gate *g, long fd)
{
	fd_forget((int)fd);
	g->event->arg[4] = fd;
	g->event->arg[5] = (int64_t)fd_object((int)fd);
}

static void address(struct gate *g, long from, size_t n_bytes)
{
	struct scratch *scratch = attach_scratch();

	n_bytes = n_bytes < sizeof(scratch->address) ? n_bytes : sizeof(scratch->address);
	if (!from || !scratch || !safe_read((const void *)from, scratch->address, n_bytes))
		return;
	g->more = scratch->address;
	g->n_more_bytes = (uint32_t)n_bytes;
}

/* Also of a call that failed: whom it did not reach. */
void record_address(struct gate *g, long result)
{
	(void)result;
	address(g, g->a[1], (socklen_t)g->a[2]);
}

void record_sent_to(struct gate *g, long n_bytes)
{
	record_payload(g, n_bytes);
	if (g->a[4] && !g->more)
		address(g, g->a[4], (socklen_t)g->a[5]);
}

static void set_timeout(const struct gate *g)
{
	long option = g->a[2];

	if (g->a[1] == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO ||
				      option == TIMEO_NEW_FIRST || option == TIMEO_NEW_LAST))
		fd_timed((int)g->a[0]);
}

/* Most options are an int. Not every option is looked at by the kernel. */
void record_option(struct gate *g, long result)
{
	bool gets = g->canonical == CALL_getsockopt;
	size_t size = gets ? *(const socklen_t *)g->a[4] : (socklen_t)g->a[4];
	int value;

	(void)result;
	if (size >= sizeof(value) && safe_read((const void *)g->a[3], &value, sizeof(value)))
		g->event->arg[5] = value;
	if (!gets)
		set_timeout(g);
}

/* What was only looked at is still there, and what comes out of the error queue had been sent. */
bool record_takes(long flags)
{
	return !(flags & (MSG_PEEK | MSG_ERRQUEUE));
}

/* With MSG_TRUNC the result is the message's length, however little of it was wanted; a stream's
 * bytes are thrown away unseen. */
static bool sees_all(const struct gate *g, long n_bytes)
{
	return !(g->a[3] & MSG_TRUNC) || (g->event->flags & EVENT_MESSAGE && n_bytes <= g->a[2]);
}

void record_received(struct gate *g, long n_bytes)
{
	if (!record_takes(g->a[3]))
		return;
	g->event->length = (uint32_t)n_bytes;
	if (sees_all(g, n_bytes))
		record_bytes(g, (const void *)g->a[1], (size_t)n_bytes);
}
