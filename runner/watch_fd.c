/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_fd.c - waits through descriptors: for one (read, accept, mq_receive ...) or for any of
 * several (poll, select, epoll). A descriptor that stands for something outside of the trial, or
 * that is not understood, ends the wait by itself.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place.h"
#include "watch.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define POLLS 1024
#define POLLERS_DEEP 4 /* an epoll descriptor can be watched by another one */

/* The subject's standard descriptors came from outside: who is at their other end cannot be known.
 */
bool is_outside(const struct supervisor *s, uint64_t dev, uint64_t ino)
{
	for (int i = 0; i < 3; i++)
		if (s->outside[i].dev == dev && s->outside[i].ino == ino)
			return true;
	return false;
}

static bool is_made_here(const struct supervisor *s, uint64_t dev, uint64_t ino)
{
	for (unsigned int i = 0; i < s->n_fifos; i++)
		if (s->fifo[i].dev == dev && s->fifo[i].ino == ino)
			return true;
	return false;
}

const struct target *task_target(const struct scene *scene, const struct task *task, unsigned int i)
{
	return &scene->target[task->target + i];
}

/* The task's descriptor as one of our own, or -1. To be closed at once: it keeps things open. */
static int borrow(const struct task *t, int fd)
{
	/* The process's first thread may have ended, and has no descriptors then. */
	int pidfd = pidfd_open(t->tid, t->tid == t->pid ? 0 : PIDFD_THREAD);
	int own = pidfd < 0 ? -1 : pidfd_getfd(pidfd, fd, 0);

	if (pidfd >= 0)
		close(pidfd);
	return own;
}

/* SO_RCVTIMEO and SO_SNDTIMEO end a wait. Where it cannot be asked, there may be one. */
static bool has_socket_timeout(const struct task *t, int fd)
{
	int own = borrow(t, fd);
	bool found = own < 0;

	for (int i = 0; i < 2 && own >= 0; i++) {
		struct timeval limit = { 0 };
		socklen_t size = sizeof(limit);

		found = found ||
			getsockopt(own, SOL_SOCKET, i ? SO_SNDTIMEO : SO_RCVTIMEO, &limit, &size) <
				0 ||
			limit.tv_sec || limit.tv_usec;
	}
	if (own >= 0)
		close(own);
	return found;
}

/* Through such a socket the kernel tells libc's helper thread of a message in a queue. */
static bool is_notifier(const struct supervisor *s, const struct scene *scene, const struct task *t,
			int fd)
{
	int32_t process = scene->proc[t->proc].process;
	int own, domain = 0;
	socklen_t size = sizeof(domain);

	if (process < 0 || !s->process[process].notified)
		return false;
	own = borrow(t, fd);
	if (own < 0)
		return false;
	if (getsockopt(own, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		domain = 0;
	close(own);
	return domain == AF_NETLINK;
}

/* Who is at its other end? False: nobody knows. */
static bool join_socket(const struct supervisor *s, struct scene *scene, const struct task *t,
			int fd, struct target *target)
{
	switch (socket_joined(scene, target->file.ino, &target->peer)) {
	case JOINED_PEER:
		return true;
	case JOINED_CROWD:
		/* a name on this host: a client from outside can come at any time */
		target->crowd = true;
		return false;
	default:
		target->crowd = true;
		target->object = 0;
		return is_notifier(s, scene, t, fd);
	}
}

/* False: something else than the trial's processes can end the wait. */
static bool fill_target(struct supervisor *s, struct scene *scene, const struct task *t, int fd,
			struct target *target)
{
	const struct file *f = &target->file;

	if (is_outside(s, f->dev, f->ino))
		return false;
	target->object = file_object(f);
	switch (f->kind) {
	case FILE_PIPE:
		if (f->reads != f->writes)
			target->writes = f->writes;
		return !f->named || is_made_here(s, f->dev, f->ino);
	case FILE_SOCKET:
		return join_socket(s, scene, t, fd, target);
	case FILE_QUEUE:
	case FILE_EVENT:
		return true;
	case FILE_PROCESS:
		return f->ino != 0;
	case FILE_TIMER:
		target->crowd = true;
		return !f->armed;
	case FILE_SIGNALS:
		return !(signals_of(t).pending & f->signals);
	default:
		return false;
	}
}

static bool add_file(struct supervisor *s, struct scene *scene, struct task *t, int fd,
		     const struct file *file, bool writes)
{
	struct target *target = &scene->target[scene->n_targets];

	if (scene->n_targets == SCENE_TARGETS)
		return false;
	*target = (struct target){ .file = *file, .writes = writes };
	if (!fill_target(s, scene, t, fd, target))
		return false;
	if (t->n_targets++ == 0)
		t->target = scene->n_targets;
	scene->n_targets++;
	t->object = target->object;
	return true;
}

struct poller {
	struct supervisor *s;
	struct scene *scene;
	struct task *t;
	unsigned int depth;
	bool known;
};

static bool add_poller(struct poller *p, int fd);

/* "tfd: 5 events: 19 data: ... pos:0 ino:2f sdev:9" */
static bool add_polled(const char *text, void *data)
{
	struct poller *p = data;
	unsigned int events;
	struct file file;
	uint64_t ino = 0;
	const char *at;
	int fd;

	if (sscanf(text, "tfd: %d events: %x", &fd, &events) != 2)
		return true;
	at = strstr(text, "ino:");
	p->known = at && sscanf(at, "ino:%" SCNx64, &ino) == 1 &&
		   file_look(p->t->pid, p->t->tid, fd, &file);
	if (!p->known)
		return false;
	if (file.kind == FILE_POLLER)
		p->known = add_poller(p, fd);
	else /* the number can mean something else by now */
		p->known = (file.ino == ino || file.dev == 0) &&
			   add_file(p->s, p->scene, p->t, fd, &file,
				    (events & (EPOLLIN | EPOLLOUT)) == EPOLLOUT);
	return p->known;
}

static bool add_poller(struct poller *p, int fd)
{
	if (++p->depth > POLLERS_DEEP)
		return false;
	fdinfo_read(p->t->pid, p->t->tid, fd, add_polled, p);
	p->depth--;
	return p->known;
}

static bool add_fd(struct supervisor *s, struct scene *scene, struct task *t, int fd, bool writes)
{
	struct poller p = { .s = s, .scene = scene, .t = t, .known = true };
	struct file file;

	if (!file_look(t->pid, t->tid, fd, &file))
		return false;
	return file.kind == FILE_POLLER ? add_poller(&p, fd)
					: add_file(s, scene, t, fd, &file, writes);
}

static void decode_one(struct supervisor *s, struct scene *scene, struct task *t,
		       enum wait_kind kind)
{
	int fd = (int)t->context.arg[0];
	const struct target *target;

	if (!add_fd(s, scene, t, fd, kind == WAIT_WRITE || kind == WAIT_SEND))
		return;
	target = task_target(scene, t, 0);
	if (t->n_targets != 1 || (target->file.kind == FILE_SOCKET && has_socket_timeout(t, fd)))
		return;
	t->kind = kind;
	if (target->file.kind != FILE_SIGNALS)
		return;
	t->kind = WAIT_SIGNAL;
	t->signals = target->file.signals;
	t->n_targets = 0;
}

/*
 * splice and its kin wait for bytes on one side, or else for room on the other. On which cannot be
 * asked: the kernel would make us wait for the pipe's lock, which a splice to a socket keeps.
 */
static void decode_move(struct supervisor *s, struct scene *scene, struct task *t, int from, int to)
{
	const int fd[2] = { from, to };
	struct file file;

	for (int i = 0; i < 2; i++) {
		if (fd[i] < 0)
			continue;
		if (!file_look(t->pid, t->tid, fd[i], &file))
			return;
		if (!file.plain && !add_fd(s, scene, t, fd[i], i == 1))
			return;
	}
	if (t->n_targets == 0)
		return;
	t->kind = t->n_targets == 2                  ? WAIT_MOVE
		  : task_target(scene, t, 0)->writes ? WAIT_WRITE
						     : WAIT_READ;
	t->object = task_target(scene, t, 0)->object;
}

static void decode_connect(struct supervisor *s, struct scene *scene, struct task *t)
{
	uint8_t address[128];
	size_t n = t->context.arg[2] < sizeof(address) ? t->context.arg[2] : sizeof(address);
	struct file file;
	uint64_t listener;

	if (!remote_read(t->pid, t->context.arg[1], address, n) ||
	    !file_look(t->pid, t->tid, (int)t->context.arg[0], &file) ||
	    scene->n_targets == SCENE_TARGETS || has_socket_timeout(t, (int)t->context.arg[0]))
		return;
	listener = socket_listener(scene, t, address, n);
	if (!listener || !socket_is_named(s, listener))
		return;
	t->target = scene->n_targets;
	t->n_targets = 1;
	t->kind = WAIT_CONNECT;
	t->object = OBJECT_REF(OBJECT_SOCKET, listener);
	scene->target[scene->n_targets++] = (struct target){
		.file = file, .writes = true, .peer = listener, .object = t->object
	};
}

static void decode_poll(struct supervisor *s, struct scene *scene, struct task *t)
{
	struct pollfd fds[POLLS];
	uint64_t n = t->context.arg[1];

	if (t->context.nr == SYS_poll ? (int)t->context.arg[2] >= 0 : t->context.arg[2] != 0)
		return;
	if (n > POLLS ||
	    (n > 0 && !remote_read(t->pid, t->context.arg[0], fds, n * sizeof(fds[0]))))
		return;
	for (uint64_t i = 0; i < n; i++)
		if (fds[i].fd >= 0 && !add_fd(s, scene, t, fds[i].fd,
					      (fds[i].events & (POLLIN | POLLOUT)) == POLLOUT))
			return;
	t->kind = WAIT_POLL;
}

static void decode_select(struct supervisor *s, struct scene *scene, struct task *t)
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
			if (FD_ISSET(fd, &set[i]) && !add_fd(s, scene, t, fd, i == 1))
				return;
	t->kind = WAIT_POLL;
}

static void decode_epoll(struct supervisor *s, struct scene *scene, struct task *t)
{
	struct poller p = { .s = s, .scene = scene, .t = t, .known = true };

	if (t->context.nr == SYS_epoll_pwait2 ? t->context.arg[3] != 0
					      : (int)t->context.arg[3] >= 0)
		return;
	if (add_poller(&p, (int)t->context.arg[0]))
		t->kind = WAIT_POLL;
}

/* A FIFO that the trial made; whoever opens another one may be waiting for somebody outside. */
static void decode_open(struct supervisor *s, struct scene *scene, struct task *t)
{
	bool at = t->context.nr == SYS_openat;
	int dir = at ? (int)t->context.arg[0] : AT_FDCWD;
	char name[PATH_MAX], path[PATH_MAX + 96];
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
		snprintf(path, sizeof(path), "/proc/%d/task/%d/cwd/%s", (int)t->pid, (int)t->tid,
			 name);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d/%s", (int)t->pid, (int)t->tid,
			 dir, name);
	if (stat(path, &info) < 0 || !S_ISFIFO(info.st_mode) ||
	    !is_made_here(s, info.st_dev, info.st_ino) || scene->n_targets == SCENE_TARGETS)
		return;
	t->kind = WAIT_OPEN;
	t->object = OBJECT_REF(OBJECT_FIFO, place_file(info.st_dev, info.st_ino));
	t->target = scene->n_targets;
	t->n_targets = 1;
	scene->target[scene->n_targets++] = (struct target){
		.file = { FILE_PIPE, .named = true, .dev = info.st_dev, .ino = info.st_ino },
		.object = t->object,
	};
}

static bool waits_timed(const struct context *c)
{
	/* the kernel ends these at that time */
	switch (c->nr) {
	case SYS_mq_timedreceive:
	case SYS_mq_timedsend:
	case SYS_recvmmsg:
		return c->arg[4] != 0;
	default:
		return false;
	}
}

static enum wait_kind kind_of(long nr)
{
	static const struct {
		long nr;
		enum wait_kind kind;
	} kinds[] = {
		{ SYS_read, WAIT_READ },
		{ SYS_readv, WAIT_READ },
		{ SYS_preadv2, WAIT_READ },
		{ SYS_recvfrom, WAIT_READ },
		{ SYS_recvmsg, WAIT_READ },
		{ SYS_recvmmsg, WAIT_READ },
		{ SYS_write, WAIT_WRITE },
		{ SYS_writev, WAIT_WRITE },
		{ SYS_pwritev2, WAIT_WRITE },
		{ SYS_sendto, WAIT_WRITE },
		{ SYS_sendmsg, WAIT_WRITE },
		{ SYS_sendmmsg, WAIT_WRITE },
		{ SYS_accept, WAIT_ACCEPT },
		{ SYS_accept4, WAIT_ACCEPT },
		{ SYS_mq_timedreceive, WAIT_RECEIVE },
		{ SYS_mq_timedsend, WAIT_SEND },
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].nr == nr)
			return kinds[i].kind;
	return WAIT_LIVE;
}

bool fd_decode(struct supervisor *s, struct scene *scene, struct task *t)
{
	enum wait_kind kind = kind_of(t->context.nr);

	if (kind != WAIT_LIVE) {
		if (!waits_timed(&t->context))
			decode_one(s, scene, t, kind);
		return true;
	}
	switch (t->context.nr) {
	case SYS_connect:
		decode_connect(s, scene, t);
		return true;
	case SYS_splice:
		decode_move(s, scene, t, (int)t->context.arg[0], (int)t->context.arg[2]);
		return true;
	case SYS_tee:
		decode_move(s, scene, t, (int)t->context.arg[0], (int)t->context.arg[1]);
		return true;
	case SYS_sendfile:
		decode_move(s, scene, t, (int)t->context.arg[1], (int)t->context.arg[0]);
		return true;
	case SYS_vmsplice:
		decode_move(s, scene, t, -1, (int)t->context.arg[0]);
		return true;
	case SYS_poll:
	case SYS_ppoll:
		decode_poll(s, scene, t);
		return true;
	case SYS_select:
	case SYS_pselect6:
		decode_select(s, scene, t);
		return true;
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		decode_epoll(s, scene, t);
		return true;
	case SYS_open:
	case SYS_openat:
		decode_open(s, scene, t);
		return true;
	default:
		return false;
	}
}
