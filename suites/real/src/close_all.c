/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close_all.c - closes every descriptor, as daemons do, in each of the three ways, and goes on with
 * IPC: the new descriptors must have the lowest numbers, and nothing else may be open. What it
 * finds goes to the parent through a FIFO that is opened by its name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "real.h"

static void by_loop(void)
{
	struct rlimit limit;

	NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int fd = 0; fd < (int)limit.rlim_cur && fd < 65536; fd++)
		close(fd);
}

static void by_range(void)
{
	NEED(close_range(0, ~0u, 0) == 0);
}

static void by_closefrom(void)
{
	closefrom(0);
}

static int n_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

struct finding {
	int n_open, first, second, child, n_received;
	char got[8];
};

/* Pipe, fork and message queue, with no descriptor but what it makes. */
static struct finding work(void)
{
	struct {
		long type;
		char text[8];
	} message = { 1, "queued" };
	struct finding f = { .n_open = n_open() };
	int end[2], queue = msgget(IPC_PRIVATE, 0600);
	pid_t pid;

	NEED(queue >= 0 && pipe(end) == 0);
	f.first = end[0];
	f.second = end[1];
	NEED((pid = fork()) >= 0);
	if (pid == 0) {
		if (write(end[1], "written", 8) != 8 || msgsnd(queue, &message, 8, 0) != 0)
			_exit(90);
		_exit(3);
	}
	f.child = ended(pid);
	NEED(read(end[0], f.got, 8) == 8);
	memset(&message, 0, sizeof(message));
	f.n_received = (int)msgrcv(queue, &message, 8, 0, 0);
	NEED(msgctl(queue, IPC_RMID, NULL) == 0);
	close(end[0]);
	close(end[1]);
	return f;
}

static void run(const char *name, void (*close_all)(void), const char *fifo)
{
	struct finding f;
	pid_t pid = fork();
	int fd;

	NEED(pid >= 0);
	if (pid == 0) {
		close_all();
		f = work();
		fd = open(fifo, O_WRONLY);
		if (fd != 0 || write(fd, &f, sizeof(f)) != sizeof(f))
			_exit(91);
		close_all();
		_exit(0);
	}
	fd = open(fifo, O_RDONLY);
	NEED(fd >= 0 && read(fd, &f, sizeof(f)) == sizeof(f));
	close(fd);
	printf("%s: %d open, pipe is %d %d, read \"%s\", child %d, message of %d, ended %d\n", name,
	       f.n_open, f.first, f.second, f.got, f.child, f.n_received, ended(pid));
}

int main(void)
{
	char folder[] = "/tmp/close-all.XXXXXX", fifo[64];

	NEED(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	NEED(mkfifo(fifo, 0600) == 0);
	run("loop", by_loop, fifo);
	run("close_range", by_range, fifo);
	run("closefrom", by_closefrom, fifo);
	NEED(unlink(fifo) == 0 && rmdir(folder) == 0);
	return 0;
}
