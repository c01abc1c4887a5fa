/* SPDX-License-Identifier: Apache-2.0 */
/* format_socket.c - what belongs to sockets and threads in a trace: addresses, as strace writes
 * them, messages, and who is meant. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format_parts.h"

static void show_unix(struct text *text, const struct sockaddr_un *address, size_t n_bytes)
{
	size_t n = n_bytes - offsetof(struct sockaddr_un, sun_path);
	const char *path = address->sun_path;

	text_str(text, "{AF_UNIX, ");
	if (n == 0) {
		text_str(text, "unnamed");
	} else if (path[0]) {
		show_string(text, path, n);
	} else {
		text_char(text, '@');
		show_string(text, path + 1, n - 1);
	}
	text_char(text, '}');
}

static void show_inet(struct text *text, const struct sockaddr_in *address)
{
	uint8_t byte[4];

	memcpy(byte, &address->sin_addr, sizeof(byte));
	text_str(text, "{AF_INET, ");
	for (unsigned int i = 0; i < sizeof(byte); i++) {
		text_str(text, i ? "." : "");
		text_uint(text, byte[i]);
	}
	text_char(text, ':');
	text_uint(text, ntohs(address->sin_port));
	text_char(text, '}');
}

/* All eight groups: no reader needs the short form, and it takes no code that could be wrong. */
static void show_inet6(struct text *text, const struct sockaddr_in6 *address)
{
	text_str(text, "{AF_INET6, [");
	for (unsigned int i = 0; i < sizeof(address->sin6_addr); i += 2) {
		unsigned int high = address->sin6_addr.s6_addr[i];

		text_str(text, i ? ":" : "");
		for (int shift = 12; shift >= 0; shift -= 4)
			text_char(text, "0123456789abcdef"[((high << 8 |
							     address->sin6_addr.s6_addr[i + 1]) >>
							    shift) &
							   15]);
	}
	text_str(text, "]:");
	text_uint(text, ntohs(address->sin6_port));
	text_char(text, '}');
}

static void show_socket_address(struct text *text, const void *bytes, size_t n_bytes)
{
	struct sockaddr_storage address = { 0 };

	if (n_bytes > sizeof(address))
		n_bytes = sizeof(address);
	memcpy(&address, bytes, n_bytes);
	if (n_bytes < sizeof(address.ss_family))
		text_str(text, "{}");
	else if (address.ss_family == AF_UNIX)
		show_unix(text, (const struct sockaddr_un *)&address, n_bytes);
	else if (address.ss_family == AF_INET && n_bytes >= sizeof(struct sockaddr_in))
		show_inet(text, (const struct sockaddr_in *)&address);
	else if (address.ss_family == AF_INET6 && n_bytes >= sizeof(struct sockaddr_in6))
		show_inet6(text, (const struct sockaddr_in6 *)&address);
	else
		text_str(text, "{...}");
}

/* A pthread_t is an address that says nothing to people. */
void show_thread(struct shown *shown, unsigned int i)
{
	uint64_t ref = shown->event->object;

	if (object_kind_of(ref) != OBJECT_THREAD) {
		show_pointer(shown->text, shown->event->arg[i]);
		return;
	}
	text_str(shown->text, "thread ");
	text_uint(shown->text, object_value_of(ref) & 0xffff);
	text_str(shown->text, " of ");
	text_uint(shown->text, object_value_of(ref) >> 16);
}

void show_address(struct shown *shown, unsigned int i)
{
	int64_t size = i + 1 < 6 ? shown->event->arg[i + 1] : 0;
	size_t n = size > 0 && (uint64_t)size < shown->n_more ? (size_t)size : shown->n_more;

	if (n == 0)
		show_pointer(shown->text, shown->event->arg[i]);
	else
		show_socket_address(shown->text, shown->more, n);
}

/* Of a message to a socket: its bytes, and how many descriptors go with it. */
void show_msghdr(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;

	if (!is_done(event)) {
		show_pointer(shown->text, event->arg[i]);
		return;
	}
	text_char(shown->text, '{');
	text_uint(shown->text, event->length);
	text_str(shown->text, " bytes");
	if (event->arg[3] > 0) {
		text_str(shown->text, ", ");
		text_int(shown->text, event->arg[3]);
		text_str(shown->text, event->arg[3] == 1 ? " descriptor" : " descriptors");
	}
	text_char(shown->text, '}');
}
