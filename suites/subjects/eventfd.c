/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd: as a sum, as a semaphore, without waiting; and one that nobody writes to. */
#include "subject.h"

#include <sys/eventfd.h>

enum { N_EVENTS = 10 };

static int event;

static void make(int flags)
{
	event = CHECK(eventfd(0, EFD_CLOEXEC | flags));
}

static void add(uint64_t amount)
{
	EXPECT(TEMP_FAILURE_RETRY(write(event, &amount, sizeof(amount))) == sizeof(amount));
}

static uint64_t take(void)
{
	uint64_t amount;

	EXPECT(TEMP_FAILURE_RETRY(read(event, &amount, sizeof(amount))) == sizeof(amount));
	return amount;
}

static int adder(int who)
{
	for (uint64_t i = 1; i <= N_EVENTS; i++)
		add(i);
	return who;
}

/* A read takes all that has come together since the last one. */
static int summer(int who)
{
	for (uint64_t sum = 0; sum < N_EVENTS * (N_EVENTS + 1) / 2;)
		sum += take();
	return who;
}

static int run_right(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	spawn(summer, 0);
	spawn(adder, 0);
	return reap_all();
}

static int taker(int who)
{
	for (int i = 0; i < N_EVENTS * (N_EVENTS + 1) / 2; i++)
		EXPECT(take() == 1);
	return who;
}

static int run_semaphore(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(EFD_SEMAPHORE);
	spawn(taker, 0);
	spawn(adder, 0);
	return reap_all();
}

static int run_nonblocking(int argc, char **argv)
{
	uint64_t amount = UINT64_MAX - 1;

	(void)argc, (void)argv;
	make(EFD_NONBLOCK);
	EXPECT(TEMP_FAILURE_RETRY(read(event, &amount, sizeof(amount))) == -1 && errno == EAGAIN);
	add(UINT64_MAX - 1);
	amount = 1;
	EXPECT(TEMP_FAILURE_RETRY(write(event, &amount, sizeof(amount))) == -1 && errno == EAGAIN);
	EXPECT(take() == UINT64_MAX - 1);
	return 0;
}

static int run_nobody_writes(int argc, char **argv)
{
	(void)argc, (void)argv;
	make(0);
	spawn(summer, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "semaphore", run_semaphore },
	{ "nonblocking", run_nonblocking },
	{ "nobody_writes", run_nobody_writes },
};

SUBJECT_MAIN(variants)
