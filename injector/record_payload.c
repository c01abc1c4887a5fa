/* SPDX-License-Identifier: Apache-2.0 */
/* record_payload.c - the bytes that a call has moved: how many, and their digest. */
#define _GNU_SOURCE
#include "record.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Of a stream the beginning is enough: who reads it in other pieces gets other digests anyway. */
static size_t limit(const struct gate *g, size_t n_bytes)
{
	return least(n_bytes, g->event->flags & EVENT_MESSAGE ? DIGEST_MESSAGE : DIGEST_STREAM);
}

/* An empty message is one too. */
static bool has_digest(const struct gate *g, size_t n_bytes)
{
	return n_bytes > 0 || g->event->flags & EVENT_MESSAGE;
}

void record_bytes(struct gate *g, const void *data, size_t n_bytes)
{
	struct digest d = digest_begin(n_bytes, limit(g, n_bytes));

	if (!has_digest(g, n_bytes))
		return;
	digest_feed(&d, data, limit(g, n_bytes));
	g->event->digest = digest_end(&d);
	if (arena->payload_bytes && g->event->flags & EVENT_MESSAGE) {
		g->more = data;
		g->n_more_bytes = (uint32_t)least(n_bytes, arena->payload_bytes);
	}
}

void record_vector(struct gate *g, const struct iovec *vector, size_t n, size_t n_bytes)
{
	size_t left = limit(g, n_bytes);
	struct digest d = digest_begin(n_bytes, left);

	if (!has_digest(g, n_bytes))
		return;
	for (size_t i = 0; i < n && left; i++) {
		size_t piece = least(vector[i].iov_len, left);

		digest_feed(&d, vector[i].iov_base, piece);
		left -= piece;
	}
	g->event->digest = digest_end(&d);
}

void record_payload(struct gate *g, long n_bytes)
{
	g->event->length = (uint32_t)n_bytes;
	switch (g->call->arg[1]) {
	case ARG_BUF_IN:
	case ARG_BUF_OUT:
		record_bytes(g, (const void *)g->a[1], (size_t)n_bytes);
		break;
	case ARG_IOV_IN:
	case ARG_IOV_OUT:
		record_vector(g, (const struct iovec *)g->a[1], (size_t)g->a[2], (size_t)n_bytes);
		break;
	default:
		break;
	}
}
