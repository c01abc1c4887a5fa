/* SPDX-License-Identifier: Apache-2.0 */
/* story_lock.c - see story_lock.h. */
#include "story_lock.h"

#include <string.h>
#include <sys/ipc.h>
#include <unistd.h>

uint64_t story_shared(enum object_kind kind, unsigned int number)
{
	return OBJECT_REF(kind, OBJECT_PLACE_SHARED | number);
}

uint64_t story_private(enum object_kind kind, uint32_t process, unsigned int number)
{
	return OBJECT_REF(kind, (uint64_t)(process + 1) << 32 | number);
}

void story_thread(struct story *s, uint32_t thread)
{
	s->thread = thread;
}

static uint64_t thread_ref(uint32_t process, uint32_t number)
{
	return OBJECT_REF(OBJECT_THREAD, (uint64_t)(100 + process) << 16 | number);
}

void story_create_thread(struct story *s, uint32_t process, uint32_t number)
{
	story_call(s, process,
		   (struct event){ .call = CALL_pthread_create,
				   .object = thread_ref(process, number),
				   .arg = { 0, 0, 0, 0, 0, number } },
		   NULL, 0);
}

void story_join_thread(struct story *s, uint32_t process, uint32_t number)
{
	story_call(
		s, process,
		(struct event){ .call = CALL_pthread_join, .object = thread_ref(process, number) },
		NULL, 0);
}

void story_lock_call(struct story *s, uint32_t process, unsigned int call, uint64_t lock)
{
	story_call(s, process, (struct event){ .call = (uint16_t)call, .object = lock }, NULL, 0);
}

void story_mutex(struct story *s, uint32_t process, unsigned int call, uint64_t mutex, int bits)
{
	story_call(s, process,
		   (struct event){
			   .call = (uint16_t)call, .object = mutex, .arg = { 0, 0, 0, 0, bits } },
		   NULL, 0);
}

void story_lock(struct story *s, uint32_t process, uint64_t mutex)
{
	story_lock_call(s, process, CALL_pthread_mutex_lock, mutex);
}

void story_unlock(struct story *s, uint32_t process, uint64_t mutex)
{
	story_lock_call(s, process, CALL_pthread_mutex_unlock, mutex);
}

void story_take(struct story *s, uint32_t process, uint64_t lock)
{
	static const unsigned int takes[OBJECT_N] = {
		[OBJECT_PSEM] = CALL_sem_wait,
		[OBJECT_MUTEX] = CALL_pthread_mutex_lock,
		[OBJECT_RWLOCK] = CALL_pthread_rwlock_wrlock,
		[OBJECT_SPIN] = CALL_pthread_spin_lock,
	};

	story_lock_call(s, process, takes[object_kind_of(lock)], lock);
}

void story_give(struct story *s, uint32_t process, uint64_t lock)
{
	static const unsigned int gives[OBJECT_N] = {
		[OBJECT_PSEM] = CALL_sem_post,
		[OBJECT_MUTEX] = CALL_pthread_mutex_unlock,
		[OBJECT_RWLOCK] = CALL_pthread_rwlock_unlock,
		[OBJECT_SPIN] = CALL_pthread_spin_unlock,
	};

	story_lock_call(s, process, gives[object_kind_of(lock)], lock);
}

void story_sem_init(struct story *s, uint32_t process, uint64_t sem, unsigned int value)
{
	story_call(s, process,
		   (struct event){
			   .call = CALL_sem_init, .object = sem, .arg = { 0, 1, value, 0, 1 } },
		   NULL, 0);
}

void story_sem_open(struct story *s, uint32_t process, uint64_t sem, const char *name, int flags,
		    unsigned int value)
{
	story_call(s, process,
		   (struct event){
			   .call = CALL_sem_open, .object = sem, .arg = { 0, flags, 0600, value } },
		   name, strlen(name) + 1);
}

void story_cond_wait(struct story *s, uint32_t process, uint64_t cond, uint64_t mutex)
{
	story_call(s, process,
		   (struct event){ .call = CALL_pthread_cond_wait,
				   .object = cond,
				   .arg = { 0, 0, 0, 0, 0, (int64_t)mutex } },
		   NULL, 0);
}

void story_cond_signal(struct story *s, uint32_t process, uint64_t cond, bool heard)
{
	story_call(s, process,
		   (struct event){ .call = CALL_pthread_cond_signal,
				   .object = cond,
				   .arg = { 0, 0, 0, 0, 0, heard } },
		   NULL, 0);
}

void story_flock(struct story *s, uint32_t process, uint64_t file, int fd, int operation)
{
	story_call(s, process,
		   (struct event){ .call = CALL_flock, .object = file, .arg = { fd, operation } },
		   NULL, 0);
}

void story_record(struct story *s, uint32_t process, uint64_t file, int fd, int command, int type,
		  int64_t start, int64_t length)
{
	story_call(
		s, process,
		(struct event){ .call = CALL_fcntl,
				.object = file,
				.arg = { fd, command, 0, type | SEEK_SET << 16, start, length } },
		NULL, 0);
}

void story_close_file(struct story *s, uint32_t process, uint64_t file, int fd)
{
	story_call(s, process, (struct event){ .call = CALL_close, .object = file, .arg = { fd } },
		   NULL, 0);
}

void story_kill(struct story *s, uint32_t process, uint32_t target, int signo)
{
	story_call(s, process, (struct event){ .call = CALL_kill, .arg = { 100 + target, signo } },
		   NULL, 0);
}

void story_catch(struct story *s, uint32_t process, int signo)
{
	story_call(s, process,
		   (struct event){ .call = CALL_sigaction, .arg = { signo, 0x1000, 0, 0x4000, 0 } },
		   NULL, 0);
}
