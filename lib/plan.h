/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - rules: the text CALLS:FAULT[:SELECTOR]... and its parsed form. A parsed rule is plain
 * data of fixed size without pointers, since it lives in the arena. Grammar: docs/manual.md,
 * "Rules".
 */
#ifndef IPCJAM_PLAN_H
#define IPCJAM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls.h"

#define PLAN_RULES 64
#define PLAN_TEXT 256

enum fault_kind {
	FAULT_NONE,
	FAULT_ERROR,      /* error[!][=ERRNO] */
	FAULT_SHORT,      /* short=N */
	FAULT_DELAY,      /* delay=D[..D] */
	FAULT_KILL,       /* kill */
	FAULT_KILL_AFTER, /* kill=after */
	FAULT_SIGNAL,     /* signal=NAME */
	FAULT_STOP,       /* stop=D */
	FAULT_N
};

/* Why a rule that matched did not fire: the kernel could not have made that fault there. */
enum refusal {
	REFUSED_NOT,
	REFUSED_NO_HANDLER,    /* EINTR: no signal handler that would interrupt this call */
	REFUSED_WOULD_WAIT,    /* EAGAIN: the call is a blocking one */
	REFUSED_NO_TIMEOUT,    /* the call has no time-out that could run out */
	REFUSED_FLAGS,         /* the call's flags exclude this error */
	REFUSED_ARGUMENTS,     /* only wrong arguments give this error, and these are right */
	REFUSED_STATE,         /* only the object's state gives this error */
	REFUSED_ATOMIC,        /* short: a message, or PIPE_BUF keeps it whole, or short enough */
	REFUSED_NOT_PERMITTED, /* e.g. IPC_RMID for EIDRM was refused by the kernel */
	REFUSED_NO_SUPERVISOR, /* needs a runner */
	REFUSED_SEALED,        /* the program's own seccomp filter would not let it through */
	REFUSED_OBJECT,        /* what the call is made on never gives this error */
	REFUSED_N
};

enum object_selector { SELECT_ANY, SELECT_KEY, SELECT_ID, SELECT_PATH, SELECT_FD };

struct rule {
	uint64_t calls[CALL_WORDS]; /* bit c: enum call_id c is meant */
	/* ... whatever its object is. One that only a class has brought in is meant where its
	 * object belongs to that class: a read of a socket by %socket, not by %pipe. */
	uint64_t named[CALL_WORDS];
	uint32_t classes;        /* enum call_class, as the rule names them */
	uint32_t fault;          /* enum fault_kind */
	int32_t err;             /* FAULT_ERROR: errno; 0: one that fits, by seed */
	uint32_t force;          /* error!=: also where the kernel could not have done it */
	uint32_t short_bytes;    /* FAULT_SHORT: 1 .. 2^31-1 */
	uint64_t min_ns, max_ns; /* FAULT_DELAY, FAULT_STOP */
	int32_t signal;          /* FAULT_SIGNAL */
	uint32_t count_trial;    /* when= counts all processes together */
	uint64_t first, last,
		step;          /* when=FIRST[..LAST][+STEP]; last UINT64_MAX: open; default 1..+1 */
	uint64_t p_threshold;  /* fires when a 64-bit hash is below; UINT64_MAX: always */
	uint64_t max;          /* fires at most so often in a trial; UINT64_MAX: no bound */
	uint64_t site;         /* 0: any */
	uint32_t optional;     /* need not fire */
	uint32_t object;       /* enum object_selector */
	int64_t object_value;  /* SELECT_KEY, SELECT_ID, SELECT_FD */
	char object_path[108]; /* SELECT_PATH */
	char proc[52];         /* lineage or program name, with * and ?; "": any */
	char in[96];           /* function that must be on the stack; "": any */
};

struct plan {
	uint32_t n_rules;
	uint32_t n_in; /* rules that have in= */
	struct rule rule[PLAN_RULES];
};

/* Where and why a text was refused. */
struct plan_error {
	size_t column;     /* byte offset into the text, from 0 */
	char message[160]; /* what was found and what was expected */
};

/*
 * Parses one rule. Returns 0, or -1 with *error filled in. Pure: no allocation, no locale, no
 * errno; async-signal-safe (the shim calls it in its constructor).
 */
int rule_parse(const char *text, struct rule *rule, struct plan_error *error);

/* Appends a rule to the plan; fails when the plan is full or the rule is malformed. */
int plan_add(struct plan *plan, const char *text, struct plan_error *error);

/*
 * Appends the rules of a text, one a line, with '#' comments and blank lines. *line is the last
 * line read, from 1; error->column counts from the start of that line. Async-signal-safe like
 * rule_parse().
 */
int plan_add_lines(struct plan *plan, const char *text, size_t n_bytes, struct plan_error *error,
		   unsigned int *line);

/* Writes a rule in its canonical text form, NUL-terminated; returns the length that it needs. */
size_t rule_format(const struct rule *rule, char *buffer, size_t n_bytes);

/* Parses "10ms", "1.5s", "10m", "2h", "500us", "100ns" (a unit is needed, except for 0). Returns 0
 * or -1; *end is set to the first byte behind the duration. */
int duration_parse(const char *text, const char **end, uint64_t *ns);

bool rule_has_call(const struct rule *rule, unsigned int call);
const char *fault_name(enum fault_kind kind); /* "error", "short", ... */
const char *refusal_text(enum refusal why);   /* one clause in plain words */

#endif
