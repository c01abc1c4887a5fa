/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_socket.c - which sockets are joined to which. Of Unix sockets the kernel tells through
 * netlink (sock_diag(7)), of those of the internet in /proc/net, where two that have each other's
 * addresses are the two ends of one connection. Asked once a look, when somebody waits for a
 * socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "watch.h"

#define REPLY_BYTES 32768

struct unix_socket {
	uint64_t ino, peer; /* peer 0: none, or one that nobody has accepted yet */
	uint64_t file_dev, file_ino;
	unsigned int type;
	bool listens;
	size_t n_name;
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Who has asked to be accepted by whom. */
struct pending {
	uint64_t ino, listener;
};

struct inet_socket {
	struct inet_line line;
	bool datagrams;
};

struct sockets {
	struct unix_socket *unix_socket;
	struct pending *pending;
	struct inet_socket *inet;
	size_t n_unix, n_pending, n_inet;
};

void sockets_free(struct sockets *sockets)
{
	if (!sockets)
		return;
	free(sockets->unix_socket);
	free(sockets->pending);
	free(sockets->inet);
	free(sockets);
}

/* Room for one more; grows by doubling. */
static void *room(void *array, size_t n, size_t entry_bytes)
{
	void *grown = array;

	if (n == 0 || (n >= 32 && (n & (n - 1)) == 0))
		grown = realloc(array, (n ? 2 * n : 32) * entry_bytes);
	if (!grown)
		abort();
	return grown;
}

static void add_pending(struct sockets *k, uint64_t listener, const uint32_t *ino, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		k->pending = room(k->pending, k->n_pending, sizeof(*k->pending));
		k->pending[k->n_pending++] = (struct pending){ ino[i], listener };
	}
}

static void add_attribute(struct sockets *k, struct unix_socket *u, const struct nlattr *a)
{
	const uint8_t *data = (const uint8_t *)a + NLA_HDRLEN;
	size_t n = a->nla_len - (size_t)NLA_HDRLEN;
	struct unix_diag_vfs file;
	uint32_t peer;

	switch (a->nla_type & NLA_TYPE_MASK) {
	case UNIX_DIAG_PEER:
		if (n >= sizeof(peer)) {
			memcpy(&peer, data, sizeof(peer));
			u->peer = peer;
		}
		break;
	case UNIX_DIAG_NAME:
		u->n_name = n < sizeof(u->name) ? n : sizeof(u->name);
		memcpy(u->name, data, u->n_name);
		break;
	case UNIX_DIAG_VFS:
		if (n >= sizeof(file)) {
			memcpy(&file, data, sizeof(file));
			u->file_ino = file.udiag_vfs_ino;
			u->file_dev =
				makedev(file.udiag_vfs_dev >> 20, file.udiag_vfs_dev & 0xfffff);
		}
		break;
	case UNIX_DIAG_ICONS:
		add_pending(k, u->ino, (const uint32_t *)(const void *)data, n / sizeof(uint32_t));
		break;
	default:
		break;
	}
}

static void add_unix(struct sockets *k, const struct nlmsghdr *header)
{
	const struct unix_diag_msg *m = NLMSG_DATA(header);
	size_t at = NLMSG_SPACE(sizeof(*m));
	struct unix_socket *u;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return;
	k->unix_socket = room(k->unix_socket, k->n_unix, sizeof(*k->unix_socket));
	u = &k->unix_socket[k->n_unix++];
	*u = (struct unix_socket){ .ino = m->udiag_ino,
				   .type = m->udiag_type,
				   .listens = m->udiag_state == TCP_LISTEN };
	while (at + sizeof(struct nlattr) <= header->nlmsg_len) {
		const struct nlattr *a = (const void *)((const uint8_t *)header + at);

		if (a->nla_len < NLA_HDRLEN || at + a->nla_len > header->nlmsg_len)
			return;
		add_attribute(k, u, a);
		at += NLA_ALIGN(a->nla_len);
	}
}

/* False: that was the last of them. */
static bool add_reply(struct sockets *k, const uint8_t *reply, size_t n)
{
	const struct nlmsghdr *header = (const void *)reply;

	for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
			return false;
		if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			add_unix(k, header);
	}
	return true;
}

static void read_unix(struct sockets *k)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = AF_UNIX,
			     .udiag_states = ~0u,
			     .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
					   UDIAG_SHOW_ICONS },
	};
	static uint8_t reply[REPLY_BYTES] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n;

	if (fd < 0)
		return;
	if (send(fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask))
		do
			n = recv(fd, reply, sizeof(reply), 0);
		while (n > 0 && add_reply(k, reply, (size_t)n));
	close(fd);
}

static void read_inet(struct sockets *k, const char *path, bool datagrams)
{
	FILE *file = fopen(path, "re");
	char line[512];
	struct inet_socket one = { .datagrams = datagrams };

	while (file && fgets(line, sizeof(line), file)) {
		if (!inet_parse(line, &one.line))
			continue;
		k->inet = room(k->inet, k->n_inet, sizeof(*k->inet));
		k->inet[k->n_inet++] = one;
	}
	if (file)
		fclose(file);
}

static struct sockets *sockets_of(struct scene *scene)
{
	struct sockets *k = scene->sockets;

	if (k)
		return k;
	k = scene->sockets = calloc(1, sizeof(*k));
	if (!k)
		abort();
	read_unix(k);
	read_inet(k, "/proc/net/tcp", false);
	read_inet(k, "/proc/net/tcp6", false);
	read_inet(k, "/proc/net/udp", true);
	read_inet(k, "/proc/net/udp6", true);
	return k;
}

static enum joined unix_joined(const struct sockets *k, const struct unix_socket *u, uint64_t *peer)
{
	if (u->listens)
		return JOINED_CROWD;
	*peer = u->peer;
	for (size_t i = 0; i < k->n_pending && *peer == 0; i++)
		if (k->pending[i].ino == u->ino)
			*peer = k->pending[i].listener;
	if (*peer)
		return JOINED_PEER;
	return u->type == SOCK_DGRAM ? JOINED_CROWD : JOINED_UNKNOWN;
}

/* The socket at that address that is still to be accepted: whoever listens there has it. */
static uint64_t inet_listener(const struct sockets *k, const struct inet_end *at)
{
	uint64_t any = 0;

	for (size_t i = 0; i < k->n_inet; i++) {
		const struct inet_line *line = &k->inet[i].line;

		if (k->inet[i].datagrams || line->state != INET_LISTENS)
			continue;
		if (inet_same(&line->local, at))
			return line->ino;
		if (line->local.port == at->port && inet_is_any(&line->local))
			any = line->ino;
	}
	return any;
}

static enum joined inet_joined(const struct sockets *k, const struct inet_socket *own,
			       uint64_t *peer)
{
	bool local = inet_is_loopback(&own->line.local);

	if (own->datagrams || own->line.state == INET_LISTENS)
		return local ? JOINED_CROWD : JOINED_UNKNOWN;
	for (size_t i = 0; i < k->n_inet; i++) {
		const struct inet_socket *other = &k->inet[i];

		if (other->datagrams || !inet_same(&other->line.local, &own->line.remote) ||
		    !inet_same(&other->line.remote, &own->line.local))
			continue;
		*peer = other->line.ino ? other->line.ino : inet_listener(k, &other->line.local);
		return *peer ? JOINED_PEER : JOINED_UNKNOWN;
	}
	return JOINED_UNKNOWN;
}

enum joined socket_joined(struct scene *scene, uint64_t ino, uint64_t *peer)
{
	const struct sockets *k = sockets_of(scene);

	for (size_t i = 0; i < k->n_unix; i++)
		if (k->unix_socket[i].ino == ino)
			return unix_joined(k, &k->unix_socket[i], peer);
	for (size_t i = 0; i < k->n_inet; i++)
		if (k->inet[i].line.ino == ino)
			return inet_joined(k, &k->inet[i], peer);
	return JOINED_UNKNOWN;
}

/* The file that a name means to that task. */
static bool named_file(const struct task *t, const char *name, struct stat *info)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 80];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s/%s", (int)t->pid, (int)t->tid,
		 name[0] == '/' ? "root" : "cwd", name);
	return stat(path, info) == 0;
}

uint64_t socket_listener(struct scene *scene, const struct task *t, const void *address,
			 size_t n_bytes)
{
	const struct sockets *k = sockets_of(scene);
	struct sockaddr_un un = { 0 };
	struct stat info = { 0 };
	size_t n;

	memcpy(&un, address, n_bytes < sizeof(un) ? n_bytes : sizeof(un));
	if (un.sun_family != AF_UNIX || n_bytes <= offsetof(struct sockaddr_un, sun_path))
		return 0;
	n = n_bytes - offsetof(struct sockaddr_un, sun_path);
	if (un.sun_path[0]) {
		un.sun_path[sizeof(un.sun_path) - 1] = '\0';
		if (!named_file(t, un.sun_path, &info))
			return 0;
	}
	for (size_t i = 0; i < k->n_unix; i++) {
		const struct unix_socket *u = &k->unix_socket[i];

		if (!u->listens)
			continue;
		if (un.sun_path[0] ? u->file_ino == info.st_ino && u->file_dev == info.st_dev
				   : u->n_name == n && memcmp(u->name, un.sun_path, n) == 0)
			return u->ino;
	}
	return 0;
}
