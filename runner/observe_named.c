/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe_named.c - POSIX queues, semaphores and shared memory that the trial opened by name, where
 * the names are also other programs': only what the trial made is its own to remove. In namespaces
 * all that there is is the trial's.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervise.h"

#define NAMES_MAX 65536

static enum object_kind kind_of(unsigned int call)
{
	switch (call) {
	case CALL_mq_open:
	case CALL_mq_unlink:
		return OBJECT_MQ;
	case CALL_sem_open:
	case CALL_sem_unlink:
		return OBJECT_PSEM;
	case CALL_shm_open:
	case CALL_shm_unlink:
		return OBJECT_MEMORY;
	default:
		return OBJECT_NONE;
	}
}

static struct named_object *find(struct named_object *list, unsigned int n, enum object_kind kind,
				 const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].kind == kind && strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void add(struct named_object **list, unsigned int *n, enum object_kind kind,
		const char *name, pid_t maker)
{
	struct named_object *grown;

	if (*n == NAMES_MAX || find(*list, *n, kind, name))
		return;
	grown = realloc(*list, (*n + 1) * sizeof(*grown));
	if (!grown)
		return;
	*list = grown;
	grown[*n] = (struct named_object){ kind, strdup(name), maker };
	if (grown[*n].name)
		++*n;
}

static void drop(struct named_object *list, unsigned int *n, enum object_kind kind,
		 const char *name)
{
	struct named_object *one = find(list, *n, kind, name);

	if (!one)
		return;
	free(one->name);
	*one = list[--*n];
}

static const char *without_slash(const char *name)
{
	return name + strspn(name, "/");
}

/* What is made anew under an old name is the trial's own. */
void observe_named(struct supervisor *s, struct process *p, const struct event *event,
		   const uint8_t *more)
{
	enum object_kind kind = kind_of(event->call);
	char name[NAME_MAX + 8];

	if (kind == OBJECT_NONE || s->isolated || !observe_name(event, more, name, sizeof(name)))
		return;
	if (event->call == CALL_mq_unlink || event->call == CALL_sem_unlink ||
	    event->call == CALL_shm_unlink) {
		drop(s->old, &s->n_old, kind, without_slash(name));
		drop(s->opened, &s->n_opened, kind, without_slash(name));
	} else if (event->arg[1] & O_CREAT && !find(s->old, s->n_old, kind, without_slash(name))) {
		add(&s->opened, &s->n_opened, kind, without_slash(name), p->pid);
	}
}

enum object_kind name_kind(const char *file, const char **name)
{
	bool is_sem = strncmp(file, "sem.", 4) == 0;

	*name = file + (is_sem ? 4 : 0);
	return is_sem ? OBJECT_PSEM : OBJECT_MEMORY;
}

void names_remember(struct supervisor *s)
{
	int fd = queues_open();
	DIR *queues = fd < 0 ? NULL : fdopendir(fd);
	DIR *memory = opendir("/dev/shm");
	struct dirent *entry;

	while (queues && (entry = readdir(queues)))
		add(&s->old, &s->n_old, OBJECT_MQ, entry->d_name, 0);
	while (memory && (entry = readdir(memory))) {
		const char *name;
		enum object_kind kind = name_kind(entry->d_name, &name);

		add(&s->old, &s->n_old, kind, name, 0);
	}
	if (queues)
		closedir(queues);
	if (memory)
		closedir(memory);
}
