/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.h - an invariant that did not hold, with its evidence. Built by the invariants (lib) and
 * by the deadlock watch (runner), written as JSON by the supervisor, shown by the reports.
 */
#ifndef IPCJAM_FINDING_H
#define IPCJAM_FINDING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define FINDING_LINEAGES 16
#define FINDING_OBJECTS 16
#define FINDING_STACKS 16
#define FINDING_DETAILS 48

/* One stack of the evidence: of whom, and what it shows ("took it here", "waits here"). */
struct finding_stack {
	char lineage[96];
	char label[160];
	uint32_t stack; /* as in struct event.stack: index into the arena's table + 1 */
};

struct finding {
	const char *kind;  /* static string: "deadlock", "held-at-death", ... */
	char cause[32];    /* within the kind: "cycle", "orphaned lock", ... or "" */
	char message[400]; /* one line for people */
	char lineage[FINDING_LINEAGES][96];
	char object[FINDING_OBJECTS][80]; /* "semaphore set 0 (key 0x1234) #0", "pipe 1#2" */
	struct finding_stack stack[FINDING_STACKS];
	char detail[FINDING_DETAILS]
		   [200]; /* lines under the message: the cycle drawn in text ... */
	unsigned int n_lineages, n_objects, n_stacks, n_details;
	uint64_t
		fingerprint; /* the same for the same fault in every run; finding_seal() makes it */
	unsigned int outcome; /* 1: an outcome ("orphaned-object"), not a finding */
};

/* A fresh finding of that kind on the heap (never NULL: ends the process when memory is out). */
struct finding *finding_new(const char *kind, const char *cause);
void finding_message(struct finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void finding_lineage(struct finding *f, const char *lineage); /* added once */
void finding_object(struct finding *f, const char *object);   /* added once */
void finding_stack(struct finding *f, const char *lineage, uint32_t stack, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void finding_detail(struct finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Mixes something that is stable from run to run (a site, an object's stable name) into the
 * fingerprint; kind and cause are in it from the start. Order does not matter. */
void finding_mark(struct finding *f, uint64_t stable);

/* Findings of a trial: a growing list, each fingerprint kept once (n_seen counts repeats). */
struct finding_list {
	struct finding **item;
	unsigned int *n_seen;
	unsigned int n;
};
/* Takes ownership of f. Returns 1 when it is new, 0 when one with its fingerprint was there. */
int findings_add(struct finding_list *list, struct finding *f);
/* Removes (and frees) the one with that fingerprint, if it is there. */
void findings_withdraw(struct finding_list *list, uint64_t fingerprint);
void findings_free(struct finding_list *list);

#endif
