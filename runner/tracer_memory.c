/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_memory.c - memory of a task that has stopped. A bad address is no error: the kernel will
 * give the caller its EFAULT. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/uio.h>

#include "tracer.h"

#define PAGE 4096

size_t peek_some(pid_t tid, uint64_t from, void *to, size_t n_bytes)
{
	struct iovec local = { to, n_bytes }, remote[3];
	size_t n_left = n_bytes;
	unsigned int n = 0;
	ssize_t result;

	/* one entry a page, so that what lies before a hole is read */
	for (uint64_t at = from; n_left > 0 && n < 3; n++) {
		size_t n_page = n < 2 ? PAGE - at % PAGE : n_left;

		n_page = n_page < n_left ? n_page : n_left;
		remote[n] = (struct iovec){ (void *)(uintptr_t)at, n_page };
		at += n_page;
		n_left -= n_page;
	}
	result = n ? process_vm_readv(tid, &local, 1, remote, n, 0) : 0;
	return result > 0 ? (size_t)result : 0;
}

bool peek(pid_t tid, uint64_t from, void *to, size_t n_bytes)
{
	struct iovec local = { to, n_bytes }, remote = { (void *)(uintptr_t)from, n_bytes };

	return n_bytes > 0 && process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)n_bytes;
}

/* False: it cannot be read, or is longer. */
bool peek_text(pid_t tid, uint64_t from, char *to, size_t n_bytes)
{
	size_t n = peek_some(tid, from, to, n_bytes);

	return memchr(to, 0, n) != NULL;
}

bool poke(pid_t tid, uint64_t at, uint64_t word)
{
	return ptrace(PTRACE_POKEDATA, tid, (void *)(uintptr_t)at, (void *)(uintptr_t)word) == 0;
}

void set_regs(struct tracer *t, struct task *task)
{
	ptrace(PTRACE_SETREGS, task->tid, NULL, &t->regs);
}
