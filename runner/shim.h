/* SPDX-License-Identifier: Apache-2.0 */
/* shim.h - where libipcjam.so is, and how ipcjam itself is called. */
#ifndef IPCJAM_SHIM_H
#define IPCJAM_SHIM_H

#include <stddef.h>

/* The shim in the build tree or where it is installed. Returns 0, or -1 after one line on standard
 * error. */
int shim_find(char *buffer, size_t n_bytes);

/* ipcjam's own path, "/usr/bin/ipcjam"; "ipcjam" when it cannot be told. */
const char *self_path(char *buffer, size_t n_bytes);

#endif
