/* SPDX-License-Identifier: Apache-2.0 */
/* kernel-suite: the tests that pin what the kernel really does. */
#include "kernel_test.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = {
		sem_undo_suite, sem_undo_share_suite, sem_suite,         sem_wait_suite,
		pipe_suite,     pipe_ends_suite,      pipe_atomic_suite, fifo_suite,
		msg_suite,      msg_limits_suite,     shm_suite,         ipc_id_suite,
		signal_suite,   interrupt_suite,      claims_suite,
	};

	/* Every test changes its own process (namespaces, signals, rights): it needs one. */
	setenv("CK_FORK", "yes", 1);
	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
