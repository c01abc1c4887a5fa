/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_fd.c - faults of calls on descriptors: requests made shorter in a copy, since the caller's
 * own vector and header stay as they are, and what an error of a socket leaves behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "shim.h"

/* A handler's calls have a copy of their own. */
static struct request *request_of(const struct gate *g)
{
	struct scratch *scratch = g->depth < ARENA_DEPTH ? attach_scratch() : NULL;

	return scratch ? &scratch->request[g->depth] : NULL;
}

/* Copies as much of the vector as makes up n bytes. Returns the number of its pieces; 0: none. */
static size_t copy_vector(struct request *r, const void *from, size_t n, uint32_t n_bytes)
{
	struct iovec *vector = r->vector;
	size_t total = 0, used = 0;

	n = n < POINT_IOVECS ? n : POINT_IOVECS;
	if (!safe_read(from, vector, n * sizeof(vector[0])))
		return 0;
	for (; used < n && total < n_bytes; used++) {
		if (vector[used].iov_len > n_bytes - total)
			vector[used].iov_len = n_bytes - total;
		total += vector[used].iov_len;
	}
	return used;
}

static bool shorten_vector(struct gate *g, int at, uint32_t n_bytes)
{
	struct request *r = request_of(g);
	size_t n = r ? copy_vector(r, (const void *)g->a[at], (size_t)g->a[at + 1], n_bytes) : 0;

	if (n == 0)
		return false;
	g->a[at] = (long)r->vector;
	g->a[at + 1] = (long)n;
	return true;
}

static bool shorten_header(struct gate *g, int at, uint32_t n_bytes)
{
	struct request *r = request_of(g);

	if (!r || !safe_read((const void *)g->a[at], &r->header, sizeof(r->header)))
		return false;
	r->header.msg_iovlen = copy_vector(r, r->header.msg_iov, r->header.msg_iovlen, n_bytes);
	r->header.msg_iov = r->vector;
	if (g->call->arg[at] == ARG_MSGHDR_OUT)
		g->header = (struct msghdr *)g->a[at];
	g->a[at] = (long)&r->header;
	return r->header.msg_iovlen > 0;
}

enum refusal fault_apply_short(struct gate *g, uint32_t n_bytes)
{
	const struct point point = gate_point(g);
	struct point_length length;
	enum refusal why = point_shorten(&point, n_bytes, &length);
	bool done = true;

	if (why != REFUSED_NOT)
		return why;
	if (length.is_header)
		done = shorten_header(g, length.at, n_bytes);
	else if (length.is_vector)
		done = shorten_vector(g, length.at, n_bytes);
	else
		g->a[length.at] = n_bytes;
	if (!done)
		return REFUSED_ARGUMENTS;
	g->event->flags |= EVENT_SHORTENED;
	g->fault = FAULT_SHORT;
	return REFUSED_NOT;
}

size_t fault_vector_bytes(const struct gate *g, unsigned int at)
{
	const struct point point = gate_point(g);

	return point_vector_bytes(&point, at);
}

/* What the kernel writes into a header, where the caller looks for it. */
void fault_give_back(const struct gate *g)
{
	const struct msghdr *own = &request_of(g)->header;
	struct iovec from[3] = {
		{ (void *)(uintptr_t)&own->msg_namelen, sizeof(own->msg_namelen) },
		{ (void *)(uintptr_t)&own->msg_controllen, sizeof(own->msg_controllen) },
		{ (void *)(uintptr_t)&own->msg_flags, sizeof(own->msg_flags) },
	};
	struct iovec to[3];

	for (int i = 0; i < 3; i++)
		to[i] = (struct iovec){ (char *)g->header +
						((char *)from[i].iov_base - (char *)own),
					from[i].iov_len };
	own6(SYS_process_vm_writev, own_pid(), (long)from, 3, (long)to, 3, 0);
}

/*
 * An error is not all that the caller sees. A connection that was reset is gone for both sides: it
 * is really reset, and the kernel says so itself. One that has been begun goes on behind the
 * caller's back: it is really made, and the error given all the same.
 */
void fault_after_error(struct gate *g, int err)
{
	static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	unsigned int is;

	if (object_kind_of(g->event->object) != OBJECT_SOCKET)
		return;
	is = fd_point_socket((int)g->a[0]);
	if (err == ECONNRESET && is == POINT_INET) {
		raw3(SYS_connect, g->a[0], &nowhere, sizeof(nowhere));
		g->perform = true;
	}
	if (g->canonical == CALL_connect && is & POINT_INET && (err == EINTR || err == EINPROGRESS))
		g->perform = g->late = true;
}
