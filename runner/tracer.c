/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer.c - the tracer's thread: waits for stops and ends of the trial's tasks, and hands each
 * stop to whoever understands it. Ends of processes are handed on to the supervisor.
 */
#define _GNU_SOURCE
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS \
	(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define BATCH 64 /* stops and ends that are dealt with in one go */
#define TIMER_SIGNAL SIGRTMIN
#define TIMER_AGAIN_NS NS_PER_MS /* a signal that comes just before the wait is lost */

struct waited {
	pid_t tid;
	int status;
};

uint64_t tracer_now(const struct tracer *t)
{
	return ticks_now(t->s);
}

/* A task that has been killed meanwhile cannot be told anything: its end comes next. */
static void go_on(struct task *task, int how, int signo)
{
	ptrace((enum __ptrace_request)how, task->tid, NULL, (void *)(long)signo);
}

void task_go_on(struct tracer *t, struct task *task)
{
	(void)t;
	go_on(task, PTRACE_CONT, 0);
}

void task_go_on_to_exit(struct tracer *t, struct task *task)
{
	(void)t;
	go_on(task, PTRACE_SYSCALL, 0);
}

static void timer_set(struct tracer *t, uint64_t due_ns)
{
	struct itimerspec spec = { { 0, TIMER_AGAIN_NS }, { 0, 0 } };

	spec.it_value.tv_sec = (time_t)(due_ns / NS_PER_S);
	spec.it_value.tv_nsec = (long)(due_ns % NS_PER_S);
	timer_settime(t->timer, TIMER_ABSTIME, &spec, NULL);
}

void task_hold(struct tracer *t, struct task *task, uint64_t ns)
{
	task->due_ns = now_ns() + (ns < INT64_MAX / 2 ? ns : INT64_MAX / 2);
	t->n_held++;
}

/* Calls whose delay is over go on; the timer is set for the next one. */
static void release_due(struct tracer *t)
{
	uint64_t now = now_ns(), next = UINT64_MAX;

	if (t->n_held == 0)
		return;
	for (unsigned int i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->task[i]; task; task = task->next) {
			if (task->due_ns && task->due_ns <= now) {
				task->due_ns = 0;
				t->n_held--;
				call_resume(t, task);
			} else if (task->due_ns && task->due_ns < next) {
				next = task->due_ns;
			}
		}
	if (next != UINT64_MAX)
		timer_set(t, next);
	else
		timer_settime(t->timer, 0, &(struct itimerspec){ 0 }, NULL);
}

static void program_mark(struct program *program, uint32_t flag, bool on)
{
	if (!program->slot)
		return;
	if (on)
		atomic_fetch_or(&program->slot->flags, flag);
	else
		atomic_fetch_and(&program->slot->flags, ~flag);
}

/* A task's birth, the beginning and the end of a stop by signal. */
static void group_stop(struct tracer *t, struct task *task, int signo)
{
	if (!task->known) {
		task->halted = true;
		return;
	}
	program_slot(t, task->program);
	program_mark(task->program, PROC_STOPPED, signo != SIGTRAP);
	go_on(task, signo == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, 0);
}

/* A trap that is ours: the breakpoint at the program's entry, or the first step into a handler. */
static bool own_trap(struct tracer *t, struct task *task)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) < 0 || info.si_code <= 0)
		return false;
	if (task->program->armed && exec_entry_reached(t, task))
		return true;
	if (!task->stepping)
		return false;
	task->stepping = false;
	call_interrupted(t, task);
	return true;
}

static void signal_stop(struct tracer *t, struct task *task, int signo)
{
	if (signo == SIGTRAP && own_trap(t, task)) {
		go_on(task, PTRACE_CONT, 0);
		return;
	}
	task->stepping = task->n_suspended > 0;
	go_on(task, task->stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, signo);
}

static void child_event(struct tracer *t, struct task *task)
{
	unsigned long tid;

	if (ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &tid) == 0) {
		task->made = (pid_t)tid;
		task_born(t, task, (pid_t)tid, (task->clone_flags & CLONE_THREAD) != 0);
	}
	if (task->now.active)
		task_go_on_to_exit(t, task);
	else
		task_go_on(t, task);
}

static void exec_event(struct tracer *t, struct task *task)
{
	unsigned long former;

	if (ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &former) == 0)
		exec_done(t, task, (pid_t)former);
	task_go_on(t, task);
}

static void stopped(struct tracer *t, pid_t tid, int status)
{
	struct task *task = task_find(t, tid);
	int event = status >> 16, signo = WSTOPSIG(status);

	if (!task) /* its birth has not been told yet */
		task = task_new(t, tid);
	if (event == PTRACE_EVENT_STOP) {
		group_stop(t, task, signo);
		return;
	}
	if (!task->known && !task_adopt(t, task, 0))
		return;
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		call_enter(t, task);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		child_event(t, task);
		break;
	case PTRACE_EVENT_EXEC:
		exec_event(t, task);
		break;
	case 0:
		if (signo == SYSCALL_STOP)
			call_leave(t, task);
		else
			signal_stop(t, task, signo);
		break;
	default:
		task_go_on(t, task);
	}
}

static void tell_end(struct tracer *t, pid_t pid, int status)
{
	pthread_mutex_lock(&t->lock);
	if (t->n_ended == t->room_ended) {
		t->room_ended = t->room_ended ? 2 * t->room_ended : 64;
		t->ended = realloc(t->ended, t->room_ended * sizeof(*t->ended));
		if (!t->ended)
			abort();
	}
	t->ended[t->n_ended].pid = pid;
	t->ended[t->n_ended++].status = status;
	pthread_mutex_unlock(&t->lock);
	tracer_bell(t);
}

static void gone(struct tracer *t, pid_t tid, int status)
{
	struct task *task = task_find(t, tid);
	bool is_process = !task || !task->program || task->program->pid == tid;

	if (task && task->program) {
		call_left(t, task);
		if (is_process)
			close_all_lost(t, task);
	}
	if (task)
		task_free(t, task);
	/* an exec from another thread ends threads of which nothing is known any more */
	if (task || tid == t->root)
		tasks_adopt(t, 0);
	if (is_process)
		tell_end(t, tid, status);
}

/*
 * All that has happened is collected before any of it is dealt with: the kernel tells of the
 * youngest task first, and one that is let go on at once would come before all others for ever.
 * Returns how many; 0: a signal has come, or nobody is left.
 */
static unsigned int collect(struct waited *waited, bool *nobody)
{
	unsigned int n = 0;

	*nobody = false;
	while (n < BATCH) {
		waited[n].tid = waitpid(-1, &waited[n].status, __WALL | (n ? WNOHANG : 0));
		if (waited[n].tid <= 0)
			break;
		n++;
	}
	if (n == 0)
		*nobody = errno == ECHILD;
	return n;
}

/* Ends come last: what their processes did, and what others did meanwhile, was before. */
static void watch_tasks(struct tracer *t)
{
	struct waited waited[BATCH];
	bool nobody = false;

	while (!nobody) {
		unsigned int n = collect(waited, &nobody);

		for (unsigned int i = 0; i < n; i++)
			if (WIFSTOPPED(waited[i].status))
				stopped(t, waited[i].tid, waited[i].status);
		for (unsigned int i = 0; i < n; i++)
			if (!WIFSTOPPED(waited[i].status))
				gone(t, waited[i].tid, waited[i].status);
		release_due(t);
	}
}

static void nothing(int signo)
{
	(void)signo;
}

/* A signal for this thread alone, that interrupts waitpid(). */
static void timer_set_up(struct tracer *t)
{
	struct sigaction action = { .sa_handler = nothing };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = TIMER_SIGNAL,
				  ._sigev_un._tid = gettid() };
	sigset_t mask;

	sigaction(TIMER_SIGNAL, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, TIMER_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &t->timer) != 0)
		abort();
}

static dev_t pipefs(void)
{
	struct stat info = { 0 };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == 0) {
		fstat(fds[0], &info);
		close(fds[0]);
		close(fds[1]);
	}
	return info.st_dev;
}

static void begin_root(struct tracer *t)
{
	struct program *program = program_new(t, t->root);
	struct task *task = task_new(t, t->root);

	task_join(task, program);
	program->mode = MODE_START;
	program->slot = &t->arena->proc[0];
	program->generation = atomic_load(&program->slot->generation);
}

static void *follow(void *data)
{
	struct tracer *t = data;
	int err = 0;

	if (ptrace(PTRACE_SEIZE, t->root, NULL, (void *)OPTIONS) < 0)
		err = errno;
	pthread_mutex_lock(&t->lock);
	t->attached = err;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	if (err == 0) {
		timer_set_up(t);
		begin_root(t);
		watch_tasks(t);
		timer_delete(t->timer);
	}
	pthread_mutex_lock(&t->lock);
	t->over = true;
	pthread_mutex_unlock(&t->lock);
	tracer_bell(t);
	return NULL;
}

int tracer_follow(struct supervisor *s, pid_t root)
{
	struct tracer *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return ENOMEM;
	t->s = s;
	t->arena = s->arena;
	t->root = root;
	t->attached = -1;
	t->pipefs = pipefs();
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	err = pthread_create(&t->thread, NULL, follow, t);
	if (err)
		return err;
	pthread_mutex_lock(&t->lock);
	while (t->attached < 0)
		pthread_cond_wait(&t->changed, &t->lock);
	err = t->attached;
	pthread_mutex_unlock(&t->lock);
	if (err) {
		pthread_join(t->thread, NULL);
		free(t);
	} else {
		s->tracer = t;
	}
	return err;
}

const char *tracer_why(const struct tracer *t, uint32_t slot)
{
	const char *why = atomic_load(&t->why[slot]);

	return why ? why : "static program";
}

pid_t tracer_reap(struct tracer *t, int *status)
{
	pid_t pid = 0;

	pthread_mutex_lock(&t->lock);
	if (t->n_ended) {
		pid = t->ended[0].pid;
		*status = t->ended[0].status;
		memmove(t->ended, t->ended + 1, --t->n_ended * sizeof(*t->ended));
	} else if (t->over) {
		pid = -1;
	}
	pthread_mutex_unlock(&t->lock);
	return pid;
}
