/* SPDX-License-Identifier: Apache-2.0 */
/* sample_process.c - processes that begin, end and are waited for. */
#include "sample.h"

#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { CHILD_STATUS = 7 };

static void print_status(int status)
{
	print(" exited=%d status=%d", WIFEXITED(status),
	      WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

/* The child ends at once; what the parent got is kept for the look at it. */
static long child_ends(pid_t pid)
{
	if (pid == 0)
		raw1(SYS_exit_group, CHILD_STATUS);
	stage->pid = pid;
	return pid;
}

static void data_child(void)
{
	if (stage->pid > 0)
		print_status(raw_reap(stage->pid));
}

CALLS(fork, child_ends(fork()))
SAMPLE(fork, .data = data_child, .shape = SHAPE_PID);

CALLS(__fork, child_ends(__fork()))
SAMPLE(__fork, .data = data_child, .shape = SHAPE_PID);

CALLS(_Fork, child_ends(_Fork()))
SAMPLE(_Fork, .data = data_child, .shape = SHAPE_PID);

static long call_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		raw1(SYS_exit_group, CHILD_STATUS);
	stage->pid = pid;
	return pid;
}
SAMPLE(vfork, .data = data_child, .shape = SHAPE_PID);

static int cloned(void *arg)
{
	return *(const int *)arg;
}

static char stack[65536] __attribute__((aligned(16)));
static int cloned_status = CHILD_STATUS;

CALLS(clone, stage->pid = clone(cloned, stack + sizeof(stack), SIGCHLD, &cloned_status))
FAILS(clone, clone(cloned, NULL, SIGCHLD, &cloned_status))
SAMPLE(clone, .fail = fail_clone, .data = data_child, .shape = SHAPE_PID);

static char *const argv[] = { "row-sample", "--executed", "spawned", NULL };
static char *const envp[] = { "SAMPLE=given", NULL };

CALLS(posix_spawn, posix_spawn(&stage->pid, "/proc/self/exe", NULL, NULL, argv, envp))
FAILS(posix_spawn, posix_spawn(&stage->pid, "/none/x", NULL, NULL, argv, envp))
SAMPLE(posix_spawn, .fail = fail_posix_spawn, .data = data_child);

CALLS(posix_spawnp, posix_spawnp(&stage->pid, "/proc/self/exe", NULL, NULL, argv, envp))
FAILS(posix_spawnp, posix_spawnp(&stage->pid, "no-such-program", NULL, NULL, argv, envp))
SAMPLE(posix_spawnp, .fail = fail_posix_spawnp, .data = data_child);

CALLS(system, system("exit 3"))
SAMPLE(system, .data = NULL);

CALLS(exit, (exit(CHILD_STATUS), 0))
SAMPLE(exit, .ends = true);

CALLS(_exit, (_exit(CHILD_STATUS), 0))
SAMPLE(_exit, .ends = true);

CALLS(_Exit, (_Exit(CHILD_STATUS), 0))
SAMPLE(_Exit, .ends = true);

CALLS(quick_exit, (quick_exit(CHILD_STATUS), 0))
SAMPLE(quick_exit, .ends = true);

static void prepare_child(void)
{
	pid_t pid = raw_fork();

	/* The stage is shared: only the parent may write the pid there. */
	if (pid == 0)
		raw1(SYS_exit_group, CHILD_STATUS);
	stage->pid = pid;
	stage->status = -1;
}

static void data_status(void)
{
	print_status(stage->status);
}

#define WAITS(name) \
	SAMPLE(name, .prepare = prepare_child, .fail = fail_##name, .data = data_status, \
	       .shape = SHAPE_PID)

static struct rusage usage;
static siginfo_t info;

CALLS(__wait, __wait(&stage->status))
FAULTS(__wait, __wait(nowhere))
SAMPLE(__wait, .prepare = prepare_child, .fault = fault___wait, .data = data_status,
       .shape = SHAPE_PID);

CALLS(wait, wait(&stage->status))
FAULTS(wait, wait(nowhere))
SAMPLE(wait, .prepare = prepare_child, .fault = fault_wait, .data = data_status,
       .shape = SHAPE_PID);

CALLS(__waitpid, __waitpid(stage->pid, &stage->status, 0))
FAILS(__waitpid, __waitpid(1, &stage->status, 0))
WAITS(__waitpid);

CALLS(waitpid, waitpid(stage->pid, &stage->status, 0))
FAILS(waitpid, waitpid(1, &stage->status, 0))
WAITS(waitpid);

CALLS(wait3, wait3(&stage->status, 0, &usage))
FAILS(wait3, wait3(&stage->status, 1 << 20, &usage))
WAITS(wait3);

CALLS(wait4, wait4(-1, &stage->status, 0, &usage))
FAILS(wait4, wait4(bad, &stage->status, 1 << 20, NULL))
WAITS(wait4);

static void data_info(void)
{
	print(" mine=%d code=%d status=%d", info.si_pid == stage->pid, info.si_code,
	      info.si_status);
}

CALLS(waitid, waitid(P_ALL, 0, &info, WEXITED))
FAILS(waitid, waitid(P_ALL, 0, &info, 0))
FAULTS(waitid, waitid(P_ALL, 0, nowhere, WEXITED))
SAMPLE(waitid, .prepare = prepare_child, .fail = fail_waitid, .fault = fault_waitid,
       .data = data_info);

static pthread_t thread;

static void *run(void *arg)
{
	stage->status = *(const int *)arg;
	return NULL;
}

static void data_thread(void)
{
	if (thread)
		pthread_join(thread, NULL);
	print(" status=%d", stage->status);
}

static long fail_pthread_create(void)
{
	pthread_attr_t attributes;
	struct sched_param param = { .sched_priority = 1 };
	long result;

	pthread_attr_init(&attributes);
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_IDLE + 20);
	pthread_attr_setschedparam(&attributes, &param);
	pthread_attr_setstacksize(&attributes, (size_t)1 << 62);
	result = pthread_create(&thread, &attributes, run, &cloned_status);
	thread = 0;
	return result;
}

CALLS(pthread_create, pthread_create(&thread, NULL, run, &cloned_status))
SAMPLE(pthread_create, .fail = fail_pthread_create, .data = data_thread);

CALLS(daemon, daemon(1, 1))
SAMPLE(daemon, .data = NULL);
