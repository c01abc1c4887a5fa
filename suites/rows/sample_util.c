/* SPDX-License-Identifier: Apache-2.0 */
/* sample_util.c - objects for the samples, and looks at them, all by raw system calls. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/stat.h>

struct stage *stage;
void *volatile nowhere = (void *)8;
void *volatile no_pointer;
volatile int bad = -1;

static char text[4096];
static size_t n_text;

struct raw_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

void print(const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text + n_text, sizeof(text) - n_text, format, list);
	va_end(list);
	n_text += n > 0 ? (size_t)n : 0;
}

void print_flush(void)
{
	raw3(SYS_write, 1, text, n_text < sizeof(text) ? n_text : sizeof(text));
	n_text = 0;
}

void end(int status)
{
	print_flush();
	for (;;)
		raw1(SYS_exit_group, status);
}

void need(long result, const char *what)
{
	if (result >= 0)
		return;
	print("sample: %s: %s\n", what, strerror((int)-result));
	end(99);
}

pid_t raw_fork(void)
{
	long pid = raw6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	need(pid, "clone");
	return (pid_t)pid;
}

int raw_reap(pid_t pid)
{
	int status = -1;

	while (raw4(SYS_wait4, pid, &status, 0, NULL) == -EINTR)
		;
	return status;
}

static void count_signal(int signo)
{
	(void)signo;
	stage->n_handled++;
}

/* The return from a handler needs libc's restorer, which only libc's sigaction knows. */
__asm__(".text\n"
	"sample_restorer:\n"
	"	movl $15, %eax\n"
	"	syscall\n");
void sample_restorer(void) __attribute__((visibility("hidden")));

void handle(int signo, int flags)
{
	struct raw_action action = {
		.handler = count_signal,
		.flags = (unsigned long)flags | 0x04000000,
		.restorer = sample_restorer,
	};

	need(raw4(SYS_rt_sigaction, signo, &action, NULL, 8), "sigaction");
}

void block(int signo)
{
	uint64_t mask = UINT64_C(1) << (signo - 1);

	need(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8), "sigprocmask");
}

bool is_pending(int signo)
{
	uint64_t mask = 0;

	need(raw2(SYS_rt_sigpending, &mask, 8), "sigpending");
	return mask >> (signo - 1) & 1;
}

void prepare_pipe(void)
{
	need(raw2(SYS_pipe2, stage->fd, stage->nowait ? O_NONBLOCK : 0), "pipe2");
}

void prepare_filled(void)
{
	prepare_pipe();
	need(raw3(SYS_write, stage->fd[1], stage->in, stage->n), "write");
}

void prepare_pipes(void)
{
	prepare_filled();
	need(raw2(SYS_pipe2, stage->fd2, stage->nowait ? O_NONBLOCK : 0), "pipe2");
}

void prepare_dir(void)
{
	raw1(SYS_umask, 022);
	stage->extra = (int)raw4(SYS_openat, AT_FDCWD, ".", O_DIRECTORY | O_RDONLY, 0);
	need(stage->extra, "open");
}

void prepare_fifo(void)
{
	prepare_dir();
	need(raw4(SYS_mknodat, AT_FDCWD, "f", S_IFIFO | 0600, 0), "mknodat");
	/* An end that is open already, so that an open for writing need not wait. */
	stage->fd[0] = (int)raw4(SYS_openat, AT_FDCWD, "f", O_RDWR, 0);
	need(stage->fd[0], "open");
}

void prepare_file(void)
{
	raw1(SYS_umask, 022);
	stage->extra = (int)raw4(SYS_openat, AT_FDCWD, "r", O_CREAT | O_RDWR | O_TRUNC, 0600);
	need(stage->extra, "open");
	need(raw4(SYS_pwrite64, stage->extra, stage->in, stage->n, 0), "pwrite");
}

bool print_gone(long result)
{
	if (result >= 0)
		return false;
	print(" gone");
	return true;
}

void print_open(int fd)
{
	long flags = raw3(SYS_fcntl, fd, F_GETFD, 0);

	print(" open=%d cloexec=%d", flags >= 0, flags == FD_CLOEXEC);
}

/* How much is in it, and how that begins and ends. */
void print_pipe(const char *name, int fd)
{
	static char content[65536 + 1];
	size_t n_bytes = 0;
	long n;

	raw3(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
	while ((n = raw3(SYS_read, fd, content + n_bytes, sizeof(content) - 1 - n_bytes)) > 0)
		n_bytes += (size_t)n;
	content[n_bytes] = '\0';
	print(" %s=%zu:%.8s", name, n_bytes, content);
	if (n_bytes > 8)
		print("..%s", content + n_bytes - 4);
}

void print_path(const char *path)
{
	struct stat st;

	if (raw4(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		print(" %s=none", path);
	else
		print(" %s=%o:%lu", path, st.st_mode, (unsigned long)st.st_nlink);
}

void state_pipe(void)
{
	print_pipe("pipe", stage->fd[0]);
}

void state_pipes(void)
{
	print_pipe("pipe", stage->fd[0]);
	print_pipe("second", stage->fd2[0]);
}

void state_paths(void)
{
	print_path("f");
	print_path("g");
}

void data_out(void)
{
	print(" out=%.8s", stage->out);
}

void data_fd(void)
{
	print_open(stage->fd[0]);
}

void clean_up(void)
{
	raw3(SYS_unlinkat, AT_FDCWD, "f", 0);
	raw3(SYS_unlinkat, AT_FDCWD, "g", 0);
	raw3(SYS_unlinkat, AT_FDCWD, "r", 0);
}
