/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fds.c - which descriptors are IPC objects. Looked up once and remembered until the descriptor is
 * closed or replaced by a call that we see. A vfork child runs in its parent's memory with
 * descriptors of its own: it looks without remembering, and forgets nothing.
 *
 * What the kernel gives no identity (timerfd, signalfd, inotify, epoll, io_uring: they all share
 * one inode) is numbered by its maker. Copies carry the number: dup here, fork with the memory.
 * After exec, and behind a descriptor that came over a socket, the number is another one, but the
 * same in every run.
 */
#define _GNU_SOURCE
#include <string.h>

#include "shim.h"

#define FDS 65536 /* of memory, only what is used is ever touched */

static uint64_t known[FDS];
static _Atomic uint32_t n_known; /* nothing is known from here on */

static bool remembers(int fd)
{
	return fd >= 0 && fd < FDS && !self.vforks;
}

static void set(int fd, uint64_t entry)
{
	uint32_t n = atomic_load_explicit(&n_known, memory_order_relaxed);

	known[fd] = entry;
	while (UNLIKELY((uint32_t)fd >= n) &&
	       !atomic_compare_exchange_weak(&n_known, &n, (uint32_t)fd + 1))
		;
}

static uint64_t look_without(int fd)
{
	uint64_t entry = fd_look(fd), numbered = fd >= 0 && fd < FDS ? known[fd] : 0;

	/* what the parent numbered is still it, unless the child has put another in its place */
	if (numbered && object_kind_of(numbered & FD_REF_MASK) == object_kind_of(entry))
		entry = numbered;
	return entry == FD_NOT_IPC ? 0 : entry;
}

uint64_t fd_entry(int fd)
{
	uint64_t entry;

	if (UNLIKELY((unsigned int)fd >= FDS || self.vforks))
		return fd < 0 ? 0 : look_without(fd);
	entry = known[fd];
	if (UNLIKELY(entry == 0)) {
		/* a process of clone(CLONE_VM) has descriptors of its own, like a vfork child */
		if (self.off)
			return 0;
		entry = fd_look(fd);
		set(fd, entry);
	}
	return entry == FD_NOT_IPC ? 0 : entry;
}

void fd_forget(int fd)
{
	if (remembers(fd) && known[fd])
		known[fd] = 0;
}

void fd_forget_range(unsigned int first, unsigned int last)
{
	if (self.vforks)
		return;
	for (unsigned int fd = first; fd <= last && fd < n_known; fd++)
		known[fd] = 0;
}

void fd_copied(int from, int to)
{
	/* who is not followed may have descriptors of its own, though in our memory */
	if (remembers(to))
		set(to, remembers(from) && !self.off ? known[from] : 0);
}

void fd_is(int fd, uint64_t object)
{
	if (remembers(fd))
		set(fd, object);
}

/* Each thread counts its own, so that no race between threads changes the numbers; each program
 * too, as the count is lost at exec. */
uint64_t fd_made(int fd, enum object_kind kind)
{
	static __thread uint32_t n_made __attribute__((tls_model("initial-exec")));
	uint64_t program = arena_hash(shim_program, strlen(shim_program), self.lineage_hash);
	uint64_t object = fd_number(kind, program ^ arena_mix(++n_made));

	fd_is(fd, object);
	return object;
}

void fd_timed(int fd)
{
	uint64_t object = fd_object(fd);
	uint64_t entry = object | (uint64_t)fd_socket_traits(fd) << FD_TRAITS_SHIFT;

	if (object_kind_of(object) != OBJECT_SOCKET || self.vforks)
		return;
	for (uint32_t i = 0; i < n_known; i++)
		if ((known[i] & FD_REF_MASK) == object)
			known[i] = entry;
}

int fd_next(int fd)
{
	for (; (uint32_t)fd < n_known; fd++)
		if (known[fd] > FD_NOT_IPC)
			return fd;
	return -1;
}
