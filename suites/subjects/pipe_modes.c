/* SPDX-License-Identifier: Apache-2.0 */
/* Right uses of pipes by other means: a shell-like pipeline with dup2 and exec, O_NONBLOCK with
 * poll, the capacity set. */
#include "subject.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

enum { STREAM_BYTES = 200 * 1000, CHUNK_BYTES = 5000 };

static int first[2];
static int second[2];

static int feed(int who)
{
	(void)who;
	close_end(&first[0]);
	close_end(&second[0]);
	close_end(&second[1]);
	write_full(first[1], "one\ntwo\nthree\n", 14);
	return 0;
}

static int run_filter(int who)
{
	(void)who;
	CHECK(TEMP_FAILURE_RETRY(dup2(first[0], STDIN_FILENO)));
	CHECK(TEMP_FAILURE_RETRY(dup2(second[1], STDOUT_FILENO)));
	for (int i = 0; i < 2; i++) {
		close_end(&first[i]);
		close_end(&second[i]);
	}
	signal(SIGPIPE, SIG_DFL);
	execlp("tr", "tr", "a-z", "A-Z", (char *)NULL);
	die("exec tr");
}

static int run_pipeline(int argc, char **argv)
{
	char text[64];
	size_t n_read;
	int bad;

	(void)argc, (void)argv;
	ignore_sigpipe();
	make_pipe(first);
	make_pipe(second);
	spawn(feed, 0);
	spawn(run_filter, 0);
	close_end(&first[0]);
	close_end(&first[1]);
	close_end(&second[1]);
	n_read = read_full(second[0], text, sizeof(text));
	bad = reap_all();
	if (bad)
		return bad;
	EXPECT(n_read == 14 && memcmp(text, "ONE\nTWO\nTHREE\n", 14) == 0);
	return 0;
}

static void wait_ready(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	CHECK(TEMP_FAILURE_RETRY(poll(&ready, 1, -1)));
}

static int write_nonblocking(int who)
{
	char chunk[CHUNK_BYTES];
	size_t done = 0;

	memset(chunk, 'a' + who, sizeof(chunk));
	close_end(&first[0]);
	while (done < STREAM_BYTES) {
		size_t left = STREAM_BYTES - done;
		ssize_t n = write(first[1], chunk, left < sizeof(chunk) ? left : sizeof(chunk));

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			wait_ready(first[1], POLLOUT);
		else if (errno != EINTR)
			die("write");
	}
	return 0;
}

static size_t read_nonblocking(void)
{
	char chunk[CHUNK_BYTES];
	size_t done = 0;

	for (;;) {
		ssize_t n = read(first[0], chunk, sizeof(chunk));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			return done;
		else if (errno == EAGAIN)
			wait_ready(first[0], POLLIN);
		else if (errno != EINTR)
			die("read");
	}
}

static int run_nonblocking(int argc, char **argv)
{
	size_t n_read;
	int bad;

	(void)argc, (void)argv;
	ignore_sigpipe();
	CHECK(pipe2(first, O_NONBLOCK | O_CLOEXEC));
	spawn(write_nonblocking, 0);
	close_end(&first[1]);
	n_read = read_nonblocking();
	bad = reap_all();
	if (bad)
		return bad;
	EXPECT(n_read == STREAM_BYTES);
	return 0;
}

/* Fills a pipe of one page to the brim, is refused, and takes all of it out again. */
static int run_capacity(int argc, char **argv)
{
	char page[PIPE_BUF] = { 0 };

	(void)argc, (void)argv;
	CHECK(pipe2(first, O_NONBLOCK));
	EXPECT(CHECK(fcntl(first[1], F_GETPIPE_SZ)) >= PIPE_BUF);
	EXPECT(CHECK(fcntl(first[1], F_SETPIPE_SZ, PIPE_BUF)) == PIPE_BUF);
	EXPECT(TEMP_FAILURE_RETRY(read(first[0], page, 1)) == -1 && errno == EAGAIN);
	write_full(first[1], page, sizeof(page));
	EXPECT(TEMP_FAILURE_RETRY(write(first[1], page, 1)) == -1 && errno == EAGAIN);
	EXPECT(read_full(first[0], page, sizeof(page)) == sizeof(page));
	close_end(&first[1]);
	EXPECT(read_full(first[0], page, 1) == 0);
	close_end(&first[0]);
	return 0;
}

static const struct variant variants[] = {
	{ "pipeline", run_pipeline },
	{ "nonblocking", run_nonblocking },
	{ "capacity", run_capacity },
};

SUBJECT_MAIN(variants)
