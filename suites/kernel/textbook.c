/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/textbook.md, made from the tests that have a claim: runs them, takes down what they measure,
 * and prints a table for each section. The texts are theirs; so are the measured values.
 */
#include "textbook.h"

#include "kernel_objects.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { MAX_ENTRIES = 512 };

/* A run of a test with a claim; one of a table has a run for each of its rows. */
struct entry {
	const struct kt_test *test;
	const char *suite;
	int row;
	char measured[KT_NOTE_BYTES];
	/* Why there is no value: skipped or failed. */
	const char *missing;
	char message[KT_NOTE_BYTES];
};

static struct {
	bool on;
	int n_entries;
	int n_taken;
	struct entry entries[MAX_ENTRIES];
} book;

/* Which suites go under which heading, in the order of the suites. */
static const struct section {
	const char *suite;
	const char *heading;
} sections[] = {
	{ "claims", "The claims that ipcjam was founded against" },
	{ "sem_undo", "SEM_UNDO" },
	{ "sem_undo_share", "SEM_UNDO" },
	{ "sem", "System V semaphores" },
	{ "sem_wait", "System V semaphores" },
	{ "pipe", "Pipes and FIFOs" },
	{ "pipe_ends", "Pipes and FIFOs" },
	{ "pipe_atomic", "Pipes and FIFOs" },
	{ "fifo", "Pipes and FIFOs" },
	{ "stdio", "Pipes and FIFOs" },
	{ "splice", "Pipes and FIFOs" },
	{ "msg", "System V messages" },
	{ "msg_limits", "System V messages" },
	{ "mq", "POSIX message queues" },
	{ "mq_name", "POSIX message queues" },
	{ "mq_notify", "POSIX message queues" },
	{ "shm", "Shared memory" },
	{ "mapping", "Shared memory" },
	{ "shm_posix", "Shared memory" },
	{ "psem", "POSIX semaphores" },
	{ "psem_named", "POSIX semaphores" },
	{ "mutex", "Locks in shared memory" },
	{ "mutex_robust", "Locks in shared memory" },
	{ "mutex_priority", "Locks in shared memory" },
	{ "cond", "Locks in shared memory" },
	{ "rwlock", "Locks in shared memory" },
	{ "barrier", "Locks in shared memory" },
	{ "futex", "Locks in shared memory" },
	{ "lock_flock", "File locks" },
	{ "lock_fcntl", "File locks" },
	{ "lock_ofd", "File locks" },
	{ "socket", "Sockets" },
	{ "socket_ends", "Sockets" },
	{ "socket_names", "Sockets" },
	{ "socket_rights", "Sockets" },
	{ "socket_tcp", "Sockets" },
	{ "signal", "Signals and interrupted calls" },
	{ "interrupt", "Signals and interrupted calls" },
	{ "signalfd", "Signals and interrupted calls" },
	{ "eventfd", "Other descriptors, and waiting" },
	{ "timerfd", "Other descriptors, and waiting" },
	{ "inotify", "Other descriptors, and waiting" },
	{ "pidfd", "Other descriptors, and waiting" },
	{ "wait", "Other descriptors, and waiting" },
	{ "poll", "Other descriptors, and waiting" },
	{ "epoll", "Other descriptors, and waiting" },
	{ "io_uring", "Other descriptors, and waiting" },
	{ "look", "Other descriptors, and waiting" },
};

static const char intro[] =
	"# What the textbooks say and what the kernel does\n"
	"\n"
	"Written by `suites/docs/check-docs --fix` from `kernel-suite --textbook`; do not edit.\n"
	"\n"
	"Books, lecture notes and answers on the web repeat claims about IPC that are old, half true or "
	"wrong. Each row has\n"
	"one of them, what is so, what its test measured when this page was written, and the test. The "
	"tests are in\n"
	"`suites/kernel/`, the texts beside them. They use nothing of ipcjam. `kernel-suite --only=NAME` "
	"runs one,\n"
	"`kernel-suite --textbook` measures all of them here. Where an older kernel is known to differ, "
	"the row says so.\n";

bool kt_textbook_wants(const struct kt_test *test)
{
	return !book.on || test->claim;
}

void kt_textbook_add(const char *suite, const struct kt_test *test, int row)
{
	if (!book.on)
		return;
	if (book.n_entries == MAX_ENTRIES)
		abort();
	book.entries[book.n_entries++] = (struct entry){ .test = test, .suite = suite, .row = row };
}

void kt_textbook_take(const char *measured)
{
	struct entry *entry = &book.entries[book.n_taken];

	if (!book.on || book.n_taken == book.n_entries)
		return;
	snprintf(entry->measured, sizeof(entry->measured), "%s", measured);
	book.n_taken++;
}

/* A test that has no value to show says why instead. */
static void take_result(struct entry *entry, TestResult *result)
{
	const char *message = tr_msg(result);

	if (tr_rtype(result) == CK_PASS)
		return;
	entry->missing = "failed";
	if (!strncmp(message, SUITE_SKIP_MARK, strlen(SUITE_SKIP_MARK))) {
		entry->missing = "skipped";
		message += strlen(SUITE_SKIP_MARK);
	}
	snprintf(entry->message, sizeof(entry->message), "%s", message);
}

/* Check runs the tests in the order in which they were added, and that is relied on. */
static void run(Suite *(*const makers[])(void), size_t n_makers)
{
	SRunner *sr = srunner_create(NULL);
	TestResult **results;

	for (size_t i = 0; i < n_makers; i++)
		srunner_add_suite(sr, makers[i]());
	srunner_run_all(sr, CK_SILENT);
	if (srunner_ntests_run(sr) != book.n_entries || book.n_taken != book.n_entries)
		abort();
	results = srunner_results(sr);
	for (int i = 0; i < book.n_entries; i++)
		take_result(&book.entries[i], results[i]);
	free(results);
	srunner_free(sr);
}

static void print_cell(const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			putchar('\\');
		putchar(*text == '\n' ? ' ' : *text);
	}
}

/* The runs of one test make one cell: their values, or why there is none. */
static int print_measured(const struct entry *entry, int n_runs)
{
	const char *between = "";
	int n_values = 0, wrong = 0;

	for (int i = 0; i < n_runs; i++, entry++) {
		if (entry->missing)
			printf("%s%s: ", between, entry->missing);
		else if (!entry->measured[0])
			continue;
		else if (between[0])
			printf("%s", between);
		print_cell(entry->missing ? entry->message : entry->measured);
		wrong |= entry->missing && !strcmp(entry->missing, "failed");
		between = "; ";
		n_values++;
	}
	return wrong || !n_values;
}

static int print_row(const struct entry *entry, int n_runs)
{
	int wrong;

	printf("| \"");
	print_cell(entry->test->claim);
	printf("\" | ");
	print_cell(entry->test->truth);
	printf(" | ");
	wrong = print_measured(entry, n_runs);
	printf(" | `%s/%s%s` |\n", entry->suite, (*entry->test->test)->name,
	       entry->test->rows ? ":…" : "");
	if (wrong)
		fprintf(stderr, "ipcjam: textbook: %s/%s: a measured value was expected\n",
			entry->suite, (*entry->test->test)->name);
	return wrong;
}

static const char *heading_of(const char *suite)
{
	for (size_t i = 0; i < SUITE_COUNT(sections); i++) {
		if (!strcmp(sections[i].suite, suite))
			return sections[i].heading;
	}
	fprintf(stderr, "ipcjam: textbook: %s: a section was expected\n", suite);
	exit(1);
}

static void print_head(void)
{
	struct utsname machine;

	uname(&machine);
	fputs(intro, stdout);
	printf("\nMeasured on Linux %s (%s, pages of %ld bytes) with glibc %s.\n", machine.release,
	       machine.machine, sysconf(_SC_PAGESIZE), gnu_get_libc_version());
}

static int print_sections(void)
{
	const char *last = "";
	int wrong = 0;

	for (int i = 0; i < book.n_entries;) {
		const struct entry *entry = &book.entries[i];
		const char *heading = heading_of(entry->suite);

		if (strcmp(heading, last) != 0)
			printf("\n## %s\n\n| claim | what is so | measured | test |\n"
			       "| --- | --- | --- | --- |\n",
			       heading);
		last = heading;
		wrong |= print_row(entry, entry->test->n_rows);
		i += entry->test->n_rows;
	}
	return wrong;
}

int kt_textbook(Suite *(*const makers[])(void), size_t n_makers)
{
	book.on = true;
	run(makers, n_makers);
	print_head();
	return print_sections();
}
