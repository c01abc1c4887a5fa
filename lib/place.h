/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - the numbers of files and of places in memory, as the shim, the tracer and the watch
 * must compute them alike. See OBJECT_PLACE_SHARED in event.h.
 */
#ifndef IPCJAM_PLACE_H
#define IPCJAM_PLACE_H

#include <stdint.h>

#include "arena.h"

#define PLACE_MASK (OBJECT_PLACE_SHARED - 1)

/* A file by (device, inode) as stat gives them: the value of OBJECT_MEMORY, OBJECT_FIFO ... */
static inline uint64_t place_file(uint64_t dev, uint64_t ino)
{
	return arena_mix(dev) ^ ino;
}

/* What has to be added to an address in a mapping that begins at `start` with byte `offset` of the
 * file: place_shared() of the sum is the value of that place. */
static inline uint64_t place_key(uint64_t file, uint64_t start, uint64_t offset)
{
	return arena_mix(file) + offset - start;
}

/* Of the process whose memory it is: its lineage's hash, thread 0. */
static inline uint64_t place_private_key(uint64_t lineage_hash)
{
	return arena_mix(~lineage_hash);
}

static inline uint64_t place_shared(uint64_t key, uint64_t address)
{
	return OBJECT_PLACE_SHARED | (arena_mix(key + address) & PLACE_MASK);
}

static inline uint64_t place_private(uint64_t key, uint64_t address)
{
	return arena_mix(key + address) & PLACE_MASK;
}

#endif
