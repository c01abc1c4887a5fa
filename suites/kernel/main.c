/* SPDX-License-Identifier: Apache-2.0 */
/* kernel-suite: the tests that pin what the kernel really does; and docs/textbook.md from them. */
#include "kernel_test.h"
#include "textbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Suite *(*const makers[])(void) = {
	claims_suite,
	sem_undo_suite,
	sem_undo_share_suite,
	sem_suite,
	sem_wait_suite,
	pipe_suite,
	pipe_ends_suite,
	pipe_atomic_suite,
	fifo_suite,
	stdio_suite,
	splice_suite,
	msg_suite,
	msg_limits_suite,
	mq_suite,
	mq_name_suite,
	mq_notify_suite,
	shm_suite,
	mapping_suite,
	shm_posix_suite,
	ipc_id_suite,
	psem_suite,
	psem_named_suite,
	mutex_suite,
	mutex_robust_suite,
	mutex_priority_suite,
	cond_suite,
	rwlock_suite,
	barrier_suite,
	futex_suite,
	lock_flock_suite,
	lock_fcntl_suite,
	lock_ofd_suite,
	socket_suite,
	socket_ends_suite,
	socket_names_suite,
	socket_rights_suite,
	socket_tcp_suite,
	signal_suite,
	interrupt_suite,
	signalfd_suite,
	eventfd_suite,
	timerfd_suite,
	inotify_suite,
	pidfd_suite,
	wait_suite,
	poll_suite,
	epoll_suite,
	io_uring_suite,
	look_suite,
};

int main(int argc, char **argv)
{
	bool alone = argc == 2;
	int status;

	/* Every test changes its own process (namespaces, signals, rights): it needs one. */
	setenv("CK_FORK", "yes", 1);
	if (alone && !strcmp(argv[1], "--textbook"))
		return kt_textbook(makers, SUITE_COUNT(makers));
	status = suite_main(argc, argv, makers, SUITE_COUNT(makers));
	if (alone && !strcmp(argv[1], "--help"))
		puts("  --textbook        measure the claims of docs/textbook.md, print that page");
	return status;
}
