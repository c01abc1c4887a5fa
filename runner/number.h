/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - whole numbers of the command line and of case files: any base, no sign, no overflow.
 */
#ifndef IPCJAM_NUMBER_H
#define IPCJAM_NUMBER_H

#include <stdint.h>

/* "42", "0x2a", "052", "0b101010". Returns 0, or -1: not a number of at most 64 bits. */
static inline int number_parse(const char *text, uint64_t *number)
{
	unsigned int base = 10;
	uint64_t sum = 0;

	if (text[0] == '0' && text[1]) {
		base = text[1] == 'x' || text[1] == 'X'   ? 16
		       : text[1] == 'b' || text[1] == 'B' ? 2
							  : 8;
		text += base == 8 ? 1 : 2;
	}
	if (!*text)
		return -1;
	for (; *text; text++) {
		unsigned int digit =
			*text >= '0' && *text <= '9'   ? (unsigned int)(*text - '0')
			: *text >= 'a' && *text <= 'f' ? (unsigned int)(*text - 'a') + 10
			: *text >= 'A' && *text <= 'F' ? (unsigned int)(*text - 'A') + 10
						       : 99;

		if (digit >= base || __builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return -1;
	}
	*number = sum;
	return 0;
}

#endif
