/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point.h - a call at run time as rules see it, and what is decided about it. The shim asks from
 * inside of the caller, the supervisor's tracer from outside: both get the same answer, since it is
 * a pure function of (seed, rule, lineage, site, count) and of the counts that rules ask for, never
 * of the clock, a pid or the program's own random numbers. What only the kernel knows is asked
 * through `ops`. Async-signal-safe.
 */
#ifndef IPCJAM_POINT_H
#define IPCJAM_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "calls.h"
#include "plan.h"

#define POINT_IOVECS 16 /* entries of a vector that are looked at */

struct point;

/* What a socket is. */
enum point_socket {
	POINT_LOCAL = 1 << 0,   /* AF_UNIX */
	POINT_INET = 1 << 1,    /* AF_INET, AF_INET6 */
	POINT_MESSAGE = 1 << 2, /* it keeps boundaries */
};

/* What becomes of a signal. */
enum point_handler {
	POINT_HANDLED = 1 << 0,
	POINT_RESTARTS = 1 << 1, /* SA_RESTART */
};

struct point_ops {
	int64_t (*key_of)(const struct point *point, uint64_t object); /* System V; -1: none */
	uint64_t (*path_object)(const struct point *point, const char *path); /* 0: no object */
	/* of the caller's memory */
	bool (*read)(const struct point *point, const void *from, void *to, size_t n_bytes);
	long (*fd_flags)(const struct point *point, int fd);           /* as F_GETFL gives them */
	unsigned int (*socket)(const struct point *point, int fd);     /* enum point_socket */
	unsigned int (*handler)(const struct point *point, int signo); /* enum point_handler */
	uint64_t (*blocked)(const struct point *point); /* the caller's signal mask */
};

struct point {
	struct arena *arena;
	const struct plan *plan; /* the supervisor trusts only its own copy */
	struct arena_proc *proc;
	const struct call *call; /* the canonical row */
	enum call_id canonical;
	const long *a;             /* the arguments */
	const struct event *event; /* object, site, count, stack, flags */
	uint64_t lineage_hash;     /* of "1.2/1" */
	const struct point_ops *ops;
	const void *data; /* what ops need */
};

/* Do all selectors of this rule fit, but when=, p= and max=? */
bool point_selected(const struct point *point, unsigned int rule);
/* One more match: is it one that the rule wants, by count and by probability? */
bool point_due(const struct point *point, unsigned int rule);
/* max= bounds what fires in the whole trial. False: the rule does not fire. */
bool point_fires(const struct point *point, unsigned int rule);
/* It would have fired, but the kernel could not have done that. */
void point_refused(const struct point *point, unsigned int rule, enum refusal why);

uint64_t point_draw(const struct point *point, unsigned int rule, uint64_t salt);
uint64_t point_duration(const struct point *point, unsigned int rule);
/* `error` without a name: an errno that is possible here, or 0 and why not. */
int point_draw_error(const struct point *point, unsigned int rule, enum refusal *why);

/* Could the kernel give this error to this call here and now? */
bool point_error_legal(const struct point *point, int err, enum refusal *why);

/* interrupt.c: a signal that would interrupt the call here and now, or 0. `pending`: it is blocked,
 * but not while the call waits. */
int point_interrupter(const struct point *point, enum error_when when, bool *pending);

/* When it does: of some objects differently than the call table says. */
enum error_when point_error_when(const struct point *point, const struct call_error *error);

/* legal_fd.c: does what is behind the descriptor ever give this error, and is it a stream? */
bool point_descriptor_gives(const struct point *point, int err);
bool point_is_stream(const struct point *point);

/* Where a request is made shorter: an argument, or a vector of them. */
struct point_length {
	int at; /* argument with the length, or with the vector: its count is the next */
	bool is_vector;
	bool is_header; /* struct msghdr, with the vector in it */
	size_t n_bytes; /* asked for */
};
enum refusal point_shorten(const struct point *point, uint32_t n_bytes,
			   struct point_length *length);
/* Bytes that the vector in argument `at` stands for. */
size_t point_vector_bytes(const struct point *point, unsigned int at);

/* What decisions are drawn from: of "1.2" and the thread's number. */
uint64_t point_lineage_hash(const struct arena_proc *proc, uint32_t number);

#endif
