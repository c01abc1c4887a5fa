/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap_socket.c - libc's checking forms of recv and recvfrom: a request larger than the room ends
 * the program, as libc's own does it; else they are the plain calls.
 */
#define _GNU_SOURCE
#include "wrap.h"

EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t n, size_t room, int flags)
{
	long a[6] = { fd, (long)buffer, (long)n, flags };

	if (n > room) {
		a[3] = (long)room;
		a[4] = flags;
		return real_call(CALL___recv_chk, a);
	}
	return gate(CALL_recv, a, CALLER, FRAME);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t n, size_t room, int flags,
			      __SOCKADDR_ARG address, socklen_t *size)
{
	long a[6] = { fd, (long)buffer, (long)n, flags, (long)address.__sockaddr__, (long)size };
	ssize_t (*real)(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);

	if (n <= room)
		return gate(CALL_recvfrom, a, CALLER, FRAME);
	real = (ssize_t(*)(int, void *, size_t, size_t, int, struct sockaddr *,
			   socklen_t *))real_function(CALL___recvfrom_chk);
	return real(fd, buffer, n, room, flags, address.__sockaddr__, size);
}
