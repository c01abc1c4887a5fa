/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - says as whom it runs and passes its input on through a pipe: made setuid by its test.
 */
#include "real.h"

int main(void)
{
	char text[64];
	int end[2];
	ssize_t n;
	pid_t pid;

	NEED(pipe(end) == 0 && (pid = fork()) >= 0);
	if (pid == 0) {
		while ((n = read(0, text, sizeof(text))) > 0)
			NEED(write(end[1], text, (size_t)n) == n);
		_exit(0);
	}
	close(end[1]);
	printf("user %d, as %d\n", (int)getuid(), (int)geteuid());
	while ((n = read(end[0], text, sizeof(text))) > 0)
		NEED(fwrite(text, 1, (size_t)n, stdout) == (size_t)n);
	return ended(pid);
}
