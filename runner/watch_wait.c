/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_wait.c - what a thread in a system call waits for. Whatever is not understood here counts
 * as something that will be over by itself: a deadlock is only what is known to be one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "watch.h"

#define SOPS 500
#define POLLS 256

static bool remote_read(pid_t pid, uint64_t from, void *to, size_t n_bytes)
{
	struct iovec local = { to, n_bytes }, remote = { (void *)(uintptr_t)from, n_bytes };

	return n_bytes > 0 && process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)n_bytes;
}

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

/* The subject's standard descriptors came from outside: who is at their other end cannot be known.
 */
bool is_outside(const struct supervisor *s, dev_t dev, ino_t ino)
{
	for (int i = 0; i < 3; i++)
		if (s->outside[i].dev == dev && s->outside[i].ino == ino)
			return true;
	return false;
}

static bool is_made_here(const struct supervisor *s, dev_t dev, ino_t ino)
{
	for (unsigned int i = 0; i < s->n_fifos; i++)
		if (s->fifo[i].dev == dev && s->fifo[i].ino == ino)
			return true;
	return false;
}

static bool is_pipefs(int directory, const char *link)
{
	char text[32];
	ssize_t n = readlinkat(directory, link, text, sizeof(text) - 1);

	return n > 6 && memcmp(text, "pipe:[", 6) == 0;
}

/* Adds a descriptor to what is waited for. False: it is no pipe of the trial. */
static bool add_pipe(struct supervisor *s, struct task *t, int fd, bool writes)
{
	char path[64];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t->pid, fd);
	if (stat(path, &info) < 0 || !S_ISFIFO(info.st_mode) || t->n_pipes == POLL_TARGETS ||
	    is_outside(s, info.st_dev, info.st_ino))
		return false;
	if (is_pipefs(AT_FDCWD, path))
		t->object = OBJECT_REF(OBJECT_PIPE, info.st_ino);
	else if (is_made_here(s, info.st_dev, info.st_ino))
		t->object = fifo_object(info.st_dev, info.st_ino);
	else
		return false;
	t->pipe[t->n_pipes++] = (struct pipe_wait){ info.st_dev, info.st_ino, writes };
	return true;
}

static void decode_pipe(struct supervisor *s, struct task *t, bool writes)
{
	if (add_pipe(s, t, (int)t->context.arg[0], writes))
		t->kind = writes ? WAIT_WRITE : WAIT_READ;
}

static void decode_child(struct task *t)
{
	int pid = (int)t->context.arg[0];

	t->kind = WAIT_CHILD;
	if (t->context.nr == SYS_waitid) {
		t->id = (int)t->context.arg[0];
		t->num = (unsigned int)t->context.arg[1];
		if ((t->id != P_ALL && t->id != P_PID && t->id != P_PGID) ||
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
	uint64_t pending =
		status_mask(t->pid, t->tid, "SigPnd:") | status_mask(t->pid, t->tid, "ShdPnd:");
	uint64_t set;

	if (t->context.nr == SYS_rt_sigtimedwait) {
		if (t->context.arg[2] || !remote_read(t->pid, t->context.arg[0], &set, sizeof(set)))
			return;
		t->signals = set;
	} else {
		t->signals = status_mask(t->pid, t->tid, "SigCgt:") &
			     ~status_mask(t->pid, t->tid, "SigBlk:");
	}
	if (!(pending & t->signals))
		t->kind = WAIT_SIGNAL;
}

static void decode_poll(struct supervisor *s, struct task *t)
{
	struct pollfd fds[POLLS];
	uint64_t n = t->context.arg[1];

	if (t->context.nr == SYS_poll ? (int)t->context.arg[2] >= 0 : t->context.arg[2] != 0)
		return;
	if (n > POLLS ||
	    (n > 0 && !remote_read(t->pid, t->context.arg[0], fds, n * sizeof(fds[0]))))
		return;
	for (uint64_t i = 0; i < n; i++) {
		if (fds[i].fd < 0)
			continue;
		if (!add_pipe(s, t, fds[i].fd, (fds[i].events & POLLOUT) != 0))
			return;
	}
	t->kind = WAIT_POLL;
}

static void decode_select(struct supervisor *s, struct task *t)
{
	int n = (int)t->context.arg[0];
	fd_set set[3];

	if (t->context.arg[4] || n < 0 || n > FD_SETSIZE)
		return;
	for (int i = 0; i < 3; i++) {
		size_t n_bytes = ((size_t)n + 63) / 64 * 8;

		FD_ZERO(&set[i]);
		if (t->context.arg[1 + i] && n_bytes &&
		    !remote_read(t->pid, t->context.arg[1 + i], &set[i], n_bytes))
			return;
	}
	for (int fd = 0; fd < n; fd++)
		for (int i = 0; i < 3; i++)
			if (FD_ISSET(fd, &set[i]) && !add_pipe(s, t, fd, i == 1))
				return;
	t->kind = WAIT_POLL;
}

static void decode_epoll(struct supervisor *s, struct task *t)
{
	char path[96], line[256];
	bool known = true;
	FILE *file;

	if (t->context.nr == SYS_epoll_pwait2 ? t->context.arg[3] != 0
					      : (int)t->context.arg[3] >= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)t->pid, (int)t->context.arg[0]);
	file = fopen(path, "re");
	if (!file)
		return;
	while (known && fgets(line, sizeof(line), file)) {
		unsigned int events;
		int fd;

		if (sscanf(line, "tfd: %d events: %x", &fd, &events) == 2)
			known = add_pipe(s, t, fd, (events & POLLOUT) != 0);
	}
	fclose(file);
	if (known)
		t->kind = WAIT_POLL;
}

static void decode_futex(struct task *t)
{
	int op = (int)t->context.arg[1] & FUTEX_CMD_MASK;

	if (t->context.arg[3] == 0 && (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET ||
				       op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2))
		t->kind = WAIT_FUTEX;
}

/* A FIFO that the trial made; whoever opens another one may be waiting for somebody outside. */
static void decode_open(struct supervisor *s, struct task *t)
{
	bool at = t->context.nr == SYS_openat;
	int dir = at ? (int)t->context.arg[0] : AT_FDCWD;
	char name[PATH_MAX], path[PATH_MAX + 64];
	uint64_t from = t->context.arg[at ? 1 : 0];
	uint64_t n = 4096 - from % 4096;
	struct stat info;

	memset(name, 0, sizeof(name));
	if (!remote_read(t->pid, from, name, n < sizeof(name) ? n : sizeof(name) - 1))
		return;
	if (!memchr(name, 0, n) && n < sizeof(name) - 1)
		remote_read(t->pid, from + n, name + n, sizeof(name) - 1 - n);
	if (name[0] == '/')
		snprintf(path, sizeof(path), "%s", name);
	else if (dir == AT_FDCWD)
		snprintf(path, sizeof(path), "/proc/%d/cwd/%s", (int)t->pid, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/fd/%d/%s", (int)t->pid, dir, name);
	if (stat(path, &info) < 0 || !S_ISFIFO(info.st_mode) ||
	    !is_made_here(s, info.st_dev, info.st_ino))
		return;
	t->kind = WAIT_OPEN;
	t->object = fifo_object(info.st_dev, info.st_ino);
	t->pipe[0] = (struct pipe_wait){ info.st_dev, info.st_ino, false };
	t->n_pipes = 1;
}

/* Something of its own will interrupt it: an alarm or a timer. */
static bool has_timer(struct supervisor *s, const struct scene_proc *p)
{
	int64_t timer_ns = 0;
	char path[64], byte;
	bool found;
	FILE *file;

	if (p->process >= 0 && s->process[p->process].slot >= 0)
		timer_ns = atomic_load(&s->arena->proc[s->process[p->process].slot].timer_ns);
	if (timer_ns > (int64_t)now_ns())
		return true;
	snprintf(path, sizeof(path), "/proc/%d/timers", (int)p->pid);
	file = fopen(path, "re");
	found = file && fread(&byte, 1, 1, file) == 1;
	if (file)
		fclose(file);
	return found;
}

static void decode_call(struct supervisor *s, struct task *t)
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
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
		decode_pipe(s, t, false);
		break;
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
		decode_pipe(s, t, true);
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
	case SYS_poll:
	case SYS_ppoll:
		decode_poll(s, t);
		break;
	case SYS_select:
	case SYS_pselect6:
		decode_select(s, t);
		break;
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		decode_epoll(s, t);
		break;
	case SYS_futex:
		decode_futex(t);
		break;
	case SYS_open:
	case SYS_openat:
		decode_open(s, t);
		break;
	default:
		break;
	}
}

static bool is_never_restarted(enum wait_kind kind)
{
	return kind == WAIT_SEM || kind == WAIT_RECEIVE || kind == WAIT_SEND || kind == WAIT_POLL;
}

void wait_decode(struct supervisor *s, struct scene *scene, struct task *t)
{
	struct scene_proc *p = &scene->proc[t->proc];
	uint64_t chld = UINT64_C(1) << (SIGCHLD - 1);

	decode_call(s, t);
	if (t->kind == WAIT_LIVE)
		return;
	/* Alarms of a process that is not followed cannot be known. */
	if (has_timer(s, p) || (p->process < 0 && t->kind == WAIT_SIGNAL)) {
		t->kind = WAIT_LIVE;
		return;
	}
	t->live = false;
	if (t->kind == WAIT_SIGNAL)
		p->awaits_child = t->signals & chld;
	else if (is_never_restarted(t->kind))
		p->awaits_child = (status_mask(t->pid, t->tid, "SigCgt:") & chld) &&
				  !(status_mask(t->pid, t->tid, "SigBlk:") & chld);
}

static void ends_of(struct scene *scene, uint32_t proc)
{
	char path[64];
	struct dirent *entry;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)scene->proc[proc].pid);
	fds = opendir(path);
	while (fds && (entry = readdir(fds))) {
		struct stat info, link;

		if (entry->d_name[0] == '.' || fstatat(dirfd(fds), entry->d_name, &info, 0) < 0 ||
		    !S_ISFIFO(info.st_mode) ||
		    fstatat(dirfd(fds), entry->d_name, &link, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (scene->n_ends == SCENE_ENDS) {
			scene->overflow = true;
			break;
		}
		scene->end[scene->n_ends++] = (struct pipe_end){ info.st_dev, info.st_ino, proc,
								 (link.st_mode & S_IRUSR) != 0,
								 (link.st_mode & S_IWUSR) != 0 };
	}
	if (fds)
		closedir(fds);
}

/* Who has which end of which pipe. Only read when somebody waits for one. */
void ends_read(struct scene *scene)
{
	bool wanted = false;

	for (uint32_t i = 0; i < scene->n_tasks; i++)
		wanted = wanted || scene->task[i].n_pipes > 0;
	for (uint32_t i = 0; wanted && i < scene->n_procs; i++)
		if (!scene->proc[i].zombie)
			ends_of(scene, i);
}
