/* SPDX-License-Identifier: Apache-2.0 */
/* sample_poll.c - waiting for descriptors, here for a pipe that has something to read. */
#include "sample.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static struct pollfd polled;
static fd_set reads;
static struct epoll_event events[2];
static const struct timespec wait = { .tv_sec = 1 };
static struct timeval wait_tv = { .tv_sec = 1 };
static sigset_t none;

static struct pollfd *fds(void)
{
	polled = (struct pollfd){ .fd = stage->fd[0], .events = POLLIN };
	return &polled;
}

static void prepare_select(void)
{
	prepare_filled();
	FD_SET(stage->fd[0], &reads);
	FD_SET(stage->fd[1], &reads);
}

static void data_poll(void)
{
	print(" revents=%d", polled.revents);
}

static void data_select(void)
{
	print(" readable=%d,%d", FD_ISSET(stage->fd[0], &reads) != 0,
	      FD_ISSET(stage->fd[1], &reads) != 0);
}

CALLS(poll, poll(fds(), 1, 1000))
FAULTS(poll, poll(nowhere, 1, 0))
SAMPLE(poll, .prepare = prepare_filled, .fault = fault_poll, .data = data_poll,
       .state = state_pipe);

CALLS(__poll, __poll(fds(), 1, 1000))
FAULTS(__poll, __poll(nowhere, 1, 0))
SAMPLE(__poll, .prepare = prepare_filled, .fault = fault___poll, .data = data_poll,
       .state = state_pipe);

CALLS(__poll_chk, __poll_chk(fds(), 1, 1000, sizeof(polled)))
FAULTS(__poll_chk, __poll_chk(nowhere, 1, 0, sizeof(polled)))
SAMPLE(__poll_chk, .prepare = prepare_filled, .fault = fault___poll_chk, .data = data_poll,
       .state = state_pipe);

CALLS(ppoll, ppoll(fds(), 1, &wait, &none))
FAULTS(ppoll, ppoll(nowhere, 1, &wait, &none))
SAMPLE(ppoll, .prepare = prepare_filled, .fault = fault_ppoll, .data = data_poll,
       .state = state_pipe, .holds = HOLDS(TIMEOUT));

CALLS(__ppoll_chk, __ppoll_chk(fds(), 1, &wait, NULL, sizeof(polled)))
FAULTS(__ppoll_chk, __ppoll_chk(nowhere, 1, &wait, NULL, sizeof(polled)))
SAMPLE(__ppoll_chk, .prepare = prepare_filled, .fault = fault___ppoll_chk, .data = data_poll,
       .state = state_pipe, .holds = HOLDS(TIMEOUT));

CALLS(__select, __select(stage->fd[1] + 1, &reads, NULL, NULL, &wait_tv))
FAILS(__select, __select(bad, &reads, NULL, NULL, &wait_tv))
FAULTS(__select, __select(stage->fd[0] + 1, nowhere, NULL, NULL, &wait_tv))
SAMPLE(__select, .prepare = prepare_select, .fail = fail___select, .fault = fault___select,
       .data = data_select, .state = state_pipe);

CALLS(select, select(stage->fd[1] + 1, &reads, NULL, NULL, &wait_tv))
FAILS(select, select(bad, &reads, NULL, NULL, &wait_tv))
FAULTS(select, select(stage->fd[0] + 1, nowhere, NULL, NULL, &wait_tv))
SAMPLE(select, .prepare = prepare_select, .fail = fail_select, .fault = fault_select,
       .data = data_select, .state = state_pipe);

CALLS(pselect, pselect(stage->fd[1] + 1, &reads, NULL, NULL, &wait, &none))
FAILS(pselect, pselect(bad, &reads, NULL, NULL, &wait, NULL))
FAULTS(pselect, pselect(stage->fd[0] + 1, nowhere, NULL, NULL, &wait, &none))
SAMPLE(pselect, .prepare = prepare_select, .fail = fail_pselect, .fault = fault_pselect,
       .data = data_select, .state = state_pipe);

static void prepare_set(void)
{
	prepare_filled();
	stage->extra = (int)raw1(SYS_epoll_create1, 0);
	need(stage->extra, "epoll_create1");
}

static void prepare_watched(void)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 42 };

	prepare_set();
	need(raw4(SYS_epoll_ctl, stage->extra, EPOLL_CTL_ADD, stage->fd[0], &wanted), "epoll_ctl");
}

static void data_epoll(void)
{
	print(" events=%x of=%lu", events[0].events, (unsigned long)events[0].data.u64);
}

/* Is the pipe in the set? Then it can be taken out. */
static void data_watched(void)
{
	print(" watched=%d",
	      raw4(SYS_epoll_ctl, stage->extra, EPOLL_CTL_DEL, stage->fd[0], events) == 0);
}

static struct epoll_event *wanted(void)
{
	events[0] = (struct epoll_event){ .events = EPOLLIN };
	return events;
}

CALLS(epoll_create, epoll_create(1))
FAILS(epoll_create, epoll_create(bad))
SAMPLE(epoll_create, .fail = fail_epoll_create, .shape = SHAPE_FD);

CALLS(epoll_create1, epoll_create1(EPOLL_CLOEXEC))
FAILS(epoll_create1, epoll_create1(1))
SAMPLE(epoll_create1, .fail = fail_epoll_create1, .shape = SHAPE_FD);

CALLS(epoll_ctl, epoll_ctl(stage->extra, EPOLL_CTL_ADD, stage->fd[0], wanted()))
FAILS(epoll_ctl, epoll_ctl(bad, EPOLL_CTL_ADD, stage->fd[0], wanted()))
FAULTS(epoll_ctl, epoll_ctl(stage->extra, EPOLL_CTL_ADD, stage->fd[0], nowhere))
SAMPLE(epoll_ctl, .prepare = prepare_set, .fail = fail_epoll_ctl, .fault = fault_epoll_ctl,
       .data = data_watched);

#define WAITS(name) \
	SAMPLE(name, .prepare = prepare_watched, .fail = fail_##name, .fault = fault_##name, \
	       .data = data_epoll, .state = state_pipe)

CALLS(epoll_wait, epoll_wait(stage->extra, events, 2, 1000))
FAILS(epoll_wait, epoll_wait(bad, events, 2, 1000))
FAULTS(epoll_wait, epoll_wait(stage->extra, nowhere, 2, 1000))
WAITS(epoll_wait);

CALLS(epoll_pwait, epoll_pwait(stage->extra, events, 2, 1000, &none))
FAILS(epoll_pwait, epoll_pwait(stage->extra, events, bad, 1000, &none))
FAULTS(epoll_pwait, epoll_pwait(stage->extra, nowhere, 2, 1000, &none))
WAITS(epoll_pwait);

CALLS(epoll_pwait2, epoll_pwait2(stage->extra, events, 2, &wait, &none))
FAILS(epoll_pwait2, epoll_pwait2(stage->extra, events, bad, &wait, &none))
FAULTS(epoll_pwait2, epoll_pwait2(stage->extra, events, 2, nowhere, NULL))
WAITS(epoll_pwait2);
