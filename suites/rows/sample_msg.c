/* SPDX-License-Identifier: Apache-2.0 */
/* sample_msg.c - System V messages. */
#include "sample.h"

#include <sys/msg.h>

struct message {
	long type;
	char text[8];
};

static struct message to_send = { 3, "hello" };

static void prepare_key(void)
{
	stage->key = 0x6a000000 | (int)(raw0(SYS_getpid) & 0xffffff);
}

static void prepare_queue(void)
{
	stage->id = (int)raw2(SYS_msgget, IPC_PRIVATE, 0600);
	need(stage->id, "msgget");
}

static void prepare_message(void)
{
	prepare_queue();
	need(raw4(SYS_msgsnd, stage->id, &to_send, 5, 0), "msgsnd");
}

/* The last look: nothing is left afterwards. */
static void state_queue(void)
{
	struct message m = { 0 };
	struct msqid_ds ds;

	if (print_gone(raw3(SYS_msgctl, stage->id, IPC_STAT, &ds)))
		return;
	print(" messages=%lu", (unsigned long)ds.msg_qnum);
	if (raw6(SYS_msgrcv, stage->id, (long)&m, sizeof(m.text), 0, IPC_NOWAIT, 0) > 0)
		print(" first=%ld:%.8s", m.type, m.text);
	raw3(SYS_msgctl, stage->id, IPC_RMID, NULL);
}

static void state_made(void)
{
	long id = raw2(SYS_msgget, stage->key, 0);

	print(" made=%d", id >= 0);
	if (id >= 0)
		raw3(SYS_msgctl, id, IPC_RMID, NULL);
}

static void data_message(void)
{
	const struct message *m = (const struct message *)(const void *)stage->out;

	print(" message=%ld:%.8s", m->type, m->text);
}

static void data_queue(void)
{
	const struct msqid_ds *ds = (const struct msqid_ds *)(const void *)stage->out;

	print(" qnum=%lu", (unsigned long)ds->msg_qnum);
}

static int flags(void)
{
	return stage->nowait ? IPC_NOWAIT : 0;
}

CALLS(msgget, msgget(stage->key, IPC_CREAT | 0600))
FAILS(msgget, msgget(stage->key, 0600))
SAMPLE(msgget, .prepare = prepare_key, .fail = fail_msgget, .state = state_made, .shape = SHAPE_ID,
       .holds = HOLDS(CREATE));

CALLS(msgsnd, msgsnd(stage->id, &to_send, 5, flags()))
FAILS(msgsnd, msgsnd(bad, &to_send, 5, 0))
FAULTS(msgsnd, msgsnd(stage->id, nowhere, 5, 0))
SAMPLE(msgsnd, .prepare = prepare_queue, .fail = fail_msgsnd, .fault = fault_msgsnd,
       .state = state_queue, .holds = HOLDS(REMOVE));

CALLS(msgrcv, msgrcv(stage->id, stage->out, 8, 0, flags()))
FAILS(msgrcv, msgrcv(stage->id, stage->out, 2, 0, 0))
FAULTS(msgrcv, msgrcv(stage->id, nowhere, 8, 0, 0))
SAMPLE(msgrcv, .prepare = prepare_message, .fail = fail_msgrcv, .fault = fault_msgrcv,
       .data = data_message, .state = state_queue, .holds = HOLDS(REMOVE));

CALLS(msgctl, msgctl(stage->id, IPC_STAT, (void *)stage->out))
FAILS(msgctl, msgctl(bad, IPC_STAT, (void *)stage->out))
FAULTS(msgctl, msgctl(stage->id, IPC_STAT, nowhere))
SAMPLE(msgctl, .prepare = prepare_message, .fail = fail_msgctl, .fault = fault_msgctl,
       .data = data_queue, .state = state_queue, .holds = HOLDS(REMOVE));
