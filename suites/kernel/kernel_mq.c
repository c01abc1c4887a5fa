/* SPDX-License-Identifier: Apache-2.0 */
/* See kernel_mq.h. */
#include "kernel_mq.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

mqd_t kt_mq(int n, long max_messages, long message_bytes, int flags)
{
	struct mq_attr attr = { .mq_maxmsg = max_messages, .mq_msgsize = message_bytes };
	mqd_t q = mq_open(kt_name(n), O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);

	if (q < 0 && errno == ENOSYS)
		suite_skip("this kernel is built without POSIX message queues");
	ck_assert_int_ge(q, 0);
	return q;
}

int kt_mq_send(mqd_t q, const char *text, unsigned int priority)
{
	return mq_send(q, text, strlen(text), priority) < 0 ? -errno : 0;
}

int kt_mq_receive(mqd_t q, struct kt_mq_message *m)
{
	ssize_t n_bytes;

	memset(m, 0, sizeof(*m));
	n_bytes = mq_receive(q, m->text, sizeof(m->text), &m->priority);
	return n_bytes < 0 ? -errno : (int)n_bytes;
}

long kt_mq_count(mqd_t q)
{
	struct mq_attr attr;

	KT_CHILD(mq_getattr(q, &attr) == 0);
	return attr.mq_curmsgs;
}
