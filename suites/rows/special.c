/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row-special NAME: what programs do that makes life hard for a wrapper. Each prints what it saw,
 * which is the same without the shim and under it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

static int out_fd = 1;
static int fds[2];
static char **arguments;

static void say(const char *format, ...)
{
	char line[256];
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	raw3(SYS_write, out_fd, line, n);
}

static void check(int good, const char *what)
{
	if (good)
		return;
	say("special: %s: %s\n", what, strerror(errno));
	raw1(SYS_exit_group, 99);
}

/* Is thread `tid` asleep in system call `nr`? Asked without any call that the shim could see. */
static int is_blocked(int tid, long nr)
{
	char path[64], line[32] = "";
	long fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = raw4(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	check(fd >= 0, path);
	raw3(SYS_read, fd, line, sizeof(line) - 1);
	raw1(SYS_close, fd);
	return line[0] != 'r' && atol(line) == nr;
}

static void await_blocked(int tid, long nr)
{
	while (!is_blocked(tid, nr))
		raw0(SYS_sched_yield);
}

/* A child that sends us a signal as soon as we wait in system call `nr`. */
static void poke_when_blocked(long nr, int signo)
{
	pid_t self = (pid_t)raw0(SYS_getpid);

	if (raw6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) != 0)
		return;
	await_blocked(self, nr);
	raw2(SYS_kill, self, signo);
	raw1(SYS_exit_group, 0);
}

static void say_read(int fd)
{
	char c = 0;
	ssize_t n = read(fd, &c, 1);

	say("read %zd %c\n", n, c ? c : '-');
}

static sigjmp_buf back;

static void jump(int signo)
{
	siglongjmp(back, signo);
}

/* From here on SIGUSR1 is handled on a stack that lies elsewhere. */
static int on_stack;

static void use_altstack(void)
{
	static char memory[65536];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };

	check(sigaltstack(&stack, NULL) == 0, "sigaltstack");
	on_stack = SA_ONSTACK;
}

/* The read is never finished; what comes after it is recorded none the less. */
static void longjmp_out(void)
{
	struct sigaction action = { .sa_handler = jump, .sa_flags = on_stack };

	sigaction(SIGUSR1, &action, NULL);
	poke_when_blocked(SYS_read, SIGUSR1);
	if (sigsetjmp(back, 1) == 0)
		say_read(fds[0]);
	say("wrote %zd ", write(fds[1], "x", 1));
	say_read(fds[0]);
}

static void longjmp_altstack(void)
{
	use_altstack();
	longjmp_out();
}

static int queue;

static void calls_in_handler(int signo)
{
	struct {
		long type;
		char text[4];
	} m = { signo, "abc" };

	check(write(fds[1], "h", 1) == 1, "write");
	check(msgsnd(queue, &m, 3, 0) == 0, "msgsnd");
}

static void nested(void)
{
	struct sigaction action = { .sa_handler = calls_in_handler, .sa_flags = on_stack };
	int set = semget(IPC_PRIVATE, 1, 0600), result;
	struct sembuf take = { 0, -1, 0 };

	queue = msgget(IPC_PRIVATE, 0600);
	sigaction(SIGUSR1, &action, NULL);
	poke_when_blocked(SYS_semtimedop, SIGUSR1);
	result = semop(set, &take, 1);
	say("semop %d errno %d\n", result, errno);
	say_read(fds[0]);
	check(semctl(set, 0, IPC_RMID) == 0, "semctl");
	check(msgctl(queue, IPC_RMID, NULL) == 0, "msgctl");
}

static void nested_altstack(void)
{
	use_altstack();
	nested();
}

static void *forks(void *unused)
{
	pid_t pid = fork();
	int status;

	(void)unused;
	if (pid == 0) {
		check(write(fds[1], "f", 1) == 1, "write");
		_exit(3);
	}
	waitpid(pid, &status, 0);
	say("child exited %d\n", WEXITSTATUS(status));
	return NULL;
}

static void fork_in_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, forks, NULL);
	pthread_join(thread, NULL);
	say_read(fds[0]);
}

static void vfork_exit(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		if (write(fds[1], "v", 1) != 1)
			_exit(4);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	say("child exited %d\n", WEXITSTATUS(status));
	say_read(fds[0]);
}

static void vfork_exec(void)
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execl("/proc/self/exe", "row-special", "writes", (char *)NULL);
		_exit(4);
	}
	waitpid(pid, &status, 0);
	say("child exited %d\n", WEXITSTATUS(status));
	say("wrote %zd\n", write(fds[1], "p", 1));
}

static volatile int reader;

static void *reads(void *unused)
{
	(void)unused;
	reader = (int)raw0(SYS_gettid);
	say_read(fds[0]);
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, reads, NULL);
	while (reader == 0)
		raw0(SYS_sched_yield);
	await_blocked(reader, SYS_read);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	say("cancelled %d\n", result == PTHREAD_CANCELED);
	say("wrote %zd\n", write(fds[1], "c", 1));
}

enum { KEPT = 700, MANY = 1024 };

static void closes_all(void)
{
	check(raw2(SYS_dup2, 1, KEPT) >= 0, "dup2");
	out_fd = KEPT;
	for (int fd = 0; fd < MANY; fd++) {
		if (fd != KEPT)
			close(fd);
	}
	check(pipe(fds) == 0, "pipe");
	say("pipe %d %d\n", fds[0], fds[1]);
	say("wrote %zd\n", write(fds[1], "a", 1));
}

/* All descriptors that are there after some calls: the shim has none of its own. */
static void descriptors(void)
{
	struct sembuf add = { 0, 1, 0 };
	int set = semget(IPC_PRIVATE, 1, 0600);

	check(semop(set, &add, 1) == 0, "semop");
	check(semctl(set, 0, IPC_RMID) == 0, "semctl");
	for (int fd = 0; fd < MANY; fd++) {
		if (raw3(SYS_fcntl, fd, F_GETFD, 0) >= 0)
			say("%d ", fd);
	}
	say("\n");
}

static void clears_environment(void)
{
	clearenv();
	execv("/proc/self/exe", (char *[]){ "row-special", "writes", NULL });
}

extern char **environ;

/* What setproctitle does where there is no room: the title grows over the environment. */
static void sets_title(void)
{
	char *from = arguments[0], *to = from;

	for (char **e = environ; *e; e++)
		to = *e + strlen(*e);
	memset(from, 'x', (size_t)(to - from));
	execv("/proc/self/exe", (char *[]){ "row-special", "writes", NULL });
}

/* The number of a pipe that was closed behind every wrapper's back comes to lead elsewhere. */
static void closes_raw(void)
{
	int fd;

	check(write(fds[1], "x", 1) == 1, "write");
	say_read(fds[0]);
	syscall(SYS_close, fds[0]);
	fd = open("/dev/null", O_RDONLY);
	say("same %d\n", fd == fds[0]);
	say_read(fd);
}

union semun {
	int val;
	unsigned short *array;
};

static void semctl_forms(void)
{
	int set = semget(IPC_PRIVATE, 2, 0600);
	unsigned short values[2] = { 3, 4 };
	union semun whole = { .array = values };
	union semun number = { .val = 9 };

	check(semctl(set, 0, SETALL, whole) == 0, "semctl");
	check(semctl(set, 1, SETVAL, number) == 0, "semctl");
	say("values %d %d", semctl(set, 0, GETVAL), semctl(set, 1, GETVAL));
	check(semctl(set, 0, SETVAL, 5) == 0, "semctl");
	values[0] = values[1] = 0;
	check(semctl(set, 0, GETALL, values) == 0, "semctl");
	say(" %d %d\n", values[0], values[1]);
	check(semctl(set, 0, IPC_RMID) == 0, "semctl");
}

/* System calls by their number: -1 and errno where libc's function gives the number itself. */
static void by_number(void)
{
	struct timespec moment = { 0, 1000 };
	uint32_t word = 0;
	char text[4] = "";
	long result;

	say("write %ld ", syscall(SYS_write, fds[1], "abc", 3));
	say("read %ld %s\n", syscall(SYS_read, fds[0], text, 3), text);
	result = syscall(SYS_clock_nanosleep, 99, TIMER_ABSTIME, &moment, NULL);
	say("nanosleep %ld errno %d ", result, errno);
	result = syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
	say("futex %ld errno %d ", result, errno);
	say("close %ld\n", syscall(SYS_close, fds[0]));
}

static pthread_key_t key;

static void destructor(void *value)
{
	say("%s %zd ", value, write(fds[1], "d", 1));
}

static void *has_value(void *value)
{
	pthread_setspecific(key, value);
	return NULL;
}

/* A thread's last calls are made when its function has returned. */
static void destroys(void)
{
	pthread_t thread;

	check(pthread_key_create(&key, destructor) == 0, "pthread_key_create");
	check(pthread_create(&thread, NULL, has_value, "destroyed") == 0, "pthread_create");
	check(pthread_join(thread, NULL) == 0, "pthread_join");
	say_read(fds[0]);
}

static int first_errno;

static void tells_errno(void)
{
	say("errno %d\n", first_errno);
	check(write(fds[1], "e", 1) == 1, "write");
}

static int takes_output(void *file)
{
	dup2(fds[1], *(int *)file);
	raw1(SYS_exit_group, 0);
	return 0;
}

/* The child has our memory and descriptors of its own: what it makes of them is not ours. */
static void clones_memory(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int file = open("/dev/null", O_WRONLY), status;
	pid_t pid;

	check(write(fds[1], "m", 1) == 1 && write(file, "nothing", 7) == 7, "write");
	pid = clone(takes_output, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &file);
	check(waitpid(pid, &status, 0) == pid, "waitpid");
	check(write(file, "nothing", 7) == 7, "write");
	say_read(fds[0]);
}

/* A stream's bytes are thrown away: nobody wants to see them. */
static void throws_away(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *any = (struct sockaddr *)&address;
	socklen_t n = sizeof(address);
	struct iovec nowhere = { NULL, 5 };
	struct mmsghdr message = { .msg_hdr = { .msg_iov = &nowhere, .msg_iovlen = 1 } };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int result;

	check(bind(listener, any, n) == 0 && listen(listener, 1) == 0, "listen");
	check(getsockname(listener, any, &n) == 0 && connect(client, any, n) == 0, "connect");
	check(write(client, "bytes", 5) == 5, "write");
	result = recvmmsg(accept(listener, NULL, NULL), &message, 1, MSG_TRUNC, NULL);
	say("received %d of %u\n", result, message.msg_len);
}

/* The kernel takes the lower half of the number. */
static void polls_many(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pollfd *last = (struct pollfd *)(void *)(page + 4096) - 1;

	check(page != MAP_FAILED && munmap(page + 4096, 4096) == 0, "mmap");
	*last = (struct pollfd){ -1, POLLIN, 0 };
	say("poll %d\n", poll(last, 0x100000001, 0));
}

static void writes(void)
{
	say("wrote %zd\n", write(fds[1], "w", 1));
}

static const struct {
	const char *name;
	void (*run)(void);
} specials[] = {
	{ "longjmp", longjmp_out },
	{ "nested", nested },
	{ "longjmp-altstack", longjmp_altstack },
	{ "nested-altstack", nested_altstack },
	{ "fork-in-thread", fork_in_thread },
	{ "vfork-exit", vfork_exit },
	{ "vfork-exec", vfork_exec },
	{ "cancel", cancelled },
	{ "close-all", closes_all },
	{ "descriptors", descriptors },
	{ "clearenv", clears_environment },
	{ "title", sets_title },
	{ "raw-close", closes_raw },
	{ "semctl", semctl_forms },
	{ "by-number", by_number },
	{ "destructor", destroys },
	{ "errno", tells_errno },
	{ "clone-memory", clones_memory },
	{ "throw-away", throws_away },
	{ "poll-many", polls_many },
	{ "writes", writes },
};

int main(int argc, char **argv)
{
	first_errno = errno;
	arguments = argv;
	check(pipe(fds) == 0, "pipe");
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		if (argc > 1 && strcmp(argv[1], specials[i].name) == 0) {
			specials[i].run();
			raw1(SYS_exit_group, 0);
		}
	}
	check(0, "no such name");
}
