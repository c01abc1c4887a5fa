/* SPDX-License-Identifier: Apache-2.0 */
/* story_lock.h - story.h's calls on locks in memory and on files, and on threads. */
#ifndef SUITES_UNIT_STORY_LOCK_H
#define SUITES_UNIT_STORY_LOCK_H

#include "story.h"

/* A lock in memory that all share, and in that of one process. */
uint64_t story_shared(enum object_kind kind, unsigned int number);
uint64_t story_private(enum object_kind kind, uint32_t process, unsigned int number);

/* The calls that follow are made by this thread of their process. */
void story_thread(struct story *s, uint32_t thread);
void story_create_thread(struct story *s, uint32_t process, uint32_t number);
void story_join_thread(struct story *s, uint32_t process, uint32_t number);

/* A call whose first argument is the lock. */
void story_lock_call(struct story *s, uint32_t process, unsigned int call, uint64_t lock);
/* ... and which is a mutex of that kind (enum mutex_bit). */
void story_mutex(struct story *s, uint32_t process, unsigned int call, uint64_t mutex, int bits);
void story_lock(struct story *s, uint32_t process, uint64_t mutex);
void story_unlock(struct story *s, uint32_t process, uint64_t mutex);
/* The call that takes, or gives, a lock of the object's kind. */
void story_take(struct story *s, uint32_t process, uint64_t lock);
void story_give(struct story *s, uint32_t process, uint64_t lock);
void story_sem_init(struct story *s, uint32_t process, uint64_t sem, unsigned int value);
void story_sem_open(struct story *s, uint32_t process, uint64_t sem, const char *name, int flags,
		    unsigned int value);

void story_cond_wait(struct story *s, uint32_t process, uint64_t cond, uint64_t mutex);
/* `heard`: somebody waits. */
void story_cond_signal(struct story *s, uint32_t process, uint64_t cond, bool heard);

void story_flock(struct story *s, uint32_t process, uint64_t file, int fd, int operation);
/* F_SETLK and its relatives; type as F_RDLCK. */
void story_record(struct story *s, uint32_t process, uint64_t file, int fd, int command, int type,
		  int64_t start, int64_t length);
void story_close_file(struct story *s, uint32_t process, uint64_t file, int fd);

void story_kill(struct story *s, uint32_t process, uint32_t target, int signo);
void story_catch(struct story *s, uint32_t process, int signo);

#endif
