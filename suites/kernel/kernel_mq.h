/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms of the calls on POSIX message queues, for tests and their children. */
#ifndef SUITES_KERNEL_KERNEL_MQ_H
#define SUITES_KERNEL_KERNEL_MQ_H

#include <mqueue.h>

struct kt_mq_message {
	unsigned int priority;
	char text[64];
};

/* Makes the queue kt_name(n), small: what queues may take is counted for each user. */
mqd_t kt_mq(int n, long max_messages, long message_bytes, int flags);
/* 0 or -errno; the length or -errno. The queue's messages are at most 63 bytes long. */
int kt_mq_send(mqd_t q, const char *text, unsigned int priority);
int kt_mq_receive(mqd_t q, struct kt_mq_message *m);
/* How many messages are in it. */
long kt_mq_count(mqd_t q);

#endif
