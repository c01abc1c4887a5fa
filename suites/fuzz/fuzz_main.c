/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_main.c - runs a fuzz target without libFuzzer: FOLDER [RUNS]. First on each file of the
 * folder, then on random changes of these files, the same ones in every run.
 */
#include <dirent.h>

#include "fuzz.h"

#define MAX_BYTES 4096
#define MAX_FILES 64

struct input {
	uint8_t bytes[MAX_BYTES];
	size_t n_bytes;
};

static struct input seeds[MAX_FILES];
static unsigned int n_seeds;
static uint64_t state = 1;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static void read_seed(const char *folder, const char *name)
{
	struct input *seed = &seeds[n_seeds];
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return;
	seed->n_bytes = fread(seed->bytes, 1, MAX_BYTES, file);
	fclose(file);
	n_seeds++;
}

static void read_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && n_seeds < MAX_FILES)
			read_seed(folder, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* One change: a byte altered, put in or taken out, the end cut off, or another file's part put in.
 */
static void change(struct input *input)
{
	const struct input *other = &seeds[next() % n_seeds];
	size_t at = input->n_bytes ? next() % input->n_bytes : 0, n;

	switch (next() % 6) {
	case 0:
		input->bytes[at] = (uint8_t)next();
		break;
	case 1:
		input->bytes[at] ^= (uint8_t)(1 << next() % 8);
		break;
	case 2:
		if (input->n_bytes == MAX_BYTES)
			break;
		memmove(input->bytes + at + 1, input->bytes + at, input->n_bytes - at);
		input->bytes[at] = (uint8_t)next();
		input->n_bytes++;
		break;
	case 3:
		if (input->n_bytes == 0)
			break;
		memmove(input->bytes + at, input->bytes + at + 1, input->n_bytes - at - 1);
		input->n_bytes--;
		break;
	case 4:
		input->n_bytes = next() % 4 ? input->n_bytes : at;
		break;
	default:
		n = other->n_bytes ? next() % other->n_bytes : 0;
		n = n < MAX_BYTES - at ? n : MAX_BYTES - at;
		memcpy(input->bytes + at, other->bytes + (other->n_bytes - n), n);
		input->n_bytes = input->n_bytes > at + n ? input->n_bytes : at + n;
	}
}

int main(int argc, char **argv)
{
	unsigned long n_runs = argc > 2 ? strtoul(argv[2], NULL, 0) : 20000;
	static struct input input;

	if (argc > 1)
		read_folder(argv[1]);
	if (n_seeds == 0) {
		fprintf(stderr, "fuzz: %s: a folder with files to start from was expected\n",
			argc > 1 ? argv[1] : "arguments");
		return 2;
	}
	for (unsigned int i = 0; i < n_seeds; i++)
		LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].n_bytes);
	for (unsigned long run = 0; run < n_runs; run++) {
		input = seeds[next() % n_seeds];
		for (uint64_t i = 1 + next() % 8; i > 0; i--)
			change(&input);
		LLVMFuzzerTestOneInput(input.bytes, input.n_bytes);
	}
	printf("%lu inputs\n", n_runs + n_seeds);
	return 0;
}
