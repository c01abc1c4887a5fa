/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_record.h - what the files that fill in the tracer's events share. */
#ifndef IPCJAM_TRACER_RECORD_H
#define IPCJAM_TRACER_RECORD_H

#include "tracer.h"

/* tracer_payload.c */
/* Of n_bytes of a payload of n_all. */
uint64_t record_digest(const struct task *task, uint64_t from, size_t n_bytes, uint64_t start,
		       size_t n_all);
void record_more(struct tracer *t, const struct task *task, uint64_t from, size_t n_bytes);
void record_kept(struct tracer *t, const struct task *task, uint64_t from, size_t n_bytes);
void record_bytes(struct tracer *t, const struct task *task, struct passage *p, uint64_t from,
		  size_t n_bytes);
void record_vector(struct tracer *t, const struct task *task, struct passage *p, uint64_t vector,
		   size_t n, size_t n_bytes);

long record_fd_flags(const struct task *task, int fd); /* as F_GETFL gives them */

/* tracer_socket.c */
int socket_borrow(const struct task *task, int fd); /* a copy of its descriptor, or -1 */
unsigned int socket_is(const struct task *task, int fd);
unsigned int socket_flags(const struct task *task, int fd, bool receives);

typedef void record_function(struct tracer *t, struct task *task, struct passage *p, long result);

/* tracer_record_socket.c */
/* tracer_named.c: what a path stands for, perhaps another call */
void name_find(const struct task *task, struct passage *p);
record_function record_paths;

record_function record_made, record_socketpair, record_accepted, record_address, record_sent_to;
record_function record_option, record_received, record_message, record_messages;

/* tracer_record_event.c */
record_function record_queue_opened, record_queue_unlinked, record_queue_sent;
record_function record_queue_received, record_queue_notify;
record_function record_ring_made, record_signalfd, record_eventfd, record_timer, record_watched;
record_function record_got_fd, record_memory_of, record_mapped, record_memory_made, record_fcntl;
void record_queue_before(struct passage *p);
void record_file_lock(struct tracer *t, struct task *task, struct passage *p);

/* tracer_record_fd.c */
void record_descriptor(struct tracer *t, struct task *task, struct passage *p, long result);
void record_failure(struct tracer *t, struct task *task, struct passage *p);
void record_descriptor_before(struct tracer *t, struct task *task, struct passage *p);

#endif
