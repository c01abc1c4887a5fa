/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach_subject.c - calls that come past a preloaded library, one way for each first argument.
 * Plain C and no headers of glibc's own, so that it can be built statically, with musl, and for 32
 * bits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_FILTER
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#endif

static int set;
static volatile int n_handled;

static void need(int is_good, const char *what)
{
	if (is_good)
		return;
	printf("%s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void handle(int signo)
{
	(void)signo;
	n_handled++;
}

static void set_handler(int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	need(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

static void make_set(int n)
{
	unsigned short values[2] = { 1, 1 };

	set = semget(IPC_PRIVATE, n, IPC_CREAT | 0600);
	need(set != -1, "semget");
	need(semctl(set, 0, SETALL, values) == 0, "semctl");
}

__attribute__((noinline)) static int change(int num, int by)
{
	struct sembuf sop = { .sem_num = (unsigned short)num, .sem_op = (short)by };
	int result = semop(set, &sop, 1);

	return result;
}

/* A P that says what became of it, and a V. */
static void lock(void)
{
	struct timespec before, after;

	set_handler(0);
	make_set(1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	printf("P: %s\n", change(0, -1) == 0 ? "done" : strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &after);
	printf("V: %s\n", change(0, 1) == 0 ? "done" : strerror(errno));
	if ((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >=
	    40)
		puts("late");
	printf("handled %d\n", n_handled);
	semctl(set, 0, IPC_RMID);
}

static void cross(int first, int second)
{
	need(change(first, -1) == 0, "P");
	while (semctl(set, second, GETVAL) != 0)
		usleep(1000);
	need(change(second, -1) == 0, "P");
}

/* Each of two processes has what the other waits for. */
static void deadlock(void)
{
	make_set(2);
	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			cross(i, !i);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void through_stdio(void)
{
	char line[64] = "";
	FILE *from, *to;
	int ends[2];

	need(pipe(ends) == 0, "pipe");
	from = fdopen(ends[0], "r");
	to = fdopen(ends[1], "w");
	fputs("through stdio\n", to);
	fclose(to);
	need(fgets(line, sizeof(line), from) != NULL, "fgets");
	fclose(from);
	fputs(line, stdout);
}

static void through_popen(void)
{
	char line[64] = "";
	FILE *from = popen("echo from the shell", "r");

	need(from != NULL && fgets(line, sizeof(line), from) != NULL, "popen");
	need(pclose(from) == 0, "pclose");
	fputs(line, stdout);
	printf("system %d\n", WEXITSTATUS(system("exit 3")));
}

/* More than PIPE_BUF, so that it may be cut. */
static void write_much(void)
{
	static char bytes[8192];
	int ends[2];

	need(pipe(ends) == 0, "pipe");
	printf("wrote %ld\n", (long)write(ends[1], bytes, sizeof(bytes)));
	close(ends[1]);
	printf("read %ld\n", (long)read(ends[0], bytes, sizeof(bytes)));
	printf("read %ld\n", (long)read(ends[0], bytes, 4096));
}

/* A read that is interrupted three times, and how often it said so. */
static void interrupted(int flags)
{
	pid_t parent = getpid(), child;
	int ends[2], n_said = 0;
	char byte;

	set_handler(flags);
	need(pipe(ends) == 0, "pipe");
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 3; i++) {
			usleep(20000);
			kill(parent, SIGUSR1);
		}
		usleep(20000);
		need(write(ends[1], "x", 1) == 1, "write");
		_exit(0);
	}
	while (read(ends[0], &byte, 1) != 1) {
		need(errno == EINTR, "read");
		n_said++;
	}
	printf("handled %d, said %d\n", n_handled, n_said);
	waitpid(child, NULL, 0);
}

static void stop_and_go(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	need(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "stopped");
	kill(child, SIGCONT);
	need(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status), "continued");
	kill(child, SIGKILL);
	need(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL, "killed");
	puts("stopped, continued, killed");
}

#ifdef __x86_64__
static long system_call(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	register long r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (result < 0)
		errno = (int)-result;
	return result < 0 ? -1 : result;
}

/* P and V by the instruction itself. */
__attribute__((noinline)) static void by_hand(void)
{
	struct sembuf take = { .sem_op = -1 }, give = { .sem_op = 1 };

	make_set(1);
	need(system_call(SYS_semop, set, (long)&take, 1, 0) == 0, "P");
	need(system_call(SYS_semop, set, (long)&give, 1, 0) == 0, "V");
	need(system_call(SYS_semctl, set, 0, IPC_RMID, 0) == 0, "IPC_RMID");
	puts("by hand");
}

/* A program in a child, with nothing in its environment. */
static void bare(char **argv)
{
	char *nothing[] = { NULL };
	pid_t child = fork();
	int status;

	if (child == 0) {
		system_call(SYS_execve, (long)argv[0], (long)argv, (long)nothing, 0);
		_exit(127);
	}
	need(waitpid(child, &status, 0) == child, "waitpid");
	printf("ended with %d\n", WEXITSTATUS(status));
}
#endif

static void run(char **argv)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	need(waitpid(child, &status, 0) == child, "waitpid");
	printf("ended with %d\n", WEXITSTATUS(status));
}

#ifdef WITH_FILTER
/* A machine that does not allow ptrace. */
static void without_ptrace(char **argv)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(refuse) / sizeof(refuse[0]), refuse };

	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
	     "seccomp");
	execvp(argv[0], argv);
	need(0, "exec");
}
#endif

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
	{ "lock", lock },           { "deadlock", deadlock }, { "stdio", through_stdio },
	{ "popen", through_popen }, { "much", write_much },   { "stop", stop_and_go },
#ifdef __x86_64__
	{ "by-hand", by_hand },
#endif
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; argc == 2 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(argv[1], acts[i].name) == 0) {
			acts[i].act();
			return 0;
		}
	if (argc == 3 && strcmp(argv[1], "interrupted") == 0)
		interrupted(strcmp(argv[2], "restart") == 0 ? SA_RESTART : 0);
	else if (argc > 2 && strcmp(argv[1], "run") == 0)
		run(argv + 2);
#ifdef __x86_64__
	else if (argc > 2 && strcmp(argv[1], "bare") == 0)
		bare(argv + 2);
#endif
#ifdef WITH_FILTER
	else if (argc > 2 && strcmp(argv[1], "without-ptrace") == 0)
		without_ptrace(argv + 2);
#endif
	else
		return 2;
	return 0;
}
