/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.c - two clerks sell the same tickets. The number left is in shared memory, and a System V
 * semaphore is its lock. The program of docs/tutorial.md. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TAKE_FLAGS
#define TAKE_FLAGS 0
#endif
#ifndef GIVE_FLAGS
#define GIVE_FLAGS 0
#endif

static int lock, *left;

static void change(short amount, short flags)
{
	struct sembuf operation = { .sem_num = 0, .sem_op = amount, .sem_flg = flags };

	if (semop(lock, &operation, 1) < 0) {
		perror("semop");
		exit(1);
	}
}

static int sell_one(void)
{
	int sold;

	change(-1, TAKE_FLAGS);
	sold = *left > 0;
	*left -= sold;
	change(+1, GIVE_FLAGS);
	return sold;
}

static void clerk(void)
{
	if (fork() != 0)
		return;
	while (sell_one())
		;
	_exit(0);
}

int main(void)
{
	int memory = shmget(IPC_PRIVATE, sizeof(*left), IPC_CREAT | 0600);

	lock = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	left = shmat(memory, NULL, 0);
	if (memory < 0 || lock < 0 || left == (void *)-1 || semctl(lock, 0, SETVAL, 1) < 0) {
		perror("tickets");
		return 1;
	}
	*left = 5;
	clerk();
	clerk();
	while (wait(NULL) > 0)
		;
	printf("%d tickets left\n", *left);
	semctl(lock, 0, IPC_RMID);
	shmctl(memory, IPC_RMID, NULL);
	return 0;
}
