/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.c - finds the shim from where ipcjam's own file lies, so that a build tree and a moved
 * installation work without any environment variable.
 */
#define _GNU_SOURCE
#include "shim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *self_path(char *buffer, size_t n_bytes)
{
	ssize_t n = readlink("/proc/self/exe", buffer, n_bytes - 1);

	snprintf(buffer + (n > 0 ? n : 0), n_bytes - (size_t)(n > 0 ? n : 0), "%s",
		 n > 0 ? "" : "ipcjam");
	return buffer;
}

int shim_find(char *buffer, size_t n_bytes)
{
	/* Beside the runner in the build tree; installed; installed, and ipcjam's own file
	 * elsewhere. */
	static const char *const places[] = {
		"%s/../injector/libipcjam.so",
		"%s/../" IPCJAM_LIBDIR "/ipcjam/libipcjam.so",
		"%.0s" IPCJAM_PREFIX "/" IPCJAM_LIBDIR "/ipcjam/libipcjam.so",
	};
	char self[PATH_MAX], candidate[2 * PATH_MAX], *slash;

	self_path(self, sizeof(self));
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *real;

		snprintf(candidate, sizeof(candidate), places[i], self);
		real = realpath(candidate, NULL);
		if (!real)
			continue;
		snprintf(buffer, n_bytes, "%s", real);
		free(real);
		return 0;
	}
	fprintf(stderr,
		"ipcjam: libipcjam.so: not found in %s/../injector nor in %s/ipcjam: "
		"a built or installed ipcjam was expected\n",
		self, IPCJAM_PREFIX "/" IPCJAM_LIBDIR);
	return -1;
}
