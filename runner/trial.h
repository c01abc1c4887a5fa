/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - one execution of a subject under one plan, in namespaces of its own. The runner forks a
 * supervisor, which is PID 1 of the trial: it starts the subject, drains the arena, feeds the
 * model, watches for deadlocks, reaps, cleans up, and hands one JSON document back.
 */
#ifndef IPCJAM_TRIAL_H
#define IPCJAM_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "plan.h"

enum isolate { ISOLATE_AUTO, ISOLATE_YES, ISOLATE_NO };
/* AUTO: the shim, but for programs into which it cannot be loaded all calls are traced. */
enum reach { REACH_PRELOAD, REACH_ALL, REACH_AUTO };

struct trial_options {
	char *const *argv; /* the subject, NULL-terminated; argv[0] is searched in PATH */
	char *const *envp; /* its environment, before ipcjam adds its own */
	const char *shim;  /* path of libipcjam.so */
	const struct plan *plan;
	uint64_t seed;
	uint64_t timeout_ns; /* wall time of the trial */
	uint64_t linger_ns;  /* how long others may live on after the root has ended */
	enum isolate isolate;
	enum reach reach;
	int expect_exit;
	bool stacks;
	bool strict;
	bool trace; /* -v: a line a call on trace_fd */
	int trace_fd;
	int cpu; /* pin the trial to this CPU; -1: do not */
	const struct order_declaration *order;
	unsigned int n_orders;
	const char *check; /* shell command run in the trial's namespaces at its end, or NULL */
	int stdin_fd, stdout_fd, stderr_fd; /* the subject's */
	int events_fd; /* events.jsonl is written here if there are findings; -1: not */
};

enum trial_verdict {
	VERDICT_RAN,            /* json is valid */
	VERDICT_CANNOT_START,   /* the program could not be executed: errno in err */
	VERDICT_CANNOT_ISOLATE, /* --isolate=yes, and this machine does not allow it */
	VERDICT_CANNOT_REACH,   /* --reach=all, and this machine does not allow it */
	VERDICT_BROKEN,         /* the supervisor failed or died: ipcjam's own fault */
	VERDICT_INTERRUPTED,    /* a signal to the runner ended it; json is valid if not NULL */
};

struct trial_result {
	enum trial_verdict verdict;
	int err;
	bool isolated;
	char why[200]; /* one line for people: why not isolated, what broke */
	char *json;    /* the trial's document, malloc'ed; the caller frees it */
	bool root_exited;
	int root_status; /* exit status, if root_exited */
	int root_signal; /* else the signal */
};

/*
 * Runs one trial to its end. `tick` (may be NULL) is called about every 20 ms meanwhile: the runner
 * passes the subject's output through in it. *interrupted is polled: when it is set (by a signal
 * handler), the trial is ended and reported. Never hangs longer than timeout + linger + 5 s, never
 * leaves a process.
 */
void trial_run(const struct trial_options *options, struct trial_result *result,
	       void (*tick)(void *), void *tick_data, const volatile int *interrupted);

#endif
