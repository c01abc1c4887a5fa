/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_thread.c - threads: numbered by their maker before they exist, known by their pthread_t
 * until they are joined, and followed until the last destructor of their own has run.
 */
#define _GNU_SOURCE
#include "wrap.h"

#define RELAXED memory_order_relaxed
#define THREADS 1024
#define ROUNDS 4      /* PTHREAD_DESTRUCTOR_ITERATIONS of glibc */
#define CHEAP_KEYS 32 /* values of these need no allocation */

/* Threads of this process. An entry stays when its thread has ended: it can still be joined. */
static struct known {
	_Atomic uint64_t pthread; /* 0: free */
	_Atomic uint32_t number;
} known[THREADS];
static _Atomic uint32_t n_known; /* entries that were in use at some time */

static pthread_key_t end_key;
static bool has_key;

static struct known *find(uint64_t pthread)
{
	uint32_t n = atomic_load(&n_known);

	for (uint32_t i = 0; i < n && i < THREADS; i++)
		if (atomic_load_explicit(&known[i].pthread, RELAXED) == pthread)
			return &known[i];
	return NULL;
}

/* The entry of that thread, perhaps a new one. NULL: there is no room. */
static struct known *entry(uint64_t pthread)
{
	struct known *k = find(pthread);

	while (!k) {
		uint64_t none = 0;

		k = find(0);
		if (!k) {
			uint32_t n = atomic_fetch_add(&n_known, 1);

			if (n >= THREADS) {
				atomic_fetch_sub(&n_known, 1);
				return NULL;
			}
			k = &known[n];
		}
		if (!atomic_compare_exchange_strong(&k->pthread, &none, pthread))
			k = NULL;
	}
	return k;
}

static void remember(uint64_t pthread, uint32_t number)
{
	struct known *k = entry(pthread);

	if (k)
		atomic_store(&k->number, number);
}

void thread_forget(uint64_t pthread)
{
	struct known *k = find(pthread);

	if (k)
		atomic_store(&k->pthread, 0);
}

static uint64_t object(uint32_t number)
{
	return OBJECT_REF(OBJECT_THREAD, (uint64_t)self.proc->pid << 16 | (number & 0xffff));
}

uint64_t thread_object(uint64_t pthread)
{
	const struct known *k;

	if (!attach_ready())
		return 0;
	k = find(pthread);
	return k ? object(atomic_load(&k->number)) : 0;
}

void thread_begin(uint32_t number)
{
	remember((uint64_t)pthread_self(), number);
	if (has_key)
		pthread_setspecific(end_key, (void *)1);
}

void thread_forked(void)
{
	uint32_t n = atomic_load(&n_known);

	for (uint32_t i = 0; i < n && i < THREADS; i++)
		atomic_store(&known[i].pthread, 0);
	thread_begin(0);
}

/* Destructors of thread-specific values run in rounds for as long as there are values: this one
 * comes back until the last, so that calls of the others are seen too. */
static void last_destructor(void *round)
{
	if ((uintptr_t)round < ROUNDS)
		pthread_setspecific(end_key, (void *)((uintptr_t)round + 1));
	else
		attach_thread_end();
}

void thread_init(void)
{
	has_key = pthread_key_create(&end_key, last_destructor) == 0;
	if (has_key && end_key >= CHEAP_KEYS) {
		pthread_key_delete(end_key);
		has_key = false;
	}
}

/* What a new thread needs, in memory that no allocator has to give. */
static struct starting {
	_Atomic uint32_t used;
	uint32_t number;
	void *(*start)(void *);
	void *arg;
} starting[256];

static void thread_end(void *unused)
{
	(void)unused;
	if (!has_key)
		attach_thread_end();
}

__attribute__((section("shim_start"))) static void *thread_start(void *data)
{
	struct starting *s = data;
	void *(*start)(void *) = s->start;
	void *arg = s->arg, *result;

	if (*attached)
		attach_thread(s->number);
	atomic_store(&s->used, 0);
	pthread_cleanup_push(thread_end, NULL);
	result = start(arg);
	pthread_cleanup_pop(1);
	return result;
}

static struct starting *starting_new(void)
{
	for (size_t i = 0; i < sizeof(starting) / sizeof(starting[0]); i++) {
		uint32_t unused = 0;

		if (atomic_compare_exchange_strong(&starting[i].used, &unused, 1))
			return &starting[i];
	}
	return NULL;
}

/* The new thread may be over, or may not even have begun, when its maker learns of it; and may have
 * given back the memory that its name was put into. */
static void created(struct gate *g, const pthread_t *thread, uint32_t number)
{
	uint64_t pthread;

	if (safe_read(thread, &pthread, sizeof(pthread)) && !find(pthread))
		remember(pthread, number);
	g->event->object = object(number);
	g->event->arg[5] = number;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *arg)
{
	long a[6] = A4(thread, attributes, start, arg);
	struct starting *s;
	struct gate g;
	uint32_t number = 0;
	long result;

	if (!arena || !gate_enter(&g, CALL_pthread_create, a, 0, CALLER, FRAME))
		return (int)real_call(CALL_pthread_create, a);
	s = g.perform ? starting_new() : NULL;
	if (s) {
		number = s->number = attach_thread_number();
		s->start = start;
		s->arg = arg;
		a[2] = (long)thread_start;
		a[3] = (long)s;
	}
	result = gate_perform(&g);
	if (result == 0 && s)
		created(&g, thread, number);
	else if (s)
		atomic_store(&s->used, 0);
	return (int)gate_leave(&g, result);
}

/* Recorded before it is done: nothing comes after. The unwinding passes through here. */
EXPORT void pthread_exit(void *result)
{
	long a[6] = A1(result);
	struct gate g;

	if (arena && gate_enter(&g, CALL_pthread_exit, a, 0, CALLER, FRAME))
		gate_leave(&g, 0);
	((void (*)(void *))real_function(CALL_pthread_exit))(result);
	__builtin_unreachable();
}
