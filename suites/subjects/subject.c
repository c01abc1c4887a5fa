/* SPDX-License-Identifier: Apache-2.0 */
/* Variants and children of the subjects: who was started, and what becomes of them when one ends
 * badly. */
#include "subject.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MAX_CHILDREN = 32 };

static const char *program = "subject";
static pid_t root;
static bool failed;
static pid_t children[MAX_CHILDREN];
static size_t n_children;

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

static void clean_up(void)
{
	kill_children();
	while (n_children > 0) {
		TEMP_FAILURE_RETRY(waitpid(children[0], NULL, 0));
		forget_child(children[0]);
	}
	remove_objects(failed);
}

/* Of several threads in trouble, one does this. */
static _Noreturn void give_up(void)
{
	static atomic_flag giving_up;

	if (getpid() != root)
		_exit(1);
	while (atomic_flag_test_and_set(&giving_up))
		pause();
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
