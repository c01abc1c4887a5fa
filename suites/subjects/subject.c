/* SPDX-License-Identifier: Apache-2.0 */
/* Variants, children and objects of the subjects: who was started, what was made, and taking both
 * away again. */
#include "subject.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_CHILDREN = 32, MAX_OBJECTS = 16 };

enum kind { SEM, QUEUE, SHM, PATH, DIRECTORY };

struct object {
	enum kind kind;
	int id;
	char path[128];
};

static const char *program = "subject";
static pid_t root;
static bool failed;
static pid_t children[MAX_CHILDREN];
static size_t n_children;
static struct object objects[MAX_OBJECTS];
static size_t n_objects;

static bool forget_child(pid_t pid)
{
	for (size_t i = 0; i < n_children; i++) {
		if (children[i] != pid)
			continue;
		children[i] = children[--n_children];
		return true;
	}
	return false;
}

void abandon_children(void)
{
	n_children = 0;
}

static void kill_children(void)
{
	for (size_t i = 0; i < n_children; i++)
		kill(children[i], SIGKILL);
}

/* Nobody will take these any more: empty the queue, so that the removal loses nothing unseen. */
static void drain(int queue)
{
	struct message message;

	while (TEMP_FAILURE_RETRY(
		       msgrcv(queue, &message, MESSAGE_FULL, 0, IPC_NOWAIT | MSG_NOERROR)) != -1)
		fprintf(stderr, "%s: dropped message %u\n", program, message.number);
}

static void remove_object(const struct object *object)
{
	switch (object->kind) {
	case SEM:
		semctl(object->id, 0, IPC_RMID);
		break;
	case QUEUE:
		if (failed)
			drain(object->id);
		msgctl(object->id, IPC_RMID, NULL);
		break;
	case SHM:
		shmctl(object->id, IPC_RMID, NULL);
		break;
	case PATH:
		unlink(object->path);
		break;
	case DIRECTORY:
		rmdir(object->path);
		break;
	}
}

static void clean_up(void)
{
	kill_children();
	while (n_children > 0) {
		TEMP_FAILURE_RETRY(waitpid(children[0], NULL, 0));
		forget_child(children[0]);
	}
	while (n_objects > 0)
		remove_object(&objects[--n_objects]);
}

static _Noreturn void give_up(void)
{
	if (getpid() != root)
		_exit(1);
	failed = true;
	clean_up();
	exit(1);
}

_Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program, what, strerror(errno));
	give_up();
}

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s: not so: %s\n", program, what);
	give_up();
}

int check_call(int result, const char *what)
{
	if (result == -1)
		die(what);
	return result;
}

pid_t spawn(int (*body)(int who), int who)
{
	pid_t parent = getpid();
	pid_t pid;

	if (n_children == MAX_CHILDREN)
		fail("room for one more child");
	pid = CHECK(fork());
	if (pid > 0) {
		children[n_children++] = pid;
		return pid;
	}
	n_children = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(body(who));
}

int reap(pid_t pid)
{
	int status;

	CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)));
	forget_child(pid);
	return status;
}

/* 0 when all ended well. The first bad end ends the others too: they might wait for the dead one
 * for ever. */
int reap_all(void)
{
	int bad = 0;

	while (n_children > 0) {
		int status;
		pid_t pid = CHECK(TEMP_FAILURE_RETRY(waitpid(-1, &status, 0)));

		if (!forget_child(pid) || status == 0 || bad)
			continue;
		fprintf(stderr, "%s: a child ended with wait status %#x\n", program,
			(unsigned int)status);
		bad = 1;
		failed = true;
		kill_children();
	}
	return bad;
}

static struct object *own(enum kind kind, int id)
{
	struct object *object;

	if (n_objects == MAX_OBJECTS)
		fail("room for one more object");
	object = &objects[n_objects++];
	object->kind = kind;
	object->id = id;
	return object;
}

void own_sem(int id)
{
	own(SEM, id);
}

void own_shm(int id)
{
	own(SHM, id);
}

int make_sem(key_t key, int n_sems, int value)
{
	unsigned short values[64];
	int set;

	EXPECT(n_sems <= 64);
	set = CHECK(semget(key, n_sems, IPC_CREAT | IPC_EXCL | 0600));
	own_sem(set);
	for (int i = 0; i < n_sems; i++)
		values[i] = (unsigned short)value;
	CHECK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	return set;
}

int make_queue(key_t key)
{
	int queue = CHECK(msgget(key, IPC_CREAT | IPC_EXCL | 0600));

	own(QUEUE, queue);
	return queue;
}

void *make_shared(size_t size_bytes)
{
	int id = CHECK(shmget(IPC_PRIVATE, size_bytes, IPC_CREAT | 0600));
	void *memory;

	own_shm(id);
	memory = shmat(id, NULL, 0);
	if (memory == (void *)-1)
		die("shmat");
	return memory;
}

/* A fresh directory in $TMPDIR, or in /tmp. */
const char *make_dir(void)
{
	const char *where = getenv("TMPDIR");
	struct object *object = own(DIRECTORY, 0);

	if (!where || strlen(where) > 64)
		where = "/tmp";
	snprintf(object->path, sizeof(object->path), "%s/subject-XXXXXX", where);
	if (!mkdtemp(object->path)) {
		n_objects--;
		die("mkdtemp");
	}
	return object->path;
}

/* The path of NAME in the directory that make_dir() made, to be unlinked at the end if it is still
 * there. */
const char *own_path(const char *name)
{
	size_t i = 0;
	struct object *object = own(PATH, 0);

	while (objects[i].kind != DIRECTORY)
		i++;
	snprintf(object->path, sizeof(object->path), "%.100s/%.20s", objects[i].path, name);
	return object->path;
}

const char *make_fifo(const char *name)
{
	const char *path = own_path(name);

	CHECK(mkfifo(path, 0600));
	return path;
}

int subject_main(const struct variant *variants, size_t n_variants, int argc, char **argv)
{
	program = program_invocation_short_name;
	root = getpid();
	for (size_t i = 0; argc > 1 && i < n_variants; i++) {
		int status;

		if (strcmp(variants[i].name, argv[1]) != 0)
			continue;
		status = variants[i].run(argc - 2, argv + 2);
		clean_up();
		return status;
	}
	fprintf(stderr, "usage: %s VARIANT [ARG...], VARIANT one of:\n", program);
	for (size_t i = 0; i < n_variants; i++)
		fprintf(stderr, "  %s\n", variants[i].name);
	return 2;
}
