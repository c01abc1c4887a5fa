/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - errno and signal names, both ways. Tables only: libc's own functions take a lock. */
#include "calls.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define NAME(name) [name] = #name
static const char *const errnos[] = {
	NAME(EPERM),
	NAME(ENOENT),
	NAME(ESRCH),
	NAME(EINTR),
	NAME(EIO),
	NAME(ENXIO),
	NAME(E2BIG),
	NAME(ENOEXEC),
	NAME(EBADF),
	NAME(ECHILD),
	NAME(EAGAIN),
	NAME(ENOMEM),
	NAME(EACCES),
	NAME(EFAULT),
	NAME(ENOTBLK),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(EXDEV),
	NAME(ENODEV),
	NAME(ENOTDIR),
	NAME(EISDIR),
	NAME(EINVAL),
	NAME(ENFILE),
	NAME(EMFILE),
	NAME(ENOTTY),
	NAME(ETXTBSY),
	NAME(EFBIG),
	NAME(ENOSPC),
	NAME(ESPIPE),
	NAME(EROFS),
	NAME(EMLINK),
	NAME(EPIPE),
	NAME(EDOM),
	NAME(ERANGE),
	NAME(EDEADLK),
	NAME(ENAMETOOLONG),
	NAME(ENOLCK),
	NAME(ENOSYS),
	NAME(ENOTEMPTY),
	NAME(ELOOP),
	NAME(ENOMSG),
	NAME(EIDRM),
	NAME(ECHRNG),
	NAME(EL2NSYNC),
	NAME(EL3HLT),
	NAME(EL3RST),
	NAME(ELNRNG),
	NAME(EUNATCH),
	NAME(ENOCSI),
	NAME(EL2HLT),
	NAME(EBADE),
	NAME(EBADR),
	NAME(EXFULL),
	NAME(ENOANO),
	NAME(EBADRQC),
	NAME(EBADSLT),
	NAME(EBFONT),
	NAME(ENOSTR),
	NAME(ENODATA),
	NAME(ETIME),
	NAME(ENOSR),
	NAME(ENONET),
	NAME(ENOPKG),
	NAME(EREMOTE),
	NAME(ENOLINK),
	NAME(EADV),
	NAME(ESRMNT),
	NAME(ECOMM),
	NAME(EPROTO),
	NAME(EMULTIHOP),
	NAME(EDOTDOT),
	NAME(EBADMSG),
	NAME(EOVERFLOW),
	NAME(ENOTUNIQ),
	NAME(EBADFD),
	NAME(EREMCHG),
	NAME(ELIBACC),
	NAME(ELIBBAD),
	NAME(ELIBSCN),
	NAME(ELIBMAX),
	NAME(ELIBEXEC),
	NAME(EILSEQ),
	NAME(ERESTART),
	NAME(ESTRPIPE),
	NAME(EUSERS),
	NAME(ENOTSOCK),
	NAME(EDESTADDRREQ),
	NAME(EMSGSIZE),
	NAME(EPROTOTYPE),
	NAME(ENOPROTOOPT),
	NAME(EPROTONOSUPPORT),
	NAME(ESOCKTNOSUPPORT),
	NAME(EOPNOTSUPP),
	NAME(EPFNOSUPPORT),
	NAME(EAFNOSUPPORT),
	NAME(EADDRINUSE),
	NAME(EADDRNOTAVAIL),
	NAME(ENETDOWN),
	NAME(ENETUNREACH),
	NAME(ENETRESET),
	NAME(ECONNABORTED),
	NAME(ECONNRESET),
	NAME(ENOBUFS),
	NAME(EISCONN),
	NAME(ENOTCONN),
	NAME(ESHUTDOWN),
	NAME(ETOOMANYREFS),
	NAME(ETIMEDOUT),
	NAME(ECONNREFUSED),
	NAME(EHOSTDOWN),
	NAME(EHOSTUNREACH),
	NAME(EALREADY),
	NAME(EINPROGRESS),
	NAME(ESTALE),
	NAME(EUCLEAN),
	NAME(ENOTNAM),
	NAME(ENAVAIL),
	NAME(EISNAM),
	NAME(EREMOTEIO),
	NAME(EDQUOT),
	NAME(ENOMEDIUM),
	NAME(EMEDIUMTYPE),
	NAME(ECANCELED),
	NAME(ENOKEY),
	NAME(EKEYEXPIRED),
	NAME(EKEYREVOKED),
	NAME(EKEYREJECTED),
	NAME(EOWNERDEAD),
	NAME(ENOTRECOVERABLE),
	NAME(ERFKILL),
	NAME(EHWPOISON),
};

/* Other names of some of them. */
static const struct {
	const char *name;
	int err;
} errno_aliases[] = {
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "EDEADLOCK", EDEADLOCK },
	{ "ENOTSUP", ENOTSUP },
};

/* 32 and 33 are missing: glibc keeps them for itself, and its SIGRTMIN is 34. */
#define RT_FIRST 34
#define RT_LAST 64
#define RT(n) [RT_FIRST + (n)] = "SIGRTMIN+" #n
static const char *const signals[RT_LAST + 1] = {
	NAME(SIGHUP),  NAME(SIGINT),    NAME(SIGQUIT), NAME(SIGILL),
	NAME(SIGTRAP), NAME(SIGABRT),   NAME(SIGBUS),  NAME(SIGFPE),
	NAME(SIGKILL), NAME(SIGUSR1),   NAME(SIGSEGV), NAME(SIGUSR2),
	NAME(SIGPIPE), NAME(SIGALRM),   NAME(SIGTERM), NAME(SIGSTKFLT),
	NAME(SIGCHLD), NAME(SIGCONT),   NAME(SIGSTOP), NAME(SIGTSTP),
	NAME(SIGTTIN), NAME(SIGTTOU),   NAME(SIGURG),  NAME(SIGXCPU),
	NAME(SIGXFSZ), NAME(SIGVTALRM), NAME(SIGPROF), NAME(SIGWINCH),
	NAME(SIGIO),   NAME(SIGPWR),    NAME(SIGSYS),  [RT_FIRST] = "SIGRTMIN",
	RT(1),         RT(2),           RT(3),         RT(4),
	RT(5),         RT(6),           RT(7),         RT(8),
	RT(9),         RT(10),          RT(11),        RT(12),
	RT(13),        RT(14),          RT(15),        RT(16),
	RT(17),        RT(18),          RT(19),        RT(20),
	RT(21),        RT(22),          RT(23),        RT(24),
	RT(25),        RT(26),          RT(27),        RT(28),
	RT(29),        RT(30),
};

static const struct {
	const char *name;
	int signo;
} signal_aliases[] = {
	{ "SIGIOT", SIGABRT },
	{ "SIGCLD", SIGCHLD },
	{ "SIGPOLL", SIGIO },
	{ "SIGRTMAX", RT_LAST },
};

static bool same(const char *name, size_t n_bytes, const char *other)
{
	return strlen(other) == n_bytes && memcmp(name, other, n_bytes) == 0;
}

int errno_find(const char *name, size_t n_bytes)
{
	for (size_t i = 1; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i] && same(name, n_bytes, errnos[i]))
			return (int)i;
	for (size_t i = 0; i < sizeof(errno_aliases) / sizeof(errno_aliases[0]); i++)
		if (same(name, n_bytes, errno_aliases[i].name))
			return errno_aliases[i].err;
	return -1;
}

const char *errno_text(int err)
{
	if (err < 0 || (size_t)err >= sizeof(errnos) / sizeof(errnos[0]))
		return NULL;
	return errnos[err];
}

/* A number of one or two digits at the very end of the name, or -1. */
static int whole_number(const char *digits, size_t n_bytes)
{
	int number = 0;

	if (n_bytes < 1 || n_bytes > 2)
		return -1;
	for (size_t i = 0; i < n_bytes; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		number = number * 10 + digits[i] - '0';
	}
	return number;
}

/* The rest of SIGRTMIN+3 or SIGRTMAX-2, from the sign on. */
static int realtime_find(const char *name, size_t n_bytes, int base, char sign)
{
	int number = n_bytes > 1 && name[0] == sign ? whole_number(name + 1, n_bytes - 1) : -1;

	if (number < 0 || number > RT_LAST - RT_FIRST)
		return -1;
	return sign == '+' ? base + number : base - number;
}

int signal_find(const char *name, size_t n_bytes)
{
	int number = whole_number(name, n_bytes);

	if (number >= 0)
		return signal_text(number) ? number : -1;
	if (n_bytes > 3 && memcmp(name, "SIG", 3) == 0) {
		name += 3;
		n_bytes -= 3;
	}
	for (int i = 1; i <= RT_LAST; i++)
		if (signals[i] && same(name, n_bytes, signals[i] + 3))
			return i;
	for (size_t i = 0; i < sizeof(signal_aliases) / sizeof(signal_aliases[0]); i++)
		if (same(name, n_bytes, signal_aliases[i].name + 3))
			return signal_aliases[i].signo;
	if (n_bytes > 5 && memcmp(name, "RTMIN", 5) == 0)
		return realtime_find(name + 5, n_bytes - 5, RT_FIRST, '+');
	if (n_bytes > 5 && memcmp(name, "RTMAX", 5) == 0)
		return realtime_find(name + 5, n_bytes - 5, RT_LAST, '-');
	return -1;
}

const char *signal_text(int signo)
{
	return signo > 0 && signo <= RT_LAST ? signals[signo] : NULL;
}
