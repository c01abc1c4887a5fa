/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring: IPC without a call for each read and write, so past all that looks at calls. */
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The smallest ring that will do, without liburing. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *sq;
	char *cq;
	struct io_uring_sqe *entries;
};

static void *map(const struct ring *ring, size_t n_bytes, long long offset)
{
	void *at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, offset);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

static void make(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0 && (errno == ENOSYS || errno == EPERM || errno == ENOMEM))
		suite_skip("io_uring is not allowed here: %s", kt_errno(errno));
	ck_assert_int_ge(ring->fd, 0);
	ring->sq = map(ring, ring->params.sq_off.array + 4 * sizeof(uint32_t), IORING_OFF_SQ_RING);
	ring->cq = map(ring, ring->params.cq_off.cqes + 8 * sizeof(struct io_uring_cqe),
		       IORING_OFF_CQ_RING);
	ring->entries = map(ring, 4 * sizeof(*ring->entries), IORING_OFF_SQES);
}

static uint32_t *word(char *at, uint32_t offset)
{
	return (uint32_t *)(void *)(at + offset);
}

/* Puts one request in; nobody has looked at it yet. */
static void put(const struct ring *ring, uint8_t opcode, int fd, void *bytes, uint32_t n_bytes)
{
	uint32_t *tail = word(ring->sq, ring->params.sq_off.tail);
	uint32_t slot = *tail & (ring->params.sq_entries - 1);
	struct io_uring_sqe *entry = &ring->entries[slot];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = opcode;
	entry->fd = fd;
	entry->addr = (uintptr_t)bytes;
	entry->len = n_bytes;
	entry->off = UINT64_MAX;
	word(ring->sq, ring->params.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

/* Hands in `n` and waits for `n_done`: how many were taken, or -errno. */
static long enter(const struct ring *ring, unsigned int n, unsigned int n_done)
{
	unsigned int flags = n_done ? IORING_ENTER_GETEVENTS : 0;
	long got = syscall(SYS_io_uring_enter, ring->fd, n, n_done, flags, NULL, 0);

	return got < 0 ? -errno : got;
}

/* The result of the next that is done, or -EAGAIN. */
static int take(const struct ring *ring)
{
	uint32_t *head = word(ring->cq, ring->params.cq_off.head);
	uint32_t *tail = word(ring->cq, ring->params.cq_off.tail);
	struct io_uring_cqe *done;

	if (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return -EAGAIN;
	done = (struct io_uring_cqe *)(void *)(ring->cq + ring->params.cq_off.cqes);
	done += *head & (ring->params.cq_entries - 1);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return done->res;
}

START_TEST(one_call_does_several_writes_and_reads)
{
	char got[8] = "";
	struct ring ring;
	int fd[2];

	make(&ring);
	ck_assert_int_eq(pipe(fd), 0);
	put(&ring, IORING_OP_WRITE, fd[1], "abc", 3);
	put(&ring, IORING_OP_READ, fd[0], got, sizeof(got));
	ck_assert_int_eq(enter(&ring, 2, 2), 2);
	ck_assert_int_eq(take(&ring), 3);
	ck_assert_int_eq(take(&ring), 3);
	kt_measured("a write and a read of a pipe by one io_uring_enter(): \"%s\"", got);
	ck_assert_str_eq(got, "abc");
}
END_TEST

START_TEST(a_read_that_must_wait_blocks_nobody)
{
	struct ring ring;
	char got = 0;
	int fd[2];

	make(&ring);
	ck_assert_int_eq(pipe(fd), 0);
	put(&ring, IORING_OP_READ, fd[0], &got, 1);
	ck_assert_int_eq(enter(&ring, 1, 0), 1);
	ck_assert_int_eq(take(&ring), -EAGAIN);
	/* It is in the kernel, and takes the byte before we could. */
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	ck_assert_int_ge(enter(&ring, 0, 1), 0);
	ck_assert_int_eq(take(&ring), 1);
	ck_assert_int_eq(got, 'x');
}
END_TEST

START_TEST(errors_come_as_results)
{
	struct ring ring;
	char got;

	make(&ring);
	put(&ring, IORING_OP_READ, 9999, &got, 1);
	ck_assert_int_eq(enter(&ring, 1, 1), 1);
	ck_assert_int_eq(take(&ring), -EBADF);
}
END_TEST

START_TEST(who_waits_for_results_is_in_io_uring_enter)
{
	struct ring ring;
	char got;
	int fd[2];
	pid_t pid;

	make(&ring);
	ck_assert_int_eq(pipe(fd), 0);
	pid = kt_fork();
	if (!pid) {
		put(&ring, IORING_OP_READ, fd[0], &got, 1);
		KT_CHILD(enter(&ring, 1, 1) == 1);
		_exit(0);
	}
	/* Which pipe it waits for its call does not tell. */
	kt_wait_blocked(pid, SYS_io_uring_enter);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	kt_join(pid);
}
END_TEST

Suite *io_uring_suite(void)
{
	static const struct kt_test tests[] = {
		KT_CLAIM(
			one_call_does_several_writes_and_reads,
			"Who sees all system calls sees all IPC.",
			"Not what goes through io_uring (and what goes through memory): one call hands in any number of reads and writes, or none does."),
		KT_TEST(a_read_that_must_wait_blocks_nobody),
		KT_TEST(errors_come_as_results),
		KT_TEST(who_waits_for_results_is_in_io_uring_enter),
	};

	return kt_suite("io_uring", tests, SUITE_COUNT(tests));
}
