/* SPDX-License-Identifier: Apache-2.0 */
/* cli-suite: tests of the built ipcjam. IPCJAM_REPEAT=N repeats what is a matter of chance N times.
 */
#include <stdlib.h>

#include "cli_test.h"

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = {
		bad_input_suite,     status_suite,    cases_suite,       matrix_suite,
		causes_suite,        same_seed_suite, kill_runner_suite, hostile_suite,
		kill_anywhere_suite, reach_suite,
	};

	setenv("CK_FORK", "yes", 1);
	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
