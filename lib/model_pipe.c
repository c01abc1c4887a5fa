/* SPDX-License-Identifier: Apache-2.0 */
/* model_pipe.c - pipes and FIFOs: the last writes, and what the last close left unread. */
#include "model_private.h"

#include <errno.h>
#include <fcntl.h>

static void note_user(struct pipe_users *users, uint32_t process)
{
	if (users->n < PIPE_USERS && !pipe_used_by(users, process))
		users->process[users->n++] = process;
}

void pipe_note_write(struct pipe_object *pipe, uint32_t process, uint32_t thread,
		     const struct event *event)
{
	struct pipe_write *write = &pipe->write[pipe->n_writes++ % PIPE_WRITES];

	*write = (struct pipe_write){
		.process = process,
		.thread = thread,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.exit = event->exit_tsc,
		.length = event->length,
	};
	note_user(&pipe->writers, process);
}

void pipe_note_reader(struct pipe_object *pipe, uint32_t process)
{
	note_user(&pipe->readers, process);
}

/* The shim says what the last reader left. Writing ends close too: they leave nothing. */
void pipe_note_close(struct pipe_object *pipe, uint32_t process, const struct event *event)
{
	if (event->arg[4] <= 0)
		return;
	pipe->left_bytes = (uint64_t)event->arg[4];
	pipe->left_process = process;
	pipe->left_stack = event->stack;
}

static void note_transfer(struct pipe_object *pipe, uint32_t process, uint32_t thread,
			  const struct event *event)
{
	unsigned int flags = calls[event->call].flags;

	if (event->flags & EVENT_FAILED) {
		if (event->err == EPIPE && flags & CALL_WRITES)
			pipe->epipe_exit = event->exit_tsc;
		return;
	}
	if (!event_took_effect(event))
		return;
	if (flags & CALL_WRITES)
		pipe_note_write(pipe, process, thread, event);
	if (flags & CALL_READS)
		note_user(&pipe->readers, process);
}

/* Bytes that stay in a FIFO are there for the next reader, while somebody has it open to write. */
static void note_open(struct pipe_object *pipe, const struct event *event, int64_t flags)
{
	if (event_took_effect(event) && (flags & O_ACCMODE) != O_WRONLY)
		pipe->left_bytes = 0;
}

void pipe_event(struct model *model, uint32_t process, uint32_t thread, const struct event *event)
{
	struct pipe_object *pipe = (struct pipe_object *)object_see(model, event->object);

	switch (calls[event->call].canonical_id) {
	case CALL_open:
		note_open(pipe, event, event->arg[1]);
		break;
	case CALL_openat:
		note_open(pipe, event, event->arg[2]);
		break;
	case CALL_close:
	case CALL_exit:
	case CALL__exit:
	case CALL_quick_exit:
		pipe_note_close(pipe, process, event);
		break;
	default:
		note_transfer(pipe, process, thread, event);
		break;
	}
}
