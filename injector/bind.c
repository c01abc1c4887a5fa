/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind.c - binds libunwind to libc itself. Its calls would else go through our own wrappers, and
 * through whatever a sanitizer has put before libc: ThreadSanitizer's locks do not survive that
 * libunwind gives back a thread's memory after the sanitizer has, and would see locks that the
 * program does not have.
 *
 * libunwind checks addresses by writing to a pipe that it would keep open in the program: it is
 * given a pipe that does not exist.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "resolve.h"
#include "shim.h"

#define FAKE_READ_END (-7701)
#define FAKE_WRITE_END (-7702)

static long finish(long result)
{
	if (!raw_failed(result))
		return result;
	errno = (int)-result;
	return -1;
}

static int fake_pipe2(int ends[2], int flags)
{
	(void)flags;
	ends[0] = FAKE_READ_END;
	ends[1] = FAKE_WRITE_END;
	return 0;
}

static ssize_t fake_write(int fd, const void *buffer, size_t n)
{
	char byte;

	if (fd != FAKE_WRITE_END)
		return finish(raw3(SYS_write, fd, buffer, n));
	return finish(safe_read(buffer, &byte, 1) ? 1 : -EFAULT);
}

static ssize_t fake_read(int fd, void *buffer, size_t n)
{
	return finish(fd == FAKE_READ_END ? -EAGAIN : raw3(SYS_read, fd, buffer, n));
}

static long fake_syscall(long number, ...)
{
	va_list list;
	long a[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_write)
		return fake_write((int)a[0], (const void *)a[1], (size_t)a[2]);
	return finish(own6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

static const struct {
	const char *name;
	any_function function;
} fakes[] = {
	{ "pipe2", (any_function)fake_pipe2 },
	{ "write", (any_function)fake_write },
	{ "read", (any_function)fake_read },
	{ "syscall", (any_function)fake_syscall },
};

/* What it asks the kernel for, and can do without. */
static const struct {
	const char *name;
	long number;
} asking[] = {
	{ "mmap", SYS_mmap },        { "munmap", SYS_munmap },
	{ "mincore", SYS_mincore },  { "msync", SYS_msync },
	{ "open", SYS_openat },      { "stat", SYS_newfstatat },
	{ "fstat", SYS_newfstatat }, { "close", SYS_close },
	{ "getpid", SYS_getpid },    { "sigprocmask", SYS_rt_sigprocmask },
};

static long refused(void)
{
	errno = ENOSYS;
	return -1;
}

static void *replacement(const struct link_map *libc, const char *name)
{
	long (*refuse)(void) = refused;

	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (!seal_permits(asking[i].number) && strcmp(asking[i].name, name) == 0)
			return *(void **)&refuse;
	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++)
		if (strcmp(fakes[i].name, name) == 0)
			return *(void *const *)&fakes[i].function;
	return resolve_in(libc, name);
}

/* Libraries that are bound at once have their table in memory that the linker has protected. */
static bool make_writable(uintptr_t from, uintptr_t to)
{
	uintptr_t page = 4095;

	from &= ~page;
	to = (to + page) & ~page;
	return raw3(SYS_mprotect, from, to - from, PROT_READ | PROT_WRITE) == 0;
}

static bool writable; /* all of them, since the first time */

static bool rebind(const struct link_map *map, const struct link_map *libc,
		   const struct resolve_slots *slots, const ElfW(Rela) * r)
{
	uintptr_t at = map->l_addr + r->r_offset, type = ELF64_R_TYPE(r->r_info);
	void *function;

	if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
		return true;
	function = replacement(libc, slots->names + slots->symbol[ELF64_R_SYM(r->r_info)].st_name);
	if (!function)
		return true;
	if (!writable && !make_writable(at, at + sizeof(function)))
		return false;
	*(void **)at = function;
	return true;
}

static struct link_map *unwinder;

static bool bind_all(void)
{
	const struct link_map *libc = resolve_library("libc.so.6");
	struct link_map *map = unwinder;
	struct resolve_slots slots;

	if (!libc || !resolve_slots(map, &slots))
		return false;
	for (int list = 0; list < 2; list++)
		for (size_t i = 0; i < slots.n[list]; i++)
			if (!rebind(map, libc, &slots, &slots.slot[list][i]))
				return false;
	writable = true;
	return true;
}

bool bind_to_libc(void *library)
{
	return dlinfo(library, RTLD_DI_LINKMAP, &unwinder) == 0 && bind_all();
}

void bind_sealed(void)
{
	if (unwinder)
		bind_all();
}
