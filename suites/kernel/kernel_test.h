/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for the tests that pin what the kernel does. They use nothing of ipcjam.
 *
 * Each test runs in a process of its own and in an IPC namespace of its own where that is allowed;
 * where it is not, what it made is removed afterwards by the runner. No test sleeps in order to
 * synchronise: it asks the kernel in which call a process is blocked.
 */
#ifndef SUITES_KERNEL_KERNEL_TEST_H
#define SUITES_KERNEL_KERNEL_TEST_H

#include "report.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum kt_kind { KT_SEM, KT_MSG, KT_SHM };

/*
 * A test; or one for each row of a table (Check's _i), where a row begins with its name:
 * "test:row". With a claim it is also a row of docs/textbook.md (textbook.c): what books and notes
 * say, and what is so. Such a test calls kt_measured().
 */
struct kt_test {
	const TTest **test;
	const void *rows;
	size_t row_bytes;
	int n_rows;
	const char *claim;
	const char *truth;
};

#define KT_TEST(name) \
	{ \
		.test = &(name), .n_rows = 1 \
	}
#define KT_ROWS(name, table) \
	{ \
		.test = &(name), .rows = (table), .row_bytes = sizeof((table)[0]), \
		.n_rows = (int)SUITE_COUNT(table) \
	}

#define KT_CLAIM(name, claim_text, truth_text) \
	{ \
		.test = &(name), .n_rows = 1, .claim = (claim_text), .truth = (truth_text) \
	}
#define KT_CLAIM_ROWS(name, table, claim_text, truth_text) \
	{ \
		.test = &(name), .rows = (table), .row_bytes = sizeof((table)[0]), \
		.n_rows = (int)SUITE_COUNT(table), .claim = (claim_text), .truth = (truth_text) \
	}

struct kt_message {
	long type;
	char text[64];
};

/* A one-way gate between processes: one posts, one waits. */
struct kt_gate {
	int fd[2];
};

Suite *kt_suite(const char *name, const struct kt_test *tests, size_t n_tests);

/* A condition in a forked child: if it does not hold the child ends, and kt_join() says where. */
#define KT_CHILD(expr) ((expr) ? (void)0 : kt_child_fail(__FILE__, __LINE__, #expr))
void kt_child_fail(const char *file, int line, const char *what) __attribute__((noreturn));

/* What a test with a claim found, for the page; several calls are joined. Also in a child. What it
 * prints is what the test asserts: a call that changes something is made once, before it. */
void kt_measured(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "EPIPE" for EPIPE or -EPIPE, "success" for 0. */
const char *kt_errno(int error);

pid_t kt_fork(void);
int kt_wait(pid_t pid);
void kt_join(pid_t pid);
void kt_kill(pid_t pid);
void kt_await_zombie(pid_t pid);
/* Forks a child that does `before` and then becomes cat(1), which runs when this comes back. It
 * ends when `*stdin_fd` is closed. */
pid_t kt_fork_cat(void (*before)(void *arg), void *arg, int *stdin_fd);
/* A thread of this process; kt_thread_join() waits for it. `tid` is known when it is back. */
struct kt_thread {
	pthread_t thread;
	pid_t tid;
	void *(*body)(void *arg);
	void *arg;
	struct kt_gate ready;
};
void kt_thread_start(struct kt_thread *thread, void *(*body)(void *arg), void *arg);
void kt_thread_join(struct kt_thread *thread);
void kt_stop_and_continue(pid_t pid);
/* Comes back when thread `tid` sleeps in system call `nr`; fails the test if that never happens. */
void kt_wait_blocked(pid_t tid, long nr);

/* Comes back when the first thread of `pid` has ended, though others may go on. */
void kt_wait_main_thread_gone(pid_t pid);

/* A handler that only counts, in kt_n_handled; flags as for sigaction. */
extern volatile int kt_n_handled;
void kt_handle(int signo, int flags);

void kt_gate_make(struct kt_gate *gate);
void kt_gate_post(const struct kt_gate *gate);
void kt_gate_await(const struct kt_gate *gate);

/* A new private semaphore set with each value `value`; a new private queue or segment. */
int kt_sem(int n_sems, int value);
int kt_msgq(void);
int kt_shm(size_t size_bytes);
/* Notes an object that was made otherwise, so that it is removed at the end. */
void kt_track(enum kt_kind kind, int id);

/* The value of one semaphore; a semop or semctl of one number: 0 or -errno. */
int kt_semval(int id, int num);
int kt_semop(int id, int num, int op, int flags);
int kt_semctl(int id, int num, int cmd, int value);

/* Sends `text` under `type`; receives into `m` at most `size_bytes`: the length or -errno. */
int kt_send(int id, long type, const char *text, int flags);
int kt_recv(int id, struct kt_message *m, size_t size_bytes, long type, int flags);

/* A mutex in memory that children forked from now on share, process-shared, of this type
 * (PTHREAD_MUTEX_...); robust or not (PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_STALLED). */
pthread_mutex_t *kt_mutex(int type, int robust);

/* What poll() shows at once. */
int kt_poll(int fd, short events);
/* Whether `body` lives without any system call but read, write and exit; in a child. */
bool kt_needs_no_system_call(void (*body)(void *arg), void *arg);

/* Memory, all zero, that children forked from now on share. */
void *kt_shared(size_t n_bytes);
/* A directory of the test's own; it and the files in it are removed at the end. A path there is
 * good until the fourth one after it. */
const char *kt_dir(void);
const char *kt_path(const char *file);
/* A name for mq_open, shm_open and sem_open, `n` below KT_NAMES; removed at the end. */
enum { KT_NAMES = 3 };
const char *kt_name(int n);

/* A number from a file under /proc/sys, or -1; writes one, where this test has a namespace of its
 * own. */
long kt_sysctl(const char *name);
bool kt_set_sysctl(const char *name, unsigned long value);
/* Skips the test without a namespace of its own: it would change or count what belongs to others.
 */
void kt_need_namespace(void);
/* Becomes a user without rights, so that limits count; only in a child. False where that is not
 * possible. */
bool kt_drop_rights(void);
/* Binds the process to one CPU. */
void kt_pin(void);

Suite *sem_undo_suite(void);
Suite *sem_undo_share_suite(void);
Suite *sem_suite(void);
Suite *sem_wait_suite(void);
Suite *pipe_suite(void);
Suite *pipe_ends_suite(void);
Suite *pipe_atomic_suite(void);
Suite *fifo_suite(void);
Suite *stdio_suite(void);
Suite *splice_suite(void);
Suite *msg_suite(void);
Suite *msg_limits_suite(void);
Suite *mq_suite(void);
Suite *mq_name_suite(void);
Suite *mq_notify_suite(void);
Suite *shm_suite(void);
Suite *mapping_suite(void);
Suite *shm_posix_suite(void);
Suite *ipc_id_suite(void);
Suite *psem_suite(void);
Suite *psem_named_suite(void);
Suite *mutex_suite(void);
Suite *mutex_robust_suite(void);
Suite *mutex_priority_suite(void);
Suite *cond_suite(void);
Suite *rwlock_suite(void);
Suite *barrier_suite(void);
Suite *futex_suite(void);
Suite *lock_flock_suite(void);
Suite *lock_fcntl_suite(void);
Suite *lock_ofd_suite(void);
Suite *socket_suite(void);
Suite *socket_ends_suite(void);
Suite *socket_names_suite(void);
Suite *socket_rights_suite(void);
Suite *socket_tcp_suite(void);
Suite *signal_suite(void);
Suite *interrupt_suite(void);
Suite *signalfd_suite(void);
Suite *eventfd_suite(void);
Suite *timerfd_suite(void);
Suite *inotify_suite(void);
Suite *pidfd_suite(void);
Suite *wait_suite(void);
Suite *poll_suite(void);
Suite *epoll_suite(void);
Suite *io_uring_suite(void);
Suite *look_suite(void);
Suite *claims_suite(void);

#endif
