/* SPDX-License-Identifier: Apache-2.0 */
/* maps.h - what the kernel says of the mapping around an address. */
#ifndef IPCJAM_MAPS_H
#define IPCJAM_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct maps_line {
	uintptr_t start, end;
	bool shared;
	uint64_t offset, dev, ino; /* of the file, as stat gives them */
};

/* False: nothing is mapped there, or /proc cannot be read. */
bool maps_find(uintptr_t address, struct maps_line *line);

#endif
