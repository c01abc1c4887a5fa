/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_text.h - lines that the kernel writes under /proc, as numbers: mappings, file locks,
 * internet sockets. The deadlock watch reads them.
 */
#ifndef IPCJAM_PROC_TEXT_H
#define IPCJAM_PROC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* A line of /proc/PID/maps. */
struct mapping {
	uint64_t start, end, offset, dev, ino;
	bool shared;
};
bool mapping_parse(const char *line, struct mapping *mapping);

/* A line of /proc/locks, or what follows "lock:" in /proc/PID/fdinfo/N. */
enum file_lock_kind { FILE_LOCK_OTHER, FILE_LOCK_FLOCK, FILE_LOCK_PROCESS, FILE_LOCK_OFD };
struct file_lock {
	enum file_lock_kind kind;
	bool writes;          /* else it lets other readers in */
	uint64_t first, last; /* bytes; last UINT64_MAX: to the end, wherever that will be */
};
bool file_lock_parse(const char *line, struct file_lock *lock);
/* Of the same file, and of two owners: does one keep the other waiting? */
bool file_locks_conflict(const struct file_lock *a, const struct file_lock *b);

/* A line of /proc/net/{tcp,tcp6,udp,udp6}. Addresses of IPv4 are kept as IPv6 has them. */
#define INET_ESTABLISHED 1
#define INET_LISTENS 10
struct inet_end {
	uint32_t address[4];
	uint16_t port;
};
struct inet_line {
	struct inet_end local, remote;
	unsigned int state;
	uint64_t ino; /* 0: not accepted yet, or closed */
};
bool inet_parse(const char *line, struct inet_line *socket);
bool inet_same(const struct inet_end *a, const struct inet_end *b);
bool inet_is_loopback(const struct inet_end *end);
bool inet_is_any(const struct inet_end *end); /* 0.0.0.0 or :: */

#endif
