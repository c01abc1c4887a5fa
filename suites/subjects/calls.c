/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that subjects make in many places, with EINTR retried and short transfers continued,
 * and looking at /proc. */
#include "subject.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

/* More than one number a place: libc chooses which system call serves a function. */
static const long places[][2] = {
	[IN_SEMOP] = { SYS_semop, SYS_semtimedop },
	[IN_MSGSND] = { SYS_msgsnd, SYS_msgsnd },
	[IN_MSGRCV] = { SYS_msgrcv, SYS_msgrcv },
	[IN_READ] = { SYS_read, SYS_readv },
	[IN_WRITE] = { SYS_write, SYS_writev },
	[IN_OPEN] = { SYS_open, SYS_openat },
	[IN_PAUSE] = { SYS_pause, SYS_ppoll },
	[IN_SIGWAIT] = { SYS_rt_sigtimedwait, SYS_rt_sigtimedwait },
	[IN_MQ_SEND] = { SYS_mq_timedsend, SYS_mq_timedsend },
	[IN_MQ_RECEIVE] = { SYS_mq_timedreceive, SYS_mq_timedreceive },
	[IN_FLOCK] = { SYS_flock, SYS_flock },
	[IN_FCNTL] = { SYS_fcntl, SYS_fcntl },
	[IN_CONNECT] = { SYS_connect, SYS_connect },
	[IN_POLL] = { SYS_poll, SYS_ppoll },
};

void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 }, NULL);
}

/* The start of a small file of /proc/PID, or false when the process is gone. */
static bool read_proc(pid_t pid, const char *name, char *text, size_t size_bytes)
{
	char path[64];
	ssize_t n_bytes;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
	if (fd == -1)
		return false;
	n_bytes = TEMP_FAILURE_RETRY(read(fd, text, size_bytes - 1));
	close(fd);
	text[n_bytes > 0 ? n_bytes : 0] = '\0';
	return n_bytes > 0;
}

/* The state letter in /proc/PID/stat; X for a process that is no more. */
static char process_state(pid_t pid)
{
	char text[256];
	const char *end;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return 'X';
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : '?';
}

/* Does it sleep in a system call? Then also which, and its first argument. */
static bool sleeps_in(pid_t pid, long *number, unsigned long *first)
{
	char text[256];
	char state = process_state(pid);

	if (state == 'Z' || state == 'X')
		fail("the other one still lives");
	return state == 'S' && read_proc(pid, "syscall", text, sizeof(text)) &&
	       sscanf(text, "%ld %lx", number, first) == 2;
}

void wait_blocked(pid_t pid, enum place place)
{
	unsigned long first;
	long number;

	while (!sleeps_in(pid, &number, &first) ||
	       (number != places[place][0] && number != places[place][1]))
		nap();
}

void wait_on_futex(pid_t tid, const volatile void *memory, size_t size_bytes)
{
	unsigned long start = (unsigned long)(uintptr_t)memory;
	unsigned long word;
	long number;

	while (!sleeps_in(tid, &number, &word) || number != SYS_futex || word < start ||
	       word >= start + size_bytes)
		nap();
}

void wait_ended(pid_t pid)
{
	for (;;) {
		char state = process_state(pid);

		if (state == 'Z' || state == 'X')
			return;
		nap();
	}
}

void sem_change(int set, int num, int change, int flags)
{
	struct sembuf operation = { .sem_num = (unsigned short)num,
				    .sem_op = (short)change,
				    .sem_flg = (short)flags };

	CHECK(TEMP_FAILURE_RETRY(semop(set, &operation, 1)));
}

int sem_value(int set, int num)
{
	return CHECK(semctl(set, num, GETVAL));
}

void send_message(int queue, const struct message *message, size_t size_bytes)
{
	CHECK(TEMP_FAILURE_RETRY(msgsnd(queue, message, size_bytes, 0)));
}

size_t receive_message(int queue, struct message *message, long type, int flags)
{
	return (size_t)CHECK(
		(int)TEMP_FAILURE_RETRY(msgrcv(queue, message, MESSAGE_FULL, type, flags)));
}

int open_path(const char *path, int flags)
{
	return CHECK(TEMP_FAILURE_RETRY(open(path, flags | O_CLOEXEC, 0600)));
}

void make_pipe(int ends[2])
{
	CHECK(pipe(ends));
}

/* Not retried: after EINTR the descriptor is gone on Linux. */
void close_end(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* Less than asked for only at the end of the file. */
size_t read_full(int fd, void *buffer, size_t size_bytes)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, (char *)buffer + done, size_bytes - done));

		if (n == -1)
			die("read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return done;
}

void write_full(int fd, const void *buffer, size_t size_bytes)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = TEMP_FAILURE_RETRY(
			write(fd, (const char *)buffer + done, size_bytes - done));

		if (n == -1)
			die("write");
		done += (size_t)n;
	}
}

/* A reader that dies is then an error of the write, which can be handled, and not a death. */
void ignore_sigpipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}
