/* SPDX-License-Identifier: Apache-2.0 */
/* format_flags.c - the names of flags and commands in a trace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format_parts.h"

struct flag {
	uint64_t bits; /* of several bits, all: O_SYNC is before O_DSYNC */
	const char *name;
};

#define FLAG(name) \
	{ \
		(uint64_t)(name), #name \
	}
static const struct flag sop_flags[] = { FLAG(SEM_UNDO), FLAG(IPC_NOWAIT), { 0 } };
static const struct flag ipc_flags[] = {
	FLAG(IPC_CREAT), FLAG(IPC_EXCL), FLAG(SHM_HUGETLB), FLAG(SHM_NORESERVE), { 0 },
};
static const struct flag msg_flags[] = {
	FLAG(IPC_NOWAIT), FLAG(MSG_NOERROR), FLAG(MSG_EXCEPT), FLAG(MSG_COPY), { 0 },
};
static const struct flag shm_flags[] = {
	FLAG(SHM_RDONLY), FLAG(SHM_RND), FLAG(SHM_REMAP), FLAG(SHM_EXEC), { 0 },
};
static const struct flag open_flags[] = {
	FLAG(O_CREAT),
	FLAG(O_EXCL),
	FLAG(O_NOCTTY),
	FLAG(O_TRUNC),
	FLAG(O_APPEND),
	FLAG(O_NONBLOCK),
	FLAG(O_SYNC),
	FLAG(O_DSYNC),
	FLAG(O_ASYNC),
	FLAG(O_DIRECT),
	FLAG(O_TMPFILE),
	FLAG(O_DIRECTORY),
	FLAG(O_NOFOLLOW),
	FLAG(O_NOATIME),
	FLAG(O_CLOEXEC),
	FLAG(O_PATH),
	{ 0100000, "O_LARGEFILE" },
	{ 0 },
};
static const struct flag wait_flags[] = {
	FLAG(WNOHANG), FLAG(WUNTRACED), FLAG(WCONTINUED),  FLAG(WEXITED), FLAG(WNOWAIT),
	FLAG(__WALL),  FLAG(__WCLONE),  FLAG(__WNOTHREAD), { 0 },
};
static const struct flag socket_flags[] = {
	FLAG(MSG_OOB),
	FLAG(MSG_PEEK),
	FLAG(MSG_DONTROUTE),
	FLAG(MSG_TRUNC),
	FLAG(MSG_DONTWAIT),
	FLAG(MSG_EOR),
	FLAG(MSG_WAITALL),
	FLAG(MSG_NOSIGNAL),
	FLAG(MSG_MORE),
	FLAG(MSG_ERRQUEUE),
	FLAG(MSG_WAITFORONE),
	FLAG(MSG_CMSG_CLOEXEC),
	{ 0 },
};
static const struct flag socket_type_flags[] = { FLAG(SOCK_NONBLOCK), FLAG(SOCK_CLOEXEC), { 0 } };
static const struct flag flock_flags[] = {
	FLAG(LOCK_SH), FLAG(LOCK_EX), FLAG(LOCK_UN), FLAG(LOCK_NB), { 0 },
};
static const struct flag mmap_protection[] = {
	FLAG(PROT_READ),
	FLAG(PROT_WRITE),
	FLAG(PROT_EXEC),
	{ 0 },
};
static const struct flag mmap_flags[] = {
	FLAG(MAP_SHARED_VALIDATE),
	FLAG(MAP_SHARED),
	FLAG(MAP_PRIVATE),
	FLAG(MAP_FIXED),
	FLAG(MAP_ANONYMOUS),
	FLAG(MAP_GROWSDOWN),
	FLAG(MAP_LOCKED),
	FLAG(MAP_NORESERVE),
	FLAG(MAP_POPULATE),
	FLAG(MAP_NONBLOCK),
	FLAG(MAP_STACK),
	FLAG(MAP_HUGETLB),
	FLAG(MAP_SYNC),
	FLAG(MAP_FIXED_NOREPLACE),
	{ 0 },
};

static const struct {
	enum arg_kind kind;
	const struct flag *flags;
} flags_of[] = {
	{ ARG_OP_FLAGS, msg_flags },    { ARG_SHM_FLAGS, shm_flags },
	{ ARG_WAIT_FLAGS, wait_flags }, { ARG_SOCK_FLAGS, socket_flags },
	{ ARG_FLOCK_OP, flock_flags },  { ARG_MMAP_PROT, mmap_protection },
	{ ARG_MMAP_FLAGS, mmap_flags },
};

static bool add_flags(struct text *text, const struct flag *flags, uint64_t value, bool any)
{
	for (; flags->bits; flags++) {
		if ((value & flags->bits) != flags->bits)
			continue;
		text_str(text, any ? "|" : "");
		text_str(text, flags->name);
		value &= ~flags->bits;
		any = true;
	}
	if (value) {
		text_str(text, any ? "|" : "");
		text_hex(text, value);
		any = true;
	}
	return any;
}

/* The permission bits are octal, as one knows them. */
static void show_ipc_flags(struct text *text, uint64_t value)
{
	bool any = value & ~UINT64_C(0777) &&
		   add_flags(text, ipc_flags, value & ~UINT64_C(0777), false);

	if (value & 0777) {
		text_str(text, any ? "|" : "");
		text_octal(text, value & 0777);
	} else if (!any) {
		text_char(text, '0');
	}
}

void show_open_flags(struct text *text, int64_t value)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	text_str(text, modes[value & O_ACCMODE]);
	add_flags(text, open_flags, (uint64_t)value & UINT32_MAX & ~(uint64_t)O_ACCMODE, true);
}

void show_sop_flags(struct text *text, int flags)
{
	if (!add_flags(text, sop_flags, (uint16_t)flags, false))
		text_char(text, '0');
}

void show_flags(struct text *text, enum arg_kind kind, int64_t value)
{
	const struct flag *flags = open_flags;

	/* Flags are ints: what an int was widened to does not belong to them. */
	value &= UINT32_MAX;
	if (kind == ARG_IPC_FLAGS) {
		show_ipc_flags(text, (uint64_t)value);
		return;
	}
	for (size_t i = 0; i < sizeof(flags_of) / sizeof(flags_of[0]); i++)
		if (flags_of[i].kind == kind)
			flags = flags_of[i].flags;
	if (!add_flags(text, flags, (uint64_t)value, false))
		text_char(text, '0');
}

/* Commands have the same numbers in different calls. */
struct command {
	int value;
	const char *name;
};

#define COMMAND(name) \
	{ \
		name, #name \
	}
static const struct command ipc_commands[] = {
	COMMAND(IPC_RMID), COMMAND(IPC_SET), COMMAND(IPC_STAT), COMMAND(IPC_INFO), { 0, NULL },
};
static const struct command sem_commands[] = {
	COMMAND(GETPID),   COMMAND(GETVAL),       COMMAND(GETALL), COMMAND(GETNCNT),
	COMMAND(GETZCNT),  COMMAND(SETVAL),       COMMAND(SETALL), COMMAND(SEM_STAT),
	COMMAND(SEM_INFO), COMMAND(SEM_STAT_ANY), { 0, NULL },
};
static const struct command msg_commands[] = {
	COMMAND(MSG_STAT),
	COMMAND(MSG_INFO),
	COMMAND(MSG_STAT_ANY),
	{ 0, NULL },
};
static const struct command shm_commands[] = {
	COMMAND(SHM_LOCK), COMMAND(SHM_UNLOCK),   COMMAND(SHM_STAT),
	COMMAND(SHM_INFO), COMMAND(SHM_STAT_ANY), { 0, NULL },
};
static const struct command fcntl_commands[] = {
	COMMAND(F_DUPFD),      COMMAND(F_GETFD),      COMMAND(F_SETFD),
	COMMAND(F_GETFL),      COMMAND(F_SETFL),      COMMAND(F_GETLK),
	COMMAND(F_SETLK),      COMMAND(F_SETLKW),     COMMAND(F_SETOWN),
	COMMAND(F_GETOWN),     COMMAND(F_SETSIG),     COMMAND(F_GETSIG),
	COMMAND(F_SETOWN_EX),  COMMAND(F_GETOWN_EX),  COMMAND(F_OFD_GETLK),
	COMMAND(F_OFD_SETLK),  COMMAND(F_OFD_SETLKW), COMMAND(F_SETLEASE),
	COMMAND(F_GETLEASE),   COMMAND(F_NOTIFY),     COMMAND(F_DUPFD_CLOEXEC),
	COMMAND(F_SETPIPE_SZ), COMMAND(F_GETPIPE_SZ), COMMAND(F_ADD_SEALS),
	COMMAND(F_GET_SEALS),  { 0, NULL },
};
static const struct command mask_commands[] = {
	COMMAND(SIG_BLOCK),
	COMMAND(SIG_UNBLOCK),
	COMMAND(SIG_SETMASK),
	{ 0, NULL },
};
static const struct command epoll_commands[] = {
	COMMAND(EPOLL_CTL_ADD),
	COMMAND(EPOLL_CTL_DEL),
	COMMAND(EPOLL_CTL_MOD),
	{ 0, NULL },
};
static const struct command id_types[] = {
	COMMAND(P_ALL), COMMAND(P_PID), COMMAND(P_PGID), COMMAND(P_PIDFD), { 0, NULL },
};
static const struct command timers[] = {
	COMMAND(ITIMER_REAL),
	COMMAND(ITIMER_VIRTUAL),
	COMMAND(ITIMER_PROF),
	{ 0, NULL },
};

static const struct command domains[] = {
	COMMAND(AF_UNIX),    COMMAND(AF_INET),  COMMAND(AF_INET6),
	COMMAND(AF_NETLINK), COMMAND(AF_VSOCK), { 0, NULL },
};
static const struct command socket_types[] = {
	COMMAND(SOCK_STREAM), COMMAND(SOCK_DGRAM), COMMAND(SOCK_SEQPACKET),
	COMMAND(SOCK_RAW),    COMMAND(SOCK_RDM),   { 0, NULL },
};
static const struct command clocks[] = {
	COMMAND(CLOCK_REALTIME),       COMMAND(CLOCK_MONOTONIC),      COMMAND(CLOCK_BOOTTIME),
	COMMAND(CLOCK_REALTIME_ALARM), COMMAND(CLOCK_BOOTTIME_ALARM), { 0, NULL },
};
static const struct command lockf_commands[] = {
	COMMAND(F_ULOCK), COMMAND(F_LOCK), COMMAND(F_TLOCK), COMMAND(F_TEST), { 0, NULL },
};
static const struct command futex_operations[] = {
	COMMAND(FUTEX_WAIT),           COMMAND(FUTEX_WAKE),
	COMMAND(FUTEX_REQUEUE),        COMMAND(FUTEX_CMP_REQUEUE),
	COMMAND(FUTEX_WAKE_OP),        COMMAND(FUTEX_LOCK_PI),
	COMMAND(FUTEX_UNLOCK_PI),      COMMAND(FUTEX_TRYLOCK_PI),
	COMMAND(FUTEX_WAIT_BITSET),    COMMAND(FUTEX_WAKE_BITSET),
	COMMAND(FUTEX_LOCK_PI2),       COMMAND(FUTEX_WAIT_REQUEUE_PI),
	COMMAND(FUTEX_CMP_REQUEUE_PI), { 0, NULL },
};
static const struct command shutdown_hows[] = {
	COMMAND(SHUT_RD),
	COMMAND(SHUT_WR),
	COMMAND(SHUT_RDWR),
	{ 0, NULL },
};
static const struct command socket_levels[] = { COMMAND(SOL_SOCKET), { 0, NULL } };

static const struct {
	enum arg_kind kind;
	const struct command *names;
} numbers_of[] = {
	{ ARG_SOCK_DOMAIN, domains },
	{ ARG_CLOCK, clocks },
	{ ARG_LOCKF_CMD, lockf_commands },
};

static const struct {
	unsigned int call, arg;
	const struct command *commands;
} named_ints[] = {
	{ CALL_sigprocmask, 0, mask_commands }, { CALL_pthread_sigmask, 0, mask_commands },
	{ CALL_epoll_ctl, 1, epoll_commands },  { CALL_waitid, 0, id_types },
	{ CALL_setitimer, 0, timers },          { CALL_shutdown, 1, shutdown_hows },
	{ CALL_getsockopt, 1, socket_levels },  { CALL_setsockopt, 1, socket_levels },
};

static const char *command_name(const struct command *commands, int64_t value)
{
	while (commands->name && commands->value != value)
		commands++;
	return commands->name;
}

static void show_command(struct text *text, const char *name, int value)
{
	if (name)
		text_str(text, name);
	else
		text_int(text, value);
}

void show_ipc_cmd(struct text *text, enum arg_kind of, int cmd)
{
	const struct command *own = of == ARG_SEMID   ? sem_commands
				    : of == ARG_MSQID ? msg_commands
						      : shm_commands;
	const char *name = command_name(ipc_commands, cmd);

	show_command(text, name ? name : command_name(own, cmd), cmd);
}

void show_fcntl_cmd(struct text *text, int cmd)
{
	show_command(text, command_name(fcntl_commands, cmd), cmd);
}

const char *int_name(unsigned int call, unsigned int arg, int64_t value)
{
	for (size_t i = 0; i < sizeof(named_ints) / sizeof(named_ints[0]); i++)
		if (named_ints[i].call == call && named_ints[i].arg == arg)
			return command_name(named_ints[i].commands, value);
	return NULL;
}

void show_numbered(struct text *text, enum arg_kind kind, int64_t value)
{
	const struct command *names = clocks;

	for (size_t i = 0; i < sizeof(numbers_of) / sizeof(numbers_of[0]); i++)
		if (numbers_of[i].kind == kind)
			names = numbers_of[i].names;
	show_command(text, command_name(names, (int)value), (int)value);
}

void show_socket_type(struct text *text, int64_t value)
{
	uint64_t flags = (uint64_t)value & (SOCK_NONBLOCK | SOCK_CLOEXEC);
	int type = (int)value & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	/* accept4 takes the flags alone */
	if (type || !flags)
		show_command(text, command_name(socket_types, type), type);
	if (flags)
		add_flags(text, socket_type_flags, flags, type != 0);
}

void show_futex_operation(struct text *text, int64_t value)
{
	int command = (int)value & FUTEX_CMD_MASK;

	show_command(text, command_name(futex_operations, command), command);
	if (value & FUTEX_PRIVATE_FLAG)
		text_str(text, "|FUTEX_PRIVATE_FLAG");
	if (value & FUTEX_CLOCK_REALTIME)
		text_str(text, "|FUTEX_CLOCK_REALTIME");
}
