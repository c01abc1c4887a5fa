/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_payload.c - the bytes that a call has moved, as far as their digest and declared orders
 * need them. */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "digest.h"
#include "tracer_record.h"

#define PIECE 4096

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void feed(struct digest *d, const struct task *task, uint64_t from, size_t n_bytes)
{
	uint8_t piece[PIECE];

	while (n_bytes > 0) {
		size_t n = least(n_bytes, sizeof(piece));

		if (!peek(task->tid, from, piece, n))
			return;
		digest_feed(d, piece, n);
		from += n;
		n_bytes -= n;
	}
}

uint64_t record_digest(const struct task *task, uint64_t from, size_t n_bytes, uint64_t start,
		       size_t n_all)
{
	struct digest d = digest_begin(start, n_all);

	feed(&d, task, from, n_bytes);
	return digest_end(&d);
}

void record_more(struct tracer *t, const struct task *task, uint64_t from, size_t n_bytes)
{
	n_bytes = least(n_bytes, TRACER_MORE);
	t->n_more = peek(task->tid, from, t->more, n_bytes) ? (uint32_t)n_bytes : 0;
}

void record_kept(struct tracer *t, const struct task *task, uint64_t from, size_t n_bytes)
{
	if (t->arena->payload_bytes)
		record_more(t, task, from, least(n_bytes, t->arena->payload_bytes));
}

/* Of a stream the beginning is enough: who reads it in other pieces gets other digests anyway. */
static size_t limit(const struct passage *p, size_t n_bytes)
{
	return least(n_bytes, p->event.flags & EVENT_MESSAGE ? DIGEST_MESSAGE : DIGEST_STREAM);
}

/* An empty message is one too. */
static bool has_digest(const struct passage *p, size_t n_bytes)
{
	return n_bytes > 0 || p->event.flags & EVENT_MESSAGE;
}

void record_bytes(struct tracer *t, const struct task *task, struct passage *p, uint64_t from,
		  size_t n_bytes)
{
	size_t n = limit(p, n_bytes);

	if (!has_digest(p, n_bytes))
		return;
	p->event.digest = record_digest(task, from, n, n_bytes, n);
	if (p->event.flags & EVENT_MESSAGE)
		record_kept(t, task, from, n_bytes);
}

void record_vector(struct tracer *t, const struct task *task, struct passage *p, uint64_t vector,
		   size_t n, size_t n_bytes)
{
	size_t left = limit(p, n_bytes);
	struct digest d = digest_begin(n_bytes, left);
	struct iovec one;

	(void)t;
	if (!has_digest(p, n_bytes))
		return;
	for (size_t i = 0; i < n && left > 0; i++) {
		size_t piece;

		if (!peek(task->tid, vector + i * sizeof(one), &one, sizeof(one)))
			return;
		piece = least(one.iov_len, left);
		feed(&d, task, (uint64_t)(uintptr_t)one.iov_base, piece);
		left -= piece;
	}
	p->event.digest = digest_end(&d);
}

long record_fd_flags(const struct task *task, int fd)
{
	char path[64], line[64];
	unsigned int flags = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)task->tid, fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	if (file)
		fclose(file);
	return (long)flags;
}
