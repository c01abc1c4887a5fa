/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise.c - the supervisor's life: set up, watch until the trial is over, report, clean up. It
 * sleeps on the arena's bell; children's deaths ring it too, so that no wake-up is lost.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "supervise.h"

#define TICK_NS (10 * NS_PER_MS)
#define TICK_IDLE_NS (20 * NS_PER_MS)
#define IDLE_ROUNDS 50
#define CLOSE_NS (60 * NS_PER_US)
#define CLOSE_LOOKS 32
#define CLOSE_EVENTS 64
#define FIRST_SCAN_NS (20 * NS_PER_MS)
#define CALIBRATED_NS (2 * NS_PER_MS)

static struct arena *bell_arena; /* for the signal handlers */
static volatile bool arena_cut;

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void text_put(char *to, size_t n_bytes, const char *from)
{
	size_t n = strnlen(from, n_bytes - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

uint64_t ticks_now(const struct supervisor *s)
{
	return s->arena->has_tsc ? __rdtsc() : now_ns();
}

/* Ticks in 1,024 ns, from the trial's start to now; a first guess until there is enough to divide.
 */
static uint64_t ticks_rate(const struct supervisor *s)
{
	uint64_t ns = now_ns() - s->start_ns;

	if (!s->arena->has_tsc)
		return 1024;
	if (ns < CALIBRATED_NS)
		return 2 * 1024;
	return (uint64_t)((double)(__rdtsc() - s->start_tsc) * 1024.0 / (double)ns);
}

uint64_t ticks_per_us(const struct supervisor *s)
{
	return ticks_rate(s) * 1000 / 1024;
}

uint64_t ticks_to_ns(const struct supervisor *s, uint64_t ticks)
{
	uint64_t rate = ticks_rate(s);

	return rate ? (uint64_t)((double)ticks * 1024.0 / (double)rate) : 0;
}

/* Without an invariant TSC that counts the same on all CPUs, the clock is used. */
static bool tsc_usable(void)
{
	unsigned int a, b, c, d;
	char source[16] = "";
	int fd;

	if (__get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8))
		return true;
	fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, source, sizeof(source) - 1) < 0)
		source[0] = '\0';
	close(fd);
	return strncmp(source, "tsc", 3) == 0;
}

static void on_signal(int signo)
{
	int err = errno;

	(void)signo;
	if (bell_arena) {
		atomic_fetch_add(&bell_arena->bell, 1);
		syscall(SYS_futex, &bell_arena->bell, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	errno = err;
}

/* A subject that cut off the arena's file: go on with an empty page, what was there is lost. */
static void on_bus_error(int signo, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr & ~(uintptr_t)4095, from = (uintptr_t)bell_arena;
	void *page = MAP_FAILED;

	(void)context;
	if (info->si_code <= 0)
		return;
	if (from && at >= from && at < from + sizeof(struct arena))
		page = mmap((void *)at, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (page == MAP_FAILED)
		signal(signo, SIG_DFL);
	arena_cut = true;
}

/*
 * All signals but SIGCHLD stay blocked: a subject that could reach us could otherwise end us, and
 * Ctrl-C is the runner's business. SIGCHLD is also how the runner's death rings (then the pipe has
 * hung up).
 */
static void signals_set_up(void)
{
	/* stops of traced tasks are the tracer's business, and would come by the thousand */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NOCLDSTOP };
	struct sigaction bus = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
	sigset_t mask;

	sigfillset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
	sigaction(SIGBUS, &bus, NULL);
	sigfillset(&mask);
	sigdelset(&mask, SIGBUS);
	sigdelset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGCHLD);
	prctl(PR_SET_TIMERSLACK, 1);
}

static bool keeps(const struct supervisor_start *start, int fd)
{
	const struct trial_options *o = start->options;
	const int kept[] = { start->alive_fd,
			     start->json_fd,
			     o->stdin_fd,
			     o->stdout_fd,
			     o->stderr_fd,
			     o->events_fd,
			     o->trace ? o->trace_fd : -1,
			     2 };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (fd == kept[i])
			return true;
	return false;
}

/* The runner may have other trials going on: their pipes must not be held open here. */
static void descriptors_set_up(struct supervisor *s, const struct supervisor_start *start)
{
	struct rlimit limit;
	int first = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (keeps(start, fd)) {
			if (fd > first)
				syscall(SYS_close_range, first, fd - 1, 0);
			first = fd + 1;
		}
	syscall(SYS_close_range, first, ~0u, 0);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		s->n_files = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Not 0, which is what unused registers often hold. */
static uint32_t make_cookie(void)
{
	uint32_t cookie;

	if (getrandom(&cookie, sizeof(cookie), 0) != sizeof(cookie))
		cookie = (uint32_t)__rdtsc();
	return cookie | 1;
}

static void arena_fill(struct supervisor *s)
{
	const struct trial_options *o = s->options;

	s->arena->plan = *o->plan;
	arena_init(s->arena, ARENA_SUPERVISED, o->seed);
	s->arena->has_tsc = tsc_usable();
	s->arena->stacks = o->stacks;
	s->arena->cookie = s->reach_all ? make_cookie() : 0;
	for (unsigned int i = 0; i < o->n_orders; i++) {
		uint32_t n_bytes = o->order[i].offset + o->order[i].width;

		if (n_bytes > s->arena->payload_bytes)
			s->arena->payload_bytes = n_bytes;
	}
}

static int set_up(struct supervisor *s, uid_t uid, gid_t gid)
{
	const struct trial_options *o = s->options;
	const struct model_options model = { .order = o->order,
					     .n_orders = o->n_orders,
					     .strict = o->strict };

	if (o->cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(o->cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	reach_choose(s);
	if (s->isolated) {
		if (namespaces_enter(s, uid, gid) < 0) {
			s->report->verdict = VERDICT_CANNOT_ISOLATE;
			return -1;
		}
	} else {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (arena_make(s) < 0)
			return -1;
		names_remember(s);
	}
	s->report->isolated = s->isolated;
	arena_fill(s);
	bell_arena = s->arena;
	memset(s->slot_process, 0xff, sizeof(s->slot_process));
	s->time_in = calloc(OBJECT_TIMES, sizeof(*s->time_in));
	s->model = model_new(&model, &s->findings);
	s->symbols = symbols_new();
	s->watch = watch_new();
	s->start_ns = now_ns();
	s->next_scan_ns = s->start_ns + FIRST_SCAN_NS;
	s->start_tsc = ticks_now(s);
	s->start_wall_s = (uint64_t)time(NULL);
	s->trace = trace_new(s);
	return s->time_in && s->model && s->symbols && s->watch && s->trace ? 0 : -1;
}

/* Has the runner died, or does it want an end? */
bool runner_calls(struct supervisor *s)
{
	char byte;
	ssize_t n = read(s->alive_fd, &byte, 1);

	if (n == 0)
		s->runner_gone = true;
	else if (n == 1)
		s->interrupted = true;
	return s->runner_gone || s->interrupted;
}

static void sleep_on_bell(struct supervisor *s, uint32_t seen, uint64_t tick)
{
	uint64_t now = now_ns(), until = now + tick;
	struct timespec timeout;

	if (s->next_stop_ns && s->next_stop_ns < until)
		until = s->next_stop_ns > now ? s->next_stop_ns : now;
	timeout.tv_sec = (time_t)((until - now) / NS_PER_S);
	timeout.tv_nsec = (long)((until - now) % NS_PER_S);
	syscall(SYS_futex, &s->arena->bell, FUTEX_WAIT, seen, &timeout, NULL, 0);
}

/* One look at everything. Returns true when the trial is over. */
static bool look(struct supervisor *s)
{
	uint64_t now = now_ns();

	if (runner_calls(s)) {
		s->ended = ENDED_INTERRUPTED;
		return true;
	}
	processes_update(s);
	threads_update(s);
	drain(s);
	stops_update(s, now);
	sems_update(s);
	trace_flush(s);
	if (!children_left(s)) {
		s->ended = ENDED_BY_ITSELF;
		return true;
	}
	if (now >= s->next_scan_ns)
		reach_scan(s);
	if (watch_tick(s, false)) {
		s->ended = ENDED_DEADLOCK;
		return true;
	}
	if (s->root_reaped && now >= s->root_ended_ns + s->options->linger_ns) {
		s->ended = watch_tick(s, true) ? ENDED_DEADLOCK : ENDED_BY_ITSELF;
		return true;
	}
	if (now >= s->start_ns + s->options->timeout_ns) {
		s->ended = watch_tick(s, true) ? ENDED_DEADLOCK : ENDED_HANG;
		return true;
	}
	return false;
}

/*
 * While events stream in, to be woken costs the subject more than recording does (an interrupt to
 * another CPU for each half ring): the supervisor comes by itself, often enough that no ring fills.
 * Not on one CPU, where each look would take it from the subject.
 */
static void follow_closely(struct supervisor *s)
{
	atomic_store(&s->arena->awake, 1);
	for (unsigned int i = 0; i < CLOSE_LOOKS; i++) {
		uint64_t n_events = s->n_events;

		sleep_on_bell(s, atomic_load(&s->arena->bell), CLOSE_NS);
		drain(s);
		if (s->n_events - n_events < CLOSE_EVENTS)
			break;
	}
	atomic_store(&s->arena->awake, 0);
}

static bool has_several_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

static void watch_over(struct supervisor *s)
{
	bool several = has_several_cpus();
	unsigned int idle = 0;

	for (;;) {
		uint32_t seen = atomic_load(&s->arena->bell);
		uint64_t n_events = s->n_events;

		s->drained_something = false;
		if (look(s))
			return;
		idle = s->drained_something ? 0 : idle + 1;
		if (several && s->n_events - n_events >= CLOSE_EVENTS)
			follow_closely(s);
		else
			sleep_on_bell(s, seen, idle > IDLE_ROUNDS ? TICK_IDLE_NS : TICK_NS);
	}
}

/* The runner is dead: nobody wants to know anything any more. */
static _Noreturn void abandon(struct supervisor *s)
{
	atomic_store(&s->arena->closing, 1);
	kill_all(s);
	processes_update(s);
	drain(s);
	fifos_remove(s);
	leftovers_remove(s);
	if (!s->isolated)
		unlink(s->arena_path);
	_exit(0);
}

static void finish(struct supervisor *s)
{
	if (s->runner_gone)
		abandon(s);
	if (s->ended == ENDED_DEADLOCK)
		sems_final(s);
	if (!watch_finish(s) && s->ended == ENDED_HANG)
		report_hang(s);
	else if (s->ended == ENDED_BY_ITSELF && children_left(s))
		report_left_running(s);
	s->end_ns = now_ns();
	atomic_store(&s->arena->closing, 1);
	kill_all(s);
	processes_update(s);
	drain(s);
	counts_check(s);
	sems_final(s);
	report_root(s);
	if (s->options->check && !s->runner_gone)
		run_check(s);
	if (s->runner_gone)
		abandon(s);
	leftovers_finish(s);
	trace_finish(s);
}

static void report_fill(struct supervisor *s)
{
	const struct process *root = &s->process[0];

	s->report->root_exited = WIFEXITED(root->wait_status);
	s->report->root_status = s->report->root_exited ? WEXITSTATUS(root->wait_status) : 0;
	s->report->root_signal = s->report->root_exited ? 0 : WTERMSIG(root->wait_status);
	s->report->verdict = s->interrupted ? VERDICT_INTERRUPTED : VERDICT_RAN;
}

int supervise(const struct supervisor_start *start)
{
	struct supervisor *s = calloc(1, sizeof(*s));

	if (!s)
		return 1;
	s->options = start->options;
	s->report = start->report;
	s->isolated = start->isolated;
	s->alive_fd = start->alive_fd;
	s->json_fd = start->json_fd;
	signals_set_up();
	descriptors_set_up(s, start);
	if (set_up(s, start->uid, start->gid) < 0 || root_start(s) < 0) {
		if (!s->isolated && s->arena_path[0])
			unlink(s->arena_path);
		return 1;
	}
	watch_over(s);
	finish(s);
	s->scribbled = s->scribbled || arena_cut;
	report_fill(s);
	if (document_write(s) == 0)
		atomic_store(&s->report->done, 1);
	leftovers_remove(s);
	if (!s->isolated)
		unlink(s->arena_path);
	return 0;
}
