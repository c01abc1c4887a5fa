/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.c - an MPI program: a token round a ring, sums over all, a broadcast, large messages both
 * ways at once, and a window of memory that all put into.
 */
#include <mpi.h>

#include "real.h"

#define ROUNDS 200
#define LARGE 200000

static int rank, n_ranks;

static void ring(void)
{
	int left = (rank + n_ranks - 1) % n_ranks, right = (rank + 1) % n_ranks, token = 0;

	for (int i = 0; i < ROUNDS; i++) {
		if (rank == 0) {
			MPI_Send(&token, 1, MPI_INT, right, 0, MPI_COMM_WORLD);
			MPI_Recv(&token, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		} else {
			MPI_Recv(&token, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			token += rank;
			MPI_Send(&token, 1, MPI_INT, right, 0, MPI_COMM_WORLD);
		}
	}
	if (rank == 0)
		printf("ring: %d\n", token);
}

static void together(void)
{
	long own = rank + 1, sum = 0;
	int word = rank == 0 ? 4711 : 0;

	for (int i = 0; i < ROUNDS; i++)
		MPI_Allreduce(&own, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
	MPI_Bcast(&word, 1, MPI_INT, 0, MPI_COMM_WORLD);
	own = word;
	MPI_Reduce(&own, &sum, 1, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("sum of what was told: %ld\n", sum);
}

static void large(void)
{
	int left = (rank + n_ranks - 1) % n_ranks, right = (rank + 1) % n_ranks;
	int *out = malloc(LARGE * sizeof(int)), *in = malloc(LARGE * sizeof(int));
	long sum = 0, total = 0;

	for (int i = 0; i < LARGE; i++)
		out[i] = rank + i % 7;
	MPI_Sendrecv(out, LARGE, MPI_INT, right, 1, in, LARGE, MPI_INT, left, 1, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (int i = 0; i < LARGE; i++)
		sum += in[i];
	MPI_Reduce(&sum, &total, 1, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("large: %ld\n", total);
	free(out);
	free(in);
}

static void window(void)
{
	int *memory, *value = malloc((size_t)n_ranks * sizeof(int)), sum = 0;
	MPI_Win win;

	MPI_Win_allocate(n_ranks * (MPI_Aint)sizeof(int), sizeof(int), MPI_INFO_NULL,
			 MPI_COMM_WORLD, &memory, &win);
	memset(memory, 0, (size_t)n_ranks * sizeof(int));
	MPI_Win_fence(0, win);
	for (int to = 0; to < n_ranks; to++) {
		value[to] = 10 * rank + to;
		MPI_Put(&value[to], 1, MPI_INT, to, rank, 1, MPI_INT, win);
	}
	MPI_Win_fence(0, win);
	for (int from = 0; from < n_ranks; from++)
		sum += memory[from];
	MPI_Reduce(rank ? &sum : MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("window: %d\n", sum);
	MPI_Win_free(&win);
	free(value);
}

int main(int argc, char **argv)
{
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
	ring();
	together();
	large();
	window();
	MPI_Finalize();
	return 0;
}
