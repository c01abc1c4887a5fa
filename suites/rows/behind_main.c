/* SPDX-License-Identifier: Apache-2.0 */
/* row-behind: calls what its library has put before libc. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	char text[4] = "";
	void *memory;
	int fds[2];

	if (pipe(fds) < 0 || write(fds[1], "abc", 3) != 3)
		return 1;
	memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	printf("mapped %d, read %zd %s\n", memory != MAP_FAILED, read(fds[0], text, 3), text);
	return munmap(memory, 4096);
}
