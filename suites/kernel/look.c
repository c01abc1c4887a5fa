/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc tells of descriptors, locks, sockets and segments, and of whom it tells it. */
#include "kernel_lock.h"
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first line of the file that contains `text`, or NULL. */
static char *find_line(const char *path, const char *text)
{
	static char line[512];
	FILE *f = fopen(path, "re");
	bool found = false;

	if (!f)
		suite_skip("%s is not readable here", path);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, text) != NULL;
	fclose(f);
	return found ? line : NULL;
}

/* The same of /proc/PID/fdinfo/FD. */
static char *fdinfo_line(pid_t pid, int fd, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	return find_line(path, text);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

START_TEST(a_pipes_ends_have_one_inode_and_a_socketpairs_two)
{
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_uint_eq(inode_of(fd[0]), inode_of(fd[1]));
	kt_pair(fd, SOCK_STREAM);
	ck_assert_uint_ne(inode_of(fd[0]), inode_of(fd[1]));
}
END_TEST

START_TEST(fdinfo_shows_counters_and_watched_descriptors)
{
	struct epoll_event event = { .events = EPOLLIN };
	int counter = eventfd(42, 0);
	int ep = epoll_create1(0);
	char want[32];

	ck_assert_ptr_nonnull(fdinfo_line(getpid(), counter, "eventfd-count:"));
	ck_assert_ptr_nonnull(strstr(fdinfo_line(getpid(), counter, "eventfd-count:"), "2a"));
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, counter, &event), 0);
	snprintf(want, sizeof(want), "tfd: %8d", counter);
	ck_assert_ptr_nonnull(fdinfo_line(getpid(), ep, want));
}
END_TEST

START_TEST(a_pidfds_process_is_shown_until_it_is_waited_for)
{
	pid_t pid = kt_fork();
	char want[32];
	int fd;

	if (!pid)
		_exit(0);
	fd = pidfd_open(pid, 0);
	kt_await_zombie(pid);
	snprintf(want, sizeof(want), "Pid:\t%d\n", pid);
	ck_assert_ptr_nonnull(fdinfo_line(getpid(), fd, want));
	kt_wait(pid);
	ck_assert_ptr_nonnull(fdinfo_line(getpid(), fd, "Pid:\t-1\n"));
}
END_TEST

/* The pid in a line of /proc/locks or of fdinfo about the test's file, or 0. The words before it:
 * number, perhaps "->", FLOCK and so on, ADVISORY, WRITE. */
static pid_t pid_in(const char *line)
{
	const char *at = line ? strstr(line, "WRITE ") : NULL;

	return at ? (pid_t)strtol(at + strlen("WRITE "), NULL, 10) : 0;
}

START_TEST(a_flock_names_who_took_it_and_not_who_has_it)
{
	int fd = kt_lock_open();
	pid_t pid = kt_fork(), shown;

	if (!pid) {
		KT_CHILD(kt_flock(fd, LOCK_EX) == 0);
		_exit(0);
	}
	kt_join(pid);
	/* We have it now, by the descriptor that we share. */
	shown = pid_in(fdinfo_line(getpid(), fd, "lock:"));
	kt_measured("the pid shown is that of %s", shown == pid ? "the dead child"
						   : shown      ? "another"
								: "nobody");
	/* outside of the first PID namespace a dead one has no number: the lock is not shown */
	ck_assert_msg(shown == pid || shown == 0, "%d and not %d", (int)shown, (int)pid);
	ck_assert_int_eq(kt_flock(kt_lock_open(), LOCK_EX | LOCK_NB), -EWOULDBLOCK);
}
END_TEST

START_TEST(proc_locks_shows_holders_and_waiters)
{
	int fd = kt_lock_open();
	char inode[32];
	char waiting[64];
	pid_t pid;

	ck_assert_int_eq(kt_flock(fd, LOCK_EX), 0);
	pid = kt_fork();
	if (!pid) {
		kt_flock(kt_lock_open(), LOCK_EX);
		_exit(0);
	}
	kt_wait_blocked(pid, SYS_flock);
	snprintf(inode, sizeof(inode), ":%lu ", (unsigned long)inode_of(fd));
	ck_assert_int_eq(pid_in(find_line("/proc/locks", inode)), getpid());
	snprintf(waiting, sizeof(waiting), "-> FLOCK  ADVISORY  WRITE %d ", pid);
	ck_assert_ptr_nonnull(find_line("/proc/locks", waiting));
	kt_kill(pid);
	ck_assert_ptr_null(find_line("/proc/locks", waiting));
}
END_TEST

START_TEST(proc_net_unix_shows_paths)
{
	struct sockaddr_un at = kt_unix_at("shown");
	int fd = kt_unix_listen(&at, SOCK_STREAM, 1);
	char inode[32];
	char *line = find_line("/proc/net/unix", at.sun_path);

	ck_assert_ptr_nonnull(line);
	snprintf(inode, sizeof(inode), " %lu ", (unsigned long)inode_of(fd));
	ck_assert_ptr_nonnull(strstr(line, inode));
	close(fd);
	ck_assert_ptr_null(find_line("/proc/net/unix", at.sun_path));
}
END_TEST

START_TEST(maps_shows_a_segments_key_and_id)
{
	int id = kt_shm(1);
	unsigned long inode = 0;
	char *line;

	ck_assert_ptr_ne(shmat(id, NULL, 0), (void *)-1);
	line = find_line("/proc/self/maps", "/SYSV00000000");
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(sscanf(line, "%*s %*s %*s %*s %lu", &inode), 1);
	ck_assert_uint_eq(inode, (unsigned long)id);
}
END_TEST

Suite *look_suite(void)
{
	static const struct kt_test tests[] = {
		KT_TEST(a_pipes_ends_have_one_inode_and_a_socketpairs_two),
		KT_TEST(fdinfo_shows_counters_and_watched_descriptors),
		KT_TEST(a_pidfds_process_is_shown_until_it_is_waited_for),
		KT_CLAIM(
			a_flock_names_who_took_it_and_not_who_has_it,
			"/proc/locks names the process that holds a lock.",
			"The one that took it. A flock() may be held by others since, through a shared descriptor, when that one is long dead."),
		KT_TEST(proc_locks_shows_holders_and_waiters),
		KT_TEST(proc_net_unix_shows_paths),
		KT_TEST(maps_shows_a_segments_key_and_id),
	};

	return kt_suite("look", tests, SUITE_COUNT(tests));
}
