/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_sem.c - semctl: variadic, its fourth argument a union that carries a number or a pointer. */
#define _GNU_SOURCE
#include "wrap.h"

EXPORT int semctl(int id, int num, int cmd, ...)
{
	va_list list;
	long a[6] = { id, num, cmd };

	/* a whole register: what is passed may be a pointer; without a fourth argument it is not
	 * looked at */
	va_start(list, cmd);
	a[3] = va_arg(list, long);
	va_end(list);
	return (int)gate(CALL_semctl, a, CALLER, FRAME);
}
