/* SPDX-License-Identifier: Apache-2.0 */
/* Signals waited for without a gap, and with one; queued with data; ignored and not; interrupting a
 * read. */
#include "subject.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { N_QUEUED = 5 };

static volatile sig_atomic_t got_usr1;
static volatile sig_atomic_t got_chld;

static void note(int number)
{
	if (number == SIGUSR1)
		got_usr1++;
	else
		got_chld++;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&action.sa_mask);
	CHECK(sigaction(number, &action, NULL));
}

/* Blocks these two, gives what was blocked before. */
static sigset_t block(int first, int second)
{
	sigset_t wanted, before;

	sigemptyset(&wanted);
	sigaddset(&wanted, first);
	sigaddset(&wanted, second);
	CHECK(sigprocmask(SIG_BLOCK, &wanted, &before));
	return before;
}

static int send_usr1(int who)
{
	CHECK(kill(getppid(), SIGUSR1));
	return who;
}

/* Blocked until sigsuspend opens the gate, so none can slip by; the child's death ends the wait
 * too. */
static int run_right(int argc, char **argv)
{
	sigset_t before;

	(void)argc, (void)argv;
	handle(SIGUSR1, note, 0);
	handle(SIGCHLD, note, 0);
	before = block(SIGUSR1, SIGCHLD);
	spawn(send_usr1, 0);
	while (!got_usr1 && !got_chld)
		sigsuspend(&before);
	CHECK(sigprocmask(SIG_SETMASK, &before, NULL));
	if (reap_all())
		return 1;
	EXPECT(got_usr1 >= 1);
	return 0;
}

static int run_sigwait(int argc, char **argv)
{
	sigset_t wanted;
	int number;

	(void)argc, (void)argv;
	block(SIGUSR1, SIGCHLD);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	spawn(send_usr1, 0);
	EXPECT(sigwait(&wanted, &number) == 0);
	EXPECT(number == SIGUSR1 || number == SIGCHLD);
	return reap_all();
}

static int queue_numbers(int who)
{
	for (int i = 1; i <= N_QUEUED; i++) {
		union sigval value = { .sival_int = i };

		while (sigqueue(getppid(), SIGRTMIN, value) == -1) {
			if (errno != EAGAIN)
				die("sigqueue");
			nap();
		}
	}
	return who;
}

/* After the child's death only what is queued already is taken. */
static int run_sigqueue(int argc, char **argv)
{
	struct timespec no_time = { 0 };
	bool ended = false;
	sigset_t wanted;
	int n_got = 0;

	(void)argc, (void)argv;
	block(SIGRTMIN, SIGCHLD);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGRTMIN);
	sigaddset(&wanted, SIGCHLD);
	spawn(queue_numbers, 0);
	while (n_got < N_QUEUED) {
		siginfo_t info;
		int number = ended ? sigtimedwait(&wanted, &info, &no_time)
				   : sigwaitinfo(&wanted, &info);

		if (number == SIGCHLD)
			ended = true;
		else if (number == SIGRTMIN)
			EXPECT(info.si_value.sival_int == ++n_got);
		else if (errno != EINTR)
			break;
	}
	if (reap_all())
		return 1;
	EXPECT(n_got == N_QUEUED);
	return 0;
}

static int ignore_and_pause(int who)
{
	handle(SIGUSR1, SIG_IGN, 0);
	pause();
	return who;
}

/* One signal ignored, the next with its default action. */
static int run_dispositions(int argc, char **argv)
{
	pid_t child;

	(void)argc, (void)argv;
	child = spawn(ignore_and_pause, 0);
	wait_blocked(child, IN_PAUSE);
	CHECK(kill(child, SIGUSR1));
	CHECK(kill(child, SIGTERM));
	EXPECT(WTERMSIG(reap(child)) == SIGTERM);
	return 0;
}

static int ends[2];

/* A handler without SA_RESTART makes the read return EINTR, one with it lets the read go on. */
static int interrupted_reader(int who)
{
	ssize_t n_read;
	char byte;

	close_end(&ends[1]);
	handle(SIGUSR1, note, who);
	do
		n_read = read(ends[0], &byte, 1);
	while (n_read == -1 && errno == EINTR);
	EXPECT(n_read == 1 && got_usr1 >= 1);
	return 0;
}

static int interrupt(int flags)
{
	pid_t child;

	make_pipe(ends);
	child = spawn(interrupted_reader, flags);
	close_end(&ends[0]);
	wait_blocked(child, IN_READ);
	CHECK(kill(child, SIGUSR1));
	wait_blocked(child, IN_READ);
	write_full(ends[1], "x", 1);
	close_end(&ends[1]);
	return reap_all();
}

static int run_interrupted(int argc, char **argv)
{
	(void)argc, (void)argv;
	ignore_sigpipe();
	return interrupt(0) || interrupt(SA_RESTART);
}

/* Asks with one signal, waits for another as the answer. */
static int asker(int who)
{
	sigset_t answer;
	int number;

	block(SIGUSR2, SIGUSR2);
	sigemptyset(&answer);
	sigaddset(&answer, SIGUSR2);
	CHECK(kill(getppid(), SIGUSR1));
	EXPECT(sigwait(&answer, &number) == 0);
	return who;
}

/* Looks whether it was asked, is asked just then, and pauses: that signal will not come again. */
static int run_check_then_pause(int argc, char **argv)
{
	bool asked;
	pid_t child;

	(void)argc, (void)argv;
	handle(SIGUSR1, note, 0);
	asked = got_usr1 > 0;
	child = spawn(asker, 0);
	wait_blocked(child, IN_SIGWAIT);
	if (!asked)
		pause();
	CHECK(kill(child, SIGUSR2));
	return reap_all();
}

static int end_at_once(int who)
{
	return who;
}

static void reap_once(int number)
{
	int saved = errno;

	(void)number;
	if (waitpid(-1, NULL, WNOHANG) > 0)
		got_chld++;
	errno = saved;
}

static void reap_each(int number)
{
	int saved = errno;

	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		got_chld++;
	errno = saved;
}

/* Two deaths while SIGCHLD is blocked are one signal. */
static void see_two_deaths(void (*handler)(int))
{
	sigset_t before;
	pid_t pids[2];

	handle(SIGCHLD, handler, 0);
	before = block(SIGCHLD, SIGCHLD);
	for (int i = 0; i < 2; i++)
		pids[i] = spawn(end_at_once, 0);
	for (int i = 0; i < 2; i++)
		wait_ended(pids[i]);
	abandon_children();
	CHECK(sigprocmask(SIG_SETMASK, &before, NULL));
	make_pipe(ends);
	close_end(&ends[0]);
	close_end(&ends[1]);
}

static int run_two_deaths_one_sigchld(int argc, char **argv)
{
	(void)argc, (void)argv;
	see_two_deaths(reap_once);
	EXPECT(got_chld == 1);
	return 0;
}

static int run_reaping_loop(int argc, char **argv)
{
	(void)argc, (void)argv;
	see_two_deaths(reap_each);
	EXPECT(got_chld == 2);
	return 0;
}

static const struct variant variants[] = {
	{ "right", run_right },
	{ "sigwait", run_sigwait },
	{ "sigqueue", run_sigqueue },
	{ "dispositions", run_dispositions },
	{ "interrupted", run_interrupted },
	{ "reaping_loop", run_reaping_loop },
	{ "check_then_pause", run_check_then_pause },
	{ "two_deaths_one_sigchld", run_two_deaths_one_sigchld },
};

SUBJECT_MAIN(variants)
