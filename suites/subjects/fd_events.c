/* SPDX-License-Identifier: Apache-2.0 */
/* Events that are read from descriptors: a timer's, signals, and what happens in a directory of
 * FIFOs; and a timer that nobody has set. */
#include "subject.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

enum { N_EXPIRATIONS = 3 };

static int source;
static const char *path;

static void read_expirations(void)
{
	for (uint64_t n_seen = 0; n_seen < N_EXPIRATIONS;) {
		uint64_t n;

		EXPECT(TEMP_FAILURE_RETRY(read(source, &n, sizeof(n))) == sizeof(n));
		n_seen += n;
	}
}

static int run_timer(int argc, char **argv)
{
	struct timespec ms = { .tv_nsec = 1000 * 1000 };
	struct itimerspec often = { .it_interval = ms, .it_value = ms };

	(void)argc, (void)argv;
	source = CHECK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	CHECK(timerfd_settime(source, 0, &often, NULL));
	read_expirations();
	close_end(&source);
	return 0;
}

static int run_timer_not_set(int argc, char **argv)
{
	(void)argc, (void)argv;
	source = CHECK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	read_expirations();
	return 0;
}

/* The child's own signal and, whatever becomes of it, the one of its death. */
static int send_usr1(int who)
{
	CHECK(kill(getppid(), SIGUSR1));
	return who;
}

static int run_signals(int argc, char **argv)
{
	struct signalfd_siginfo info;
	sigset_t wanted;

	(void)argc, (void)argv;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL));
	source = CHECK(signalfd(-1, &wanted, SFD_CLOEXEC));
	spawn(send_usr1, 0);
	EXPECT(TEMP_FAILURE_RETRY(read(source, &info, sizeof(info))) == sizeof(info));
	EXPECT(info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGCHLD);
	close_end(&source);
	return reap_all();
}

/* Reads until all of these have been seen, in whatever portions. */
static void await_events(uint32_t wanted)
{
	union {
		char room[1024];
		struct inotify_event align;
	} events;

	while (wanted) {
		ssize_t n = TEMP_FAILURE_RETRY(read(source, &events, sizeof(events)));

		EXPECT(n > 0);
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(events.room + at);

			EXPECT(strcmp(event->name, "fifo") == 0);
			wanted &= ~event->mask;
			at += (ssize_t)sizeof(*event) + event->len;
		}
	}
}

static int watcher(int who)
{
	await_events(IN_CREATE | IN_OPEN | IN_DELETE);
	return who;
}

/* Opened for both ways, it waits for nobody. */
static int maker(int who)
{
	int fd;

	CHECK(mkfifo(path, 0600));
	fd = open_path(path, O_RDWR);
	close_end(&fd);
	CHECK(unlink(path));
	return who;
}

static int run_directory(int argc, char **argv)
{
	const char *directory;

	(void)argc, (void)argv;
	directory = make_dir();
	path = own_path("fifo");
	source = CHECK(inotify_init1(IN_CLOEXEC));
	CHECK(inotify_add_watch(source, directory, IN_CREATE | IN_OPEN | IN_DELETE));
	spawn(watcher, 0);
	spawn(maker, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "timer", run_timer },
	{ "signals", run_signals },
	{ "directory", run_directory },
	{ "timer_not_set", run_timer_not_set },
};

SUBJECT_MAIN(variants)
