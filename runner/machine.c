/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - tries what trials need, each in a child of its own where it would change this
 * process. */
#define _GNU_SOURCE
#include "machine.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

static void add(json_t *facts, const char *what, const char *state, char *note)
{
	json_array_append_new(
		facts, json_pack("{s:s, s:s, s:s}", "what", what, "state", state, "note", note));
	free(note);
}

/* Runs body(flags), which returns 0 or an errno, in a child, and gives what it returned. */
static int in_child(int (*body)(int flags), int flags)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(body(flags));
	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) != pid)
		return ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int mount_proc(int flags)
{
	(void)flags;
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0
											   : errno;
}

static int enter(int flags)
{
	if (unshare(flags) != 0)
		return errno;
	/* What a trial does next: a private view of the mounts, and in it the new pids. */
	if (flags & CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return errno;
	if (flags & CLONE_NEWNS && flags & CLONE_NEWPID)
		return in_child(mount_proc, 0);
	return 0;
}

static int try_unshare(int flags)
{
	return in_child(enter, flags);
}

static void add_try(json_t *facts, const char *what, int err, const char *without)
{
	if (err == 0)
		add(facts, what, "yes", copy_text(""));
	else
		add(facts, what, "no", format_text("%s: %s", strerror(err), without));
}

static void add_namespaces(json_t *facts)
{
	/* Only root can do without a user namespace. */
	int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
	int all = user | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNS;

	if (user)
		add(facts, "user", "info",
		    format_text("user %d: trials need a user namespace", (int)geteuid()));
	else
		add(facts, "user", "info", copy_text("root: trials need no user namespace"));
	add_try(facts, "user namespace", try_unshare(CLONE_NEWUSER),
		user ? "trials cannot be isolated" : "root does without");
	add_try(facts, "IPC namespace", try_unshare(user | CLONE_NEWIPC),
		"the host's IPC objects are seen");
	add_try(facts, "PID namespace", try_unshare(user | CLONE_NEWPID),
		"pids differ from run to run");
	add_try(facts, "mount namespace", try_unshare(user | CLONE_NEWNS),
		"/dev/shm and /dev/mqueue stay the host's");
	add_try(facts, "isolated trials", try_unshare(all),
		"--isolate=auto goes on without, =yes ends with 77");
}

static char *read_line(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[128] = "";

	if (!file)
		return NULL;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	for (char *c = line; *c; c++)
		if (*c == '\t')
			*c = ' ';
	return copy_text(line);
}

static void add_limits(json_t *facts)
{
	static const struct {
		const char *what, *path;
	} limits[] = {
		{ "kernel.sem (per set, in all, per call, sets)", "/proc/sys/kernel/sem" },
		{ "kernel.msgmax (bytes in a message)", "/proc/sys/kernel/msgmax" },
		{ "kernel.msgmnb (bytes in a queue)", "/proc/sys/kernel/msgmnb" },
		{ "kernel.msgmni (queues)", "/proc/sys/kernel/msgmni" },
		{ "kernel.shmmax (bytes in a segment)", "/proc/sys/kernel/shmmax" },
		{ "kernel.shmall (pages in all)", "/proc/sys/kernel/shmall" },
		{ "kernel.shmmni (segments)", "/proc/sys/kernel/shmmni" },
		{ "fs.mqueue.msg_max", "/proc/sys/fs/mqueue/msg_max" },
		{ "fs.mqueue.msgsize_max", "/proc/sys/fs/mqueue/msgsize_max" },
		{ "fs.mqueue.queues_max", "/proc/sys/fs/mqueue/queues_max" },
		{ "fs.pipe-max-size (bytes)", "/proc/sys/fs/pipe-max-size" },
		{ "fs.pipe-user-pages-soft", "/proc/sys/fs/pipe-user-pages-soft" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *value = read_line(limits[i].path);

		if (value)
			add(facts, limits[i].what, "info", value);
		else
			add(facts, limits[i].what, "no", copy_text("this kernel does not tell"));
	}
}

static void add_clock(json_t *facts)
{
	unsigned int a, b, c, d = 0;

	if (__get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1 << 8)
		add(facts, "invariant TSC", "yes", copy_text(""));
	else
		add(facts, "invariant TSC", "limited",
		    copy_text("events are ordered by CLOCK_MONOTONIC"));
}

/* A filter that lets everything through. EACCES: only without new privileges from then on. */
static int load_filter(int no_new_privileges)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

static int try_filter(void)
{
	int err = in_child(load_filter, 0);

	return err == EACCES ? in_child(load_filter, 1) : err;
}

static int trace_child(int unused)
{
	pid_t pid = fork();
	int err = 0;

	(void)unused;
	if (pid < 0)
		return errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) != 0)
		err = errno;
	kill(pid, SIGKILL);
	return err;
}

int machine_traces(void)
{
	int err = try_filter();

	return err ? err : in_child(trace_child, 0);
}

static void add_tracing(json_t *facts)
{
	int err = in_child(load_filter, 0);

	if (err == EACCES && in_child(load_filter, 1) == 0)
		add(facts, "seccomp filter", "limited",
		    copy_text("under --reach=all setuid programs get no privileges"));
	else
		add_try(facts, "seccomp filter", err, "--reach=all ends with 77");
	add_try(facts, "ptrace", in_child(trace_child, 0), "--reach=all ends with 77");
}

static void add_watching(json_t *facts)
{
	char *scope = read_line("/proc/sys/kernel/yama/ptrace_scope");
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (!scope)
		add(facts, "yama ptrace_scope", "info",
		    copy_text("not there: children can be looked at"));
	else
		add(facts, "yama ptrace_scope", scope[0] == '3' ? "limited" : "info",
		    format_text("%s", scope));
	free(scope);
	add_tracing(facts);
	add_try(facts, "pidfd", fd < 0 ? errno : 0, "--jobs does not work");
	if (fd >= 0)
		close(fd);
	if (access("/dev/mqueue", F_OK) == 0)
		add(facts, "/dev/mqueue", "yes", copy_text(""));
	else
		add(facts, "/dev/mqueue", "no",
		    copy_text("POSIX message queues are not shown as files"));
}

json_t *machine_facts(void)
{
	json_t *facts = json_array();

	add_namespaces(facts);
	add_watching(facts);
	add_clock(facts);
	add_limits(facts);
	return facts;
}
