/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - the handler of SIGINT and SIGTERM. */
#define _GNU_SOURCE
#include "interrupt.h"

#include <unistd.h>

volatile int interrupted;

static void on_signal(int signo)
{
	/* The supervisors notice that we are gone, and leave nothing behind. */
	if (interrupted)
		_exit(128 + signo);
	interrupted = signo;
}

void interrupt_catch(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	/* Started with SIGINT ignored (nohup, a shell's background job): it stays so. */
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void interrupt_block(sigset_t *before)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, before);
}
