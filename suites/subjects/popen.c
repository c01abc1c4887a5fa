/* SPDX-License-Identifier: Apache-2.0 */
/* popen in both directions with the status that pclose gives, and a child that pclose was never
 * called for. */
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static FILE *start(const char *command, const char *direction)
{
	FILE *stream = popen(command, direction);

	if (!stream)
		die("popen");
	return stream;
}

static int run_right_read(int argc, char **argv)
{
	char text[32] = "";
	size_t n_read;
	FILE *stream;
	int status;

	(void)argc, (void)argv;
	ignore_sigpipe();
	stream = start("echo hello; exit 3", "r");
	n_read = fread(text, 1, sizeof(text), stream);
	status = CHECK(pclose(stream));
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	EXPECT(n_read == 6 && memcmp(text, "hello\n", 6) == 0);
	return 0;
}

static int run_right_write(int argc, char **argv)
{
	FILE *stream;
	int status;

	(void)argc, (void)argv;
	ignore_sigpipe();
	stream = start("test \"$(cat)\" = hello && exit 4", "w");
	fputs("hello\n", stream);
	status = CHECK(pclose(stream));
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	return 0;
}

/* In glibc even fclose would reap; here the stream is just forgotten, and the shell stays a zombie.
 */
static int run_no_pclose(int argc, char **argv)
{
	char text[32] = "";
	int ends[2];
	FILE *stream;

	(void)argc, (void)argv;
	stream = start("echo $$", "r");
	EXPECT(fread(text, 1, sizeof(text) - 1, stream) > 0);
	wait_ended((pid_t)strtol(text, NULL, 10));
	make_pipe(ends);
	close_end(&ends[0]);
	close_end(&ends[1]);
	return 0;
}

static const struct variant variants[] = {
	{ "right_read", run_right_read },
	{ "right_write", run_right_write },
	{ "no_pclose", run_no_pclose },
};

SUBJECT_MAIN(variants)
