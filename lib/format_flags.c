/* SPDX-License-Identifier: Apache-2.0 */
/* format_flags.c - the names of flags and commands in a trace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/wait.h>

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
	if (kind == ARG_OP_FLAGS)
		flags = msg_flags;
	else if (kind == ARG_SHM_FLAGS)
		flags = shm_flags;
	else if (kind == ARG_WAIT_FLAGS)
		flags = wait_flags;
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

static const struct {
	unsigned int call, arg;
	const struct command *commands;
} named_ints[] = {
	{ CALL_sigprocmask, 0, mask_commands }, { CALL_pthread_sigmask, 0, mask_commands },
	{ CALL_epoll_ctl, 1, epoll_commands },  { CALL_waitid, 0, id_types },
	{ CALL_setitimer, 0, timers },
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
