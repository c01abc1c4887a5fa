/* SPDX-License-Identifier: Apache-2.0 */
/* rows-suite: each row of the call table, passing through and jammed; see sample.h. */
#include "rows.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

char rows_dir[] = "/tmp/rows-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = {
		pass_suite, fault_suite, error_suite, short_suite, kernel_call_suite, special_suite,
	};
	int status;

	setenv("CK_FORK", "yes", 1);
	if (!mkdtemp(rows_dir)) {
		perror("ipcjam: tests: mkdtemp");
		return 4;
	}
	/* What a killed sample leaves goes with the namespace; without one, each removes its own.
	 */
	if (unshare(CLONE_NEWIPC) < 0)
		fprintf(stderr, "ipcjam: tests: no IPC namespace of its own\n");
	status = suite_main(argc, argv, makers, SUITE_COUNT(makers));
	nftw(rows_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
