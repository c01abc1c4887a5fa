/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - which signal would interrupt a call: EINTR comes with one whose handler runs. */
#define _GNU_SOURCE
#include <signal.h>

#include "point.h"

/* Those that programs handle to go on, before those that make them end. */
static const unsigned char interrupters[] = {
	SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGWINCH, SIGIO,   SIGURG,  SIGVTALRM,
	SIGPROF, SIGCONT, SIGHUP,  SIGPIPE, SIGINT,   SIGTERM, SIGQUIT,
};

/* The mask that the call itself sets while it waits, if it takes one. */
static bool own_mask(const struct point *p, uint64_t *mask)
{
	long at;

	switch (p->canonical) {
	case CALL_sigsuspend:
		at = p->a[0];
		break;
	case CALL_ppoll:
		at = p->a[3];
		break;
	case CALL_pselect:
		at = p->a[5];
		break;
	case CALL_epoll_pwait:
	case CALL_epoll_pwait2:
		at = p->a[4];
		break;
	default:
		return false;
	}
	return at && p->ops->read(p, (const void *)at, mask, sizeof(*mask));
}

static bool interrupts(const struct point *p, int signo, enum error_when when)
{
	unsigned int is = p->ops->handler(p, signo);

	return is & POINT_HANDLED && (when != WHEN_SIGNAL || !(is & POINT_RESTARTS));
}

int point_interrupter(const struct point *p, enum error_when when, bool *pending)
{
	uint64_t blocked = p->ops->blocked(p), own;
	bool has_own = own_mask(p, &own);

	*pending = false;
	for (size_t i = 0; i < sizeof(interrupters); i++) {
		int signo = interrupters[i];
		uint64_t bit = UINT64_C(1) << (signo - 1);

		if ((has_own && own & bit) || (blocked & bit && !has_own) ||
		    !interrupts(p, signo, when))
			continue;
		*pending = blocked & bit;
		return signo;
	}
	return 0;
}
