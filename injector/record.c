/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - what an event says beyond its arguments, gathered when the kernel has accepted the
 * call and its pointers are known to be good.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "record.h"

static void sops(struct gate *g)
{
	static const uint32_t inline_sops = 3;
	const struct sembuf *sop = (const struct sembuf *)g->a[1];
	size_t n = (size_t)g->a[2];
	struct scratch *scratch;

	for (size_t i = 0; i < n && i < inline_sops; i++)
		g->event->arg[3 + i] =
			event_pack_sop(sop[i].sem_num, sop[i].sem_op, sop[i].sem_flg);
	if (n <= inline_sops)
		return;
	scratch = attach_scratch();
	if (!scratch)
		return;
	/* SEMOPM allows 500; the event has room for 510 */
	n = n - inline_sops < sizeof(scratch->sops) / 8 ? n - inline_sops
							: sizeof(scratch->sops) / 8;
	for (size_t i = 0; i < n; i++)
		scratch->sops[i] =
			event_pack_sop(sop[i + inline_sops].sem_num, sop[i + inline_sops].sem_op,
				       sop[i + inline_sops].sem_flg);
	g->more = (const uint8_t *)scratch->sops;
	g->n_more_bytes = (uint32_t)(n * sizeof(scratch->sops[0]));
}

static void set_all(struct gate *g)
{
	struct semid_ds ds;

	if (g->a[2] != SETALL || raw4(SYS_semctl, g->a[0], 0, IPC_STAT, &ds) < 0)
		return;
	g->more = (const uint8_t *)g->a[3];
	g->event->length = (uint32_t)(ds.sem_nsems * 2);
	g->n_more_bytes = g->event->length < EVENT_MORE_MAX * EVENT_MORE_BYTES
				  ? g->event->length
				  : EVENT_MORE_MAX * EVENT_MORE_BYTES;
}

static void message(struct gate *g, size_t n_bytes, bool received)
{
	const long *buffer = (const long *)g->a[1];
	const uint8_t *text = (const uint8_t *)(buffer + 1);

	g->event->arg[received ? 5 : 4] = buffer[0];
	g->event->length = (uint32_t)n_bytes;
	g->event->digest = digest_of(text, n_bytes, (uint64_t)buffer[0]);
	if (arena->payload_bytes) {
		g->more = text;
		g->n_more_bytes =
			(uint32_t)(n_bytes < arena->payload_bytes ? n_bytes : arena->payload_bytes);
	}
}

static void pipe_made(struct gate *g)
{
	const int *fds = (const int *)g->a[0];

	fd_forget(fds[0]);
	fd_forget(fds[1]);
	g->event->arg[2] = (long)(uint32_t)fds[0] | (long)fds[1] << 32;
	g->event->object = fd_object(fds[0]);
}

static void waited(struct gate *g, long pid)
{
	const int *status = (const int *)g->a[call_arg(g->call, ARG_STATUS) > 0];

	g->event->arg[5] = pid;
	g->event->arg[4] = pid > 0 && status ? *status : -1;
	if (pid > 0)
		g->event->object = OBJECT_REF(OBJECT_PROCESS, pid);
}

/* The status as wait would give it, from what waitid says. */
static void waited_id(struct gate *g)
{
	const siginfo_t *info = (const siginfo_t *)g->a[2];

	g->event->arg[4] = -1;
	g->event->arg[5] = info ? info->si_pid : 0;
	if (!info || info->si_pid == 0)
		return;
	if (g->a[3] & WNOWAIT)
		g->event->arg[5] = 0;
	if (info->si_code == CLD_EXITED)
		g->event->arg[4] = (info->si_status & 0xff) << 8;
	else if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		g->event->arg[4] = info->si_status & 0x7f;
}

static void disposition(struct gate *g)
{
	const struct sigaction *action = (const struct sigaction *)g->a[1];

	if (!action)
		return;
	g->event->arg[3] = (long)action->sa_handler;
	g->event->arg[4] = action->sa_flags;
}

/* A blocking call that a pending alarm will end is not stuck. */
static void timer_set(long seconds, long nanoseconds, bool periodic)
{
	struct timespec now;
	int64_t at = 0;

	if (raw2(SYS_clock_gettime, CLOCK_MONOTONIC, &now) < 0)
		periodic = true;
	if (seconds || nanoseconds)
		at = periodic ? INT64_MAX
			      : (now.tv_sec + seconds) * INT64_C(1000000000) + now.tv_nsec +
					nanoseconds;
	atomic_store(&self.proc->timer_ns, at);
}

static void itimer(struct gate *g)
{
	const struct itimerval *v = (const struct itimerval *)g->a[1];

	if (g->a[0] == ITIMER_REAL && v)
		timer_set(v->it_value.tv_sec, v->it_value.tv_usec * 1000,
			  v->it_interval.tv_sec || v->it_interval.tv_usec);
}

void record_before_write(struct gate *g, size_t n_bytes)
{
	int held = 0;

	if (n_bytes <= PIPE_BUF || !g->perform ||
	    raw3(SYS_fcntl, g->a[0], F_GETFL, 0) & O_NONBLOCK ||
	    raw3(SYS_ioctl, g->a[0], FIONREAD, &held) < 0)
		return;
	g->event->arg[3] = held;
	g->event->arg[4] = raw3(SYS_fcntl, g->a[0], F_GETPIPE_SZ, 0);
}

void record_result(struct gate *g, long result)
{
	if (g->event->flags & EVENT_FAILED) {
		if (event_has_sops(g->event))
			sops(g);
		else
			record_failure(g);
		return;
	}
	switch (g->canonical) {
	case CALL_semget:
		g->event->object = OBJECT_REF(OBJECT_SEM, result);
		break;
	case CALL_msgget:
		g->event->object = OBJECT_REF(OBJECT_MSG, result);
		break;
	case CALL_shmget:
		g->event->object = OBJECT_REF(OBJECT_SHM, result);
		break;
	case CALL_semop:
	case CALL_semtimedop:
		sops(g);
		break;
	case CALL_semctl:
		set_all(g);
		break;
	case CALL_msgsnd:
		message(g, (size_t)g->a[2], false);
		break;
	case CALL_msgrcv:
		message(g, (size_t)result, true);
		break;
	case CALL_pipe:
	case CALL_pipe2:
		pipe_made(g);
		break;
	case CALL_wait:
	case CALL_waitpid:
	case CALL_wait3:
	case CALL_wait4:
		waited(g, result);
		break;
	case CALL_waitid:
		waited_id(g);
		break;
	case CALL_sigaction:
		disposition(g);
		break;
	case CALL_alarm:
		timer_set(g->a[0], 0, false);
		break;
	case CALL_setitimer:
		itimer(g);
		break;
	default:
		if (!record_lock_result(g))
			record_descriptor(g, result);
	}
}

/* poll over descriptors none of which is an IPC object is no event. */
static bool polls_ipc(const struct gate *g)
{
	const struct pollfd *fds = (const struct pollfd *)g->a[0];

	/* the kernel looks at the lower half of the number only */
	for (unsigned int i = 0; i < (unsigned int)g->a[1]; i++)
		if (fd_object(fds[i].fd))
			return true;
	return false;
}

bool record_wanted(const struct gate *g, long result)
{
	int err = g->event->err;

	if (g->event->rule)
		return true;
	/* sigaction that only asks (perl alone does it 70 times at its end) changes nothing */
	if (g->canonical == CALL_sigaction && !g->a[1])
		return false;
	/* another or no interest in a known descriptor (redis-benchmark: often with each request)
	 */
	if (g->canonical == CALL_epoll_ctl && g->a[1] != EPOLL_CTL_ADD && result == 0)
		return false;
	if (g->canonical != CALL_poll && g->canonical != CALL_ppoll)
		return true;
	return result != -1 || err == EINTR ? polls_ipc(g) : false;
}
