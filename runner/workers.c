/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - forks a process for each trial and takes its result from a memory file. */
#define _GNU_SOURCE
#include "workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "memory.h"
#include "options.h"

void workers_init(struct workers *workers)
{
	workers->n_running = 0;
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		workers->worker[i].pidfd = -1;
}

/* The worker: the result as it is, then the document's text. Both ends are the same program. */
static _Noreturn void worker_body(const struct trial_options *options, int result_fd, pid_t parent,
				  const sigset_t *mask)
{
	struct trial_result result = { 0 };
	const char *json;
	int status = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_BROKEN);
	sigprocmask(SIG_SETMASK, mask, NULL);
	trial_run(options, &result, NULL, NULL, &interrupted);
	json = result.json ? result.json : "";
	status |= write_all(result_fd, &result, sizeof(result));
	status |= write_all(result_fd, json, strlen(json));
	_exit(status ? EXIT_BROKEN : EXIT_FINE);
}

int workers_start(struct workers *workers, const struct trial_options *options,
		  const struct capture *capture)
{
	struct worker *worker = workers->worker;
	pid_t parent = getpid();
	sigset_t before;
	int err;

	while (worker->pidfd >= 0)
		worker++;
	*worker = (struct worker){ .pidfd = -1, .seed = options->seed, .capture = *capture };
	worker->result_fd = memfd_create("ipcjam result", MFD_CLOEXEC);
	if (worker->result_fd < 0)
		return -1;
	/* A signal that came before the child can handle it would be lost for it. */
	interrupt_block(&before);
	worker->pid = fork();
	if (worker->pid == 0)
		worker_body(options, worker->result_fd, parent, &before);
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = err;
	if (worker->pid > 0)
		worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
	if (worker->pidfd < 0) {
		err = errno;
		if (worker->pid > 0)
			kill(worker->pid, SIGKILL);
		close(worker->result_fd);
		errno = err;
		return -1;
	}
	workers->n_running++;
	return 0;
}

static void read_result(struct worker *worker, struct trial_result *result)
{
	struct stat st;
	size_t n_bytes;

	memset(result, 0, sizeof(*result));
	result->verdict = VERDICT_BROKEN;
	strcpy(result->why, "the process that ran the trial died");
	if (fstat(worker->result_fd, &st) != 0 || (size_t)st.st_size < sizeof(*result) ||
	    pread(worker->result_fd, result, sizeof(*result), 0) != sizeof(*result))
		return;
	n_bytes = (size_t)st.st_size - sizeof(*result);
	result->json = NULL;
	if (n_bytes == 0)
		return;
	result->json = must_allocate(n_bytes + 1);
	if (pread(worker->result_fd, result->json, n_bytes, sizeof(*result)) != (ssize_t)n_bytes)
		result->json[0] = '\0';
}

static void workers_tell(struct workers *workers, int signo)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		if (workers->worker[i].pidfd >= 0)
			kill(workers->worker[i].pid, signo);
}

struct worker *workers_wait(struct workers *workers, struct trial_result *result)
{
	struct pollfd fds[WORKERS_MAX];
	static int told;
	sigset_t before;
	int n;

	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		fds[i] = (struct pollfd){ .fd = workers->worker[i].pidfd, .events = POLLIN };
	interrupt_block(&before);
	n = interrupted && !told ? -1 : ppoll(fds, WORKERS_MAX, NULL, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (n <= 0) {
		/* A terminal has told them already; a second signal would end them at once. */
		if (interrupted == SIGTERM && !told)
			workers_tell(workers, SIGTERM);
		told |= interrupted;
		return NULL;
	}
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		if (!fds[i].revents)
			continue;
		read_result(&workers->worker[i], result);
		return &workers->worker[i];
	}
	return NULL;
}

void workers_release(struct workers *workers, struct worker *worker)
{
	TEMP_FAILURE_RETRY(waitpid(worker->pid, NULL, 0));
	close(worker->result_fd);
	close(worker->pidfd);
	capture_close(&worker->capture);
	worker->pidfd = -1;
	workers->n_running--;
}
