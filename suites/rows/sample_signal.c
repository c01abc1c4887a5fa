/* SPDX-License-Identifier: Apache-2.0 */
/* sample_signal.c - signals: SIGUSR1 and SIGALRM; SIGUSR2 is left to the tests. */
#include "sample.h"

#include <sys/time.h>
#include <time.h>

static void prepare_blocked(void)
{
	block(SIGUSR1);
}

/* Blocked, handled, and there: a call that lets it through ends with EINTR at once. */
static void prepare_pending(void)
{
	handle(SIGUSR1, 0);
	block(SIGUSR1);
	need(raw2(SYS_kill, raw0(SYS_getpid), SIGUSR1), "kill");
}

static void data_pending(void)
{
	print(" pending=%d", is_pending(SIGUSR1));
}

CALLS(kill, kill((pid_t)raw0(SYS_getpid), SIGUSR1))
FAILS(kill, kill((pid_t)raw0(SYS_getpid), 99))
SAMPLE(kill, .prepare = prepare_blocked, .fail = fail_kill, .data = data_pending);

static void prepare_group(void)
{
	prepare_blocked();
	need(raw2(SYS_setpgid, 0, 0), "setpgid");
}

CALLS(killpg, killpg(0, SIGUSR1))
FAILS(killpg, killpg(0, 99))
SAMPLE(killpg, .prepare = prepare_group, .fail = fail_killpg, .data = data_pending);

CALLS(tgkill, tgkill((pid_t)raw0(SYS_getpid), (pid_t)raw0(SYS_gettid), SIGUSR1))
FAILS(tgkill, tgkill((pid_t)raw0(SYS_getpid), (pid_t)raw0(SYS_gettid), 99))
SAMPLE(tgkill, .prepare = prepare_blocked, .fail = fail_tgkill, .data = data_pending);

CALLS(raise, raise(SIGUSR1))
FAILS(raise, raise(99))
SAMPLE(raise, .prepare = prepare_blocked, .fail = fail_raise, .data = data_pending);

/* The value that was queued comes out too. */
static void data_queued(void)
{
	uint64_t set = UINT64_C(1) << (SIGUSR1 - 1);
	struct timespec zero = { 0 };
	siginfo_t info = { 0 };

	if (raw4(SYS_rt_sigtimedwait, &set, &info, &zero, 8) == SIGUSR1)
		print(" value=%d", info.si_value.sival_int);
}

static const union sigval value = { .sival_int = 1234 };

CALLS(sigqueue, sigqueue((pid_t)raw0(SYS_getpid), SIGUSR1, value))
FAILS(sigqueue, sigqueue((pid_t)raw0(SYS_getpid), 99, value))
SAMPLE(sigqueue, .prepare = prepare_blocked, .fail = fail_sigqueue, .data = data_queued);

static struct sigaction old_action;
static struct sigaction new_action;
static sigset_t new_mask, old_mask;

static void prepare_action(void)
{
	new_action.sa_handler = SIG_IGN;
	new_action.sa_flags = SA_RESTART;
	old_action.sa_handler = SIG_ERR;
}

/* What the kernel has for SIGUSR1, and what the call said was there before. */
static void data_action(void)
{
	struct {
		void (*handler)(int);
		unsigned long flags, restorer, mask;
	} now = { 0 };

	need(raw4(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8), "sigaction");
	print(" ignored=%d restart=%d", now.handler == SIG_IGN, (now.flags & SA_RESTART) != 0);
	print(" was_default=%d", old_action.sa_handler == SIG_DFL);
}

CALLS(sigaction, sigaction(SIGUSR1, &new_action, &old_action))
FAILS(sigaction, sigaction(SIGKILL, &new_action, NULL))
SAMPLE(sigaction, .prepare = prepare_action, .fail = fail_sigaction, .data = data_action);

CALLS(__sysv_signal, __sysv_signal(SIGUSR1, SIG_IGN))
FAILS(__sysv_signal, __sysv_signal(SIGKILL, SIG_IGN))
SAMPLE(__sysv_signal, .fail = fail___sysv_signal, .data = data_action, .shape = SHAPE_NUMBER);

CALLS(signal, signal(SIGUSR1, SIG_IGN))
FAILS(signal, signal(SIGKILL, SIG_IGN))
SAMPLE(signal, .fail = fail_signal, .data = data_action, .shape = SHAPE_NUMBER);

static void prepare_mask(void)
{
	sigaddset(&new_mask, SIGUSR1);
	sigaddset(&old_mask, SIGQUIT);
}

static void data_mask(void)
{
	uint64_t now = 0;

	need(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), "sigprocmask");
	print(" mask=%lx was_quit=%d", (unsigned long)now, sigismember(&old_mask, SIGQUIT));
}

CALLS(sigprocmask, sigprocmask(SIG_BLOCK, &new_mask, &old_mask))
FAILS(sigprocmask, sigprocmask(99, &new_mask, &old_mask))
SAMPLE(sigprocmask, .prepare = prepare_mask, .fail = fail_sigprocmask, .data = data_mask);

CALLS(pthread_sigmask, pthread_sigmask(SIG_BLOCK, &new_mask, &old_mask))
FAILS(pthread_sigmask, pthread_sigmask(99, &new_mask, &old_mask))
SAMPLE(pthread_sigmask, .prepare = prepare_mask, .fail = fail_pthread_sigmask, .data = data_mask);

#define INTERRUPTED (HOLDS(HANDLER) | HOLDS(SIGNAL) | HOLDS(STOP))

CALLS(sigsuspend, sigsuspend(&new_mask))
FAULTS(sigsuspend, sigsuspend(nowhere))
SAMPLE(sigsuspend, .prepare = prepare_pending, .fault = fault_sigsuspend, .holds = INTERRUPTED);

/* Again and again, so that none can come too early for the call that waits for it. */
static void prepare_alarm(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	handle(SIGALRM, 0);
	need(raw3(SYS_setitimer, ITIMER_REAL, &often, NULL), "setitimer");
}

CALLS(pause, pause())
SAMPLE(pause, .prepare = prepare_alarm, .holds = INTERRUPTED);

static sigset_t waited_for;
static siginfo_t info;
static int signo;

static void prepare_waited(void)
{
	sigaddset(&waited_for, SIGUSR1);
	block(SIGUSR1);
	need(raw2(SYS_kill, raw0(SYS_getpid), SIGUSR1), "kill");
}

static void data_signo(void)
{
	print(" signal=%d pending=%d", signo, is_pending(SIGUSR1));
}

static void data_info(void)
{
	print(" signal=%d code=%d pending=%d", info.si_signo, info.si_code, is_pending(SIGUSR1));
}

static const struct timespec second = { .tv_sec = 1 }, wrong = { .tv_nsec = -1 };

CALLS(sigwait, sigwait(&waited_for, &signo))
SAMPLE(sigwait, .prepare = prepare_waited, .data = data_signo);

CALLS(sigwaitinfo, sigwaitinfo(&waited_for, &info))
FAULTS(sigwaitinfo, sigwaitinfo(nowhere, &info))
SAMPLE(sigwaitinfo, .prepare = prepare_waited, .fault = fault_sigwaitinfo, .data = data_info);

CALLS(sigtimedwait, sigtimedwait(&waited_for, &info, &second))
FAILS(sigtimedwait, sigtimedwait(&waited_for, &info, &wrong))
FAULTS(sigtimedwait, sigtimedwait(&waited_for, &info, nowhere))
SAMPLE(sigtimedwait, .prepare = prepare_waited, .fail = fail_sigtimedwait,
       .fault = fault_sigtimedwait, .data = data_info, .holds = HOLDS(TIMEOUT));
