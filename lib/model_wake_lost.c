/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_wake_lost.c - wake-ups that nobody waited for. A program that looks at what it waits for
 * before it waits can do well without them: so they matter only when somebody is found to wait in
 * vain, and did not come by after the wake-up was sent.
 */
#include "model_lock.h"

#include <signal.h>

#define THREAD_BITS 16
#define ANY_THREAD (-1)

static struct wake_sent sent_by(uint32_t process, uint32_t thread, const struct event *event,
				int32_t to_thread)
{
	return (struct wake_sent){
		.process = process,
		.thread = thread,
		.to_thread = to_thread,
		.stack = event->stack,
		.site = event->site,
		.enter = event->enter_tsc,
		.exit = event->exit_tsc,
	};
}

static void note_condition(struct model *model, uint32_t process, uint32_t thread,
			   const struct event *event)
{
	struct cond *cond;

	if (!event_took_effect(event) || event->arg[5] != 0 ||
	    object_kind_of(event->object) != OBJECT_COND)
		return;
	cond = (struct cond *)object_see(model, event->object);
	cond->unheard[cond->n_unheard++ % COND_SIGNALS] =
		sent_by(process, thread, event, ANY_THREAD);
}

/* A wait that was left by cancellation ended too. */
static void note_condition_wait(struct model *model, uint32_t process, uint32_t thread,
				const struct event *event)
{
	struct actor *actor;
	const struct actor_mark *oldest;
	uint64_t serial;

	if (event->flags & EVENT_NOT_PERFORMED || object_kind_of(event->object) != OBJECT_COND)
		return;
	actor = actor_see(model, process, thread, event);
	oldest = &actor->waited[ACTOR_WAITS - 1];
	serial = object_see(model, event->object)->serial;
	if (oldest->serial && !actor_noted(actor->waited, ACTOR_WAITS, serial))
		actor->waited_exit = oldest->tsc;
	actor_note(actor->waited, ACTOR_WAITS, serial, event->exit_tsc);
}

static bool catches(const struct process *p, int signo)
{
	return p->caught >> (signo - 1) & 1;
}

/* Only a signal that is caught is gone when nobody waits for it. */
static void note_signal(struct model *model, struct wake_sent sent, int64_t pid, int64_t signo)
{
	struct process *to = pid > 0 ? table_get(&model->pids, (uint32_t)pid) : NULL;

	if (signo <= 0 || signo > 64)
		return;
	sent.signo = (int)signo;
	if (pid <= 0)
		model->group_signal[model->n_group_signals++ % WAKES_KEPT] = sent;
	else if (to && catches(to, sent.signo))
		to->signal[to->n_signals++ % WAKES_KEPT] = sent;
}

static void note_handler(struct process *p, const struct event *event, int64_t handler)
{
	int64_t signo = event->arg[0];
	bool caught =
		handler != (int64_t)(intptr_t)SIG_DFL && handler != (int64_t)(intptr_t)SIG_IGN;

	if (!event_took_effect(event) || signo <= 0 || signo > 64)
		return;
	p->caught &= ~(UINT64_C(1) << (signo - 1));
	p->caught |= (uint64_t)caught << (signo - 1);
}

static void note_sending(struct model *model, uint32_t process, uint32_t thread,
			 const struct event *event)
{
	struct wake_sent sent = sent_by(process, thread, event, ANY_THREAD);
	uint64_t value = object_value_of(event->object);

	if (!event_took_effect(event))
		return;
	switch (calls[event->call].canonical_id) {
	case CALL_kill:
	case CALL_sigqueue:
		note_signal(model, sent, event->arg[0], event->arg[1]);
		break;
	case CALL_killpg:
		note_signal(model, sent, 0, event->arg[1]);
		break;
	case CALL_tgkill:
		if (event->arg[0] == event->arg[1])
			sent.to_thread = 0;
		note_signal(model, sent, event->arg[0], event->arg[2]);
		break;
	case CALL_pthread_kill:
		sent.to_thread = (int32_t)(value & ((1 << THREAD_BITS) - 1));
		if (object_kind_of(event->object) == OBJECT_THREAD)
			note_signal(model, sent, (int64_t)(value >> THREAD_BITS), event->arg[1]);
		break;
	default:
		break;
	}
}

void wake_lost_event(struct model *model, uint32_t process, uint32_t thread,
		     const struct event *event)
{
	struct process *p = process_get(model, process);

	switch (calls[event->call].canonical_id) {
	case CALL_pthread_cond_signal:
	case CALL_pthread_cond_broadcast:
		note_condition(model, process, thread, event);
		break;
	case CALL_pthread_cond_wait:
	case CALL_pthread_cond_timedwait:
	case CALL_pthread_cond_clockwait:
		note_condition_wait(model, process, thread, event);
		break;
	case CALL_kill:
	case CALL_sigqueue:
	case CALL_killpg:
	case CALL_tgkill:
	case CALL_pthread_kill:
		note_sending(model, process, thread, event);
		break;
	case CALL_sigaction:
		if (event->arg[1])
			note_handler(p, event, event->arg[3]);
		break;
	case CALL_signal:
		note_handler(p, event, event->arg[1]);
		break;
	case CALL_pause:
	case CALL_sigsuspend:
	case CALL_sigwait:
	case CALL_sigwaitinfo:
	case CALL_sigtimedwait:
		p->signal_wait_exit = event->exit_tsc;
		break;
	default:
		break;
	}
}

/* Has the thread had the mutex, which it holds again, at some time after the wake-up? Then it could
 * see what it was to be told. */
static bool came_by(const struct actor *actor, const struct wake_sent *sent)
{
	for (const struct lock_hold *hold = actor->holds; hold; hold = hold->older_of_actor)
		if (actor_noted(actor->unlocked, ACTOR_UNLOCKS, hold->lock->object.serial) >
		    sent->exit)
			return true;
	return false;
}

static bool tell(const struct wake_sent *sent, struct lost_wake *wake)
{
	*wake = (struct lost_wake){
		.process = sent->process,
		.thread = sent->thread,
		.stack = sent->stack,
		.site = sent->site,
		.tsc = sent->exit,
	};
	return true;
}

static bool condition_lost(struct model *model, uint64_t ref, const struct actor *actor,
			   uint64_t waits_tsc, struct lost_wake *wake)
{
	const struct cond *cond = (const struct cond *)object_find(model, ref);
	uint64_t since;

	if (!cond || !actor)
		return false;
	since = actor_noted(actor->waited, ACTOR_WAITS, cond->object.serial);
	if (!since)
		since = actor->waited_exit;
	for (unsigned int i = 0; i < COND_SIGNALS && i < cond->n_unheard; i++) {
		const struct wake_sent *sent =
			&cond->unheard[(cond->n_unheard - 1 - i) % COND_SIGNALS];

		if (sent->enter > since && sent->exit < waits_tsc && !came_by(actor, sent))
			return tell(sent, wake);
	}
	return false;
}

static bool is_for(const struct wake_sent *sent, const struct process *p, uint32_t process,
		   uint32_t thread, uint64_t waits_tsc)
{
	if (sent->process == process && sent->thread == thread)
		return false;
	return sent->enter > p->signal_wait_exit && sent->exit < waits_tsc &&
	       (sent->to_thread == ANY_THREAD || sent->to_thread == (int32_t)thread);
}

static bool signal_lost(const struct model *model, uint32_t process, uint32_t thread,
			uint64_t waits_tsc, struct lost_wake *wake)
{
	const struct process *p = process_get(model, process);

	for (unsigned int i = 0; i < WAKES_KEPT && i < p->n_signals; i++) {
		const struct wake_sent *sent = &p->signal[(p->n_signals - 1 - i) % WAKES_KEPT];

		if (is_for(sent, p, process, thread, waits_tsc))
			return tell(sent, wake);
	}
	for (unsigned int i = 0; i < WAKES_KEPT && i < model->n_group_signals; i++) {
		const struct wake_sent *sent =
			&model->group_signal[(model->n_group_signals - 1 - i) % WAKES_KEPT];

		if (sent->enter > p->begin_tsc && catches(p, sent->signo) &&
		    is_for(sent, p, process, thread, waits_tsc))
			return tell(sent, wake);
	}
	return false;
}

bool model_wake_lost(struct model *model, uint64_t object, uint32_t process, uint32_t thread,
		     uint64_t waits_tsc, struct lost_wake *wake)
{
	switch (object_kind_of(object)) {
	case OBJECT_COND:
		return condition_lost(model, object, actor_find(model, process, thread), waits_tsc,
				      wake);
	case OBJECT_PROCESS:
	case OBJECT_THREAD:
		return process_get(model, process) &&
		       signal_lost(model, process, thread, waits_tsc, wake);
	default:
		return false;
	}
}
