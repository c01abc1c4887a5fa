/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach_filter.c - the seccomp filter of --reach=all: each system call that can carry IPC stops for
 * the tracer, unless it bears the shim's cookie; all others pass. It is made before the program
 * exists and loaded just before its exec, and survives all that follow.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervise.h"
#include "syscalls.h"

#define TREE 2 /* SCMP_FLTATR_CTL_OPTIMIZE: a binary tree by the system call's number */
#define HIGH UINT64_C(0xffffffff)
#define CONDITIONS 2

static struct scmp_arg_cmp compare(unsigned int at, enum scmp_compare how, uint64_t with)
{
	return (struct scmp_arg_cmp){ .arg = at, .op = how, .datum_a = with };
}

/* Adds one rule: the conditions that do not concern the cookie, and those that say that it is not
 * there. An upper half is compared as a range: below it or above. */
static int add(scmp_filter_ctx filter, const struct syscall_row *row, struct scmp_arg_cmp condition)
{
	struct scmp_arg_cmp all[CONDITIONS] = { condition };
	unsigned int n = condition.op ? 1 : 0;

	if (row->mask)
		all[n++] = SCMP_CMP64(row->at, SCMP_CMP_MASKED_EQ, row->mask, row->value);
	return seccomp_rule_add_array(filter, SCMP_ACT_TRACE(0), row->nr, n, all);
}

static int add_row(scmp_filter_ctx filter, const struct syscall_row *row, uint64_t cookie)
{
	unsigned int at = row->cookie == COOKIE_HIGH2 ? 2 : 0;
	int err;

	switch (row->cookie) {
	case COOKIE_LAST:
		return add(filter, row, compare(5, SCMP_CMP_NE, cookie));
	case COOKIE_HIGH0:
	case COOKIE_HIGH2:
		err = add(filter, row, compare(at, SCMP_CMP_LT, cookie << 32));
		return err ? err : add(filter, row, compare(at, SCMP_CMP_GT, cookie << 32 | HIGH));
	default:
		return add(filter, row, (struct scmp_arg_cmp){ 0 });
	}
}

/* A row whose condition is met later by one without condition adds nothing. */
static bool is_covered(const struct syscall_row *row)
{
	for (unsigned int i = 0; row->mask && i < n_syscall_rows; i++)
		if (syscall_rows[i].nr == row->nr && !syscall_rows[i].mask)
			return true;
	return false;
}

static int fill(scmp_filter_ctx filter, uint64_t cookie)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);

	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, TREE);
	for (unsigned int i = 0; err == 0 && i < n_syscall_rows; i++)
		if (!is_covered(&syscall_rows[i]))
			err = add_row(filter, &syscall_rows[i], cookie);
	return err;
}

static int export(scmp_filter_ctx filter, struct sock_fprog *program)
{
	int fd = memfd_create("ipcjam-filter", MFD_CLOEXEC), err = 0;
	struct stat info;

	if (fd < 0)
		return -errno;
	err = seccomp_export_bpf(filter, fd);
	if (err == 0 && fstat(fd, &info) < 0)
		err = -errno;
	if (err == 0) {
		program->len = (unsigned short)((size_t)info.st_size / sizeof(*program->filter));
		program->filter = malloc((size_t)info.st_size);
		if (!program->filter ||
		    pread(fd, program->filter, (size_t)info.st_size, 0) != info.st_size)
			err = -EIO;
	}
	close(fd);
	return err;
}

int filter_make(struct supervisor *s)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? fill(filter, s->arena->cookie) : -ENOMEM;

	if (err == 0)
		err = export(filter, &s->filter);
	seccomp_release(filter);
	return -err;
}

/* In the program's process. Where that is allowed without giving up new privileges, setuid programs
 * go on working. */
int filter_load(const struct supervisor *s)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &s->filter) == 0)
		return 0;
	if (errno != EACCES)
		return errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &s->filter) < 0)
		return errno;
	return 0;
}
