/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_world.c - the kernel's answers, made of the input's bytes. See fuzz_world.h. */
#define _GNU_SOURCE
#include "fuzz_world.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "watch.h"

struct world world;

/* The recipe's bytes, again and again. */
uint8_t world_byte(void)
{
	return world.n_recipe ? world.recipe[world.n_read++ % world.n_recipe] : 0;
}

/* The linker puts these in place of the calls (--wrap). */
int __wrap_kill(pid_t pid, int signo);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
long __wrap_syscall(long number, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_semctl(int id, int num, int command, ...);
int __wrap_msgctl(int id, int command, struct msqid_ds *ds);
int __wrap_shmctl(int id, int command, struct shmid_ds *ds);
int __wrap_unlink(const char *path);
int __wrap_rmdir(const char *path);
int __wrap_lstat64(const char *path, struct stat *info);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
pid_t __wrap_fork(void);
void __wrap_scene_read(struct supervisor *s, struct scene *scene);
void __wrap_holds_read(struct supervisor *s, struct scene *scene);
bool __wrap_context_read(struct supervisor *s, pid_t pid, pid_t tid, int32_t slot,
			 struct context *context);

int __wrap_kill(pid_t pid, int signo)
{
	(void)pid, (void)signo;
	errno = ESRCH;
	return world_byte() & 1 ? 0 : -1;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	(void)pid, (void)options;
	if (world.n_ended == 0) {
		errno = world_byte() & 1 ? ECHILD : EAGAIN;
		return errno == ECHILD ? -1 : 0;
	}
	*status = world.ended[--world.n_ended].status;
	return world.ended[world.n_ended].pid;
}

long __wrap_syscall(long number, ...)
{
	if (number == SYS_pidfd_open)
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	FUZZ_CHECK(number == SYS_futex);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	(void)fd, (void)request;
	errno = ENOTTY;
	return -1;
}

int __wrap_semctl(int id, int num, int command, ...)
{
	va_list list;
	void *pointer;

	(void)num;
	va_start(list, command);
	pointer = va_arg(list, void *);
	va_end(list);
	switch (command) {
	case SEM_INFO:
		return world_byte() % 4;
	case SEM_STAT_ANY:
	case IPC_STAT:
		memset(pointer, 0, sizeof(struct semid_ds));
		((struct semid_ds *)pointer)->sem_nsems = world_byte() % 4;
		return command == IPC_STAT ? 0 : id;
	case GETALL:
		memset(pointer, world_byte() % 3, 4 * sizeof(unsigned short));
		return 0;
	default:
		FUZZ_CHECK(command != IPC_RMID);
		return world_byte() % 3;
	}
}

int __wrap_msgctl(int id, int command, struct msqid_ds *ds)
{
	FUZZ_CHECK(command == MSG_INFO || command == MSG_STAT_ANY);
	memset(ds, 0, sizeof(*ds));
	ds->msg_qnum = world_byte() % 3;
	return command == MSG_INFO ? world_byte() % 4 : id;
}

int __wrap_shmctl(int id, int command, struct shmid_ds *ds)
{
	FUZZ_CHECK(command == SHM_INFO || command == SHM_STAT_ANY);
	memset(ds, 0, sizeof(*ds));
	return command == SHM_INFO ? world_byte() % 4 : id;
}

int __wrap_unlink(const char *path)
{
	(void)path;
	return 0;
}

int __wrap_rmdir(const char *path)
{
	(void)path;
	return 0;
}

/* Whatever the subject says that it made is there, and is a FIFO. */
int __wrap_lstat64(const char *path, struct stat *info)
{
	memset(info, 0, sizeof(*info));
	info->st_mode = S_IFIFO | 0600;
	info->st_ino = strlen(path);
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	world.now_ns += 100;
	now->tv_sec = (time_t)(world.now_ns / NS_PER_S);
	now->tv_nsec = (long)(world.now_ns % NS_PER_S);
	return 0;
}

pid_t __wrap_fork(void)
{
	FUZZ_CHECK(!"fork");
	return -1;
}

/* Whatever a wait may be for. */
static uint64_t object_of(const struct task *t)
{
	static const enum object_kind kinds[WAIT_N] = {
		[WAIT_SEM] = OBJECT_SEM,       [WAIT_PSEM] = OBJECT_PSEM,
		[WAIT_MUTEX] = OBJECT_MUTEX,   [WAIT_COND] = OBJECT_COND,
		[WAIT_RWLOCK] = OBJECT_RWLOCK, [WAIT_BARRIER] = OBJECT_BARRIER,
		[WAIT_FUTEX] = OBJECT_FUTEX,   [WAIT_JOIN] = OBJECT_THREAD,
		[WAIT_RECEIVE] = OBJECT_MSG,   [WAIT_SEND] = OBJECT_MQ,
		[WAIT_READ] = OBJECT_PIPE,     [WAIT_WRITE] = OBJECT_SOCKET,
		[WAIT_POLL] = OBJECT_PIPE,     [WAIT_FILE_LOCK] = OBJECT_FILE,
	};

	return kinds[t->kind] ? OBJECT_REF(kinds[t->kind], t->id) : 0;
}

static void add_target(struct scene *scene, struct task *t)
{
	struct target *target = &scene->target[scene->n_targets];

	t->target = scene->n_targets++;
	t->n_targets = 1;
	*target = (struct target){
		.file = { .kind = (enum file_kind)(world_byte() % (FILE_POLLER + 1)),
			  .ino = (uint64_t)t->id },
		.writes = t->kind == WAIT_WRITE,
		.crowd = world_byte() % 8 == 0,
		.peer = world_byte() % 4,
		.object = t->object,
	};
}

static void add_task(struct supervisor *s, struct scene *scene, uint32_t proc, int32_t slot)
{
	struct task *t = &scene->task[scene->n_tasks++];

	memset(t, 0, sizeof(*t));
	t->pid = scene->proc[proc].pid;
	t->slot = slot;
	t->proc = proc;
	t->tid = slot < 0 ? t->pid : 100000 + slot;
	t->context.state = 'S';
	if (slot >= 0)
		t->context.n_calls = atomic_load(&s->arena->thread[slot].n_calls);
	t->kind = (enum wait_kind)(world_byte() % WAIT_N);
	t->live = t->kind == WAIT_LIVE;
	t->id = world_byte() % 4;
	t->num = world_byte() % 4;
	t->to_zero = world_byte() % 4 == 0;
	t->object = object_of(t);
	t->memory = (struct memory_wait){ .shared = world_byte() & 1,
					  .ino = (uint64_t)t->id,
					  .owner = world_byte() % 8,
					  .robust = world_byte() & 1 };
	if (t->kind >= WAIT_READ && t->kind <= WAIT_FILE_LOCK && scene->n_targets < SCENE_TARGETS)
		add_target(scene, t);
}

/* As scene_read() gives it: processes that live, and threads that the supervisor has adopted. */
void __wrap_scene_read(struct supervisor *s, struct scene *scene)
{
	scene->overflow = scene->any_unfollowed = false;
	scene->n_tasks = scene->n_procs = scene->n_targets = 0;
	scene->n_holds = scene->n_shares = scene->n_locks = 0;
	for (uint32_t l = 0; l < s->n_live && scene->n_procs < SCENE_PROCS; l++) {
		const struct process *p = &s->process[s->live[l]];
		uint32_t proc = scene->n_procs++, before = scene->n_tasks;

		scene->proc[proc] = (struct scene_proc){ .pid = p->pid,
							 .ppid = world_byte() % 8,
							 .pgrp = world_byte() % 4,
							 .process = (int32_t)s->live[l] };
		for (uint32_t i = 0; i < s->n_slots_threads && scene->n_tasks < SCENE_TASKS; i++)
			if (s->thread[i].used && s->thread[i].process == s->live[l])
				add_task(s, scene, proc, (int32_t)i);
		if (scene->n_tasks == before && scene->n_tasks < SCENE_TASKS)
			add_task(s, scene, proc, -1);
	}
}

void __wrap_holds_read(struct supervisor *s, struct scene *scene)
{
	(void)s;
	for (uint32_t i = 0; i < scene->n_procs && i < 16; i++) {
		scene->hold[scene->n_holds++] = (struct hold){
			.file = { .kind = (enum file_kind)(world_byte() % (FILE_POLLER + 1)),
				  .ino = world_byte() % 4,
				  .reads = world_byte() & 1,
				  .writes = world_byte() & 1 },
			.proc = i,
			.flying = world_byte() % 8 == 0,
		};
		scene->share[scene->n_shares++] =
			(struct share){ .ino = world_byte() % 4, .end = 4096, .proc = i };
	}
}

bool __wrap_context_read(struct supervisor *s, pid_t pid, pid_t tid, int32_t slot,
			 struct context *context)
{
	(void)pid, (void)tid;
	memset(context, 0, sizeof(*context));
	context->state = 'S';
	if (slot >= 0)
		context->n_calls = atomic_load(&s->arena->thread[slot].n_calls);
	return world_byte() % 8 != 0;
}

void process_list(struct supervisor *s, pid_t *pid, unsigned int n_max, unsigned int *n)
{
	*n = 0;
	for (uint32_t i = 0; i < s->n_live && *n < n_max; i++)
		pid[(*n)++] = s->process[s->live[i]].pid;
}

void kill_all(struct supervisor *s)
{
	for (uint32_t i = 0; i < s->n_live; i++) {
		struct process *p = &s->process[s->live[i]];

		p->by_runner = !p->dead;
		p->dead = true;
	}
}

/* Of the supervisor's start, which is not what is looked at here. */
int namespaces_enter(struct supervisor *s, uid_t uid, gid_t gid)
{
	(void)s, (void)uid, (void)gid;
	return -1;
}

int arena_make(struct supervisor *s)
{
	(void)s;
	return -1;
}

int root_start(struct supervisor *s)
{
	(void)s;
	return -1;
}

void child_defaults(const struct supervisor *s)
{
	(void)s;
}

/* There is no tracer, so nobody asks it. */
pid_t tracer_reap(struct tracer *tracer, int *status)
{
	(void)tracer, (void)status;
	return -1;
}

const char *tracer_why(const struct tracer *tracer, uint32_t slot)
{
	(void)tracer, (void)slot;
	return NULL;
}
