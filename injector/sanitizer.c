/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sanitizer.c - AddressSanitizer of gcc refuses to run when another library is loaded before it. It
 * asks the program for its defaults first. Its interceptors come behind our wrappers then, and all
 * of them are reached.
 */
#include "shim.h"

const char *__asan_default_options(void);

EXPORT const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
