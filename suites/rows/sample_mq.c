/* SPDX-License-Identifier: Apache-2.0 */
/* sample_mq.c - POSIX message queues. */
#include "sample.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { PRIORITY = 3, MESSAGE_MAX = 64 };

static struct mq_attr small = { .mq_maxmsg = 4, .mq_msgsize = MESSAGE_MAX };
static struct mq_attr attributes;
static struct sigevent notice = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
static unsigned int priority;
static const struct timespec never = { .tv_sec = 4000000000 };

static void prepare_name(void)
{
	snprintf(stage->out, sizeof(stage->out), "/row-%ld", raw0(SYS_getpid));
}

/* The kernel takes the name without its slash. */
static long raw_open(int flags)
{
	return raw4(SYS_mq_open, stage->out + 1, flags, 0600, &small);
}

static void prepare_queue(void)
{
	prepare_name();
	stage->fd[0] = (int)raw_open(O_CREAT | O_RDWR | (stage->nowait ? O_NONBLOCK : 0));
	need(stage->fd[0], "mq_open");
}

static void prepare_message(void)
{
	prepare_queue();
	need(raw6(SYS_mq_timedsend, stage->fd[0], (long)stage->in, SHORT_TEXT, PRIORITY, 0, 0),
	     "mq_timedsend");
}

/* How many messages there are, and whether there is a queue. */
static void state_queue(void)
{
	struct mq_attr now = { 0 };
	long fd = raw_open(O_RDWR);

	if (print_gone(fd))
		return;
	raw3(SYS_mq_getsetattr, fd, NULL, &now);
	print(" messages=%ld", now.mq_curmsgs);
	raw1(SYS_mq_unlink, stage->out + 1);
}

static void data_received(void)
{
	print(" in=%.5s priority=%u", stage->in, priority);
}

static void data_attributes(void)
{
	print(" maxmsg=%ld flags=%ld", attributes.mq_maxmsg, attributes.mq_flags);
}

static void data_opened(void)
{
	print_open((int)stage->result);
}

static size_t n_sent(void)
{
	return stage->n < MESSAGE_MAX ? stage->n : MESSAGE_MAX;
}

CALLS(mq_open, mq_open(stage->out, O_CREAT | O_RDWR, 0600, &small))
FAILS(mq_open, mq_open("/row/none", O_RDWR))
FAULTS(mq_open, mq_open(stage->out, O_CREAT | O_RDWR, 0600, nowhere))
SAMPLE(mq_open, .prepare = prepare_name, .fail = fail_mq_open, .fault = fault_mq_open,
       .data = data_opened, .state = state_queue, .shape = SHAPE_FD, .holds = HOLDS(CREATE));

CALLS(__mq_open_2, __mq_open_2(stage->out, O_RDWR))
FAILS(__mq_open_2, __mq_open_2("/row/none", O_RDWR))
SAMPLE(__mq_open_2, .prepare = prepare_queue, .fail = fail___mq_open_2, .data = data_opened,
       .state = state_queue, .shape = SHAPE_FD, .holds = HOLDS(LOOKUP));

CALLS(mq_close, mq_close(stage->fd[0]))
FAILS(mq_close, mq_close(bad))
SAMPLE(mq_close, .prepare = prepare_queue, .fail = fail_mq_close, .data = data_fd,
       .state = state_queue);

CALLS(mq_unlink, mq_unlink(stage->out))
FAILS(mq_unlink, mq_unlink("/row-none"))
SAMPLE(mq_unlink, .prepare = prepare_queue, .fail = fail_mq_unlink, .state = state_queue);

CALLS(mq_send, mq_send(stage->fd[0], stage->in, n_sent(), PRIORITY))
FAILS(mq_send, mq_send(bad, stage->in, n_sent(), PRIORITY))
FAULTS(mq_send, mq_send(stage->fd[0], nowhere, n_sent(), PRIORITY))
SAMPLE(mq_send, .prepare = prepare_queue, .fail = fail_mq_send, .fault = fault_mq_send,
       .state = state_queue);

CALLS(mq_timedsend, mq_timedsend(stage->fd[0], stage->in, n_sent(), PRIORITY, &never))
FAILS(mq_timedsend, mq_timedsend(bad, stage->in, n_sent(), PRIORITY, &never))
FAULTS(mq_timedsend, mq_timedsend(stage->fd[0], stage->in, n_sent(), PRIORITY, nowhere))
SAMPLE(mq_timedsend, .prepare = prepare_queue, .fail = fail_mq_timedsend,
       .fault = fault_mq_timedsend, .state = state_queue, .holds = HOLDS(TIMEOUT));

CALLS(mq_receive, mq_receive(stage->fd[0], stage->in, MESSAGE_MAX, &priority))
FAILS(mq_receive, mq_receive(bad, stage->in, MESSAGE_MAX, &priority))
FAULTS(mq_receive, mq_receive(stage->fd[0], nowhere, MESSAGE_MAX, &priority))
SAMPLE(mq_receive, .prepare = prepare_message, .fail = fail_mq_receive, .fault = fault_mq_receive,
       .data = data_received, .state = state_queue);

CALLS(mq_timedreceive, mq_timedreceive(stage->fd[0], stage->in, MESSAGE_MAX, &priority, &never))
FAILS(mq_timedreceive, mq_timedreceive(bad, stage->in, MESSAGE_MAX, &priority, &never))
FAULTS(mq_timedreceive, mq_timedreceive(stage->fd[0], stage->in, MESSAGE_MAX, &priority, nowhere))
SAMPLE(mq_timedreceive, .prepare = prepare_message, .fail = fail_mq_timedreceive,
       .fault = fault_mq_timedreceive, .data = data_received, .state = state_queue,
       .holds = HOLDS(TIMEOUT));

CALLS(mq_notify, mq_notify(stage->fd[0], &notice))
FAILS(mq_notify, mq_notify(bad, &notice))
SAMPLE(mq_notify, .prepare = prepare_queue, .fail = fail_mq_notify, .state = state_queue);

CALLS(mq_getattr, mq_getattr(stage->fd[0], &attributes))
FAILS(mq_getattr, mq_getattr(bad, &attributes))
FAULTS(mq_getattr, mq_getattr(stage->fd[0], nowhere))
SAMPLE(mq_getattr, .prepare = prepare_queue, .fail = fail_mq_getattr, .fault = fault_mq_getattr,
       .data = data_attributes, .state = state_queue);

CALLS(mq_setattr, mq_setattr(stage->fd[0], &small, &attributes))
FAILS(mq_setattr, mq_setattr(bad, &small, &attributes))
FAULTS(mq_setattr, mq_setattr(stage->fd[0], nowhere, &attributes))
SAMPLE(mq_setattr, .prepare = prepare_queue, .fail = fail_mq_setattr, .fault = fault_mq_setattr,
       .data = data_attributes, .state = state_queue);
