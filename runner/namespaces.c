/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces.c - the trial's own view of the machine: mounts, /proc, /dev/shm, and the arena's
 * file. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervise.h"

static int refuse(struct supervisor *s, const char *what, const char *where)
{
	s->report->err = errno;
	snprintf(s->report->why, sizeof(s->report->why), "%.60s %.90s: %s", what, where,
		 strerror(errno));
	return -1;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Inside and outside everybody has the same numbers, so that files look as they do outside. */
static int map_ids(struct supervisor *s, uid_t uid, gid_t gid)
{
	char map[64];

	if (write_file("/proc/self/setgroups", "deny") < 0)
		return refuse(s, "write", "/proc/self/setgroups");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (write_file("/proc/self/uid_map", map) < 0)
		return refuse(s, "write", "/proc/self/uid_map");
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	if (write_file("/proc/self/gid_map", map) < 0)
		return refuse(s, "write", "/proc/self/gid_map");
	return 0;
}

const char *arena_placeholder(const char *shim, char *path, size_t n_bytes)
{
	const char *slash = strrchr(shim, '/');
	int n_dir = slash ? (int)(slash - shim) : 1;

	snprintf(path, n_bytes, "%.*s/libipcjam.arena", n_dir, slash ? shim : ".");
	return path;
}

static int arena_map(struct supervisor *s, const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
	void *memory;

	if (fd < 0)
		return refuse(s, "open", path);
	if (fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(struct arena)) < 0) {
		close(fd);
		return refuse(s, "make", path);
	}
	memory = mmap(NULL, sizeof(struct arena), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return refuse(s, "map", path);
	s->arena = memory;
	return 0;
}

/* The file lives in a tmpfs that nobody else can reach; the placeholder beside the shim shows it.
 */
static int arena_isolated(struct supervisor *s)
{
	char size[64];

	snprintf(size, sizeof(size), "mode=1777,size=%zu", sizeof(struct arena) + (1 << 20));
	if (mount("ipcjam", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, size) < 0)
		return refuse(s, "mount", "/dev/shm");
	if (arena_map(s, "/dev/shm/ipcjam.arena", O_CREAT | O_EXCL) < 0)
		return -1;
	arena_placeholder(s->options->shim, s->arena_path, sizeof(s->arena_path));
	if (mount("/dev/shm/ipcjam.arena", s->arena_path, NULL, MS_BIND, NULL) < 0)
		return refuse(s, "mount the arena over", s->arena_path);
	if (umount2("/dev/shm", MNT_DETACH) < 0)
		return refuse(s, "unmount", "/dev/shm");
	return 0;
}

static int arena_open(struct supervisor *s)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return refuse(s, "read", "random bytes");
	snprintf(s->arena_path, sizeof(s->arena_path), "/dev/shm/ipcjam-%d-%016llx", (int)getpid(),
		 (unsigned long long)number);
	text_put(s->report->arena_path, sizeof(s->report->arena_path), s->arena_path);
	return arena_map(s, s->arena_path, O_CREAT | O_EXCL);
}

int arena_make(struct supervisor *s)
{
	return s->isolated ? arena_isolated(s) : arena_open(s);
}

/* Also makes the arena, since /dev/shm is its way in. */
int namespaces_enter(struct supervisor *s, uid_t uid, gid_t gid)
{
	if (uid != 0 && map_ids(s, uid, gid) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return refuse(s, "make private:", "/");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return refuse(s, "mount", "/proc");
	if (arena_make(s) < 0)
		return -1;
	if (mount("ipcjam", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		return refuse(s, "mount", "/dev/shm");
	if (access("/dev/mqueue", F_OK) == 0 &&
	    mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return refuse(s, "mount", "/dev/mqueue");
	return 0;
}
