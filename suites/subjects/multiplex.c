/* SPDX-License-Identifier: Apache-2.0 */
/* poll, select and epoll on everything that can be waited for so; and on what never comes. */
#include "subject_posix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

enum { PIPE, FIFO, SOCKET, EVENT, TIMER, SIGNAL, QUEUE, DIRECTORY, PROCESS, N_SOURCES };

static int sources[N_SOURCES];
static int pipe_ends[2];
static int pair[2];
static int go[2];
static const char *fifo;
static const char *file;

static void make_sources(void)
{
	const char *directory = make_dir();
	sigset_t wanted;

	make_pipe(go);
	make_pipe(pipe_ends);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fifo = make_fifo("fifo");
	file = own_path("file");
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL));
	sources[PIPE] = pipe_ends[0];
	sources[FIFO] = open_path(fifo, O_RDONLY | O_NONBLOCK);
	sources[SOCKET] = pair[0];
	sources[EVENT] = CHECK(eventfd(0, 0));
	sources[TIMER] = CHECK(timerfd_create(CLOCK_MONOTONIC, 0));
	sources[SIGNAL] = CHECK(signalfd(-1, &wanted, 0));
	sources[QUEUE] = make_mq(own_mq_name("mq"), 1, 1);
	sources[DIRECTORY] = CHECK(inotify_init1(0));
	CHECK(inotify_add_watch(sources[DIRECTORY], directory, IN_CREATE));
}

/* Is told whom to signal. Its end is the last of the events. */
static int feed(int who)
{
	pid_t looper;
	int fd;

	EXPECT(read_full(go[0], &looper, sizeof(looper)) == sizeof(looper));
	write_full(pipe_ends[1], "x", 1);
	fd = open_path(fifo, O_WRONLY);
	write_full(fd, "x", 1);
	close_end(&fd);
	write_full(pair[1], "x", 1);
	EXPECT(TEMP_FAILURE_RETRY(eventfd_write(sources[EVENT], 1)) == 0);
	send_mq(sources[QUEUE], "x", 1, 0);
	CHECK(kill(looper, SIGUSR1));
	fd = open_path(file, O_WRONLY | O_CREAT);
	close_end(&fd);
	return who;
}

static void set_timer(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000 * 1000 } };

	CHECK(timerfd_settime(sources[TIMER], 0, &soon, NULL));
}

/* Takes what a source that is ready has; it will not be asked again. */
static void serve(int which)
{
	char room[512];

	if (which == QUEUE)
		receive_mq(sources[which], room, sizeof(room), NULL);
	else if (which != PROCESS)
		EXPECT(TEMP_FAILURE_RETRY(read(sources[which], room, sizeof(room))) > 0);
}

static int poll_all(int who)
{
	struct pollfd wanted[N_SOURCES];
	int n_left = N_SOURCES;

	set_timer();
	for (int i = 0; i < N_SOURCES; i++)
		wanted[i] = (struct pollfd){ .fd = sources[i], .events = POLLIN };
	while (n_left > 0) {
		CHECK(TEMP_FAILURE_RETRY(poll(wanted, N_SOURCES, -1)));
		for (int i = 0; i < N_SOURCES; i++) {
			if (!(wanted[i].revents & POLLIN))
				continue;
			serve(i);
			wanted[i].fd = -1;
			n_left--;
		}
	}
	return who;
}

static int select_all(int who)
{
	fd_set wanted;
	int n_left = N_SOURCES;

	set_timer();
	FD_ZERO(&wanted);
	for (int i = 0; i < N_SOURCES; i++)
		FD_SET(sources[i], &wanted);
	while (n_left > 0) {
		fd_set ready = wanted;

		if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) == -1) {
			EXPECT(errno == EINTR);
			continue;
		}
		for (int i = 0; i < N_SOURCES; i++) {
			if (!FD_ISSET(sources[i], &ready))
				continue;
			serve(i);
			FD_CLR(sources[i], &wanted);
			n_left--;
		}
	}
	return who;
}

static int epoll_all(int who)
{
	int set = CHECK(epoll_create1(EPOLL_CLOEXEC));
	int n_left = N_SOURCES;

	set_timer();
	for (int i = 0; i < N_SOURCES; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		CHECK(epoll_ctl(set, EPOLL_CTL_ADD, sources[i], &event));
	}
	while (n_left > 0) {
		struct epoll_event ready[4];
		int n_ready = CHECK(TEMP_FAILURE_RETRY(epoll_wait(set, ready, 4, -1)));

		for (int i = 0; i < n_ready; i++) {
			int which = (int)ready[i].data.u32;

			if (!(ready[i].events & EPOLLIN))
				continue;
			serve(which);
			CHECK(epoll_ctl(set, EPOLL_CTL_DEL, sources[which], NULL));
			n_left--;
		}
	}
	close_end(&set);
	return who;
}

static int loop(int (*body)(int who))
{
	pid_t looper, feeder;

	ignore_sigpipe();
	make_sources();
	feeder = spawn(feed, 0);
	sources[PROCESS] = CHECK(pidfd_open(feeder, 0));
	looper = spawn(body, 0);
	write_full(go[1], &looper, sizeof(looper));
	close_end(&pipe_ends[0]);
	close_end(&pair[0]);
	close_end(&sources[FIFO]);
	return reap_all();
}

static int run_poll(int argc, char **argv)
{
	(void)argc, (void)argv;
	return loop(poll_all);
}

static int run_select(int argc, char **argv)
{
	(void)argc, (void)argv;
	return loop(select_all);
}

static int run_epoll(int argc, char **argv)
{
	(void)argc, (void)argv;
	return loop(epoll_all);
}

/* Both have a writing end, both wait for the other to use its own. */
static int wait_for_bytes(int who)
{
	struct pollfd wanted[] = {
		{ .fd = pipe_ends[0], .events = POLLIN },
		{ .fd = pair[who], .events = POLLIN },
		{ .fd = sources[EVENT], .events = POLLIN },
	};

	CHECK(TEMP_FAILURE_RETRY(poll(wanted, 3, -1)));
	write_full(pair[!who], "x", 1);
	return 0;
}

static int run_both_poll(int argc, char **argv)
{
	(void)argc, (void)argv;
	make_pipe(pipe_ends);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sources[EVENT] = CHECK(eventfd(0, 0));
	spawn(wait_for_bytes, 0);
	spawn(wait_for_bytes, 1);
	return reap_all();
}

static int wait_in_epoll(int who)
{
	int set = CHECK(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { .events = EPOLLIN };

	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, sources[EVENT], &event));
	CHECK(TEMP_FAILURE_RETRY(epoll_wait(set, &event, 1, -1)));
	return who;
}

static int run_nobody_writes(int argc, char **argv)
{
	(void)argc, (void)argv;
	sources[EVENT] = CHECK(eventfd(0, 0));
	spawn(wait_in_epoll, 0);
	return reap_all();
}

static const struct variant variants[] = {
	{ "poll", run_poll },
	{ "select", run_select },
	{ "epoll", run_epoll },
	{ "both_poll", run_both_poll },
	{ "nobody_writes", run_nobody_writes },
};

SUBJECT_MAIN(variants)
