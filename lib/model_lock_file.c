/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_lock_file.c - locks on files. flock's belong to what was opened: copies of the descriptor
 * share it, in children too, which nobody can see from the calls; it is told by process and number
 * here, and is taken for given back when that descriptor is closed. Record locks of fcntl and lockf
 * belong to the process, and go when it closes any descriptor of the file; open-file-description
 * locks are to flock's what record locks are to the process.
 */
#define _GNU_SOURCE
#include "model_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define TO_THE_END INT64_MAX
#define HOLDS_MAX 1024 /* more records than that are not followed */

static enum lock_act flock_act(const struct event *event, struct lock_part *part)
{
	int operation = (int)event->arg[1];

	part->owner = OWNED_BY_FILE;
	part->last = TO_THE_END;
	part->shared = (operation & ~LOCK_NB) == LOCK_SH;
	if ((operation & ~LOCK_NB) == LOCK_UN)
		return LOCK_GIVES;
	return operation & LOCK_NB ? LOCK_TRIES : LOCK_TAKES;
}

/* A length of 0 goes to the end, one below 0 backwards. */
static bool set_range(struct lock_part *part, int64_t start, int64_t length)
{
	int64_t sum;

	part->start = start;
	part->last = TO_THE_END;
	if (length > 0 && !__builtin_add_overflow(start, length - 1, &sum))
		part->last = sum;
	if (length >= 0)
		return start >= 0;
	part->last = start - 1;
	return !__builtin_add_overflow(start, length, &part->start) && part->start >= 0;
}

static enum lock_act lockf_act(const struct event *event, struct lock_part *part)
{
	part->owner = OWNED_BY_PROCESS;
	part->fcntl = true;
	if (!set_range(part, event->arg[3], event->arg[4]))
		return LOCK_LOOKS;
	switch (event->arg[1]) {
	case F_LOCK:
		return LOCK_TAKES;
	case F_TLOCK:
		return LOCK_TRIES;
	case F_ULOCK:
		return LOCK_GIVES;
	default:
		return LOCK_LOOKS;
	}
}

/* Relative to where the file stands, or to its end: which bytes is not known. Then as much as
 * possible is given, and nothing taken. */
static enum lock_act fcntl_act(const struct event *event, struct lock_part *part)
{
	int command = (int)event->arg[1], type = (int)(event->arg[3] & 0xffff);
	bool known = (event->arg[3] >> 16 & 0xffff) == SEEK_SET &&
		     set_range(part, event->arg[4], event->arg[5]);

	if (command != F_SETLK && command != F_SETLKW && command != F_OFD_SETLK &&
	    command != F_OFD_SETLKW)
		return LOCK_LOOKS;
	part->owner = command == F_SETLK || command == F_SETLKW ? OWNED_BY_PROCESS : OWNED_BY_FILE;
	part->fcntl = true;
	part->shared = type == F_RDLCK;
	if (!known) {
		part->start = 0;
		part->last = TO_THE_END;
		return LOCK_GIVES;
	}
	if (type == F_UNLCK)
		return LOCK_GIVES;
	return command == F_SETLKW || command == F_OFD_SETLKW ? LOCK_TAKES : LOCK_TRIES;
}

enum lock_act lock_file_act(const struct event *event, struct lock_part *part)
{
	part->fd = (int)event->arg[0];
	switch (calls[event->call].canonical_id) {
	case CALL_flock:
		return flock_act(event, part);
	case CALL_lockf:
		return lockf_act(event, part);
	case CALL_fcntl:
		return fcntl_act(event, part);
	case CALL_close:
		return LOCK_LOOKS;
	default:
		return LOCK_NOTHING;
	}
}

static bool overlap(const struct lock_part *a, const struct lock_part *b)
{
	return a->fcntl == b->fcntl && a->start <= b->last && b->start <= a->last;
}

static bool is_own(const struct lock_hold *hold, uint32_t process, const struct lock_part *part)
{
	return hold->process == process && hold->part.owner == part->owner &&
	       hold->part.fcntl == part->fcntl &&
	       (part->owner == OWNED_BY_PROCESS || hold->part.fd == part->fd);
}

/* The bytes behind what is given back. */
static void split(struct model *model, const struct lock_hold *hold, int64_t start)
{
	struct event event = { .stack = hold->stack, .site = hold->site };
	struct lock_part part = hold->part;
	struct lock_hold *rest;

	part.start = start;
	rest = hold_new(model, hold->lock, hold->actor, &event, &part);
	rest->units = 1;
	rest->taken_exit = hold->taken_exit;
	rest->sure_exit = hold->sure_exit;
}

static void give_bytes(struct model *model, struct lock_hold *hold, const struct lock_part *part)
{
	if (part->last < hold->part.last)
		split(model, hold, part->last + 1);
	if (part->start > hold->part.start)
		hold->part.last = part->start - 1;
	else
		hold_drop(model, hold);
}

static bool give(struct model *model, struct lock *lock, uint32_t process,
		 const struct lock_part *part)
{
	struct lock_hold *older;
	bool any = false;

	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		if (!is_own(hold, process, part) || !overlap(&hold->part, part))
			continue;
		give_bytes(model, hold, part);
		any = true;
	}
	return any;
}

/* What a process inherited it can give back for the one that took it. */
static void give_inherited(struct model *model, struct lock *lock, uint32_t process,
			   const struct lock_part *part)
{
	struct lock_hold *older;

	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		if (hold->part.owner == OWNED_BY_FILE && overlap(&hold->part, part) &&
		    (process_descends(model, process, hold->process) ||
		     process_descends(model, hold->process, process)))
			give_bytes(model, hold, part);
	}
}

/* Who had these bytes before, and would not share them, has them no more. */
static void make_room(struct model *model, struct lock *lock, const struct lock_part *part)
{
	struct lock_hold *older;

	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		if (overlap(&hold->part, part) && !(hold->part.shared && part->shared))
			hold_drop(model, hold);
	}
}

static void closed(struct model *model, struct lock *lock, uint32_t process, int fd)
{
	struct lock_hold *older;

	for (struct lock_hold *hold = lock->holds; hold; hold = older) {
		older = hold->older_of_lock;
		if (hold->process == process &&
		    (hold->part.owner == OWNED_BY_PROCESS || hold->part.fd == fd))
			hold_drop(model, hold);
	}
}

void lock_file_event(struct model *model, struct lock *lock, struct actor *actor,
		     const struct event *event, enum lock_act act, const struct lock_part *part)
{
	if (calls[event->call].canonical_id == CALL_close) {
		closed(model, lock, actor->process, part->fd);
		return;
	}
	if (act != LOCK_TAKES && act != LOCK_TRIES && act != LOCK_GIVES)
		return;
	/* a new lock on the same bytes takes the old one's place */
	if (!give(model, lock, actor->process, part) && act == LOCK_GIVES &&
	    part->owner == OWNED_BY_FILE)
		give_inherited(model, lock, actor->process, part);
	if (act == LOCK_GIVES)
		return;
	make_room(model, lock, part);
	if (lock->n_holds == HOLDS_MAX)
		return;
	hold_new(model, lock, actor, event, part)->units = 1;
}
