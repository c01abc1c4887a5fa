/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.h - made-up scenes for the deadlock watch: tasks, what they wait for, and what their
 * processes have are given; history comes from a made-up trial. No process is looked at.
 */
#ifndef SUITES_UNIT_SCENE_H
#define SUITES_UNIT_SCENE_H

#include "story.h"
#include "watch.h"

#define SHARED_LOCK(kind, n) OBJECT_REF(kind, OBJECT_PLACE_SHARED | (n))
#define PRIVATE_LOCK(kind, n) OBJECT_REF(kind, n)
#define PID(process) ((pid_t)(100 + (process)))

extern struct scene scene;
extern struct supervisor *s;
extern struct story story;
extern pid_t gone; /* a thread that is known to be dead */

void scene_begin(void);
void scene_end(void);
/* A process of the story, the child of the root unless it is the root. Returns its index. */
uint32_t scene_proc(uint32_t process);
/* Thread 0 has the process's pid as its id. */
struct task *scene_waits(uint32_t of, uint32_t thread, enum wait_kind kind, uint64_t object);
/* It waits for a mutex that `owner` has; NULL: its memory does not tell. */
struct task *scene_waits_mutex(uint32_t of, uint32_t thread, uint64_t object,
			       const struct task *owner);
/* For something in the shared page. */
struct task *scene_waits_shared(uint32_t of, enum wait_kind kind, uint64_t object);
/* For that descriptor, which its process then has. */
struct task *scene_waits_fd(uint32_t of, uint32_t thread, enum wait_kind kind, struct file file,
			    uint64_t peer);
void scene_has_page(uint32_t of);
void scene_has_file(uint32_t of, struct file file);
struct file scene_pipe(uint64_t ino, bool reads);
struct file scene_socket(uint64_t ino);

/* A call that the model is told of; and one that the supervisor keeps in its own book. */
void scene_call(uint32_t process, unsigned int call, uint64_t object);
void scene_moved(uint32_t process, unsigned int call, uint64_t object);

/* Looks at them anew. "SLS": of each task, stuck or live. */
void scene_solved(const char *expected);
/* Why they are stuck, and how many of them that is about. */
void scene_caused(enum cause cause, uint32_t n_core);

#endif
