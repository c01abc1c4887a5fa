/* SPDX-License-Identifier: Apache-2.0 */
/* same_seed.c - the same plan and seed fire the same faults at the same points, in every process.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_test.h"

enum { MAX_LINES = 4000 };

/* "1.2 sem_lock semop(...) = 0 (injected ...)": the lineage, and whether a rule fired. */
static int compare_lineages(const void *a, const void *b)
{
	const char *one = *(char *const *)a, *other = *(char *const *)b;
	size_t n = strcspn(one, " "), n_other = strcspn(other, " ");
	int order = strncmp(one, other, n < n_other ? n : n_other);

	if (order != 0 || n != n_other)
		return order ? order : (n < n_other ? -1 : 1);
	/* Lines point into one buffer: within a lineage they keep their order. */
	return one < other ? -1 : 1;
}

/* The trace's semop calls as one text: for each lineage in turn a mark for each call. */
static char *fired_points(char *trace)
{
	char *line[MAX_LINES] = { NULL }, *save = NULL, *points;
	size_t n = 0, used = 0, lineage = 0;

	for (char *l = strtok_r(trace, "\n", &save); l && n < MAX_LINES;
	     l = strtok_r(NULL, "\n", &save))
		if (strstr(l, " semop("))
			line[n++] = l;
	qsort(line, n, sizeof(line[0]), compare_lineages);
	points = malloc(n * 100 + 1);
	points[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		lineage = strcspn(line[i], " ");
		if (i == 0 || strcspn(line[i - 1], " ") != lineage ||
		    strncmp(line[i], line[i - 1], lineage) != 0)
			used += (size_t)sprintf(points + used,
						" %.*s:", (int)(lineage < 90 ? lineage : 90),
						line[i]);
		points[used++] = strstr(line[i], "injected") ? '!' : '.';
		points[used] = '\0';
	}
	return points;
}

static char *run_once(int seed)
{
	const struct cli_run *r =
		cli_expect(0,
			   "\"$ipcjam\" run -v --seed=%d -f 'semop:delay=20us:p=0.3' "
			   "-f 'semop:delay=10us:when=2+3' -- \"$subjects/sem_lock\" right",
			   seed);

	return fired_points(r->err);
}

START_TEST(same_points)
{
	char *first = run_once(7), *other;

	cli_has(first, "1.1:");
	cli_has(first, "1.2:");
	cli_has(first, "!");
	for (int i = 1; i < cli_repeat(5); i++) {
		char *again = run_once(7);

		ck_assert_msg(strcmp(first, again) == 0, "run %d fired elsewhere: %s, not %s",
			      i + 1, again, first);
		free(again);
	}
	/* The proof that the comparison can fail. */
	other = run_once(8);
	ck_assert_str_ne(first, other);
	free(first);
	free(other);
}
END_TEST

Suite *same_seed_suite(void)
{
	Suite *s = suite_create("same_seed");

	cli_add(s, "same_seed", "same_points", same_points, 0, 60 + 2 * cli_repeat(5));
	return s;
}
