/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_wait.c - what a thread in a system call waits for. Whatever is not understood counts as
 * something that will be over by itself: a deadlock is only what is known to be one.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watch.h"

#define SOPS 500
#define SIGCHLD_BIT (UINT64_C(1) << (SIGCHLD - 1))

/* Which of the operations cannot be done now? The kernel does them in order, all or none. */
static bool blocked_sop(int semid, const struct sembuf *sop, size_t n, size_t *which)
{
	int value[SOPS];

	for (size_t i = 0; i < n; i++) {
		size_t same;

		for (same = 0; same < i && sop[same].sem_num != sop[i].sem_num; same++)
			;
		value[i] = same < i ? 0 : semctl(semid, sop[i].sem_num, GETVAL);
		if (value[i] < 0)
			return false;
		*which = i;
		if ((sop[i].sem_op == 0 && value[same] != 0) || value[same] + sop[i].sem_op < 0)
			return true;
		value[same] += sop[i].sem_op;
	}
	return false;
}

static void decode_sem(struct task *t)
{
	struct sembuf sop[SOPS];
	int semid = (int)t->context.arg[0];
	size_t n = t->context.arg[2], which;

	if ((t->context.nr == SYS_semtimedop && t->context.arg[3]) || n == 0 || n > SOPS ||
	    !remote_read(t->pid, t->context.arg[1], sop, n * sizeof(sop[0])) ||
	    !blocked_sop(semid, sop, n, &which))
		return;
	t->to_zero = sop[which].sem_op == 0;
	if (semctl(semid, sop[which].sem_num, t->to_zero ? GETZCNT : GETNCNT) <= 0)
		return;
	t->kind = WAIT_SEM;
	t->id = semid;
	t->num = sop[which].sem_num;
	t->object = OBJECT_REF(OBJECT_SEM, semid);
}

static void decode_queue(struct task *t)
{
	t->kind = t->context.nr == SYS_msgrcv ? WAIT_RECEIVE : WAIT_SEND;
	t->id = (int)t->context.arg[0];
	t->object = OBJECT_REF(OBJECT_MSG, t->id);
}

/* waitid(P_PIDFD): as for that process. */
static bool decode_pidfd(struct task *t)
{
	struct file file;

	if (!file_look(t->pid, t->tid, (int)t->num, &file) || file.kind != FILE_PROCESS)
		return false;
	t->id = P_PID;
	t->num = (unsigned int)file.ino;
	return true;
}

static void decode_child(struct task *t)
{
	int pid = (int)t->context.arg[0];

	t->kind = WAIT_CHILD;
	if (t->context.nr == SYS_waitid) {
		t->id = (int)t->context.arg[0];
		t->num = (unsigned int)t->context.arg[1];
		if ((t->id != P_ALL && t->id != P_PID && t->id != P_PGID &&
		     (t->id != P_PIDFD || !decode_pidfd(t))) ||
		    !(t->context.arg[3] & WEXITED))
			t->kind = WAIT_LIVE;
	} else {
		t->id = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
		t->num = (unsigned int)(pid < 0 ? -pid : pid);
	}
}

/* A signal that is pending already is about to wake it. */
static void decode_signal(struct task *t)
{
	struct signals signals = signals_of(t);
	uint64_t set;

	if (t->context.nr == SYS_rt_sigtimedwait) {
		if (t->context.arg[2] || !remote_read(t->pid, t->context.arg[0], &set, sizeof(set)))
			return;
		t->signals = set;
	} else {
		t->signals = signals.handled;
	}
	if (!(signals.pending & t->signals))
		t->kind = WAIT_SIGNAL;
}

/* Something of its own will interrupt it: an alarm or a timer. */
static bool has_timer(struct supervisor *s, struct scene_proc *p)
{
	int64_t timer_ns = 0;
	char path[64], byte;
	FILE *file;

	if (p->asked)
		return p->has_timer;
	p->asked = p->has_timer = true;
	if (p->process >= 0 && s->process[p->process].slot >= 0)
		timer_ns = atomic_load(&s->arena->proc[s->process[p->process].slot].timer_ns);
	if (timer_ns > (int64_t)now_ns())
		return true;
	snprintf(path, sizeof(path), "/proc/%d/timers", (int)p->pid);
	file = fopen(path, "re");
	p->has_timer = file && fread(&byte, 1, 1, file) == 1;
	if (file)
		fclose(file);
	return p->has_timer;
}

static void decode_call(struct supervisor *s, struct scene *scene, struct task *t)
{
	switch (t->context.nr) {
	case SYS_semop:
	case SYS_semtimedop:
		decode_sem(t);
		break;
	case SYS_msgrcv:
	case SYS_msgsnd:
		decode_queue(t);
		break;
	case SYS_wait4:
	case SYS_waitid:
		decode_child(t);
		break;
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_rt_sigtimedwait:
		decode_signal(t);
		break;
	case SYS_futex:
		memory_decode(s, t);
		break;
	case SYS_flock:
	case SYS_fcntl:
		file_lock_decode(s, t);
		break;
	default:
		fd_decode(s, scene, t);
		break;
	}
	/* poll and its kin without descriptors are like pause */
	if (t->kind == WAIT_POLL && t->n_targets == 0) {
		t->kind = WAIT_LIVE;
		decode_signal(t);
	}
}

void wait_decode(struct supervisor *s, struct scene *scene, struct task *t)
{
	struct scene_proc *p = &scene->proc[t->proc];

	decode_call(s, scene, t);
	if (t->kind == WAIT_LIVE)
		return;
	/* Alarms of a process that is not followed cannot be known. */
	if (has_timer(s, p) || (p->process < 0 && t->kind == WAIT_SIGNAL)) {
		t->kind = WAIT_LIVE;
		return;
	}
	t->live = false;
	/* What a handler of SIGCHLD does can end any wait. */
	if ((t->kind == WAIT_SIGNAL ? t->signals : signals_of(t).handled) & SIGCHLD_BIT)
		p->awaits_child = true;
}
