/* SPDX-License-Identifier: Apache-2.0 */
/* record_file.c - what an event says of locks on files: flock, lockf, and fcntl's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"

/* lockf locks from where the descriptor stands, forwards or backwards. */
void record_lockf_before(struct gate *g)
{
	int64_t at = raw3(SYS_lseek, g->a[0], 0, SEEK_CUR), n = g->a[2];

	if (at < 0)
		return;
	g->event->arg[3] = n < 0 ? at + n : at;
	g->event->arg[4] = n < 0 ? -n : n;
}

/* Where a lock begins, from the beginning of the file; it may be given from its end on. */
static void from_start(int fd, struct flock *lock)
{
	struct stat st;
	int64_t at = 0;

	if (lock->l_whence == SEEK_CUR)
		at = raw3(SYS_lseek, fd, 0, SEEK_CUR);
	else if (lock->l_whence == SEEK_END)
		at = raw2(SYS_fstat, fd, &st) < 0 ? -1 : st.st_size;
	if (at < 0 || lock->l_whence > SEEK_END)
		return;
	lock->l_whence = SEEK_SET;
	lock->l_start += at;
	if (lock->l_len < 0) {
		lock->l_start += lock->l_len;
		lock->l_len = -lock->l_len;
	}
}

/* What is asked for or, of F_GETLK, what was found. */
void record_flock_of(struct gate *g)
{
	struct flock lock;

	if (!safe_read((const void *)g->a[2], &lock, sizeof(lock)))
		return;
	from_start((int)g->a[0], &lock);
	g->event->arg[3] = (uint16_t)lock.l_type | (int64_t)lock.l_whence << 16;
	g->event->arg[4] = lock.l_start;
	g->event->arg[5] = lock.l_len;
}

static bool takes(const struct gate *g)
{
	switch (g->canonical) {
	case CALL_flock:
		return (g->a[1] & ~LOCK_NB) != LOCK_UN;
	case CALL_lockf:
		return g->a[1] == F_LOCK || g->a[1] == F_TLOCK;
	default:
		return (g->event->arg[3] & 0xffff) != F_UNLCK;
	}
}

void record_file_lock(struct gate *g, long result)
{
	(void)result;
	if (g->canonical == CALL_fcntl && (g->a[1] == F_GETLK || g->a[1] == F_OFD_GETLK))
		record_flock_of(g);
	else if (takes(g))
		fd_note_lock(g->event->object);
}
