/* SPDX-License-Identifier: Apache-2.0 */
/* Several writers on one pipe: whole records up to PIPE_BUF bytes, and what happens to larger ones.
 */
#include "subject.h"

#include <limits.h>
#include <string.h>

enum {
	N_WRITERS = 4,
	N_RECORDS = 25,
	RECORD_BYTES = 128,
	LARGE_BYTES = 64 * PIPE_BUF,
	MIDDLE_BYTES = 2 * PIPE_BUF
};

static int ends[2];
static char block[LARGE_BYTES];

/* A record is one write: a short one could not be mended, for another's record may follow it. */
static int write_records(int who)
{
	char record[RECORD_BYTES];

	close_end(&ends[0]);
	memset(record, 'a' + who, sizeof(record));
	for (int i = 0; i < N_RECORDS; i++) {
		ssize_t n = TEMP_FAILURE_RETRY(write(ends[1], record, sizeof(record)));

		EXPECT(n == (ssize_t)sizeof(record));
	}
	return 0;
}

static int run_right(int argc, char **argv)
{
	char record[RECORD_BYTES];
	int n_records = 0;
	bool whole = true;
	int bad;

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(ends);
	for (int i = 0; i < N_WRITERS; i++)
		spawn(write_records, i);
	close_end(&ends[1]);
	for (; read_full(ends[0], record, sizeof(record)) == sizeof(record); n_records++)
		for (size_t i = 1; i < sizeof(record); i++)
			whole &= record[i] == record[0];
	bad = reap_all();
	if (bad)
		return bad;
	EXPECT(whole && n_records == N_WRITERS * N_RECORDS);
	return 0;
}

static int write_block(int who)
{
	close_end(&ends[0]);
	memset(block, 'a' + who, sizeof(block));
	write_full(ends[1], block, who == 0 ? LARGE_BYTES : MIDDLE_BYTES);
	return 0;
}

/*
 * The first fills the pipe and waits with most of its block still to come, the second waits behind
 * it. As the reader makes room they take turns. The reader lets the second one end before it goes
 * on, so that its write is over, for all to see, while the first one's is not.
 */
static int run_torn(int argc, char **argv)
{
	char last = 0, page[PIPE_BUF];
	int n_changes = 0, n_second = 0;
	pid_t writer[2];
	size_t n_read;

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(ends);
	for (int i = 0; i < 2; i++)
		wait_blocked(writer[i] = spawn(write_block, i), IN_WRITE);
	close_end(&ends[1]);
	while ((n_read = read_full(ends[0], page, sizeof(page))) > 0)
		for (size_t i = 0; i < n_read; i++) {
			n_changes += page[i] != last;
			last = page[i];
			n_second += last == 'b';
			if (last == 'b' && n_second == MIDDLE_BYTES)
				wait_ended(writer[1]);
		}
	if (reap_all())
		return 1;
	EXPECT(n_changes > 2);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "torn", run_torn },
};

SUBJECT_MAIN(variants)
