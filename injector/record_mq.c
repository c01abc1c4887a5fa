/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_mq.c - what an event says of a POSIX message queue. The priority of a message that is
 * received is asked for even if the caller does not want it: order is judged by it. It is no part
 * of the digest.
 */
#define _GNU_SOURCE
#include <mqueue.h>

#include "record.h"

static void message(struct gate *g, size_t n_bytes)
{
	const void *text = (const void *)g->a[1];

	g->event->length = (uint32_t)n_bytes;
	g->event->digest = digest_of(text, n_bytes, 0);
	if (arena->payload_bytes) {
		g->more = text;
		g->n_more_bytes =
			(uint32_t)(n_bytes < arena->payload_bytes ? n_bytes : arena->payload_bytes);
	}
}

void record_mq_before(struct gate *g)
{
	if (!g->a[3])
		g->a[3] = (long)&g->priority;
}

void record_mq_sent(struct gate *g, long result)
{
	(void)result;
	message(g, (size_t)g->a[2]);
}

void record_mq_received(struct gate *g, long n_bytes)
{
	message(g, (size_t)n_bytes);
	g->event->arg[5] = *(const unsigned int *)g->a[3];
}

void record_mq_notify(struct gate *g, long result)
{
	const struct sigevent *event = (const struct sigevent *)g->a[1];

	(void)result;
	g->event->arg[2] = event ? event->sigev_notify : -1;
	g->event->arg[3] = event ? event->sigev_signo : 0;
}
