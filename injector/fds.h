/* SPDX-License-Identifier: Apache-2.0 */
/* fds.h - descriptors: which IPC object is behind each, and what of it every call needs to know. */
#ifndef IPCJAM_FDS_H
#define IPCJAM_FDS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* Of a socket. Kept beside the reference, so that one access to the table gives both. */
enum fd_trait {
	FD_MESSAGE = 1 << 0,  /* it keeps boundaries: datagram, seqpacket */
	FD_RCVTIMEO = 1 << 1, /* receiving has a time-out */
	FD_SNDTIMEO = 1 << 2,
};
#define FD_TRAITS_SHIFT 61
#define FD_REF_MASK ((UINT64_C(1) << FD_TRAITS_SHIFT) - 1)
_Static_assert(OBJECT_N <= 1 << (FD_TRAITS_SHIFT - OBJECT_VALUE_BITS), "three bits are free");

/* fds.c: the table */
uint64_t fd_entry(int fd); /* reference and traits; 0: no IPC object */
static inline uint64_t fd_object(int fd)
{
	return fd_entry(fd) & FD_REF_MASK;
}
static inline unsigned int fd_traits(int fd)
{
	return (unsigned int)(fd_entry(fd) >> FD_TRAITS_SHIFT);
}
void fd_forget(int fd);
void fd_forget_range(unsigned int first, unsigned int last);
void fd_copied(int from, int to);                /* dup made it: the same object */
void fd_is(int fd, uint64_t object);             /* known without asking */
uint64_t fd_made(int fd, enum object_kind kind); /* one that only we can number; its reference */
void fd_timed(int fd);                           /* its socket's time-outs were set */
/* The next descriptor from here on that is known to have an object; -1: none. */
int fd_next(int fd);

/* fds_kind.c: what the kernel says of a descriptor or a name */
#define FD_NOT_IPC UINT64_C(1)
uint64_t fd_look(int fd); /* an entry, FD_NOT_IPC, or 0: there is none */
uint64_t fd_number(enum object_kind kind, uint64_t number); /* of this thread's own counting */
unsigned int fd_socket_traits(int fd);
int64_t fd_info(int fd, const char *name);                     /* a number in its fdinfo, or -1 */
uint64_t fd_file(int fd, enum object_kind kind);               /* by device and inode; 0: bad */
uint64_t fd_stat_object(int dir, const char *path, int flags); /* of a path: FIFO or 0 */

/* fds_name.c: for rules */
struct point;
/* What of that name is of the same kind as the call's object; the object itself, if it has that
 * name. */
uint64_t fd_path_object(const struct point *point, const char *path);
unsigned int fd_point_socket(int fd); /* enum point_socket */

/* fds_close.c: what is lost, or given back, when a descriptor goes.
 * Are bytes lost when this one goes? fd_probe() before it is closed, fd_probe_lost() after: bytes
 * that nobody can read any more. */
struct fd_probe {
	uint32_t n_unread;
	enum object_kind kind;
	int witness; /* a descriptor for the moment of the close, or -1 */
};
void fd_probe(int fd, struct fd_probe *probe);
uint32_t fd_probe_lost(struct fd_probe *probe);
/* At the end of the process: closes the read ends that have unread bytes, and tells what is lost.
 */
void fd_close_readers(void (*visit)(int fd, uint64_t object, uint32_t n_lost));
/* A file on which this process has set a lock: closing any descriptor of it gives the lock back. */
void fd_note_lock(uint64_t file);
uint64_t fd_closing(int fd); /* what closing it concerns: fd_object(), or such a file */

/* wrap_fd.c and wrap_mq.c */
int close_descriptor(enum call_id id, long a[6], const void *caller, const void *frame);
uint64_t mq_named(const char *name); /* the queue of that name, 0: none that we may see */

#endif
