/* SPDX-License-Identifier: Apache-2.0 */
/* sample_thread.c - a thread that ends at once, or one that stays: joined, detached, ended. */
#include "sample.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static const struct timespec never = { .tv_sec = 4000000000 };
static pthread_t thread;
static void *result;
static volatile int is_over, may_end;

static void *body(void *arg)
{
	while (arg && !may_end)
		raw0(SYS_sched_yield);
	is_over = 1;
	return (void *)42;
}

static void prepare_ended(void)
{
	if (pthread_create(&thread, NULL, body, NULL) != 0)
		need(-1, "pthread_create");
}

/* The kernel has to clear its tid too before a try succeeds. */
static void prepare_gone(void)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	prepare_ended();
	while (!is_over || raw3(SYS_tgkill, raw0(SYS_getpid), raw0(SYS_gettid) + 1, 0) == 0)
		raw2(SYS_nanosleep, &nap, NULL);
}

static void prepare_staying(void)
{
	if (pthread_create(&thread, NULL, body, &result) != 0)
		need(-1, "pthread_create");
}

static void prepare_handled(void)
{
	handle(SIGUSR1, 0);
	prepare_staying();
}

static void data_result(void)
{
	print(" gave=%ld", (long)result);
}

static void data_handled(void)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	for (int i = 0; i < 1000 && stage->n_handled == 0 && stage->result == 0; i++)
		raw2(SYS_nanosleep, &nap, NULL);
	print(" handled=%d", stage->n_handled);
	may_end = 1;
}

CALLS(pthread_join, pthread_join(thread, &result))
FAILS(pthread_join, pthread_join(pthread_self(), &result))
SAMPLE(pthread_join, .prepare = prepare_ended, .fail = fail_pthread_join, .data = data_result);

CALLS(pthread_tryjoin_np, pthread_tryjoin_np(thread, &result))
FAILS(pthread_tryjoin_np, pthread_tryjoin_np(pthread_self(), &result))
SAMPLE(pthread_tryjoin_np, .prepare = prepare_gone, .fail = fail_pthread_tryjoin_np,
       .data = data_result);

CALLS(pthread_timedjoin_np, pthread_timedjoin_np(thread, &result, &never))
FAILS(pthread_timedjoin_np, pthread_timedjoin_np(pthread_self(), &result, &never))
SAMPLE(pthread_timedjoin_np, .prepare = prepare_ended, .fail = fail_pthread_timedjoin_np,
       .data = data_result, .holds = HOLDS(TIMEOUT));

CALLS(pthread_clockjoin_np, pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &never))
FAILS(pthread_clockjoin_np, pthread_clockjoin_np(thread, &result, 99, &never))
SAMPLE(pthread_clockjoin_np, .prepare = prepare_ended, .fail = fail_pthread_clockjoin_np,
       .data = data_result, .holds = HOLDS(TIMEOUT));

CALLS(pthread_detach, pthread_detach(thread))
SAMPLE(pthread_detach, .prepare = prepare_staying);

CALLS(pthread_cancel, pthread_cancel(thread))
SAMPLE(pthread_cancel, .prepare = prepare_staying);

CALLS(pthread_kill, pthread_kill(thread, SIGUSR1))
FAILS(pthread_kill, pthread_kill(thread, 9999))
SAMPLE(pthread_kill, .prepare = prepare_handled, .fail = fail_pthread_kill, .data = data_handled);

CALLS(pthread_exit, (pthread_exit(NULL), 0))
SAMPLE(pthread_exit, .ends = true);
