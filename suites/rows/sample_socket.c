/* SPDX-License-Identifier: Apache-2.0 */
/* sample_socket.c - sockets: a Unix pair, and one that listens on the path "f". */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "f" };
static const struct sockaddr_un nobody = { .sun_family = AF_UNIX, .sun_path = "g" };
enum { ADDRESS_BYTES = offsetof(struct sockaddr_un, sun_path) + 2 };
static const int one = 1;
static int value = -1;
static socklen_t value_bytes = sizeof(value), address_bytes = sizeof(address);
static struct sockaddr_un from;
static __SOCKADDR_ARG no_address;

static void prepare_pair(void)
{
	int flags = stage->nowait ? SOCK_NONBLOCK : 0;

	need(raw4(SYS_socketpair, AF_UNIX, SOCK_STREAM | flags, 0, stage->fd), "socketpair");
}

/* fd[0] has something to be read. */
static void prepare_sent(void)
{
	prepare_pair();
	need(raw6(SYS_sendto, stage->fd[1], (long)stage->in, (long)stage->n, 0, 0, 0), "sendto");
}

static void prepare_socket(void)
{
	raw1(SYS_umask, 022);
	stage->fd[0] = (int)raw3(SYS_socket, AF_UNIX,
				 SOCK_STREAM | (stage->nowait ? SOCK_NONBLOCK : 0), 0);
	need(stage->fd[0], "socket");
}

static void prepare_bound(void)
{
	prepare_socket();
	need(raw3(SYS_bind, stage->fd[0], &address, ADDRESS_BYTES), "bind");
}

static void prepare_listening(void)
{
	prepare_bound();
	need(raw2(SYS_listen, stage->fd[0], 4), "listen");
	stage->extra = (int)raw3(SYS_socket, AF_UNIX,
				 SOCK_STREAM | (stage->nowait ? SOCK_NONBLOCK : 0), 0);
	need(stage->extra, "socket");
}

static void prepare_connected(void)
{
	prepare_listening();
	need(raw3(SYS_connect, stage->extra, &address, ADDRESS_BYTES), "connect");
}

static void data_opened(void)
{
	print_open((int)stage->result);
}

static void data_pair(void)
{
	print(" pair=%d", raw6(SYS_sendto, stage->fd[0], (long)"x", 1, MSG_NOSIGNAL, 0, 0) == 1);
}

static void data_option(void)
{
	print(" value=%d", value);
}

static void state_path(void)
{
	print_path("f");
}

/* Does anybody wait to be accepted? */
static void state_pending(void)
{
	long fd;

	raw3(SYS_fcntl, stage->fd[0], F_SETFL, O_NONBLOCK);
	fd = raw3(SYS_accept, stage->fd[0], NULL, NULL);
	print(" pending=%d", fd >= 0);
}

static void state_sent(void)
{
	print_pipe("pipe", stage->fd[1]);
}

static struct iovec *vector_of(char *bytes)
{
	static struct iovec vector[2];

	vector[0] = (struct iovec){ bytes, 2 };
	vector[1] = (struct iovec){ bytes + 2, stage->n - 2 };
	return vector;
}

static struct msghdr *message_of(char *bytes)
{
	static struct msghdr message;

	message = (struct msghdr){ .msg_iov = vector_of(bytes), .msg_iovlen = 2 };
	return &message;
}

static struct mmsghdr *messages_of(char *bytes)
{
	static struct mmsghdr messages[1];

	messages[0] = (struct mmsghdr){ .msg_hdr = *message_of(bytes) };
	return messages;
}

/* Of the errors of the network none can be a Unix socket's. */
CALLS(socket, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
FAILS(socket, socket(bad, SOCK_STREAM, 0))
SAMPLE(socket, .fail = fail_socket, .data = data_opened, .shape = SHAPE_FD);

CALLS(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, stage->fd))
FAILS(socketpair, socketpair(bad, SOCK_STREAM, 0, stage->fd))
FAULTS(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere))
SAMPLE(socketpair, .fail = fail_socketpair, .fault = fault_socketpair, .data = data_pair);

CALLS(bind, bind(stage->fd[0], (struct sockaddr *)&address, ADDRESS_BYTES))
FAILS(bind, bind(bad, (struct sockaddr *)&address, ADDRESS_BYTES))
FAULTS(bind, bind(stage->fd[0], (struct sockaddr *)nowhere, ADDRESS_BYTES))
SAMPLE(bind, .prepare = prepare_socket, .fail = fail_bind, .fault = fault_bind, .state = state_path,
       .refuses = { EADDRNOTAVAIL });

CALLS(listen, listen(stage->fd[0], 1))
FAILS(listen, listen(bad, 1))
SAMPLE(listen, .prepare = prepare_bound, .fail = fail_listen, .state = state_path);

CALLS(accept, accept(stage->fd[0], (struct sockaddr *)&from, &address_bytes))
FAILS(accept, accept(bad, NULL, NULL))
FAULTS(accept, accept(stage->fd[0], (struct sockaddr *)&from, nowhere))
SAMPLE(accept, .prepare = prepare_connected, .fail = fail_accept, .fault = fault_accept,
       .data = data_opened, .state = state_pending, .shape = SHAPE_FD,
       .refuses = { ECONNABORTED, EPROTO });

CALLS(accept4, accept4(stage->fd[0], NULL, NULL, SOCK_CLOEXEC))
FAILS(accept4, accept4(bad, NULL, NULL, 0))
FAULTS(accept4, accept4(stage->fd[0], (struct sockaddr *)&from, nowhere, 0))
SAMPLE(accept4, .prepare = prepare_connected, .fail = fail_accept4, .fault = fault_accept4,
       .data = data_opened, .state = state_pending, .shape = SHAPE_FD,
       .refuses = { ECONNABORTED, EPROTO });

/* For prototypes of ours: a pedantic compiler converts to such a union only for libc's. */
static __CONST_SOCKADDR_ARG to(const void *where)
{
	return (__CONST_SOCKADDR_ARG){ .__sockaddr__ = where };
}

CALLS(__connect, __connect(stage->extra, to(&address), ADDRESS_BYTES))
FAILS(__connect, __connect(stage->extra, to(&nobody), ADDRESS_BYTES))
FAULTS(__connect, __connect(stage->extra, to(nowhere), ADDRESS_BYTES))
SAMPLE(__connect, .prepare = prepare_listening, .fail = fail___connect, .fault = fault___connect,
       .state = state_pending, .refuses = { ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EINPROGRESS });

CALLS(connect, connect(stage->extra, (struct sockaddr *)&address, ADDRESS_BYTES))
FAILS(connect, connect(stage->extra, (struct sockaddr *)&nobody, ADDRESS_BYTES))
FAULTS(connect, connect(stage->extra, (struct sockaddr *)nowhere, ADDRESS_BYTES))
SAMPLE(connect, .prepare = prepare_listening, .fail = fail_connect, .fault = fault_connect,
       .state = state_pending, .refuses = { ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EINPROGRESS });

CALLS(shutdown, shutdown(stage->fd[0], SHUT_WR))
FAILS(shutdown, shutdown(bad, SHUT_WR))
SAMPLE(shutdown, .prepare = prepare_pair, .fail = fail_shutdown, .data = data_pair);

CALLS(getsockopt, getsockopt(stage->fd[0], SOL_SOCKET, SO_ERROR, &value, &value_bytes))
FAILS(getsockopt, getsockopt(bad, SOL_SOCKET, SO_ERROR, &value, &value_bytes))
FAULTS(getsockopt, getsockopt(stage->fd[0], SOL_SOCKET, SO_ERROR, nowhere, &value_bytes))
SAMPLE(getsockopt, .prepare = prepare_pair, .fail = fail_getsockopt, .fault = fault_getsockopt,
       .data = data_option);

CALLS(setsockopt, setsockopt(stage->fd[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)))
FAILS(setsockopt, setsockopt(bad, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)))
FAULTS(setsockopt, setsockopt(stage->fd[0], SOL_SOCKET, SO_PASSCRED, nowhere, sizeof(one)))
SAMPLE(setsockopt, .prepare = prepare_pair, .fail = fail_setsockopt, .fault = fault_setsockopt,
       .data = data_pair);

CALLS(__send, __send(stage->fd[0], stage->in, stage->n, MSG_NOSIGNAL))
FAILS(__send, __send(bad, stage->in, stage->n, 0))
FAULTS(__send, __send(stage->fd[0], nowhere, stage->n, 0))
SAMPLE(__send, .prepare = prepare_pair, .fail = fail___send, .fault = fault___send,
       .state = state_sent, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(send, send(stage->fd[0], stage->in, stage->n, MSG_NOSIGNAL))
FAILS(send, send(bad, stage->in, stage->n, 0))
FAULTS(send, send(stage->fd[0], nowhere, stage->n, 0))
SAMPLE(send, .prepare = prepare_pair, .fail = fail_send, .fault = fault_send, .state = state_sent,
       .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(sendto, sendto(stage->fd[0], stage->in, stage->n, 0, NULL, 0))
FAILS(sendto, sendto(bad, stage->in, stage->n, 0, NULL, 0))
FAULTS(sendto, sendto(stage->fd[0], nowhere, stage->n, 0, NULL, 0))
SAMPLE(sendto, .prepare = prepare_pair, .fail = fail_sendto, .fault = fault_sendto,
       .state = state_sent, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(sendmsg, sendmsg(stage->fd[0], message_of(stage->in), 0))
FAILS(sendmsg, sendmsg(bad, message_of(stage->in), 0))
FAULTS(sendmsg, sendmsg(stage->fd[0], nowhere, 0))
SAMPLE(sendmsg, .prepare = prepare_pair, .fail = fail_sendmsg, .fault = fault_sendmsg,
       .state = state_sent, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(sendmmsg, sendmmsg(stage->fd[0], messages_of(stage->in), 1, 0))
FAILS(sendmmsg, sendmmsg(bad, messages_of(stage->in), 1, 0))
FAULTS(sendmmsg, sendmmsg(stage->fd[0], nowhere, 1, 0))
SAMPLE(sendmmsg, .prepare = prepare_pair, .fail = fail_sendmmsg, .fault = fault_sendmmsg,
       .state = state_sent, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(recv, recv(stage->fd[0], stage->out, stage->n, 0))
FAILS(recv, recv(bad, stage->out, stage->n, 0))
FAULTS(recv, recv(stage->fd[0], nowhere, stage->n, 0))
SAMPLE(recv, .prepare = prepare_sent, .fail = fail_recv, .fault = fault_recv, .data = data_out,
       .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(__recv_chk, __recv_chk(stage->fd[0], stage->out, stage->n, ROOM, 0))
FAILS(__recv_chk, __recv_chk(bad, stage->out, stage->n, ROOM, 0))
SAMPLE(__recv_chk, .prepare = prepare_sent, .fail = fail___recv_chk, .data = data_out,
       .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(recvfrom, recvfrom(stage->fd[0], stage->out, stage->n, 0, NULL, NULL))
FAILS(recvfrom, recvfrom(bad, stage->out, stage->n, 0, NULL, NULL))
FAULTS(recvfrom, recvfrom(stage->fd[0], nowhere, stage->n, 0, NULL, NULL))
SAMPLE(recvfrom, .prepare = prepare_sent, .fail = fail_recvfrom, .fault = fault_recvfrom,
       .data = data_out, .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(__recvfrom_chk, __recvfrom_chk(stage->fd[0], stage->out, stage->n, ROOM, 0, no_address, NULL))
FAILS(__recvfrom_chk, __recvfrom_chk(bad, stage->out, stage->n, ROOM, 0, no_address, NULL))
SAMPLE(__recvfrom_chk, .prepare = prepare_sent, .fail = fail___recvfrom_chk, .data = data_out,
       .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(recvmsg, recvmsg(stage->fd[0], message_of(stage->out), 0))
FAILS(recvmsg, recvmsg(bad, message_of(stage->out), 0))
FAULTS(recvmsg, recvmsg(stage->fd[0], nowhere, 0))
SAMPLE(recvmsg, .prepare = prepare_sent, .fail = fail_recvmsg, .fault = fault_recvmsg,
       .data = data_out, .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });

CALLS(recvmmsg, recvmmsg(stage->fd[0], messages_of(stage->out), 1, 0, NULL))
FAILS(recvmmsg, recvmmsg(bad, messages_of(stage->out), 1, 0, NULL))
FAULTS(recvmmsg, recvmmsg(stage->fd[0], nowhere, 1, 0, NULL))
SAMPLE(recvmmsg, .prepare = prepare_sent, .fail = fail_recvmmsg, .fault = fault_recvmmsg,
       .data = data_out, .state = state_pipe, .refuses = { ECONNRESET, ECONNREFUSED });
