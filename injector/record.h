/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - what the files that fill in events share; nobody else includes it. */
#ifndef IPCJAM_RECORD_H
#define IPCJAM_RECORD_H

#include "digest.h"
#include "shim.h"

/* record_payload.c: what was moved, in one piece or in several */
void record_payload(struct gate *g, long n_bytes);
void record_bytes(struct gate *g, const void *data, size_t n_bytes);
void record_vector(struct gate *g, const struct iovec *vector, size_t n, size_t n_bytes);

/* record_fd.c: calls on descriptors */
void record_descriptor(struct gate *g, long result);
void record_failure(struct gate *g);
bool record_fd_has_before(enum call_id id);
void record_fd_before(struct gate *g);

/* record_socket.c */
void record_made(struct gate *g, long fd); /* what is returned is a new descriptor */
void record_socketpair(struct gate *g, long result);
void record_accepted(struct gate *g, long fd);
void record_address(struct gate *g, long result);
void record_option(struct gate *g, long result);
bool record_takes(long flags); /* MSG_*: false: it only looks */
void record_received(struct gate *g, long n_bytes);
void record_sent_to(struct gate *g, long n_bytes);

/* record_message.c: messages with a header */
void record_sent_message(struct gate *g, long n_bytes);
void record_received_message(struct gate *g, long n_bytes);
void record_messages(struct gate *g, long n);

/* record_mq.c */
void record_mq_before(struct gate *g);
void record_mq_sent(struct gate *g, long result);
void record_mq_received(struct gate *g, long n_bytes);
void record_mq_notify(struct gate *g, long result);

/* record_event.c: descriptors that stand for events, and other processes */
void record_numbered(struct gate *g, long fd);
void record_signalfd(struct gate *g, long fd);
void record_eventfd(struct gate *g, long result);
void record_timer(struct gate *g, long result);
void record_watched(struct gate *g, long result);
void record_pidfd(struct gate *g, long fd);
void record_got_fd(struct gate *g, long fd);
void record_memory_of(struct gate *g, long n_bytes);

/* record_file.c: locks on files */
void record_lockf_before(struct gate *g);
void record_flock_of(struct gate *g); /* fcntl's */
void record_file_lock(struct gate *g, long result);

#endif
