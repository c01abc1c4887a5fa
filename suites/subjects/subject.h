/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all subjects share. A subject is a small IPC program with several variants: right ones, and
 * faulty twins that show one fault in every run. The first argument chooses the variant.
 *
 * A right variant is built to outlive jamming. The root makes the objects, starts the workers and
 * reaps them; when one ends badly it kills the others, takes the objects away and ends with
 * status 1. A worker dies with its root. EINTR is retried, short transfers are continued.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/types.h>
#include <unistd.h>

struct variant {
	const char *name;
	int (*run)(int argc,
		   char **argv); /* the arguments after the variant's name; gives the exit status */
};

/* A message as all subjects send it: the number is the u32 at byte 0 of mtext. */
struct message {
	long type;
	uint32_t number;
	uint32_t sender;
	char text[1016];
};
#define MESSAGE_SMALL ((size_t)(offsetof(struct message, text) - offsetof(struct message, number)))
#define MESSAGE_FULL ((size_t)(sizeof(struct message) - offsetof(struct message, number)))

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

/* Where wait_blocked() wants to see a process sit. */
enum place {
	IN_SEMOP,
	IN_MSGSND,
	IN_MSGRCV,
	IN_READ,
	IN_WRITE,
	IN_OPEN,
	IN_PAUSE,
	IN_SIGWAIT,
	IN_MQ_SEND,
	IN_MQ_RECEIVE,
	IN_FLOCK,
	IN_FCNTL,
	IN_CONNECT,
	IN_POLL,
};

int subject_main(const struct variant *variants, size_t n_variants, int argc, char **argv);

#define SUBJECT_MAIN(variants) \
	int main(int argc, char **argv) \
	{ \
		return subject_main(variants, sizeof(variants) / sizeof((variants)[0]), argc, \
				    argv); \
	}

/* Ends this process with status 1; the root first takes away what it made. */
_Noreturn void die(const char *what);
_Noreturn void fail(const char *what);
int check_call(int result, const char *what);
#define CHECK(call) check_call((call), #call)
#define EXPECT(condition) ((condition) ? (void)0 : fail(#condition))

/* Children. A body's return value is its exit status. */
pid_t spawn(int (*body)(int who), int who);
int reap(pid_t pid);
int reap_all(void);
void abandon_children(void);

/* Processes looked at through /proc, so that nothing sleeps to synchronise. */
void nap(void);
void wait_blocked(pid_t pid, enum place place);
void wait_ended(pid_t pid);
/* The thread waits on a futex inside this piece of memory, which lies at the same address there. */
void wait_on_futex(pid_t tid, const volatile void *memory, size_t size_bytes);
#define WAIT_ON(tid, object) wait_on_futex(tid, object, sizeof(*(object)))

/* Objects that the root takes away at its end. */
int make_sem(key_t key, int n_sems, int value);
int make_queue(key_t key);
void *make_shared(size_t size_bytes);
void own_sem(int id);
void own_shm(int id);
const char *make_dir(void);
const char *own_path(const char *name);
const char *make_fifo(const char *name);
/* Names of objects that need not exist yet, or no more; of a semaphore, what it is when free. */
const char *own_mq_name(const char *stem);
const char *own_sem_name(const char *stem, int value);
const char *own_shm_name(const char *stem);
void remove_objects(bool failed);

/* Such a name that nobody owns. */
enum { NAME_BYTES = 64 };
void new_name(char name[NAME_BYTES], const char *stem);

/* Calls that go on after EINTR and short transfers, and die of all else. */
void sem_change(int set, int num, int change, int flags);
int sem_value(int set, int num);
void send_message(int queue, const struct message *message, size_t size_bytes);
size_t receive_message(int queue, struct message *message, long type, int flags);
int open_path(const char *path, int flags);
void make_pipe(int ends[2]);
void close_end(int *fd);
size_t read_full(int fd, void *buffer, size_t size_bytes);
void write_full(int fd, const void *buffer, size_t size_bytes);
void ignore_sigpipe(void);

#endif
