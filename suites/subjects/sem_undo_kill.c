/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that the child takes first and the root then too. Clean as it is; made for
 * ipcjam run -f 'semop:kill=after:when=1:proc=1.1', which kills the child while it holds the lock.
 * The root accepts that death: with SEM_UNDO it goes on, without it waits for ever.
 */
#include "subject.h"

#include <signal.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>

static int set;
static int undo;

static int holder(int who)
{
	sem_change(set, who, -1, undo);
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	sem_change(set, who, 1, undo);
	return 0;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	CHECK(TEMP_FAILURE_RETRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)));
	return info.si_pid == pid;
}

static int run_lock(void)
{
	pid_t child;
	int status;

	set = make_sem(IPC_PRIVATE, 1, 1);
	child = spawn(holder, 0);
	while (CHECK(semctl(set, 0, GETPID)) != child && !has_ended(child))
		nap();
	sem_change(set, 0, -1, undo);
	sem_change(set, 0, 1, undo);
	status = reap(child);
	EXPECT(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	EXPECT(sem_value(set, 0) == 1);
	return 0;
}

static int run_with_undo(int argc, char **argv)
{
	(void)argc, (void)argv;
	undo = SEM_UNDO;
	return run_lock();
}

static int run_without_undo(int argc, char **argv)
{
	(void)argc, (void)argv;
	undo = 0;
	return run_lock();
}

static const struct variant variants[] = {
	{ "with_undo", run_with_undo },
	{ "without_undo", run_without_undo },
};

SUBJECT_MAIN(variants)
