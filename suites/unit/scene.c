/* SPDX-License-Identifier: Apache-2.0 */
/* scene.c - see scene.h. It stands in for the runner's files that look at processes. */
#include <stdlib.h>
#include <string.h>

#include "scene.h"

struct scene scene;
struct supervisor *s;
struct story story;
pid_t gone;

/* What the tested files ask of others. */
void __wrap_holds_read(struct supervisor *super, struct scene *of)
{
	(void)super, (void)of;
}

struct task *scene_task(struct scene *of, pid_t tid)
{
	for (uint32_t i = 0; i < of->n_tasks; i++)
		if (of->task[i].tid == tid)
			return &of->task[i];
	return NULL;
}

bool scene_is_gone(const struct scene *of, pid_t tid)
{
	(void)of;
	return tid == gone;
}

bool task_call(const struct supervisor *super, const struct task *t, struct event *event)
{
	(void)super;
	*event = (struct event){ .enter_tsc = story.now + 1, .call = CALL_pthread_cond_wait };
	return t->slot >= 0;
}

const struct target *task_target(const struct scene *of, const struct task *t, unsigned int i)
{
	return &of->target[t->target + i];
}

bool remote_read(pid_t pid, uint64_t from, void *to, size_t n_bytes)
{
	(void)pid, (void)from, (void)to, (void)n_bytes;
	return false;
}

bool is_outside(const struct supervisor *super, uint64_t dev, uint64_t ino)
{
	(void)super, (void)dev, (void)ino;
	return false;
}

bool waits_in_memory(const struct task *t)
{
	return t->kind >= WAIT_PSEM && t->kind <= WAIT_JOIN;
}

bool observe_path(const struct process *p, const char *name, char *path)
{
	(void)p, (void)name, (void)path;
	return false;
}

void scene_begin(void)
{
	memset(&scene, 0, sizeof(scene));
	gone = 0;
	story_begin(&story);
	s = calloc(1, sizeof(*s));
	s->model = story.model;
	s->process = calloc(8, sizeof(*s->process));
}

void scene_end(void)
{
	story_end(&story);
	free(s->uses);
	free(s->process);
	free(s);
}

uint32_t scene_proc(uint32_t process)
{
	scene.proc[scene.n_procs] = (struct scene_proc){ .pid = PID(process),
							 .tid = PID(process),
							 .ppid = process ? PID(ROOT) : 1,
							 .process = (int32_t)process };
	s->n_processes = process + 1 > s->n_processes ? process + 1 : s->n_processes;
	return scene.n_procs++;
}

struct task *scene_waits(uint32_t of, uint32_t thread, enum wait_kind kind, uint64_t object)
{
	struct task *t = &scene.task[scene.n_tasks];
	pid_t pid = scene.proc[of].pid;

	*t = (struct task){ .pid = pid,
			    .tid = pid + (pid_t)thread * 1000,
			    .proc = of,
			    .slot = (int32_t)scene.n_tasks,
			    .kind = kind,
			    .live = kind == WAIT_LIVE,
			    .object = object };
	s->thread[scene.n_tasks].number = thread;
	scene.n_tasks++;
	return t;
}

struct task *scene_waits_mutex(uint32_t of, uint32_t thread, uint64_t object,
			       const struct task *owner)
{
	struct task *t = scene_waits(of, thread, WAIT_MUTEX, object);

	t->memory.owner = owner ? owner->tid : 0;
	t->memory.shared = object_value_of(object) & OBJECT_PLACE_SHARED;
	return t;
}

struct task *scene_waits_shared(uint32_t of, enum wait_kind kind, uint64_t object)
{
	struct task *t = scene_waits(of, 0, kind, object);

	t->memory.shared = true;
	t->memory.dev = 1;
	t->memory.ino = 7;
	t->memory.offset = 64;
	return t;
}

void scene_has_page(uint32_t of)
{
	scene.share[scene.n_shares++] = (struct share){ 1, 7, 0, 4096, of };
}

struct file scene_pipe(uint64_t ino, bool reads)
{
	return (struct file){ .kind = FILE_PIPE, .reads = reads, .writes = !reads, .ino = ino };
}

struct file scene_socket(uint64_t ino)
{
	return (struct file){ .kind = FILE_SOCKET, .reads = true, .writes = true, .ino = ino };
}

void scene_has_file(uint32_t of, struct file file)
{
	scene.hold[scene.n_holds++] = (struct hold){ .file = file, .proc = of };
}

struct task *scene_waits_fd(uint32_t of, uint32_t thread, enum wait_kind kind, struct file file,
			    uint64_t peer)
{
	struct task *t = scene_waits(of, thread, kind, file_object(&file));

	t->target = scene.n_targets;
	t->n_targets = 1;
	scene.target[scene.n_targets++] = (struct target){
		.file = file, .writes = kind == WAIT_WRITE, .peer = peer, .object = t->object
	};
	scene_has_file(of, file);
	return t;
}

/* All wait again. */
static void again(void)
{
	for (uint32_t i = 0; i < scene.n_tasks; i++)
		scene.task[i].live = scene.task[i].kind == WAIT_LIVE;
	for (uint32_t i = 0; i < scene.n_procs; i++)
		scene.proc[i].live = false;
}

void scene_solved(const char *expected)
{
	char got[SCENE_TASKS + 1];

	again();
	scene_solve(s, &scene);
	for (uint32_t i = 0; i < scene.n_tasks; i++)
		got[i] = scene.task[i].live ? 'L' : 'S';
	got[scene.n_tasks] = '\0';
	ck_assert_str_eq(got, expected);
}

void scene_caused(enum cause cause, uint32_t n_core)
{
	static struct stuck stuck;
	static struct graph graph;

	graph_make(s, &scene, &graph);
	stuck = (struct stuck){
		.s = s, .scene = &scene, .graph = &graph, .component = ALL_COMPONENTS
	};
	ck_assert(cause_find(&stuck));
	ck_assert_int_eq(stuck.cause, cause);
	ck_assert_uint_eq(stuck.n_core, n_core);
}

void scene_call(uint32_t process, unsigned int call, uint64_t object)
{
	story_call(&story, process, (struct event){ .call = (uint16_t)call, .object = object },
		   NULL, 0);
}

void scene_moved(uint32_t process, unsigned int call, uint64_t object)
{
	struct event event = { .call = (uint16_t)call, .object = object, .result = 1 };

	observe_descriptors(s, &s->process[process], &event, NULL);
}
