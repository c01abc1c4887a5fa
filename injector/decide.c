/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - which rules fire at a point. A pure function of (seed, rule, lineage, site, count) and
 * of the counts that rules ask for: never of the clock, a pid or the subject's own random numbers.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "shim.h"

static bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

static int64_t key_of(uint64_t object)
{
	union {
		struct semid_ds sem;
		struct msqid_ds msg;
		struct shmid_ds shm;
	} ds;
	int id = (int)object_value_of(object);

	switch (object_kind_of(object)) {
	case OBJECT_SEM:
		return raw4(SYS_semctl, id, 0, IPC_STAT, &ds) < 0 ? -1 : ds.sem.sem_perm.__key;
	case OBJECT_MSG:
		return raw3(SYS_msgctl, id, IPC_STAT, &ds) < 0 ? -1 : ds.msg.msg_perm.__key;
	case OBJECT_SHM:
		return raw3(SYS_shmctl, id, IPC_STAT, &ds) < 0 ? -1 : ds.shm.shm_perm.__key;
	default:
		return -1;
	}
}

static bool key_fits(const struct gate *g, int64_t key)
{
	int at = call_arg(g->call, ARG_KEY);

	if (at >= 0)
		return (uint32_t)g->a[at] == (uint32_t)key;
	return g->event->object && (uint32_t)key_of(g->event->object) == (uint32_t)key &&
	       object_kind_of(g->event->object) <= OBJECT_SHM;
}

static bool path_fits(const struct gate *g, const char *path)
{
	return g->event->object && fd_stat_object(AT_FDCWD, path, 0) == g->event->object;
}

static bool object_fits(const struct gate *g, const struct rule *r)
{
	int fd_at;

	switch (r->object) {
	case SELECT_KEY:
		return key_fits(g, r->object_value);
	case SELECT_ID:
		return object_kind_of(g->event->object) <= OBJECT_SHM &&
		       object_kind_of(g->event->object) != OBJECT_NONE &&
		       (int64_t)object_value_of(g->event->object) == r->object_value;
	case SELECT_PATH:
		return path_fits(g, r->object_path);
	case SELECT_FD:
		fd_at = call_arg(g->call, ARG_FD);
		return fd_at >= 0 && g->a[fd_at] == r->object_value;
	default:
		return true;
	}
}

static bool on_stack(const struct gate *g, unsigned int rule)
{
	const struct arena_stack *s = site_stack(g->event->stack);

	return s && s->in_state == IN_ANSWERED && s->in_mask >> rule & 1;
}

static bool selected(const struct gate *g, unsigned int i)
{
	const struct rule *r = &arena->plan.rule[i];

	return rule_has_call(r, g->canonical) && (!r->site || r->site == g->event->site) &&
	       (!r->proc[0] || glob(r->proc, self.proc->lineage) ||
		glob(r->proc, self.proc->name)) &&
	       (!r->in[0] || on_stack(g, i)) && object_fits(g, r);
}

static uint64_t draw(const struct gate *g, unsigned int rule, uint64_t salt)
{
	uint64_t x = arena_mix(arena->seed ^ arena_mix(rule + 1));

	x = arena_mix(x ^ self.lineage_hash);
	x = arena_mix(x ^ g->event->site);
	return arena_mix(x ^ ((uint64_t)g->event->count << 8) ^ salt);
}

/* One more match: is it one that the rule wants, by count and by probability? */
static bool due(const struct gate *g, unsigned int i)
{
	const struct rule *r = &arena->plan.rule[i];
	uint64_t n = atomic_fetch_add(&arena->rule_stat[i].matched, 1) + 1;
	uint64_t own = atomic_fetch_add(&self.proc->counted[i], 1) + 1;

	if (!r->count_trial)
		n = own;
	if (n < r->first || n > r->last || (n - r->first) % r->step)
		return false;
	return r->p_threshold == UINT64_MAX || draw(g, i, 0) < r->p_threshold;
}

/* max= bounds what has fired in the whole trial. */
static bool below_max(unsigned int i)
{
	const struct rule *r = &arena->plan.rule[i];

	if (atomic_fetch_add(&arena->rule_stat[i].fired, 1) < r->max)
		return true;
	atomic_fetch_sub(&arena->rule_stat[i].fired, 1);
	return false;
}

static enum refusal draw_error(struct gate *g, unsigned int i)
{
	enum refusal why = REFUSED_ARGUMENTS;
	int legal[32];
	uint32_t n = 0;

	for (const struct call_error *e = g->call->errors; e && e->err && n < 32; e++)
		if (fault_error_legal(g, e->err, &why))
			legal[n++] = e->err;
	return n ? fault_apply_error(g, legal[draw(g, i, 1) % n], false) : why;
}

static uint64_t duration(const struct gate *g, const struct rule *r, unsigned int i)
{
	return r->max_ns > r->min_ns ? r->min_ns + draw(g, i, 2) % (r->max_ns - r->min_ns + 1)
				     : r->min_ns;
}

static enum refusal apply(struct gate *g, unsigned int i)
{
	const struct rule *r = &arena->plan.rule[i];

	switch (r->fault) {
	case FAULT_ERROR:
		return r->err ? fault_apply_error(g, r->err, r->force) : draw_error(g, i);
	case FAULT_SHORT:
		return fault_apply_short(g, r->short_bytes);
	case FAULT_DELAY:
		fault_sleep(duration(g, r, i));
		return REFUSED_NOT;
	case FAULT_KILL_AFTER:
		if (arena->mode == ARENA_ALONE && attach_execs(g->canonical))
			return REFUSED_NO_SUPERVISOR; /* the new program's shim kills, and has
							 another arena */
		g->kill_after = true;
		return REFUSED_NOT;
	case FAULT_SIGNAL:
		fault_signal(r->signal);
		return REFUSED_NOT;
	case FAULT_STOP:
		return fault_stop(duration(g, r, i));
	default:
		return REFUSED_NOT;
	}
}

/* A kill never comes back: it is recorded before it is done. */
static void fire(struct gate *g, unsigned int i)
{
	struct event *e = g->event;
	enum refusal why;

	if (!below_max(i))
		return;
	if (arena->plan.rule[i].fault == FAULT_KILL) {
		e->flags |= EVENT_INJECTED | EVENT_KILL_BEFORE | EVENT_NOT_PERFORMED;
		e->rule = (uint8_t)(i + 1);
		e->fault = FAULT_KILL;
		g->perform = false;
		gate_leave(g, -1);
		fault_kill();
	}
	why = apply(g, i);
	if (why == REFUSED_NOT) {
		e->flags |= EVENT_INJECTED;
		e->rule = (uint8_t)(i + 1);
		e->fault = (uint8_t)arena->plan.rule[i].fault;
		return;
	}
	atomic_fetch_sub(&arena->rule_stat[i].fired, 1);
	atomic_fetch_add(&arena->rule_stat[i].refused, 1);
	atomic_store(&arena->rule_stat[i].refused_why, (int)why);
}

/* All rules count, in order. One that ends or alters the call leaves nothing to do for a second of
 * its kind. */
void decide(struct gate *g)
{
	uint32_t n = arena->plan.n_rules;

	for (uint32_t i = 0; i < n && i < PLAN_RULES; i++) {
		uint32_t fault = arena->plan.rule[i].fault;
		bool altered = !g->perform || g->fault != FAULT_NONE;

		if (!rule_has_call(&arena->plan.rule[i], g->canonical) || !selected(g, i) ||
		    !due(g, i))
			continue;
		if (altered && (fault == FAULT_ERROR || fault == FAULT_SHORT))
			continue;
		fire(g, i);
	}
}
