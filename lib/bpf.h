/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf.h - what a seccomp filter (classic BPF) says of a system call, whatever its arguments are.
 * Async-signal-safe.
 */
#ifndef IPCJAM_BPF_H
#define IPCJAM_BPF_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/* True: it is simply allowed. False: it is not, or that depends on its arguments, or the program
 * is none that the kernel would take. */
bool bpf_allows(const struct sock_filter *code, size_t n_code, long number);

#endif
