/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_call.c - the system call that libc really makes of each row, as strace sees it. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRACE "/usr/bin/strace"

/* In "[pid 12] [  64] semtimedop(..." the number is 64. The samples' marks are writes to -1. */
static bool made_between_marks(FILE *log, long wanted, char *seen, size_t n_bytes)
{
	bool inside = false, found = false;
	char line[1024];
	size_t n = 0;

	while (fgets(line, sizeof(line), log)) {
		const char *number = strchr(line, '[');
		long nr;

		if (strstr(line, "(-1, \"end\""))
			inside = false;
		if (inside && number && sscanf(number, "[ %ld]", &nr) == 1) {
			found = found || nr == wanted;
			n += n < n_bytes ? (size_t)snprintf(seen + n, n_bytes - n, "%ld ", nr) : 0;
		}
		if (strstr(line, "(-1, \"begin\""))
			inside = true;
	}
	return found;
}

START_TEST(as_in_table)
{
	char command[1024], log_path[300], seen[256] = "";
	FILE *log;

	if (access(STRACE, X_OK) < 0)
		suite_skip("strace is not installed");
	snprintf(log_path, sizeof(log_path), "%s/%d.strace", rows_dir, getpid());
	snprintf(command, sizeof(command),
		 "cd %s && timeout 8 " STRACE " -f -n -e trace=all -o %s " ROWS_PROGRAMS
		 "/row-sample %s mark >/dev/null 2>&1",
		 rows_dir, log_path, calls[_i].name);
	if (system(command) == 1 << 8)
		suite_skip("strace may not trace here");
	log = fopen(log_path, "re");
	ck_assert_msg(log, "%s", log_path);
	ck_assert_msg(made_between_marks(log, row_call(_i)->syscall_nr, seen, sizeof(seen)),
		      "%s: the table says system call %d, libc made: %s", calls[_i].name,
		      row_call(_i)->syscall_nr, seen);
	fclose(log);
}
END_TEST

static bool makes_one(int id)
{
	return row_call(id)->syscall_nr >= 0;
}

Suite *kernel_call_suite(void)
{
	Suite *s = suite_create("kernel_call");

	rows_add(s, "kernel_call", as_in_table, makes_one);
	return s;
}
