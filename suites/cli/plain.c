/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.c - a program without secrets: does what its words say, one after another. Linked twice,
 * once statically. print TEXT | complain TEXT | env NAME | sem N | raise N | exit N
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

/* P and V, n times, on a semaphore of its own that is removed again. */
static void use_semaphore(int n)
{
	struct sembuf take = { .sem_op = -1 }, give = { .sem_op = 1 };
	int set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

	semctl(set, 0, SETVAL, 1);
	for (int i = 0; i < n; i++)
		if (semop(set, &take, 1) != 0 || semop(set, &give, 1) != 0)
			perror("semop");
	semctl(set, 0, IPC_RMID);
}

static void act(const char *verb, const char *word)
{
	const char *value = getenv(word);

	if (strcmp(verb, "print") == 0)
		puts(word);
	else if (strcmp(verb, "complain") == 0)
		fprintf(stderr, "%s\n", word);
	else if (strcmp(verb, "env") == 0)
		printf("%s=%s\n", word, value ? value : "(unset)");
	else if (strcmp(verb, "sem") == 0)
		use_semaphore(atoi(word));
	else if (strcmp(verb, "raise") == 0)
		raise(atoi(word));
	else if (strcmp(verb, "exit") == 0)
		exit(atoi(word));
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		act(argv[i], argv[i + 1]);
		fflush(stdout);
	}
	return 0;
}
