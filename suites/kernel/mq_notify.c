/* SPDX-License-Identifier: Apache-2.0 */
/* mq_notify(): when the signal comes, how often, and what ends the registration. */
#include "kernel_mq.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* SIGUSR1 stays pending until a test takes it. */
static void block_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

/* Whether one was pending; mq_send() has sent it by the time that it comes back. */
static bool take_signal(siginfo_t *info)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, info, &now) == SIGUSR1;
}

/* 0 or -errno. */
static int ask(mqd_t q, int how)
{
	struct sigevent event = { .sigev_notify = how, .sigev_signo = SIGUSR1 };

	event.sigev_value.sival_int = 17;
	return mq_notify(q, &event) < 0 ? -errno : 0;
}

static mqd_t make_and_ask(int flags)
{
	mqd_t q = kt_mq(0, 5, 8, flags);

	block_signal();
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), 0);
	return q;
}

START_TEST(it_comes_once)
{
	mqd_t q = make_and_ask(0);
	struct kt_mq_message m;
	siginfo_t info;
	int n_signals = 0;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
		n_signals += take_signal(&info);
		/* Empty again, so that the next one could be told of. */
		ck_assert_int_eq(kt_mq_receive(q, &m), 1);
	}
	kt_measured("%d signal for 3 messages, each into an empty queue", n_signals);
	ck_assert_int_eq(n_signals, 1);
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), 0);
}
END_TEST

START_TEST(it_tells_the_sender_and_the_value)
{
	mqd_t q = make_and_ask(0);
	struct kt_mq_message m;
	siginfo_t info;

	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert(take_signal(&info));
	ck_assert_int_eq(info.si_code, SI_MESGQ);
	ck_assert_int_eq(info.si_pid, getpid());
	ck_assert_int_eq(info.si_value.sival_int, 17);
	/* The message itself stays. */
	ck_assert_int_eq(kt_mq_receive(q, &m), 1);
}
END_TEST

START_TEST(it_comes_only_when_the_queue_was_empty)
{
	mqd_t q = kt_mq(0, 5, 8, 0);
	struct kt_mq_message m;
	siginfo_t info;
	bool came;

	block_signal();
	ck_assert_int_eq(kt_mq_send(q, "before", 0), 0);
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), 0);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	came = take_signal(&info);
	kt_measured("with a message in it: %s", came ? "a signal" : "no signal");
	ck_assert(!came);
	ck_assert_int_eq(kt_mq_receive(q, &m), 6);
	ck_assert_int_eq(kt_mq_receive(q, &m), 1);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert(take_signal(&info));
}
END_TEST

START_TEST(a_waiting_receiver_gets_the_message_and_nobody_is_told)
{
	mqd_t q = make_and_ask(0);
	pid_t pid = kt_fork();
	siginfo_t info;
	bool came;

	if (!pid) {
		struct kt_mq_message m;

		KT_CHILD(kt_mq_receive(q, &m) == 1);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_mq_timedreceive);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	kt_join(pid);
	came = take_signal(&info);
	kt_measured("%s", came ? "a signal" : "no signal");
	ck_assert(!came);
	/* The registration is still there. */
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert(take_signal(&info));
}
END_TEST

START_TEST(one_process_has_it)
{
	mqd_t q = make_and_ask(0);
	pid_t pid = kt_fork();

	if (!pid) {
		int error = ask(q, SIGEV_SIGNAL);

		kt_measured("the second one: %s", kt_errno(error));
		KT_CHILD(error == -EBUSY);
		_exit(0);
	}
	kt_join(pid);
	/* Nor twice by the same one. */
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), -EBUSY);
	ck_assert_int_eq(mq_notify(q, NULL), 0);
	ck_assert_int_eq(ask(q, SIGEV_NONE), 0);
	/* Who wants to be told of nothing takes the place all the same. */
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), -EBUSY);
}
END_TEST

START_TEST(null_from_another_process_removes_nothing)
{
	mqd_t q = make_and_ask(0);
	pid_t pid = kt_fork();
	siginfo_t info;

	if (!pid) {
		KT_CHILD(mq_notify(q, NULL) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert(take_signal(&info));
}
END_TEST

START_TEST(closing_any_descriptor_of_the_queue_ends_it)
{
	mqd_t q = make_and_ask(0);
	mqd_t other = mq_open(kt_name(0), O_RDONLY);
	siginfo_t info;
	bool came;

	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(mq_close(other), 0);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	came = take_signal(&info);
	kt_measured("after mq_close() of another descriptor of it: %s",
		    came ? "a signal" : "no signal");
	ck_assert(!came);
}
END_TEST

START_TEST(a_childs_close_does_not_end_it)
{
	mqd_t q = make_and_ask(0);
	pid_t pid = kt_fork();
	siginfo_t info;

	if (!pid) {
		KT_CHILD(mq_close(q) == 0);
		_exit(0);
	}
	kt_join(pid);
	ck_assert_int_eq(kt_mq_send(q, "x", 0), 0);
	ck_assert(take_signal(&info));
}
END_TEST

START_TEST(death_ends_it)
{
	struct kt_gate done;
	mqd_t q = kt_mq(0, 5, 8, 0);
	pid_t pid;

	kt_gate_make(&done);
	pid = kt_fork();
	if (!pid) {
		KT_CHILD(ask(q, SIGEV_SIGNAL) == 0);
		kt_gate_post(&done);
		pause();
	}
	kt_gate_await(&done);
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), -EBUSY);
	kt_kill(pid);
	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), 0);
}
END_TEST

static void ask_before_exec(void *arg)
{
	KT_CHILD(ask(*(mqd_t *)arg, SIGEV_SIGNAL) == 0);
}

START_TEST(exec_ends_it)
{
	mqd_t q = kt_mq(0, 5, 8, 0);
	int end;
	pid_t pid = kt_fork_cat(ask_before_exec, &q, &end);

	ck_assert_int_eq(ask(q, SIGEV_SIGNAL), 0);
	close(end);
	kt_join(pid);
}
END_TEST

Suite *mq_notify_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(it_comes_once, "mq_notify() tells of each message.",
			 "Of one. After that it has to be asked for again."),
		KT_TEST(it_tells_the_sender_and_the_value),
		KT_CLAIM(
			it_comes_only_when_the_queue_was_empty,
			"After mq_notify() the next message gives a signal.",
			"Only one that comes into an empty queue. So ask first, and then take all that is there."),
		KT_CLAIM(a_waiting_receiver_gets_the_message_and_nobody_is_told,
			 "The signal comes also when another process waits in mq_receive().",
			 "That one gets the message, and the registration stays."),
		KT_CLAIM(one_process_has_it, "Any number of processes can be told by mq_notify().",
			 "One for each queue, also with SIGEV_NONE."),
		KT_TEST(null_from_another_process_removes_nothing),
		KT_CLAIM(closing_any_descriptor_of_the_queue_ends_it,
			 "The registration lasts until its descriptor is closed.",
			 "Until its process closes any descriptor of that queue, execs or dies."),
		KT_TEST(a_childs_close_does_not_end_it),
		KT_TEST(death_ends_it),
		KT_TEST(exec_ends_it),
	};

	return kt_suite("mq_notify", tests, SUITE_COUNT(tests));
}
