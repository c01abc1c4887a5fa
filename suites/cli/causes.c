/* SPDX-License-Identifier: Apache-2.0 */
/* causes.c - what a deadlock's finding says: its cause, who has what, and a fingerprint that stays.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_test.h"

static const struct deadlock {
	const char *subject; /* with its variant */
	const char *kind, *cause;
	const char *told[4]; /* somewhere in what is printed */
} deadlocks[] = {
	{ "pipe no_eof",
	  "deadlock",
	  "withheld EOF",
	  { "1.1 still has the write end of pipe 1#1, inherited, never used" } },
	{ "socket no_eof",
	  "deadlock",
	  "withheld EOF",
	  { "1.1 still has the other end, socket 1#1, inherited, never used" } },
	{ "moved no_eof",
	  "deadlock",
	  "withheld EOF",
	  { "1.3 still has the write end of pipe 1#2, inherited, never used" } },
	{ "pipe both_write_first", "deadlock", "cycle", { "waits for room in pipe" } },
	{ "socket both_read_first", "deadlock", "cycle", { "waits for bytes from socket" } },
	{ "socket_names tcp_both_read_first", "deadlock", "cycle", { "could write to socket" } },
	{ "socket_pass passed_end", "deadlock", "cycle", { "could write to pipe 1.1#1" } },
	{ "mutex abba",
	  "deadlock",
	  "cycle",
	  { "1.1 (mutex) holds mutex", "1.2 (mutex) holds mutex", "took it here" } },
	{ "mutex_threads abba", "deadlock", "cycle", { "1/1 (mutex_threads)", "1/2" } },
	{ "mutex_threads relock", "deadlock", "cycle", { "which it holds itself" } },
	{ "mutex orphan", "deadlock", "orphaned lock", { "which 1.1 took and died with" } },
	{ "mutex_threads orphan", "deadlock", "orphaned lock", { "which 1/1 took and died with" } },
	{ "psem orphan", "deadlock", "orphaned lock", { "which 1.1 took and died with" } },
	{ "rwlock orphan", "deadlock", "orphaned lock", { "which 1.1 took and died with" } },
	{ "rwlock reader_dies", "deadlock", "orphaned lock", { "which 1.1 took and died with" } },
	{ "lock_mixed abba_psem_flock", "deadlock", "cycle", { "has locked file", "semaphore" } },
	{ "file_lock abba", "deadlock", "cycle", { "waits for the lock on file" } },
	{ "threads joiner_has_lock", "deadlock", "cycle", { "waits for the end of thread 1/1" } },
	{ "pbarrier missing", "deadlock", "missing partner", { "where 2 of 3 are" } },
	{ "mq full", "deadlock", "missing partner", { "waits for room in queue" } },
	{ "eventfd nobody_writes", "deadlock", "missing partner", { "bytes from eventfd 1#1" } },
	{ "cond lost_wakeup",
	  "lost-wakeup",
	  "",
	  { "which 1.2 signalled before it waited", "came too early" } },
	{ "cond lost_wakeup_threads",
	  "lost-wakeup",
	  "",
	  { "which 1/2 signalled before it waited" } },
	{ "signals check_then_pause", "lost-wakeup", "", { "before it waited" } },
};

/* The fingerprint of the finding of that kind, which must be there once. */
static char *run_once(const struct deadlock *d)
{
	const struct cli_run *r = cli_expect(
		1, "\"$ipcjam\" run --json=result.json --timeout=20s -- \"$subjects/%.*s\" %s",
		(int)strcspn(d->subject, " "), d->subject,
		d->subject + strcspn(d->subject, " ") + 1);
	json_t *result = cli_json_file("result.json"), *finding, *found = NULL;
	char *fingerprint;
	size_t i;

	json_array_foreach(json_object_get(result, "findings"), i, finding) {
		if (strcmp(json_string_value(json_object_get(finding, "kind")), d->kind) != 0)
			continue;
		ck_assert_ptr_null(found);
		found = finding;
	}
	ck_assert_msg(found != NULL, "%s was expected: %.900s", d->kind, r->out);
	ck_assert_str_eq(json_string_value(json_object_get(found, "cause")), d->cause);
	for (i = 0; i < 4 && d->told[i]; i++)
		cli_has(r->out, d->told[i]);
	fingerprint = strdup(json_string_value(json_object_get(found, "fingerprint")));
	json_decref(result);
	return fingerprint;
}

START_TEST(says)
{
	char *first = run_once(&deadlocks[_i]), *second = run_once(&deadlocks[_i]);

	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

Suite *causes_suite(void)
{
	Suite *s = suite_create("causes");

	for (size_t i = 0; i < SUITE_COUNT(deadlocks); i++)
		cli_add(s, "causes", deadlocks[i].subject, says, (int)i, 60);
	return s;
}
