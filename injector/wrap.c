/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.c - the wrappers that the call table generates: pack the arguments, go through the gate. */
#define _GNU_SOURCE
#include "wrap.h"

#define CALL(ret, name, params, args, ...) \
	EXPORT ret name params \
	{ \
		long a[6] = args; \
\
		return (ret)gate(CALL_##name, a, CALLER, FRAME); \
	}
#define ALIAS CALL
#define HAND_CALL(...)
#define HAND_ALIAS(...)
#define RAW_CALL(...)
#include "calls.def"
