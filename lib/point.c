/* SPDX-License-Identifier: Apache-2.0 */
/* point.c - which rules fire at a point: selection, counting, drawing. */
#define _GNU_SOURCE
#include "point.h"

#include <fcntl.h>
#include <string.h>

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

static bool is_system_v(uint64_t object)
{
	enum object_kind kind = object_kind_of(object);

	return kind == OBJECT_SEM || kind == OBJECT_MSG || kind == OBJECT_SHM;
}

static bool key_fits(const struct point *p, int64_t key)
{
	int at = call_arg(p->call, ARG_KEY);

	if (at >= 0)
		return (uint32_t)p->a[at] == (uint32_t)key;
	return is_system_v(p->event->object) &&
	       (uint32_t)p->ops->key_of(p, p->event->object) == (uint32_t)key;
}

static bool object_fits(const struct point *p, const struct rule *r)
{
	uint64_t object = p->event->object;
	int fd_at;

	switch (r->object) {
	case SELECT_KEY:
		return key_fits(p, r->object_value);
	case SELECT_ID:
		return is_system_v(object) && (int64_t)object_value_of(object) == r->object_value;
	case SELECT_PATH:
		return object && p->ops->path_object(p, r->object_path) == object;
	case SELECT_FD:
		fd_at = call_arg(p->call, ARG_FD);
		fd_at = fd_at < 0 ? call_arg(p->call, ARG_LOCKFD) : fd_at;
		return fd_at >= 0 && p->a[fd_at] == r->object_value;
	default:
		return true;
	}
}

static bool on_stack(const struct point *p, unsigned int rule)
{
	const struct arena_stack *s;

	if (p->event->stack == 0)
		return false;
	s = &p->arena->stack[p->event->stack - 1];
	return s->in_state == IN_ANSWERED && s->in_mask >> rule & 1;
}

static bool locks_file(long command)
{
	return command == F_GETLK || command == F_SETLK || command == F_SETLKW ||
	       command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* The classes to which the call belongs here. */
static unsigned int classes_here(const struct point *p)
{
	unsigned int classes = p->call->classes;

	if (!call_depends(p->canonical))
		return classes;
	if (p->canonical == CALL_fcntl)
		return locks_file(p->a[1]) ? classes : classes & ~(unsigned int)CLASS_LOCK;
	switch (object_kind_of(p->event->object)) {
	case OBJECT_PIPE:
	case OBJECT_FIFO:
		return CLASS_PIPE;
	case OBJECT_SOCKET:
		return CLASS_SOCKET;
	default:
		return CLASS_DESC;
	}
}

static bool call_fits(const struct point *p, const struct rule *r)
{
	return rule_has_call(r, p->canonical) &&
	       (r->named[p->canonical / 64] >> p->canonical % 64 & 1 ||
		r->classes & classes_here(p));
}

bool point_selected(const struct point *p, unsigned int rule)
{
	const struct rule *r = &p->plan->rule[rule];

	return call_fits(p, r) && (!r->site || r->site == p->event->site) &&
	       (!r->proc[0] || glob(r->proc, p->proc->lineage) || glob(r->proc, p->proc->name)) &&
	       (!r->in[0] || on_stack(p, rule)) && object_fits(p, r);
}

uint64_t point_draw(const struct point *p, unsigned int rule, uint64_t salt)
{
	uint64_t x = arena_mix(p->arena->seed ^ arena_mix(rule + 1));

	x = arena_mix(x ^ p->lineage_hash);
	x = arena_mix(x ^ p->event->site);
	return arena_mix(x ^ ((uint64_t)p->event->count << 8) ^ salt);
}

bool point_due(const struct point *p, unsigned int rule)
{
	const struct rule *r = &p->plan->rule[rule];
	uint64_t n = atomic_fetch_add(&p->arena->rule_stat[rule].matched, 1) + 1;
	uint64_t own = atomic_fetch_add(&p->proc->counted[rule], 1) + 1;

	if (!r->count_trial)
		n = own;
	if (n < r->first || n > r->last || (n - r->first) % r->step)
		return false;
	return r->p_threshold == UINT64_MAX || point_draw(p, rule, 0) < r->p_threshold;
}

bool point_fires(const struct point *p, unsigned int rule)
{
	struct arena_rule_stat *stat = &p->arena->rule_stat[rule];

	if (atomic_fetch_add(&stat->fired, 1) < p->plan->rule[rule].max)
		return true;
	atomic_fetch_sub(&stat->fired, 1);
	return false;
}

void point_refused(const struct point *p, unsigned int rule, enum refusal why)
{
	struct arena_rule_stat *stat = &p->arena->rule_stat[rule];

	atomic_fetch_sub(&stat->fired, 1);
	atomic_fetch_add(&stat->refused, 1);
	atomic_store(&stat->refused_why, (int)why);
}

int point_draw_error(const struct point *p, unsigned int rule, enum refusal *why)
{
	int legal[32];
	uint32_t n = 0;

	*why = REFUSED_ARGUMENTS;
	for (const struct call_error *e = p->call->errors; e && e->err && n < 32; e++)
		if (point_error_legal(p, e->err, why))
			legal[n++] = e->err;
	return n ? legal[point_draw(p, rule, 1) % n] : 0;
}

uint64_t point_duration(const struct point *p, unsigned int rule)
{
	const struct rule *r = &p->plan->rule[rule];

	return r->max_ns > r->min_ns
		       ? r->min_ns + point_draw(p, rule, 2) % (r->max_ns - r->min_ns + 1)
		       : r->min_ns;
}

uint64_t point_lineage_hash(const struct arena_proc *proc, uint32_t number)
{
	uint64_t hash =
		arena_hash(proc->lineage, strnlen(proc->lineage, ARENA_LINEAGE), ARENA_HASH_START);

	return arena_hash(&number, sizeof(number), hash);
}
