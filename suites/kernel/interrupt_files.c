/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that block for ever, for interrupt.c: message queues, sockets, other descriptors. */
#include "interrupt.h"
#include "kernel_mq.h"
#include "kernel_socket.h"
#include "kernel_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

static char buffer[1 << 16];

long block_mq_receive(void)
{
	return mq_receive(kt_mq(0, 1, 8, 0), buffer, 8, NULL);
}

long block_mq_timedreceive(void)
{
	struct timespec moment = interrupt_never();

	return mq_timedreceive(kt_mq(0, 1, 8, 0), buffer, 8, NULL, &moment);
}

static mqd_t full_queue(void)
{
	mqd_t q = kt_mq(0, 1, 8, 0);

	KT_CHILD(kt_mq_send(q, "x", 0) == 0);
	return q;
}

long block_mq_send(void)
{
	return mq_send(full_queue(), "x", 1, 0);
}

long block_mq_timedsend(void)
{
	struct timespec moment = interrupt_never();

	return mq_timedsend(full_queue(), "x", 1, 0, &moment);
}

static void set_timeout(int fd, int option)
{
	struct timeval time = { .tv_sec = INTERRUPT_LONG_S };

	KT_CHILD(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)) == 0);
}

static int listener(int backlog)
{
	struct sockaddr_un at = kt_unix_at("s");

	return kt_unix_listen(&at, SOCK_STREAM, backlog);
}

long block_accept(void)
{
	return accept(listener(1), NULL, NULL);
}

long block_accept_timeout(void)
{
	int fd = listener(1);

	set_timeout(fd, SO_RCVTIMEO);
	return accept(fd, NULL, NULL);
}

/* A connection that does not fit into the backlog. */
static long connect_to_full(bool timeout)
{
	struct sockaddr_un at = kt_unix_at("s");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	listener(0);
	KT_CHILD(kt_unix_connect(&at, SOCK_STREAM) >= 0);
	if (timeout)
		set_timeout(fd, SO_SNDTIMEO);
	return connect(fd, (struct sockaddr *)&at, sizeof(at));
}

long block_connect(void)
{
	return connect_to_full(false);
}

long block_connect_timeout(void)
{
	return connect_to_full(true);
}

/* A full backlog drops what comes, and the system sends it again for a long time. */
long block_connect_tcp(void)
{
	struct sockaddr_in at;

	kt_tcp_listen(&at, 0);
	KT_CHILD(kt_tcp_connect(&at) >= 0);
	return kt_tcp_connect(&at) >= 0 ? 0 : -1;
}

static int empty_socket(int type)
{
	int fd[2];

	kt_pair(fd, type);
	return fd[0];
}

long block_recv(void)
{
	return recv(empty_socket(SOCK_STREAM), buffer, 1, 0);
}

long block_recv_timeout(void)
{
	int fd = empty_socket(SOCK_STREAM);

	set_timeout(fd, SO_RCVTIMEO);
	return recv(fd, buffer, 1, 0);
}

static struct iovec one_byte = { buffer, 1 };

long block_recvmsg(void)
{
	struct msghdr m = { .msg_iov = &one_byte, .msg_iovlen = 1 };

	return recvmsg(empty_socket(SOCK_SEQPACKET), &m, 0);
}

long block_recvmmsg(void)
{
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &one_byte, .msg_iovlen = 1 } };

	return recvmmsg(empty_socket(SOCK_DGRAM), &m, 1, 0, NULL);
}

long block_recv_tcp(void)
{
	int fd[2];

	kt_tcp_pair(fd);
	return recv(fd[0], buffer, 1, 0);
}

static int full_socket(int type)
{
	int fd = empty_socket(type);
	size_t n_bytes = type == SOCK_STREAM ? sizeof(buffer) : 1;

	while (kt_send_now(fd, buffer, n_bytes) > 0)
		;
	return fd;
}

long block_send(void)
{
	return send(full_socket(SOCK_STREAM), buffer, sizeof(buffer), 0);
}

long block_send_timeout(void)
{
	int fd = full_socket(SOCK_STREAM);

	set_timeout(fd, SO_SNDTIMEO);
	return send(fd, buffer, sizeof(buffer), 0);
}

/* What fills a datagram socket is the other's queue and not this one's memory. */
long block_sendto(void)
{
	struct sockaddr_un at = kt_unix_at("d");
	int sender = socket(AF_UNIX, SOCK_DGRAM, 0);

	KT_CHILD(kt_unix_bind(&at, SOCK_DGRAM) >= 0);
	while (sendto(sender, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at, sizeof(at)) == 1)
		;
	return sendto(sender, "x", 1, 0, (struct sockaddr *)&at, sizeof(at));
}

long block_sendmsg(void)
{
	struct msghdr m = { .msg_iov = &one_byte, .msg_iovlen = 1 };

	return sendmsg(full_socket(SOCK_SEQPACKET), &m, 0);
}

long block_sendfile(void)
{
	int file = open(kt_path("file"), O_RDWR | O_CREAT, 0600);

	KT_CHILD(write(file, buffer, sizeof(buffer)) == sizeof(buffer));
	KT_CHILD(lseek(file, 0, SEEK_SET) == 0);
	return sendfile(full_socket(SOCK_STREAM), file, NULL, sizeof(buffer));
}

long block_eventfd_read(void)
{
	return read(eventfd(0, 0), buffer, 8);
}

long block_eventfd_write(void)
{
	uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, 0);

	KT_CHILD(write(fd, &most, sizeof(most)) == sizeof(most));
	return write(fd, &most, sizeof(most));
}

long block_timerfd(void)
{
	return read(timerfd_create(CLOCK_MONOTONIC, 0), buffer, 8);
}

long block_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return read(signalfd(-1, &set, 0), buffer, sizeof(struct signalfd_siginfo));
}

long block_inotify(void)
{
	return read(inotify_init1(0), buffer, sizeof(buffer));
}

long block_io_uring(void)
{
	struct io_uring_params params = { 0 };
	long fd = syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		suite_skip("io_uring is not allowed here: %s", kt_errno(errno));
	return syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
}
