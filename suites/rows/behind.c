/* SPDX-License-Identifier: Apache-2.0 */
/*
 * behind.c - a library that puts itself before libc, behind the shim, and does its work by libc's
 * other names: as allocators and profilers do. These must not lead back to it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "fortify.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at)
{
	return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, at);
}

EXPORT int munmap(void *address, size_t size)
{
	return (int)syscall(SYS_munmap, address, size);
}

EXPORT ssize_t read(int fd, void *buffer, size_t n)
{
	return __read(fd, buffer, n);
}
