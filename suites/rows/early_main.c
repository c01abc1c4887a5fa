/* SPDX-License-Identifier: Apache-2.0 */
/* row-early: tells what its library did before main, and makes a call of its own. */
#include <stdio.h>
#include <unistd.h>

const char *early_found(void);

int main(void)
{
	int fds[2];

	if (pipe(fds) < 0 || write(fds[1], "main", 4) != 4)
		return 1;
	puts(early_found());
	return 0;
}
