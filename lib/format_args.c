/* SPDX-License-Identifier: Apache-2.0 */
/* format_args.c - the arguments of a call in a trace, each by its role in the call table. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include "format_parts.h"

#define INLINE_SOPS 3

void show_string(struct text *text, const char *s, size_t n_bytes)
{
	text_char(text, '"');
	for (size_t i = 0; i < n_bytes && s[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\n') {
			text_str(text, "\\n");
		} else if (c < ' ' || c == 0x7f) {
			text_str(text, "\\x");
			text_char(text, "0123456789abcdef"[c >> 4]);
			text_char(text, "0123456789abcdef"[c & 15]);
		} else {
			text_str(text, c == '"' || c == '\\' ? "\\" : "");
			text_char(text, (char)c);
		}
	}
	text_char(text, '"');
}

void show_pointer(struct text *text, int64_t pointer)
{
	if (pointer)
		text_hex(text, (uint64_t)pointer);
	else
		text_str(text, "NULL");
}

/* An array or structure of which the event keeps nothing. */
static void show_hidden(struct text *text, int64_t pointer, const char *shape)
{
	text_str(text, pointer ? shape : "NULL");
}

bool is_done(const struct event *event)
{
	return event->exit_tsc &&
	       !(event->flags & (EVENT_FAILED | EVENT_ABANDONED | EVENT_KILL_BEFORE));
}

/* Behind the number that the program uses, the name under which people know the object. */
static void show_object(struct shown *shown)
{
	static const char *const kinds[OBJECT_N] = {
		[OBJECT_PIPE] = "pipe ",      [OBJECT_FIFO] = "FIFO ",
		[OBJECT_SOCKET] = "socket ",  [OBJECT_EVENTFD] = "eventfd ",
		[OBJECT_PIDFD] = "pidfd of ",
	};
	const struct format_names *names = shown->names;
	uint64_t ref = shown->event->object;
	enum object_kind kind = object_kind_of(ref);
	const char *name = NULL;

	if (!ref || shown->object_shown)
		return;
	shown->object_shown = true;
	if (names && names->object)
		name = names->object(names->data, ref);
	if (name) {
		text_char(shown->text, ' ');
		show_string(shown->text, name, strlen(name));
	} else if (kind < OBJECT_N && kinds[kind]) {
		text_str(shown->text, " \"");
		text_str(shown->text, kinds[kind]);
		text_uint(shown->text, object_value_of(ref));
		text_char(shown->text, '"');
	}
}

static void show_sop(struct text *text, int64_t packed)
{
	text_char(text, '{');
	text_uint(text, event_sop_num(packed));
	text_str(text, ", ");
	text_int(text, event_sop_op(packed));
	text_str(text, ", ");
	show_sop_flags(text, event_sop_flg(packed));
	text_char(text, '}');
}

static void show_sops(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;
	uint64_t n = (uint64_t)event->arg[i + 1];
	int64_t packed;

	text_char(shown->text, '[');
	/* The operations are read only when the kernel has accepted them. */
	if (!event->exit_tsc || !event_has_sops(event)) {
		text_uint(shown->text, n);
		text_str(shown->text, n == 1 ? " operation]" : " operations]");
		return;
	}
	for (uint64_t at = 0; at < n; at++) {
		size_t offset = (at - INLINE_SOPS) * sizeof(packed);

		text_str(shown->text, at ? ", " : "");
		if (at < INLINE_SOPS) {
			packed = event->arg[3 + at];
		} else if (offset + sizeof(packed) <= shown->n_more) {
			memcpy(&packed, shown->more + offset, sizeof(packed));
		} else {
			text_str(shown->text, "...");
			break;
		}
		show_sop(shown->text, packed);
	}
	text_char(shown->text, ']');
}

/* The continuation holds the paths one behind the other, each with its NUL. */
static void show_path(struct shown *shown, unsigned int i)
{
	size_t n = strnlen(shown->more, shown->n_more);

	if (n == 0) {
		show_pointer(shown->text, shown->event->arg[i]);
		return;
	}
	show_string(shown->text, shown->more, n);
	n += n < shown->n_more;
	shown->more += n;
	shown->n_more -= n;
}

/* The type, and the payload's size once it is known. */
static void show_message(struct shown *shown, unsigned int i)
{
	int64_t type = shown->event->arg[shown->call->arg[i] == ARG_MSG_IN ? 4 : 5];

	if (!is_done(shown->event)) {
		show_pointer(shown->text, shown->event->arg[i]);
		return;
	}
	text_char(shown->text, '{');
	text_int(shown->text, type);
	text_str(shown->text, ", ");
	text_uint(shown->text, shown->event->length);
	text_str(shown->text, " bytes}");
}

static void show_signal(struct text *text, int64_t signo)
{
	const char *name = signo >= 0 && signo < 128 ? signal_text((int)signo) : NULL;

	if (name)
		text_str(text, name);
	else
		text_int(text, signo);
}

static void show_wait_status(struct text *text, int status)
{
	if (WIFEXITED(status)) {
		text_str(text, "exited ");
		text_int(text, WEXITSTATUS(status));
	} else if (WIFSTOPPED(status)) {
		text_str(text, "stopped by ");
		show_signal(text, WSTOPSIG(status));
	} else if (WIFCONTINUED(status)) {
		text_str(text, "continued");
	} else {
		text_str(text, "killed by ");
		show_signal(text, WTERMSIG(status));
	}
}

/* arg[4] is the wait status, -1 when the program did not ask for it; arg[5] who ended. */
static void show_status(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;

	if (!is_done(event) || !event->arg[i] || event->arg[5] <= 0 || event->arg[4] < 0) {
		show_pointer(shown->text, event->arg[i]);
		return;
	}
	text_char(shown->text, '{');
	show_wait_status(shown->text, (int)event->arg[4]);
	text_char(shown->text, '}');
}

static void show_pointer_arg(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;

	if (event->call != CALL_waitid || !is_done(event) || event->arg[5] <= 0 ||
	    event->arg[4] < 0) {
		show_pointer(shown->text, event->arg[i]);
		return;
	}
	text_str(shown->text, "{pid ");
	text_int(shown->text, event->arg[5]);
	text_str(shown->text, ", ");
	show_wait_status(shown->text, (int)event->arg[4]);
	text_char(shown->text, '}');
}

static void show_fds(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;

	if (!is_done(event)) {
		show_pointer(shown->text, event->arg[i]);
		return;
	}
	text_char(shown->text, '[');
	text_int(shown->text, (int32_t)(uint32_t)event->arg[2]);
	text_str(shown->text, ", ");
	text_int(shown->text, (int32_t)(uint32_t)((uint64_t)event->arg[2] >> 32));
	text_char(shown->text, ']');
	show_object(shown);
}

static void show_key(struct shown *shown, unsigned int i)
{
	uint32_t key = (uint32_t)shown->event->arg[i];

	if (key == IPC_PRIVATE)
		text_str(shown->text, "IPC_PRIVATE");
	else
		text_hex(shown->text, key);
}

static void show_int(struct shown *shown, unsigned int i)
{
	int64_t value = shown->event->arg[i];
	const char *name = int_name(shown->event->call, i, value);

	if (value == AT_FDCWD && i + 1 < shown->call->n_args && shown->call->arg[i + 1] == ARG_PATH)
		name = "AT_FDCWD";
	if (name)
		text_str(shown->text, name);
	else
		text_int(shown->text, value);
}

/* SETALL's values, as far as they were kept. */
static void show_sem_values(struct shown *shown)
{
	size_t n = shown->event->length / sizeof(uint16_t);
	uint16_t value;

	text_char(shown->text, '[');
	for (size_t at = 0; at < n; at++) {
		text_str(shown->text, at ? ", " : "");
		if ((at + 1) * sizeof(value) > shown->n_more) {
			text_str(shown->text, "...");
			break;
		}
		memcpy(&value, shown->more + at * sizeof(value), sizeof(value));
		text_uint(shown->text, value);
	}
	text_char(shown->text, ']');
}

/* A last argument whose meaning hangs on the command before it. */
static void show_hex(struct shown *shown, unsigned int i)
{
	const struct event *event = shown->event;

	if (event->call == CALL_semctl && event->arg[2] == SETVAL)
		text_int(shown->text, (int)event->arg[i]);
	else if (event->call == CALL_semctl && event->arg[2] == SETALL && shown->n_more)
		show_sem_values(shown);
	else if (event->call == CALL_fcntl && event->arg[1] == F_SETFL)
		show_open_flags(shown->text, event->arg[i]);
	else if (event->call == CALL_fcntl)
		text_int(shown->text, event->arg[i]);
	else
		text_hex(shown->text, (uint64_t)event->arg[i]);
}

static void show_timeout(struct shown *shown, unsigned int i)
{
	/* semtimedop's own argument has made room for the operations. */
	int64_t pointer = shown->event->call == CALL_semtimedop ? shown->event->flags & EVENT_TIMED
								: shown->event->arg[i];

	show_hidden(shown->text, pointer, "{...}");
}

static void show_ipc_object(struct shown *shown, unsigned int i)
{
	text_int(shown->text, shown->event->arg[i]);
	show_object(shown);
}

static void show_bytes(struct shown *shown, unsigned int i)
{
	show_hidden(shown->text, shown->event->arg[i], "\"...\"");
}

static void show_array(struct shown *shown, unsigned int i)
{
	show_hidden(shown->text, shown->event->arg[i], "[...]");
}

static void show_flag_argument(struct shown *shown, unsigned int i)
{
	show_flags(shown->text, (enum arg_kind)shown->call->arg[i], shown->event->arg[i]);
}

static void show_command(struct shown *shown, unsigned int i)
{
	if (shown->call->arg[i] == ARG_FCNTL_CMD)
		show_fcntl_cmd(shown->text, (int)shown->event->arg[i]);
	else
		show_ipc_cmd(shown->text, (enum arg_kind)shown->call->arg[0],
			     (int)shown->event->arg[i]);
}

/* An address in memory under which the program knows the object. */
static void show_place(struct shown *shown, unsigned int i)
{
	show_pointer(shown->text, shown->event->arg[i]);
	show_object(shown);
}

static void show_numbered_argument(struct shown *shown, unsigned int i)
{
	show_numbered(shown->text, (enum arg_kind)shown->call->arg[i], shown->event->arg[i]);
}

static void show_socket_type_argument(struct shown *shown, unsigned int i)
{
	show_socket_type(shown->text, shown->event->arg[i]);
}

static void show_futex_argument(struct shown *shown, unsigned int i)
{
	show_futex_operation(shown->text, shown->event->arg[i]);
}

static void show_open_argument(struct shown *shown, unsigned int i)
{
	show_open_flags(shown->text, shown->event->arg[i]);
}

static void show_mode(struct shown *shown, unsigned int i)
{
	text_octal(shown->text, (uint64_t)shown->event->arg[i] & 0177777);
}

static void show_signal_argument(struct shown *shown, unsigned int i)
{
	show_signal(shown->text, shown->event->arg[i]);
}

/* By role; those that are missing are plain numbers. */
static void (*const show_as[])(struct shown *shown, unsigned int i) = {
	[ARG_INT] = show_int,
	[ARG_HEX] = show_hex,
	[ARG_SEMID] = show_ipc_object,
	[ARG_MSQID] = show_ipc_object,
	[ARG_SHMID] = show_ipc_object,
	[ARG_KEY] = show_key,
	[ARG_FD] = show_ipc_object,
	[ARG_BUF_OUT] = show_bytes,
	[ARG_BUF_IN] = show_bytes,
	[ARG_IOV_OUT] = show_array,
	[ARG_IOV_IN] = show_array,
	[ARG_SOPS] = show_sops,
	[ARG_MSG_OUT] = show_message,
	[ARG_MSG_IN] = show_message,
	[ARG_IPC_FLAGS] = show_flag_argument,
	[ARG_OP_FLAGS] = show_flag_argument,
	[ARG_SHM_FLAGS] = show_flag_argument,
	[ARG_IPC_CMD] = show_command,
	[ARG_OPEN_FLAGS] = show_open_argument,
	[ARG_PIPE_FLAGS] = show_flag_argument,
	[ARG_FCNTL_CMD] = show_command,
	[ARG_WAIT_FLAGS] = show_flag_argument,
	[ARG_MODE] = show_mode,
	[ARG_PATH] = show_path,
	[ARG_STR] = show_bytes,
	[ARG_PTR] = show_pointer_arg,
	[ARG_SIGNAL] = show_signal_argument,
	[ARG_TIMEOUT] = show_timeout,
	[ARG_TIMEVAL] = show_timeout,
	[ARG_FDS] = show_fds,
	[ARG_POLLFDS] = show_array,
	[ARG_FDSET] = show_array,
	[ARG_STATUS] = show_status,
	[ARG_OFFSET] = show_pointer_arg,
	[ARG_CLOCK] = show_numbered_argument,
	[ARG_PSEM] = show_place,
	[ARG_MUTEX] = show_place,
	[ARG_MUTEX2] = show_pointer_arg,
	[ARG_COND] = show_place,
	[ARG_RWLOCK] = show_place,
	[ARG_BARRIER] = show_place,
	[ARG_SPIN] = show_place,
	[ARG_FUTEX] = show_place,
	[ARG_FUTEX_OP] = show_futex_argument,
	[ARG_THREAD] = show_thread,
	[ARG_LOCKFD] = show_ipc_object,
	[ARG_FLOCK_OP] = show_flag_argument,
	[ARG_LOCKF_CMD] = show_numbered_argument,
	[ARG_SOCKADDR] = show_address,
	[ARG_SOCK_DOMAIN] = show_numbered_argument,
	[ARG_SOCK_TYPE] = show_socket_type_argument,
	[ARG_SOCK_FLAGS] = show_flag_argument,
	[ARG_MSGHDR_IN] = show_msghdr,
	[ARG_MSGHDR_OUT] = show_msghdr,
	[ARG_MMSG_IN] = show_array,
	[ARG_MMSG_OUT] = show_array,
	[ARG_MMAP_PROT] = show_flag_argument,
	[ARG_MMAP_FLAGS] = show_flag_argument,
};

static void show_argument(struct shown *shown, unsigned int i)
{
	unsigned int kind = shown->call->arg[i];

	if (kind < sizeof(show_as) / sizeof(show_as[0]) && show_as[kind])
		show_as[kind](shown, i);
	else
		text_int(shown->text, shown->event->arg[i]);
}

/* Variadic calls: is their last argument given at all? And operations tell their number. */
static bool is_given(const struct shown *shown, unsigned int i)
{
	const int64_t *arg = shown->event->arg;

	switch (shown->event->call) {
	case CALL_open:
	case CALL_openat:
		return shown->call->arg[i] != ARG_MODE || arg[i - 1] & O_CREAT ||
		       (arg[i - 1] & O_TMPFILE) == O_TMPFILE;
	case CALL_mq_open:
	case CALL_sem_open:
		return i < 2 || arg[1] & O_CREAT;
	case CALL_semop:
	case CALL_semtimedop:
		return i != 2;
	case CALL_semctl:
		return i < 3 || arg[2] == SETVAL || arg[2] == SETALL || arg[2] == GETALL ||
		       arg[2] == IPC_STAT || arg[2] == IPC_SET || arg[2] == SEM_STAT ||
		       arg[2] == IPC_INFO || arg[2] == SEM_INFO;
	case CALL_fcntl:
		return i < 2 || (arg[1] != F_GETFD && arg[1] != F_GETFL && arg[1] != F_GETPIPE_SZ &&
				 arg[1] != F_GETOWN && arg[1] != F_GETSIG);
	default:
		return true;
	}
}

void show_arguments(struct shown *shown)
{
	for (unsigned int i = 0; i < shown->call->n_args; i++) {
		if (!is_given(shown, i))
			continue;
		text_str(shown->text, i ? ", " : "");
		show_argument(shown, i);
	}
}
