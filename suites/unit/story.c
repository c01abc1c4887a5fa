/* SPDX-License-Identifier: Apache-2.0 */
/* story.c - see story.h. */
#include "story.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "arena.h"

void story_begin_with(struct story *s, const char *order, bool strict)
{
	memset(s, 0, sizeof(*s));
	s->options.strict = strict;
	if (order) {
		unsigned int column;
		const char *expected;

		ck_assert_int_eq(order_parse(order, &s->order, &column, &expected), 0);
		s->options.order = &s->order;
		s->options.n_orders = 1;
	}
	s->now = 1000;
	s->model = model_new(&s->options, &s->findings);
	story_process(s, ROOT, NO_PARENT, 1);
}

void story_begin(struct story *s)
{
	story_begin_with(s, NULL, false);
}

void story_process(struct story *s, uint32_t process, int32_t parent, unsigned int child_no)
{
	char lineage[96];

	if (parent < 0)
		snprintf(lineage, sizeof(lineage), "1");
	else
		snprintf(lineage, sizeof(lineage), "%s.%u",
			 model_lineage(s->model, (uint32_t)parent), child_no);
	model_process_begin(s->model, process, parent, lineage, "story", (int32_t)(100 + process),
			    ++s->now);
}

void story_overlap(struct story *s, uint64_t enter)
{
	s->enter = enter;
}

void story_fail(struct story *s, int err)
{
	s->err = err;
}

uint64_t story_call(struct story *s, uint32_t process, struct event event, const void *more,
		    size_t n_more_bytes)
{
	uint8_t padded[EVENT_MORE_BYTES * EVENT_MORE_MAX] = { 0 };

	if (n_more_bytes)
		memcpy(padded, more, n_more_bytes);
	event.n_more = (uint8_t)((n_more_bytes + EVENT_MORE_BYTES - 1) / EVENT_MORE_BYTES);
	event.enter_tsc = s->enter ? s->enter : ++s->now;
	event.exit_tsc = ++s->now;
	event.site = s->site ? s->site : UINT64_C(1000) + event.call;
	event.stack = 1 + event.call;
	event.flags |= (uint16_t)s->flags;
	if (s->err) {
		event.flags |= EVENT_FAILED;
		event.result = -1;
		event.err = s->err;
	}
	s->enter = 0;
	s->flags = 0;
	s->err = 0;
	model_event(s->model, process, s->thread, &event, event.n_more ? padded : NULL);
	return event.exit_tsc;
}

void story_semget(struct story *s, uint32_t process, int key, int flags, int id)
{
	story_call(s, process,
		   (struct event){ .call = CALL_semget,
				   .object = OBJECT_REF(OBJECT_SEM, id),
				   .result = id,
				   .arg = { key, 1, flags } },
		   NULL, 0);
}

void story_semops(struct story *s, uint32_t process, int id, const int (*ops)[3],
		  unsigned int n_ops)
{
	struct event event = { .call = CALL_semop, .object = OBJECT_REF(OBJECT_SEM, id) };
	int64_t packed[64];

	event.arg[0] = id;
	event.arg[2] = n_ops;
	for (unsigned int i = 0; i < n_ops; i++) {
		packed[i] =
			event_pack_sop((uint16_t)ops[i][0], (int16_t)ops[i][1], (int16_t)ops[i][2]);
		if (i < 3)
			event.arg[3 + i] = packed[i];
	}
	story_call(s, process, event, &packed[3], n_ops > 3 ? (n_ops - 3) * sizeof(packed[0]) : 0);
}

void story_semop(struct story *s, uint32_t process, int id, int num, int op, int flags)
{
	story_semops(s, process, id, (const int[1][3]){ { num, op, flags } }, 1);
}

void story_setval(struct story *s, uint32_t process, int id, int num, int value)
{
	story_call(s, process,
		   (struct event){ .call = CALL_semctl,
				   .object = OBJECT_REF(OBJECT_SEM, id),
				   .arg = { id, num, SETVAL, value } },
		   NULL, 0);
}

void story_setall(struct story *s, uint32_t process, int id, const uint16_t *values, unsigned int n)
{
	story_call(s, process,
		   (struct event){ .call = CALL_semctl,
				   .object = OBJECT_REF(OBJECT_SEM, id),
				   .length = n * (uint32_t)sizeof(*values),
				   .arg = { id, 0, SETALL } },
		   values, n * sizeof(*values));
}

void story_semrm(struct story *s, uint32_t process, int id)
{
	story_call(s, process,
		   (struct event){ .call = CALL_semctl,
				   .object = OBJECT_REF(OBJECT_SEM, id),
				   .arg = { id, 0, IPC_RMID } },
		   NULL, 0);
}

void story_set(struct story *s, int id, unsigned int n, uint16_t value)
{
	uint16_t values[64];

	for (unsigned int i = 0; i < n; i++)
		values[i] = value;
	story_semget(s, ROOT, IPC_PRIVATE, IPC_CREAT | 0600, id);
	story_setall(s, ROOT, id, values, n);
}

void story_msgget(struct story *s, uint32_t process, int key, int flags, int id)
{
	story_call(s, process,
		   (struct event){ .call = CALL_msgget,
				   .object = OBJECT_REF(OBJECT_MSG, id),
				   .result = id,
				   .arg = { key, flags } },
		   NULL, 0);
}

static uint64_t digest_of(long type, uint32_t number)
{
	return arena_hash(&number, sizeof(number), ARENA_HASH_START + (uint64_t)type);
}

void story_send(struct story *s, uint32_t process, int id, long type, uint32_t number)
{
	story_call(s, process,
		   (struct event){ .call = CALL_msgsnd,
				   .object = OBJECT_REF(OBJECT_MSG, id),
				   .length = sizeof(number),
				   .digest = digest_of(type, number),
				   .arg = { id, 0, sizeof(number), 0, type } },
		   &number, sizeof(number));
}

void story_receive(struct story *s, uint32_t process, int id, long type, uint32_t number, int flags)
{
	story_call(s, process,
		   (struct event){ .call = CALL_msgrcv,
				   .object = OBJECT_REF(OBJECT_MSG, id),
				   .result = sizeof(number),
				   .length = sizeof(number),
				   .digest = digest_of(type, number),
				   .arg = { id, 0, 64, type, flags, type } },
		   &number, sizeof(number));
}

void story_msgrm(struct story *s, uint32_t process, int id)
{
	story_call(s, process,
		   (struct event){ .call = CALL_msgctl,
				   .object = OBJECT_REF(OBJECT_MSG, id),
				   .arg = { id, IPC_RMID } },
		   NULL, 0);
}

void story_pipe(struct story *s, uint32_t process, int inode, int read_end, int write_end)
{
	story_call(s, process,
		   (struct event){ .call = CALL_pipe,
				   .object = OBJECT_REF(OBJECT_PIPE, inode),
				   .arg = { 0, 0, (int64_t)read_end | (int64_t)write_end << 32 } },
		   NULL, 0);
}

void story_write(struct story *s, uint32_t process, int inode, uint32_t length, uint64_t before,
		 uint64_t capacity)
{
	story_call(s, process,
		   (struct event){ .call = CALL_write,
				   .object = OBJECT_REF(OBJECT_PIPE, inode),
				   .result = length,
				   .length = length,
				   .digest = length,
				   .arg = { 4, 0, length, (int64_t)before, (int64_t)capacity } },
		   NULL, 0);
}

void story_read(struct story *s, uint32_t process, int inode, uint32_t length)
{
	story_call(s, process,
		   (struct event){ .call = CALL_read,
				   .object = OBJECT_REF(OBJECT_PIPE, inode),
				   .result = length,
				   .length = length,
				   .digest = length,
				   .arg = { 3, 0, length } },
		   NULL, 0);
}

void story_close(struct story *s, uint32_t process, int inode, int fd, int64_t left)
{
	story_call(s, process,
		   (struct event){ .call = CALL_close,
				   .object = OBJECT_REF(OBJECT_PIPE, inode),
				   .arg = { fd, 0, 0, 0, left } },
		   NULL, 0);
}

void story_wait(struct story *s, uint32_t process, uint32_t child)
{
	story_call(s, process,
		   (struct event){ .call = CALL_waitpid,
				   .result = 100 + child,
				   .arg = { -1, 0, 0, 0, 0, 100 + child } },
		   NULL, 0);
}

void story_plain(struct story *s, uint32_t process, unsigned int call)
{
	story_call(s, process, (struct event){ .call = (uint16_t)call }, NULL, 0);
}

static void end_process(struct story *s, uint32_t process, struct process_end end)
{
	model_process_end(s->model, process, &end, ++s->now);
}

void story_exit(struct story *s, uint32_t process)
{
	story_plain(s, process, CALL_exit);
	story_gone(s, process);
}

void story_gone(struct story *s, uint32_t process)
{
	end_process(s, process, (struct process_end){ .kind = END_EXIT, .clean = true });
}

void story_killed_by_rule(struct story *s, uint32_t process)
{
	end_process(s, process,
		    (struct process_end){ .kind = END_SIGNAL, .status = 9, .by_rule = true });
}

void story_killed(struct story *s, uint32_t process, int signo)
{
	end_process(s, process, (struct process_end){ .kind = END_SIGNAL, .status = signo });
}

void story_stopped(struct story *s, uint32_t process)
{
	end_process(s, process,
		    (struct process_end){ .kind = END_SIGNAL, .status = 9, .by_runner = true });
}

void story_left(struct story *s, enum object_kind kind, int id, uint64_t n_messages,
		int32_t maker_pid)
{
	ck_assert_uint_lt(s->n_left, STORY_LEFT);
	s->left[s->n_left++] = (struct leftover){
		.kind = kind,
		.object = OBJECT_REF(kind, id),
		.n_messages = n_messages,
		.maker_pid = maker_pid,
	};
}

const struct finding *story_find(const struct story *s, const char *kind)
{
	for (unsigned int i = 0; i < s->findings.n; i++)
		if (!strcmp(s->findings.item[i]->kind, kind))
			return s->findings.item[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void join_kinds(const struct story *s, char *text, size_t n_bytes)
{
	const char *kinds[64];
	size_t n = 0, used = 0;

	for (unsigned int i = 0; i < s->findings.n && n < SUITE_COUNT(kinds); i++)
		kinds[n++] = s->findings.item[i]->kind;
	qsort(kinds, n, sizeof(kinds[0]), by_name);
	text[0] = '\0';
	for (size_t i = 0; i < n && used < n_bytes; i++)
		if (i == 0 || strcmp(kinds[i], kinds[i - 1]))
			used += (size_t)snprintf(text + used, n_bytes - used, "%s%s",
						 used ? "," : "", kinds[i]);
}

void story_expect(struct story *s, enum trial_end how, const char *kinds)
{
	char found[512];

	model_finish(s->model, how, s->left, s->n_left);
	join_kinds(s, found, sizeof(found));
	ck_assert_msg(!strcmp(found, kinds), "found \"%s\" (%s), expected \"%s\"", found,
		      s->findings.n ? s->findings.item[0]->message : "", kinds);
}

void story_end(struct story *s)
{
	model_free(s->model);
	findings_free(&s->findings);
}

void story_shows(struct story *s, const char *kinds)
{
	story_expect(s, TRIAL_ENDED, kinds);
	story_end(s);
}
