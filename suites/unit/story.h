/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - tells the model a made-up trial, call by call, and asks what it found. Each call takes
 * two ticks of a clock of its own, so one comes after the other, unless story_overlap() says
 * otherwise.
 */
#ifndef SUITES_UNIT_STORY_H
#define SUITES_UNIT_STORY_H

#include "calls.h"
#include "model.h"
#include "unit.h"

#define STORY_LEFT 8

struct story {
	struct model *model;
	struct finding_list findings;
	struct model_options options;
	struct order_declaration order;
	uint64_t now;
	uint64_t site;      /* of the calls that follow; 0: one for each kind of call */
	uint64_t enter;     /* of the next call, if not 0 */
	unsigned int flags; /* of the next call, added */
	int err;            /* the next call fails with it */
	uint32_t thread;    /* that makes the calls */
	struct leftover left[STORY_LEFT];
	unsigned int n_left;
};

enum { ROOT = 0, NO_PARENT = -1 };

void story_begin(struct story *s);
/* With options and an order declared, both may be NULL or false. */
void story_begin_with(struct story *s, const char *order, bool strict);
/* Begins a process; its lineage is made of its parent's and `child_no`, its pid is 100 + number. */
void story_process(struct story *s, uint32_t process, int32_t parent, unsigned int child_no);
/* The next call began then: it overlaps all that came after. */
void story_overlap(struct story *s, uint64_t enter);
/* The next call failed so. */
void story_fail(struct story *s, int err);

/* One event; `more` may be NULL. Returns its exit time. */
uint64_t story_call(struct story *s, uint32_t process, struct event event, const void *more,
		    size_t n_more_bytes);

void story_semget(struct story *s, uint32_t process, int key, int flags, int id);
void story_semop(struct story *s, uint32_t process, int id, int num, int op, int flags);
void story_semops(struct story *s, uint32_t process, int id, const int (*ops)[3],
		  unsigned int n_ops);
void story_setval(struct story *s, uint32_t process, int id, int num, int value);
void story_setall(struct story *s, uint32_t process, int id, const uint16_t *values,
		  unsigned int n);
void story_semrm(struct story *s, uint32_t process, int id);
/* Made by the root with IPC_PRIVATE, all set to `value`. */
void story_set(struct story *s, int id, unsigned int n, uint16_t value);

void story_msgget(struct story *s, uint32_t process, int key, int flags, int id);
void story_send(struct story *s, uint32_t process, int id, long type, uint32_t number);
void story_receive(struct story *s, uint32_t process, int id, long type, uint32_t number,
		   int flags);
void story_msgrm(struct story *s, uint32_t process, int id);

void story_pipe(struct story *s, uint32_t process, int inode, int read_end, int write_end);
void story_write(struct story *s, uint32_t process, int inode, uint32_t length, uint64_t before,
		 uint64_t capacity);
void story_read(struct story *s, uint32_t process, int inode, uint32_t length);
void story_close(struct story *s, uint32_t process, int inode, int fd, int64_t left);

void story_wait(struct story *s, uint32_t process, uint32_t child);
void story_plain(struct story *s, uint32_t process, unsigned int call);

/* Ends of processes. */
void story_exit(struct story *s, uint32_t process); /* calls exit, and is gone */
void story_gone(struct story *s, uint32_t process); /* had called exit */
void story_killed_by_rule(struct story *s, uint32_t process);
void story_killed(struct story *s, uint32_t process, int signo);
void story_stopped(struct story *s, uint32_t process); /* by the runner */

void story_left(struct story *s, enum object_kind kind, int id, uint64_t n_messages,
		int32_t maker_pid);

/* Ends the trial and compares the kinds found: sorted, each once, with commas between. */
void story_expect(struct story *s, enum trial_end how, const char *kinds);
/* The same for outcomes. Before story_expect(). */
const struct finding *story_find(const struct story *s, const char *kind);
/* The end, after which nothing may be asked. */
void story_end(struct story *s);
/* Finish as ended, compare, free. */
void story_shows(struct story *s, const char *kinds);

#endif
