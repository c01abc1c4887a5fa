/* SPDX-License-Identifier: Apache-2.0 */
/* proc_text.c - see proc_text.h. */
#define _GNU_SOURCE
#include "proc_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

bool mapping_parse(const char *line, struct mapping *m)
{
	unsigned int major, minor;
	char access[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &m->start,
		   &m->end, access, &m->offset, &major, &minor, &m->ino) != 7)
		return false;
	m->dev = makedev(major, minor);
	m->shared = access[3] == 's';
	return true;
}

static enum file_lock_kind lock_kind(const char *word)
{
	static const struct {
		const char *word;
		enum file_lock_kind kind;
	} kinds[] = {
		{ "FLOCK", FILE_LOCK_FLOCK },
		{ "POSIX", FILE_LOCK_PROCESS },
		{ "OFDLCK", FILE_LOCK_OFD },
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(word, kinds[i].word) == 0)
			return kinds[i].kind;
	return FILE_LOCK_OTHER;
}

bool file_lock_parse(const char *line, struct file_lock *lock)
{
	char kind[16], type[16], last[24];
	int at = 0;

	/* "1: -> POSIX  ADVISORY  WRITE 123 08:01:4711 0 EOF" */
	if (sscanf(line, " %*d: %n", &at) < 0 || at == 0)
		return false;
	line += at;
	if (strncmp(line, "->", 2) == 0)
		line += 2;
	if (sscanf(line, " %15s %*s %15s %*d %*s %" SCNu64 " %23s", kind, type, &lock->first,
		   last) != 4)
		return false;
	lock->kind = lock_kind(kind);
	lock->writes = strcmp(type, "WRITE") == 0;
	lock->last = UINT64_MAX;
	return strcmp(last, "EOF") == 0 || sscanf(last, "%" SCNu64, &lock->last) == 1;
}

bool file_locks_conflict(const struct file_lock *a, const struct file_lock *b)
{
	if (a->kind == FILE_LOCK_OTHER || b->kind == FILE_LOCK_OTHER ||
	    (a->kind == FILE_LOCK_FLOCK) != (b->kind == FILE_LOCK_FLOCK))
		return false;
	return (a->writes || b->writes) && a->first <= b->last && b->first <= a->last;
}

/* "0100007F:1F90", or 32 digits before the colon: words as the machine keeps them. */
static bool end_parse(const char *text, struct inet_end *end)
{
	static const uint32_t mapped = 0xffff0000; /* the third word of ::ffff:0:0/96 */
	unsigned int port;

	if (strcspn(text, ":") == 8) {
		*end = (struct inet_end){ .address = { 0, 0, mapped } };
		if (sscanf(text, "%8" SCNx32 ":%4x", &end->address[3], &port) != 2)
			return false;
		/* 0.0.0.0 and :: are one */
		if (end->address[3] == 0)
			end->address[2] = 0;
	} else if (sscanf(text, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 ":%4x",
			  &end->address[0], &end->address[1], &end->address[2], &end->address[3],
			  &port) != 5) {
		return false;
	}
	end->port = (uint16_t)port;
	return true;
}

bool inet_parse(const char *line, struct inet_line *socket)
{
	char local[64], remote[64];

	return sscanf(line, " %*d: %63s %63s %x %*s %*s %*s %*s %*s %" SCNu64, local, remote,
		      &socket->state, &socket->ino) == 4 &&
	       end_parse(local, &socket->local) && end_parse(remote, &socket->remote);
}

bool inet_same(const struct inet_end *a, const struct inet_end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static uint8_t first_byte(uint32_t word)
{
	uint8_t bytes[sizeof(word)];

	memcpy(bytes, &word, sizeof(word));
	return bytes[0];
}

bool inet_is_loopback(const struct inet_end *end)
{
	static const uint8_t one[16] = { [15] = 1 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(end->address, one, sizeof(one)) == 0 ||
	       (memcmp(end->address, mapped, sizeof(mapped)) == 0 &&
		first_byte(end->address[3]) == 127);
}

bool inet_is_any(const struct inet_end *end)
{
	static const uint32_t zero[4];

	return memcmp(end->address, zero, sizeof(zero)) == 0;
}
