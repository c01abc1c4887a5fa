/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, a child that becomes another program, and one that may make no system calls. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t kt_fork_cat(void (*before)(void *arg), void *arg, int *stdin_fd)
{
	int in[2], out[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = kt_fork();
	if (!pid) {
		before(arg);
		KT_CHILD(dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1);
		execlp("cat", "cat", (char *)NULL);
		KT_CHILD(!"exec of cat");
	}
	close(in[0]);
	close(out[1]);
	/* What comes back was read by cat: the exec is behind us. */
	if (write(in[1], "x", 1) != 1 || read(out[0], &c, 1) != 1)
		kt_join(pid);
	close(out[0]);
	*stdin_fd = in[1];
	return pid;
}

static void *start_body(void *arg)
{
	struct kt_thread *thread = arg;

	thread->tid = gettid();
	kt_gate_post(&thread->ready);
	return thread->body(thread->arg);
}

void kt_thread_start(struct kt_thread *thread, void *(*body)(void *arg), void *arg)
{
	thread->body = body;
	thread->arg = arg;
	KT_CHILD(pipe(thread->ready.fd) == 0);
	KT_CHILD(pthread_create(&thread->thread, NULL, start_body, thread) == 0);
	kt_gate_await(&thread->ready);
}

void kt_thread_join(struct kt_thread *thread)
{
	KT_CHILD(pthread_join(thread->thread, NULL) == 0);
	close(thread->ready.fd[0]);
	close(thread->ready.fd[1]);
}

pthread_mutex_t *kt_mutex(int type, int robust)
{
	pthread_mutex_t *mutex = kt_shared(sizeof(*mutex));
	pthread_mutexattr_t attr;

	ck_assert_int_eq(pthread_mutexattr_init(&attr), 0);
	ck_assert_int_eq(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	ck_assert_int_eq(pthread_mutexattr_settype(&attr, type), 0);
	ck_assert_int_eq(pthread_mutexattr_setrobust(&attr, robust), 0);
	ck_assert_int_eq(pthread_mutex_init(mutex, &attr), 0);
	return mutex;
}

bool kt_needs_no_system_call(void (*body)(void *arg), void *arg)
{
	pid_t pid = kt_fork();
	int status;

	if (!pid) {
		/* What the loader resolves late is resolved now. */
		body(arg);
		KT_CHILD(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
		body(arg);
		syscall(SYS_exit, 0);
	}
	status = kt_wait(pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int kt_poll(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	KT_CHILD(poll(&p, 1, 0) >= 0);
	return p.revents;
}

const char *kt_errno(int error)
{
	return error ? strerrorname_np(error < 0 ? -error : error) : "success";
}
