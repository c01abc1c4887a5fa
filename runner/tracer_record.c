/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer_record.c - what an event says beyond its arguments, read out of the task's memory when the
 * kernel has accepted the call: the same as the shim's record.c writes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tracer_record.h"

#define INLINE_SOPS 3
#define SOPS_MAX 500 /* SEMOPM */
#define POLLS 256

union semun {
	int val;
	struct semid_ds *buf;
};

static void sops(struct tracer *t, struct task *task, struct passage *p)
{
	struct sembuf sop[SOPS_MAX];
	size_t n = (size_t)p->a[2] < SOPS_MAX ? (size_t)p->a[2] : SOPS_MAX;
	int64_t *more = (int64_t *)(void *)t->more;

	if (n == 0 || !peek(task->tid, (uint64_t)p->a[1], sop, n * sizeof(sop[0])))
		return;
	for (size_t i = 0; i < n; i++) {
		int64_t packed = event_pack_sop(sop[i].sem_num, sop[i].sem_op, sop[i].sem_flg);

		if (i < INLINE_SOPS)
			p->event.arg[3 + i] = packed;
		else
			more[i - INLINE_SOPS] = packed;
	}
	if (n > INLINE_SOPS)
		t->n_more = (uint32_t)((n - INLINE_SOPS) * sizeof(more[0]));
}

static void set_all(struct tracer *t, struct task *task, struct passage *p)
{
	struct semid_ds info;

	if (p->a[2] != SETALL ||
	    semctl((int)p->a[0], 0, IPC_STAT, (union semun){ .buf = &info }) < 0)
		return;
	p->event.length = (uint32_t)(info.sem_nsems * 2);
	record_more(t, task, (uint64_t)p->a[3], p->event.length);
}

static void message(struct tracer *t, struct task *task, struct passage *p, size_t n_bytes,
		    bool received)
{
	uint64_t text = (uint64_t)p->a[1] + sizeof(long);
	long type = 0;

	peek(task->tid, (uint64_t)p->a[1], &type, sizeof(type));
	p->event.arg[received ? 5 : 4] = type;
	p->event.length = (uint32_t)n_bytes;
	p->event.digest = record_digest(task, text, n_bytes, (uint64_t)type, n_bytes);
	record_kept(t, task, text, n_bytes);
}

static void pipe_made(struct tracer *t, struct task *task, struct passage *p)
{
	int fds[2];

	if (!peek(task->tid, (uint64_t)p->a[0], fds, sizeof(fds)))
		return;
	p->event.arg[2] = (long)(uint32_t)fds[0] | (long)fds[1] << 32;
	p->event.object = object_of_fd(t, task, fds[0]);
}

static void waited(struct task *task, struct passage *p, long pid)
{
	uint64_t at = (uint64_t)p->a[call_arg(p->call, ARG_STATUS)];
	int status = -1;

	p->event.arg[5] = pid;
	p->event.arg[4] = -1;
	if (pid <= 0)
		return;
	if (at && peek(task->tid, at, &status, sizeof(status)))
		p->event.arg[4] = status;
	p->event.object = OBJECT_REF(OBJECT_PROCESS, pid);
}

/* The status as wait would give it, from what waitid says. */
static void waited_id(struct task *task, struct passage *p)
{
	siginfo_t info = { 0 };

	p->event.arg[4] = -1;
	if (!p->a[2] || !peek(task->tid, (uint64_t)p->a[2], &info, sizeof(info)))
		info.si_pid = 0;
	p->event.arg[5] = p->a[3] & WNOWAIT ? 0 : info.si_pid;
	if (info.si_pid == 0)
		return;
	if (info.si_code == CLD_EXITED)
		p->event.arg[4] = (info.si_status & 0xff) << 8;
	else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		p->event.arg[4] = info.si_status & 0x7f;
}

static void disposition(struct task *task, struct passage *p)
{
	struct {
		int64_t handler, flags;
	} action;
	static const int64_t restorer = 0x04000000; /* libc's own business */

	if (!p->a[1] || !peek(task->tid, (uint64_t)p->a[1], &action, sizeof(action)))
		return;
	p->event.arg[3] = action.handler;
	p->event.arg[4] = action.flags & ~restorer;
}

/* A blocking call that a pending alarm will end is not stuck. */
static void timer_set(struct tracer *t, struct task *task, uint64_t ns, bool periodic)
{
	struct arena_proc *proc = program_slot(t, task->program);

	if (proc)
		atomic_store(&proc->timer_ns, ns == 0    ? 0
					      : periodic ? INT64_MAX
							 : (int64_t)(now_ns() + ns));
}

static void itimer(struct tracer *t, struct task *task, struct passage *p)
{
	struct itimerval v;

	if (p->a[0] != ITIMER_REAL || !p->a[1] ||
	    !peek(task->tid, (uint64_t)p->a[1], &v, sizeof(v)))
		return;
	timer_set(t, task,
		  (uint64_t)v.it_value.tv_sec * NS_PER_S + (uint64_t)v.it_value.tv_usec * NS_PER_US,
		  v.it_interval.tv_sec || v.it_interval.tv_usec);
}

/* The slot of a thread that has just been made has its number. */
static void thread_made(struct tracer *t, struct task *task, struct passage *p)
{
	struct task *child = task_find(t, task->made);
	uint32_t number = child && task_slot(t, child) ? child->slot->number : 0;

	p->event.result = 0;
	p->event.arg[5] = number;
	p->event.object = OBJECT_REF(OBJECT_THREAD, (uint64_t)task->program->pid << 16 | number);
}

static void made(struct tracer *t, struct task *task, struct passage *p, long result)
{
	if (p->canonical == CALL_pthread_create || task->clone_flags & CLONE_THREAD)
		thread_made(t, task, p);
	else if (result > 0)
		p->event.object = OBJECT_REF(OBJECT_PROCESS, task->made ? task->made : result);
}

static bool record_system(struct tracer *t, struct task *task, struct passage *p, long result)
{
	switch (p->canonical) {
	case CALL_semget:
		p->event.object = OBJECT_REF(OBJECT_SEM, result);
		return true;
	case CALL_msgget:
		p->event.object = OBJECT_REF(OBJECT_MSG, result);
		return true;
	case CALL_shmget:
		p->event.object = OBJECT_REF(OBJECT_SHM, result);
		return true;
	case CALL_semop:
	case CALL_semtimedop:
		sops(t, task, p);
		return true;
	case CALL_semctl:
		set_all(t, task, p);
		return true;
	case CALL_msgsnd:
		message(t, task, p, (size_t)p->a[2], false);
		return true;
	case CALL_msgrcv:
		message(t, task, p, (size_t)result, true);
		return true;
	case CALL_pipe:
	case CALL_pipe2:
		pipe_made(t, task, p);
		return true;
	default:
		return false;
	}
}

static bool record_process(struct tracer *t, struct task *task, struct passage *p, long result)
{
	switch (p->canonical) {
	case CALL_wait:
	case CALL_waitpid:
	case CALL_wait3:
	case CALL_wait4:
		waited(task, p, result);
		return true;
	case CALL_waitid:
		waited_id(task, p);
		return true;
	case CALL_sigaction:
		disposition(task, p);
		return true;
	case CALL_alarm:
		timer_set(t, task, (uint64_t)(uint32_t)p->a[0] * NS_PER_S, false);
		return true;
	case CALL_setitimer:
		itimer(t, task, p);
		return true;
	default:
		return false;
	}
}

void tracer_record(struct tracer *t, struct task *task, struct passage *p, long result)
{
	if (p->event.flags & EVENT_FAILED) {
		if (event_has_sops(&p->event))
			sops(t, task, p);
		else
			record_failure(t, task, p);
		return;
	}
	if (p->row->role == ROLE_FORK)
		made(t, task, p, result);
	else if (p->row->role == ROLE_PATH)
		record_paths(t, task, p, result);
	else if (!record_system(t, task, p, result) && !record_process(t, task, p, result))
		record_descriptor(t, task, p, result);
}

void tracer_before(struct tracer *t, struct task *task, struct passage *p)
{
	struct arena_proc *proc = program_slot(t, task->program);

	if (p->row->role == ROLE_PROCESS_END) {
		if (proc)
			atomic_fetch_or(&proc->flags, PROC_ENDING);
		close_all_probe(t, task);
	}
	record_descriptor_before(t, task, p);
}

bool tracer_concerns(struct tracer *t, struct task *task, const struct passage *p)
{
	(void)t, (void)task;
	return p->call->flags & CALL_TRACED || p->canonical == CALL_mknod ||
	       p->canonical == CALL_mknodat || p->canonical == CALL_mmap;
}

/* poll over descriptors none of which is an IPC object is no event. */
static bool polls_ipc(struct tracer *t, struct task *task, const struct passage *p)
{
	struct pollfd fds[POLLS];
	size_t n = (size_t)p->a[1] < POLLS ? (size_t)p->a[1] : POLLS;

	if (n == 0 || !peek(task->tid, (uint64_t)p->a[0], fds, n * sizeof(fds[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		if (object_of_fd(t, task, fds[i].fd))
			return true;
	return false;
}

bool tracer_wanted(struct tracer *t, struct task *task, const struct passage *p, long result)
{
	if (p->event.rule)
		return true;
	/* sigaction that only asks changes nothing; so does other interest in a known descriptor */
	if (p->canonical == CALL_sigaction && !p->a[1])
		return false;
	if (p->canonical == CALL_epoll_ctl && p->a[1] != EPOLL_CTL_ADD && result == 0)
		return false;
	if (p->canonical != CALL_poll && p->canonical != CALL_ppoll)
		return true;
	return (result >= 0 || result == -EINTR) && polls_ipc(t, task, p);
}
