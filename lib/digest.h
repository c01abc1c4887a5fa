/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - the digest of a payload, as the shim and the tracer must compute it alike: of bytes in
 * one piece or in several. Its start says what else belongs to the payload: a message's type.
 */
#ifndef IPCJAM_DIGEST_H
#define IPCJAM_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"

#define DIGEST_STREAM 256   /* bytes of what moves in a stream that go into its digest */
#define DIGEST_MESSAGE 4096 /* ... of a message on a socket */

struct digest {
	uint64_t hash;
	uint8_t word[8];
	uint32_t n_word; /* bytes of a word that is not yet whole */
};

/* n_bytes: of the whole payload, also what no longer goes into the digest. */
static inline struct digest digest_begin(uint64_t start, size_t n_bytes)
{
	return (struct digest){ .hash = start ^ n_bytes };
}

static inline void digest_word(struct digest *d, uint64_t word)
{
	d->hash = (d->hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	d->hash ^= d->hash >> 32;
}

static inline void digest_feed(struct digest *d, const void *data, size_t n_bytes)
{
	const uint8_t *at = (const uint8_t *)data;
	uint64_t word;

	while (d->n_word && n_bytes) {
		d->word[d->n_word++] = *at++;
		n_bytes--;
		if (d->n_word == sizeof(d->word)) {
			memcpy(&word, d->word, sizeof(word));
			digest_word(d, word);
			d->n_word = 0;
		}
	}
	for (; n_bytes >= sizeof(word); n_bytes -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		digest_word(d, word);
	}
	if (n_bytes) {
		memcpy(d->word, at, n_bytes);
		d->n_word = (uint32_t)n_bytes;
	}
}

/* Never 0, which says that there is none. */
static inline uint64_t digest_end(const struct digest *d)
{
	return arena_hash(d->word, d->n_word, d->hash) | 1;
}

static inline uint64_t digest_of(const void *data, size_t n_bytes, uint64_t start)
{
	struct digest d = digest_begin(start, n_bytes);

	digest_feed(&d, data, n_bytes);
	return digest_end(&d);
}

#endif
