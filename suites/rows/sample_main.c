/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row-sample NAME [WORD...]: makes one call of the table and prints its result, errno, and what
 * came of it. Words: fail, fault   the call with a bad argument, with a pointer to nowhere
 *   skip=ERRNO    no call, but the output that its failure with ERRNO would give
 *   watch         the call is made in a child; printed is how that ended, and what is left
 *   big, nonblock more than PIPE_BUF bytes; the call must not wait
 *   handler, restart  SIGUSR2 is handled (with SA_RESTART); printed is whether it came
 *   raise         ... and it comes before the call
 *   time          printed is whether the call took 20 ms
 *   where         no call, but the library that the name leads to
 *   mark          shows a tracer where the call begins and ends
 */
#include "sample.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { OLD_ERRNO = 0x77, SLOW_NS = 20 * 1000 * 1000 };

extern char **environ;

static struct words {
	bool fail, fault, skip, watch, big, nonblock, handler, restart, raise, time, mark, where;
	int err;
} words;

static const struct {
	const char *text;
	bool *flag;
} known[] = {
	{ "fail", &words.fail },         { "fault", &words.fault },
	{ "watch", &words.watch },       { "big", &words.big },
	{ "nonblock", &words.nonblock }, { "handler", &words.handler },
	{ "restart", &words.restart },   { "raise", &words.raise },
	{ "time", &words.time },         { "mark", &words.mark },
	{ "where", &words.where },
};

static void usage(const char *wrong)
{
	print("sample: %s: the name of a call and known words were expected\n", wrong);
	end(98);
}

static void read_word(const char *word)
{
	if (strncmp(word, "skip=", 5) == 0) {
		words.skip = true;
		words.err = atoi(word + 5);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(word, known[i].text) == 0) {
			*known[i].flag = true;
			return;
		}
	}
	usage(word);
}

static void set_stage(void)
{
	stage = (struct stage *)raw6(SYS_mmap, 0, sizeof(*stage), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stage->n = words.big ? 8192 : SHORT_TEXT;
	stage->nowait = words.nonblock;
	for (size_t i = 0; i < stage->n; i++)
		stage->in[i] = (char)('a' + i % 26);
}

/* What the C library would return. */
static long fabricate(const struct call *call)
{
	if (call->result == RESULT_ERRNO)
		return words.err;
	errno = words.err;
	return call->result == RESULT_PTR0 ? 0 : -1;
}

static void print_result(const struct call *call, const struct sample *sample, long result)
{
	static const char *const shapes[] = { [SHAPE_FD] = "fd",
					      [SHAPE_PID] = "pid",
					      [SHAPE_POINTER] = "pointer",
					      [SHAPE_ID] = "id" };
	bool failed = call->result == RESULT_PTR0 ? result == 0 : result == -1;

	if (failed || sample->shape == SHAPE_NUMBER)
		print("result=%ld", result);
	else
		print("result=%s", shapes[sample->shape]);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	raw2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static long make(const struct call *call, const struct sample *sample)
{
	if (words.skip)
		return fabricate(call);
	if (words.fail)
		return sample->fail();
	return words.fault ? sample->fault() : sample->call();
}

static void mark(const char *text)
{
	if (words.mark)
		raw3(SYS_write, -1, text, strlen(text));
}

static void prepare(const struct sample *sample)
{
	if (words.handler)
		handle(SIGUSR2, words.restart ? SA_RESTART : 0);
	if (sample->prepare)
		sample->prepare();
	if (words.raise)
		raw2(SYS_kill, raw0(SYS_getpid), SIGUSR2);
}

static void show(const struct call *call, const struct sample *sample)
{
	uint64_t begin;
	long result;
	int err;

	prepare(sample);
	begin = now_ns();
	mark("begin");
	errno = OLD_ERRNO;
	result = make(call, sample);
	err = errno;
	mark("end");
	stage->result = result;
	print_result(call, sample, result);
	print(" errno=%d", err);
	if (words.time)
		print(" slow=%d", now_ns() - begin >= SLOW_NS);
	if (words.handler)
		print(" handled=%d", stage->n_handled > 0);
	print("\n");
	if (sample->data)
		sample->data();
	if (sample->state)
		sample->state();
	print("\n");
}

/* The objects outlive the child, so that its parent sees what it did before it was killed. */
static void watch(const struct call *call, const struct sample *sample)
{
	bool own = !sample->state;
	pid_t pid;
	int status;

	if (!own)
		prepare(sample);
	pid = raw_fork();
	if (pid == 0) {
		if (own)
			prepare(sample);
		make(call, sample);
		raw1(SYS_exit_group, 0);
	}
	status = raw_reap(pid);
	if (WIFSIGNALED(status))
		print("killed by %d\n", WTERMSIG(status));
	else
		print("ended with %d\n", WEXITSTATUS(status));
	if (sample->state)
		sample->state();
	print("\n");
}

/* What an executed program has been given, without what belongs to the shim. */
static void executed(int argc, char **argv)
{
	static const char *const ours[] = { "LD_PRELOAD=", "IPCJAM_OPTIONS=", "IPCJAM=" };

	print("executed");
	for (int i = 2; i < argc; i++)
		print(" %s", argv[i]);
	for (char **e = environ; *e; e++) {
		bool mine = true;

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			mine = mine && strncmp(*e, ours[i], strlen(ours[i])) != 0;
		if (mine)
			print(" %s", *e);
	}
	print("\n");
	end(7);
}

static void where(const char *name)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);
	Dl_info info = { 0 };

	if (symbol && dladdr(symbol, &info))
		print("%s\n", info.dli_fname);
	end(0);
}

int main(int argc, char **argv)
{
	const struct sample *sample;
	int id;

	if (argc > 1 && strcmp(argv[1], "--executed") == 0)
		executed(argc, argv);
	id = argc > 1 ? call_find(argv[1], strlen(argv[1])) : -1;
	if (id < 0)
		usage(argc > 1 ? argv[1] : "nothing");
	for (int i = 2; i < argc; i++)
		read_word(argv[i]);
	if (words.where)
		where(argv[1]);
	sample = samples[id];
	if ((words.fail && !sample->fail) || (words.fault && !sample->fault))
		usage("no such sample");
	set_stage();
	if (words.watch)
		watch(&calls[calls[id].canonical_id], sample);
	else
		show(&calls[calls[id].canonical_id], sample);
	clean_up();
	end(0);
}
