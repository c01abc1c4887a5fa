/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - a fuzz target is one function that takes any bytes and must come back. It aborts when
 * what it checks does not hold. The same file is linked with libFuzzer (clang) or with fuzz_main.c.
 */
#ifndef SUITES_FUZZ_FUZZ_H
#define SUITES_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

/* Like assert(), but never compiled away. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, \
				#condition); \
			abort(); \
		} \
	} while (0)

/* The bytes as a string on the heap, so that AddressSanitizer sees a step behind its end. */
static inline char *fuzz_string(const uint8_t *data, size_t n_bytes)
{
	char *text = malloc(n_bytes + 1);

	FUZZ_CHECK(text);
	if (n_bytes)
		memcpy(text, data, n_bytes);
	text[n_bytes] = '\0';
	return text;
}

#endif
