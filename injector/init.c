/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - the shim's beginning and end: options out of the environment (copied: a program that
 * sets its title writes over them), the arena mapped, this process attached; and the environment
 * that is passed on to the programs that the subject starts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "shim.h"
#include "shim_options.h"
#include "text.h"

extern char **environ;

char shim_path[256], shim_program[256];
uint32_t raw_cookie;
struct shim_options shim_options;
static char options_text[2048]; /* as they came, for children */

bool safe_read(const void *from, void *to, size_t n_bytes)
{
	struct iovec local = { to, n_bytes }, remote = { (void *)(uintptr_t)from, n_bytes };

	return own6(SYS_process_vm_readv, RAW_MARKED(own_pid()), (long)&local, 1, (long)&remote, 1,
		    0) == (long)n_bytes;
}

/* Page by page: what lies behind the string's end is perhaps not mapped. */
bool safe_string(const char *from, char *to, size_t room)
{
	size_t n = 0;

	while (n + 1 < room) {
		size_t piece = 4096 - ((uintptr_t)from + n) % 4096, left = room - 1 - n;

		piece = piece < left ? piece : left;
		if (!safe_read(from + n, to + n, piece))
			break;
		if (memchr(to + n, 0, piece))
			return true;
		n += piece;
	}
	to[n] = 0;
	return false;
}

/* More entries than this are passed on as they are: their copy would not fit a small stack. */
#define ENTRIES_MAX 2000

bool init_environment_readable(char *const envp[])
{
	char *entry = NULL, byte;
	unsigned int n = 0;

	/* nobody can be asked: a program that has sealed itself this far does not pass nonsense */
	if (!envp || !seal_permits(SYS_process_vm_readv))
		return true;
	do {
		if (n++ > ENTRIES_MAX || !safe_read(envp++, &entry, sizeof(entry)) ||
		    (entry && !safe_read(entry, &byte, 1)))
			return false;
	} while (entry);
	return true;
}

static const char *variable(char *const envp[], const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

static bool preloads_shim(const char *value)
{
	const char *at = value ? strstr(value, shim_path) : NULL;

	return at && shim_path[0];
}

size_t init_environment_room(char *const envp[])
{
	const char *preload = init_environment_readable(envp) ? variable(envp, "LD_PRELOAD") : NULL;

	return sizeof(options_text) + sizeof(shim_path) + ARENA_LINEAGE + 64 +
	       (preload ? strlen(preload) : 0);
}

static bool is(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

/* Without a runner the arena does not survive exec: the lineage goes along as text. */
static void append_options(struct text *t)
{
	text_str(t, "IPCJAM_OPTIONS=");
	if (arena->mode == ARENA_ALONE && self.proc) {
		char alone[sizeof(options_text)];

		memcpy(shim_options.lineage, self.proc->lineage, sizeof(shim_options.lineage));
		shim_options_format(&shim_options, alone, sizeof(alone));
		text_str(t, alone);
	} else {
		text_str(t, options_text);
	}
	text_char(t, 0);
}

char **init_environment(char *const envp[], char **vector, char *room)
{
	const char *preload, *options;
	struct text t;
	size_t n = 0;

	if (!arena || !init_environment_readable(envp))
		return (char **)(uintptr_t)envp;
	preload = variable(envp, "LD_PRELOAD");
	options = variable(envp, "IPCJAM_OPTIONS");
	if ((preloads_shim(preload) && options && strcmp(options, options_text) == 0 &&
	     variable(envp, "IPCJAM") && arena->mode == ARENA_SUPERVISED))
		return (char **)(uintptr_t)envp;
	for (; envp && *envp; envp++)
		if (!is(*envp, "LD_PRELOAD") && !is(*envp, "IPCJAM_OPTIONS") &&
		    !is(*envp, "IPCJAM"))
			vector[n++] = *envp;
	text_begin(&t, room, init_environment_room(envp) + (preload ? strlen(preload) : 0));
	vector[n++] = room + t.n_bytes;
	text_str(&t, "LD_PRELOAD=");
	if (!preloads_shim(preload)) {
		text_str(&t, shim_path);
		text_str(&t, preload && preload[0] ? ":" : "");
	}
	text_str(&t, preload ? preload : "");
	text_char(&t, 0);
	vector[n++] = room + t.n_bytes;
	append_options(&t);
	vector[n++] = (char *)(uintptr_t) "IPCJAM=1";
	vector[n] = NULL;
	return vector;
}

/* Programs that this one starts are bound by its filters too, and cannot ask for them. */
void init_options_sealed(void)
{
	seal_format(shim_options.sealed);
	shim_options_format(&shim_options, options_text, sizeof(options_text));
}

static void find_paths(void)
{
	Dl_info info;
	long n = raw3(SYS_readlink, "/proc/self/exe", shim_program, sizeof(shim_program) - 1);

	shim_program[n > 0 ? n : 0] = 0;
	if (n < 0)
		strncpy(shim_program, (const char *)getauxval(AT_EXECFN), sizeof(shim_program) - 1);
	if (dladdr(&shim_path, &info) && info.dli_fname)
		strncpy(shim_path, info.dli_fname, sizeof(shim_path) - 1);
}

static bool map_guard(void)
{
	long page =
		own6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (raw_failed(page))
		return false;
	attach_guarded = raw3(SYS_madvise, page, 4096, MADV_WIPEONFORK) == 0;
	attached = (volatile uint32_t *)page;
	return true;
}

/* The descriptor is closed again at once: the mapping is all that stays. */
static struct arena *map_arena(const char *path)
{
	long fd = raw4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0), at;
	struct arena *mapped;

	if (fd < 0)
		return NULL;
	at = own6(SYS_mmap, 0, sizeof(struct arena), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	raw1(SYS_close, fd);
	if (raw_failed(at))
		return NULL;
	mapped = (struct arena *)at;
	if (!arena_check(mapped))
		return mapped;
	raw2(SYS_munmap, at, sizeof(struct arena));
	return NULL;
}

static void complain(const char *what, const char *why)
{
	char buffer[400];
	struct text t;

	text_begin(&t, buffer, sizeof(buffer));
	text_str(&t, "ipcjam: ");
	text_str(&t, what);
	text_str(&t, ": ");
	text_str(&t, why);
	text_char(&t, '\n');
	raw3(SYS_write, 2, buffer, t.n_bytes);
}

static bool read_options(void)
{
	const char *text = variable(environ, "IPCJAM_OPTIONS");
	struct plan_error error;

	if (!text)
		return false;
	if (strlen(text) >= sizeof(options_text)) {
		complain("IPCJAM_OPTIONS", "too long: at most 2047 bytes were expected");
		raw1(SYS_exit_group, 2);
	}
	strcpy(options_text, text);
	if (shim_options_parse(text, &shim_options, &error)) {
		complain("IPCJAM_OPTIONS", error.message);
		raw1(SYS_exit_group, 2);
	}
	if (shim_options.help) {
		for (unsigned int i = 0; shim_options_help(i); i++)
			complain("option", shim_options_help(i));
		raw1(SYS_exit_group, 0);
	}
	return true;
}

static void end_last(void);

static void begin_all(void)
{
	struct arena *mapped;

	real_resolve();
	if (!read_options())
		return;
	seal_parse(shim_options.sealed);
	find_paths();
	if (!map_guard())
		return;
	mapped = shim_options.arena[0] ? map_arena(shim_options.arena) : NULL;
	self.off = 1; /* until attached: the dynamic linker may call an allocator, and that locks */
	if (mapped)
		arena = mapped;
	else if (shim_options.arena[0] || !alone_begin())
		return;
	raw_cookie = arena->cookie;
	gate_time(seal.blind);
	gate_init();
	syscall_init();
	site_init();
	thread_init();
	attach_first(shim_options.lineage);
	end_last();
}

__attribute__((constructor)) static void begin(void)
{
	int saved = errno; /* 0: programs read it without having set it */

	begin_all();
	errno = saved;
}

static void lost(int fd, uint64_t object, uint32_t n_lost)
{
	gate_note(CALL_close, object, fd, n_lost);
}

void shim_end(void)
{
	if (!attach_ready())
		return;
	if (attach_alone_in_files())
		fd_close_readers(lost);
	atomic_fetch_or(&self.proc->flags, PROC_ENDING);
}

/* Runs when all destructors have run: a library's may still read. */
static void end(void *unused)
{
	(void)unused;
	shim_end();
}

int __cxa_atexit(void (*function)(void *), void *argument, void *library);

static void end_last(void)
{
	/* as nobody's: what belongs to a library is run when that library ends */
	__cxa_atexit(end, NULL, NULL);
}
