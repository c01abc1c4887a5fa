/* SPDX-License-Identifier: Apache-2.0 */
/* torn-message: a pipe keeps writes up to PIPE_BUF bytes whole; larger ones that must wait do not
 * have another process's write inside them. */
#include <limits.h>

#include "invariants.h"

/* The shim tells what was in the pipe before the call, and its capacity. */
static bool had_to_wait(const struct event *event)
{
	uint64_t n = calls[event->call].canonical_id == CALL_write ? (uint64_t)event->arg[2]
								   : event->length;

	return n > PIPE_BUF && event->arg[4] > 0 &&
	       (uint64_t)event->arg[3] + n > (uint64_t)event->arg[4];
}

static const struct pipe_write *find_inside(const struct pipe_object *pipe, uint32_t process,
					    const struct event *event)
{
	unsigned int n = pipe->n_writes < PIPE_WRITES ? pipe->n_writes : PIPE_WRITES;

	for (unsigned int i = 0; i < n; i++) {
		const struct pipe_write *write = &pipe->write[i];

		if (write->process != process && write->enter > event->enter_tsc &&
		    write->exit < event->exit_tsc)
			return write;
	}
	return NULL;
}

static void report(struct model *model, const struct pipe_object *pipe, uint32_t process,
		   const struct event *event, const struct pipe_write *inside)
{
	struct finding *f = finding_new("torn-message", "");
	char name[160], title[120];

	finding_add_object(model, f, &pipe->object);
	finding_mark(f, event->site);
	finding_message(f,
			"%s wrote %u bytes to %s and had to wait; %u bytes of %s went in between",
			process_title(model, process, title, sizeof(title)), event->length,
			object_name(model, &pipe->object, name, sizeof(name)), inside->length,
			model_lineage(model, inside->process));
	finding_detail(f, "A pipe keeps writes whole only up to PIPE_BUF, %d bytes.", PIPE_BUF);
	finding_add_stack(model, f, process, event->stack, "wrote here, more than PIPE_BUF bytes");
	finding_add_stack(model, f, inside->process, inside->stack, "wrote in between here");
	findings_add(model->findings, f);
}

static void torn_event(struct model *model, void *data, uint32_t process, uint32_t thread,
		       const struct event *event, const uint8_t *more)
{
	unsigned int call = calls[event->call].canonical_id;
	enum object_kind kind = object_kind_of(event->object);
	const struct pipe_write *inside;
	const struct pipe_object *pipe;

	(void)data, (void)thread, (void)more;
	if ((call != CALL_write && call != CALL_writev) ||
	    (kind != OBJECT_PIPE && kind != OBJECT_FIFO) || !event_took_effect(event) ||
	    !had_to_wait(event))
		return;
	pipe = (const struct pipe_object *)object_find(model, event->object);
	inside = find_inside(pipe, process, event);
	if (inside)
		report(model, pipe, process, event, inside);
}

const struct invariant torn_message_invariant = {
	.name = "torn-message",
	.about = "No write to a pipe is split by another process's write.",
	.event = torn_event,
};
