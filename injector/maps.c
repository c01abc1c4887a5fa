/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - reads /proc/self/maps: system calls and a small buffer on the stack, nothing else. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "maps.h"
#include "raw.h"

struct reader {
	int fd;
	long at, n;
	char buffer[512];
};

/* The next character, or -1 at the end. */
static int next(struct reader *r)
{
	if (r->at == r->n) {
		r->n = raw3(SYS_read, r->fd, r->buffer, sizeof(r->buffer));
		r->at = 0;
		if (r->n <= 0) {
			r->n = 0;
			return -1;
		}
	}
	return (unsigned char)r->buffer[r->at++];
}

/* A number; the character behind it is taken too. */
static uint64_t number(struct reader *r, unsigned int base)
{
	uint64_t value = 0;

	for (;;) {
		int c = next(r), digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			return value;
		value = value * base + (unsigned int)digit;
	}
}

/* start-end perm offset major:minor inode, and perhaps a path. False: no more lines. */
static bool read_line(struct reader *r, struct maps_line *line)
{
	unsigned int major;
	int c;

	line->start = number(r, 16);
	line->end = number(r, 16);
	for (int i = 0; i < 4; i++)
		c = next(r);
	if (c < 0)
		return false;
	line->shared = c == 's';
	next(r);
	line->offset = number(r, 16);
	major = (unsigned int)number(r, 16);
	line->dev = makedev(major, (unsigned int)number(r, 16));
	line->ino = number(r, 10);
	/* the character behind the inode is a space, also where no path follows */
	do
		c = next(r);
	while (c >= 0 && c != '\n');
	return true;
}

bool maps_find(uintptr_t address, struct maps_line *line)
{
	struct reader r = { .at = 0 };
	bool found = false;

	r.fd = (int)raw4(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	if (r.fd < 0)
		return false;
	while (!found && read_line(&r, line) && line->start <= address)
		found = address < line->end;
	raw1(SYS_close, r.fd);
	return found;
}
