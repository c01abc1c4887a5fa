/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h - a sample for each row of the call table: it makes that very call once, on real
 * objects. All else that a sample does (making its objects, looking at them afterwards, printing)
 * it does by raw system calls, so that the call is the only one that the shim can see.
 */
#ifndef SUITES_ROWS_SAMPLE_H
#define SUITES_ROWS_SAMPLE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "calls.h"
#include "fortify.h"
#include "raw.h"

/* How a success is printed: what differs from run to run only by its kind. */
enum shape { SHAPE_NUMBER, SHAPE_FD, SHAPE_PID, SHAPE_POINTER, SHAPE_ID };

struct sample {
	void (*prepare)(void); /* by the process that calls, unless `state` looks from outside */
	long (*call)(void);
	long (*fail)(void);  /* a bad id, descriptor, path or number; NULL: it cannot fail */
	long (*fault)(void); /* a pointer to nowhere; NULL: it takes none, or libc follows it */
	void (*data)(void);  /* prints what came out to this process */
	void (*state)(void); /* prints what anybody can see of the objects */
	enum shape shape;
	unsigned int holds; /* HOLDS(): conditions of errors that are true in this sample */
	int refuses[5];     /* errors that what is behind the descriptor rules out all the same */
	bool ends;          /* success does not come back */
};

#define HOLDS(when) (1u << WHEN_##when)

/* The sample of a row is named after it; samples.c refers to each, so none can be missing. */
#define SAMPLE(name, ...) const struct sample sample_##name = { .call = call_##name, __VA_ARGS__ }
#define CALLS(name, expression) \
	static long call_##name(void) \
	{ \
		return (long)(expression); \
	}
#define FAILS(name, expression) \
	static long fail_##name(void) \
	{ \
		return (long)(expression); \
	}
#define FAULTS(name, expression) \
	static long fault_##name(void) \
	{ \
		return (long)(expression); \
	}

/* An address at which nothing is mapped, no address, and what is no id and no descriptor; volatile,
 * for compilers that would know better. */
extern void *volatile nowhere;
extern void *volatile no_pointer;
extern volatile int bad;

enum { ROOM = 16384, SHORT_TEXT = 5 };

/* What a sample works on. Shared with the child that a watching sample forks. */
struct stage {
	int fd[2];     /* a pipe: read end, write end */
	int fd2[2];    /* a second one */
	int extra;     /* a directory, an epoll descriptor, a file */
	int id;        /* of a System V object */
	int key;       /* ... and its key */
	size_t n;      /* bytes to move */
	bool nowait;   /* the call must not wait */
	int n_handled; /* signals */
	pid_t pid;
	void *pointer; /* memory or a stream */
	long result;   /* what the call gave */
	int status;
	char in[ROOM], out[ROOM];
};
extern struct stage *stage;

extern const struct sample *const samples[CALL_N];

/* sample_util.c */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_flush(void);
void end(int status) __attribute__((noreturn));
void need(long result, const char *what); /* ends the sample when a raw call failed */
pid_t raw_fork(void);
int raw_reap(pid_t pid);
void handle(int signo, int flags);
void block(int signo);
bool is_pending(int signo);

void prepare_pipe(void);   /* stage->fd, empty */
void prepare_filled(void); /* stage->fd, holding stage->n bytes */
void prepare_pipes(void);  /* stage->fd filled, stage->fd2 empty */
void prepare_fifo(void);   /* the FIFO "f", and a directory in extra */
void prepare_dir(void);
void prepare_file(void); /* "r": stage->n bytes */

bool print_gone(long result); /* of a look at a System V object */
void print_open(int fd);
void print_pipe(const char *name, int fd);
void print_path(const char *path);
void state_pipe(void);
void state_pipes(void);
void state_paths(void);
void data_out(void); /* stage->out */
void data_fd(void);  /* is stage->fd[0] open? */

void clean_up(void);

#endif
