/* SPDX-License-Identifier: Apache-2.0 */
/* sample_time.c - alarms and sleeps. */
#include "sample.h"

#include <sched.h>
#include <sys/time.h>
#include <time.h>

static struct itimerval long_time = { .it_value = { 1000, 0 } }, before;
static const struct timespec moment = { .tv_nsec = 1000000 }, wrong = { .tv_nsec = -1 };
static struct timespec rest;

static void prepare_armed(void)
{
	need(raw3(SYS_setitimer, ITIMER_REAL, &long_time, NULL), "setitimer");
}

static void data_armed(void)
{
	struct itimerval now = { 0 };

	need(raw2(SYS_getitimer, ITIMER_REAL, &now), "getitimer");
	print(" armed=%d before=%d", now.it_value.tv_sec > 0, before.it_value.tv_sec > 0);
}

CALLS(alarm, alarm(500))
SAMPLE(alarm, .prepare = prepare_armed, .data = data_armed);

CALLS(setitimer, setitimer(ITIMER_REAL, &long_time, &before))
FAILS(setitimer, setitimer(99, &long_time, NULL))
FAULTS(setitimer, setitimer(ITIMER_REAL, nowhere, NULL))
SAMPLE(setitimer, .fail = fail_setitimer, .fault = fault_setitimer, .data = data_armed);

CALLS(sleep, sleep(0))
SAMPLE(sleep, .data = NULL);

CALLS(usleep, usleep(1000))
SAMPLE(usleep, .data = NULL);

CALLS(nanosleep, nanosleep(&moment, &rest))
FAILS(nanosleep, nanosleep(&wrong, &rest))
FAULTS(nanosleep, nanosleep(nowhere, &rest))
SAMPLE(nanosleep, .fail = fail_nanosleep, .fault = fault_nanosleep);

CALLS(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, &rest))
FAILS(clock_nanosleep, clock_nanosleep(99, 0, &moment, &rest))
FAULTS(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, nowhere, &rest))
SAMPLE(clock_nanosleep, .fail = fail_clock_nanosleep, .fault = fault_clock_nanosleep);

CALLS(sched_yield, sched_yield())
SAMPLE(sched_yield, .data = NULL);
