/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise_process.c - the subject's processes: births are seen in the arena, deaths through
 * pidfds (a pidfd is readable when SEM_UNDO has been applied and the descriptors are closed). How a
 * process ended is asked of whoever knows: our own wait, its parent's, the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise.h"

#define STATUS_ROUNDS 3    /* a death waits so long for its parent to tell the status */
#define ORPHAN_NS NS_PER_S /* a reserved slot of a dead parent is taken back after that */

/* linux/pidfd.h of 6.15; Debian 12's headers do not have it. */
struct pidfd_exit_info {
	uint64_t mask, cgroup;
	uint32_t id[11];
	int32_t exit_code;
};
#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)
#define PIDFD_GET_INFO_IOCTL _IOWR(0xff, 11, struct pidfd_exit_info)

static struct process *process_new(struct supervisor *s, int32_t slot, int32_t parent, pid_t pid)
{
	struct process *p;

	if (s->n_processes == s->room_processes) {
		uint32_t room = s->room_processes ? 2 * s->room_processes : 64;
		struct process *grown = realloc(s->process, room * sizeof(*grown));
		uint32_t *live = realloc(s->live, room * sizeof(*live));

		if (!grown || !live)
			abort();
		s->process = grown;
		s->live = live;
		s->room_processes = room;
	}
	p = &s->process[s->n_processes];
	memset(p, 0, sizeof(*p));
	p->slot = slot;
	p->parent = parent;
	p->pid = pid;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	s->live[s->n_live++] = s->n_processes++;
	if (slot >= 0)
		s->slot_process[slot] = (int32_t)(p - s->process);
	return p;
}

struct process *process_by_pid(struct supervisor *s, pid_t pid)
{
	for (uint32_t i = s->n_live; i-- > 0;)
		if (s->process[s->live[i]].pid == pid)
			return &s->process[s->live[i]];
	return NULL;
}

/* Copies a name that the subject could have written over. */
static void take_text(struct supervisor *s, char *to, size_t n_bytes, const char *from,
		      const char *allowed)
{
	text_put(to, n_bytes, from);
	for (char *at = to; *at; at++) {
		bool fits = allowed ? strchr(allowed, *at) != NULL
				    : (unsigned char)*at >= ' ' && *at != 127;

		if (fits)
			continue;
		*at = '?';
		s->scribbled = true;
	}
}

static int32_t find_parent(struct supervisor *s, const struct arena_proc *proc, const char *lineage)
{
	const char *dot = strrchr(lineage, '.');
	size_t n = dot ? (size_t)(dot - lineage) : 0;
	uint32_t slot = proc->parent;

	if (slot >= 1 && slot <= ARENA_PROCS && s->slot_process[slot - 1] >= 0) {
		const struct process *p = &s->process[s->slot_process[slot - 1]];

		if (lineage[0] == '?' || (strncmp(p->lineage, lineage, n) == 0 && !p->lineage[n]))
			return s->slot_process[slot - 1];
	}
	for (uint32_t i = s->n_processes; n && i-- > 0;)
		if (strncmp(s->process[i].lineage, lineage, n) == 0 && !s->process[i].lineage[n])
			return (int32_t)i;
	return s->n_processes ? 0 : -1;
}

static void process_tell(struct supervisor *s, struct process *p, uint64_t born)
{
	model_process_begin(s->model, (uint32_t)(p - s->process), p->parent, p->lineage, p->name,
			    p->pid, born);
}

int process_adopt_root(struct supervisor *s, pid_t pid)
{
	struct process *p = process_new(s, 0, -1, pid);

	text_put(p->lineage, sizeof(p->lineage), "1");
	take_text(s, p->name, sizeof(p->name), s->arena->proc[0].name, NULL);
	process_tell(s, p, s->start_tsc);
	return 0;
}

static void process_birth(struct supervisor *s, uint32_t slot)
{
	struct arena_proc *proc = &s->arena->proc[slot];
	char lineage[ARENA_LINEAGE];
	struct process *p;
	int32_t parent;

	take_text(s, lineage, sizeof(lineage), proc->lineage, "0123456789./?");
	parent = find_parent(s, proc, lineage);
	p = process_new(s, (int32_t)slot, parent, atomic_load(&proc->pid));
	text_put(p->lineage, sizeof(p->lineage), lineage);
	take_text(s, p->name, sizeof(p->name), proc->name, NULL);
	reach_note(s, p);
	process_tell(s, p, atomic_load(&proc->born_tsc));
	for (unsigned int i = 0; i < s->n_reaped && p->pidfd < 0; i++)
		if (s->reaped[i].pid == p->pid) {
			p->has_status = true;
			p->wait_status = s->reaped[i].status;
		}
	p->dead = p->pidfd < 0;
}

static void process_renew(struct supervisor *s, struct process *p, const struct arena_proc *proc)
{
	char name[ARENA_NAME];
	bool execed = atomic_load(&proc->flags) & PROC_EXECED;

	reach_note(s, p);
	take_text(s, name, sizeof(name), proc->name, NULL);
	if (strcmp(name, p->name) == 0 && (!execed || p->execed))
		return;
	p->execed = execed;
	text_put(p->name, sizeof(p->name), name);
	model_process_exec(s->model, (uint32_t)(p - s->process), p->name);
}

/* A slot whose maker died before its child could report: taken back after a while. */
static void reserved_check(struct supervisor *s, uint32_t slot)
{
	struct arena_proc *proc = &s->arena->proc[slot];
	uint64_t now = now_ns();
	uint32_t expected = PROC_RESERVED;
	pid_t pid = atomic_load(&proc->pid);

	if (kill(proc->ppid, 0) == 0 || (pid > 0 && kill(pid, 0) == 0)) {
		s->reserved_ns[slot] = 0;
	} else if (!s->reserved_ns[slot]) {
		s->reserved_ns[slot] = now;
	} else if (now - s->reserved_ns[slot] > ORPHAN_NS) {
		atomic_compare_exchange_strong(&proc->state, &expected, PROC_FREE);
		s->reserved_ns[slot] = 0;
	}
}

void processes_births(struct supervisor *s)
{
	uint32_t used = atomic_load(&s->arena->procs_used);

	if (used > s->n_slots_procs)
		s->n_slots_procs = used < ARENA_PROCS ? used : ARENA_PROCS;
	for (uint32_t i = 0; i < s->n_slots_procs; i++) {
		struct arena_proc *proc = &s->arena->proc[i];
		uint32_t state = atomic_load(&proc->state);

		if (state == PROC_LIVE && s->slot_process[i] >= 0)
			process_renew(s, &s->process[s->slot_process[i]], proc);
		else if (state == PROC_LIVE)
			process_birth(s, i);
		else if (state == PROC_RESERVED && s->slot_process[i] < 0)
			reserved_check(s, i);
	}
}

/* Under the tracer all ends are told to it first. 0: none has ended; -1: nobody is left. */
static pid_t next_ended(struct supervisor *s, int *status)
{
	pid_t pid = s->tracer ? tracer_reap(s->tracer, status) : -1;

	if (pid < 0)
		pid = waitpid(-1, status, WNOHANG);
	return pid < 0 && errno != ECHILD ? 0 : pid;
}

void processes_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = next_ended(s, &status)) > 0) {
		struct process *p = process_by_pid(s, pid);

		if (!p) {
			processes_births(s);
			p = process_by_pid(s, pid);
		}
		if (!p) {
			s->reaped[s->n_reaped_ever++ % REAPED].pid = pid;
			s->reaped[(s->n_reaped_ever - 1) % REAPED].status = status;
			s->n_reaped =
				s->n_reaped_ever < REAPED ? (unsigned int)s->n_reaped_ever : REAPED;
			continue;
		}
		p->dead = true;
		p->has_status = true;
		p->wait_status = status;
		if (p == s->process) {
			s->root_reaped = true;
			s->root_ended_ns = now_ns();
		}
	}
	s->no_children = pid < 0;
}

/* Is there still anybody? Everybody in the trial is our child, or descends from one. */
bool children_left(struct supervisor *s)
{
	return !s->no_children;
}

static void look_for_deaths(struct supervisor *s)
{
	struct pollfd fds[ARENA_PROCS];
	uint32_t number[ARENA_PROCS], n = 0;

	for (uint32_t i = 0; i < s->n_live && n < ARENA_PROCS; i++) {
		const struct process *p = &s->process[s->live[i]];

		if (p->dead || p->pidfd < 0)
			continue;
		fds[n] = (struct pollfd){ .fd = p->pidfd, .events = POLLIN };
		number[n++] = s->live[i];
	}
	if (n == 0 || poll(fds, n, 0) <= 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (fds[i].revents)
			s->process[number[i]].dead = true;
}

uint64_t proc_start_time(pid_t pid, char *state, int *exit_code, pid_t *ppid)
{
	char path[64], text[1024];
	unsigned long long start_time = 0;
	const char *at;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %d", state, ppid) != 2)
		return 0;
	for (int field = 2; field < 22 && at; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &start_time) != 1)
		return 0;
	at = strrchr(text, ' ');
	*exit_code = at ? atoi(at) : 0;
	return start_time;
}

static void ask_status(struct process *p)
{
	struct pidfd_exit_info info = { .mask = PIDFD_INFO_EXIT_BIT };
	char state = 0;
	pid_t ppid;
	int code = 0;

	if (p->has_status || p->pidfd < 0)
		return;
	if (ioctl(p->pidfd, PIDFD_GET_INFO_IOCTL, &info) == 0 &&
	    (info.mask & PIDFD_INFO_EXIT_BIT)) {
		p->wait_status = info.exit_code;
		p->has_status = true;
	} else if (proc_start_time(p->pid, &state, &code, &ppid) && state == 'Z') {
		p->wait_status = code;
		p->has_status = true;
	}
}

static void make_end(struct process *p, uint32_t flags, struct process_end *end)
{
	memset(end, 0, sizeof(*end));
	end->clean = flags & PROC_ENDING;
	if (!p->has_status) {
		end->kind = end->clean ? END_EXIT : END_UNKNOWN;
	} else if (WIFEXITED(p->wait_status)) {
		end->kind = END_EXIT;
		end->status = WEXITSTATUS(p->wait_status);
	} else {
		end->kind = END_SIGNAL;
		end->status = WTERMSIG(p->wait_status);
	}
	if (end->kind == END_EXIT)
		return;
	end->by_rule = (flags & PROC_KILLED_BY_RULE)
			       ? end->status == SIGKILL || end->kind == END_UNKNOWN
			       : (flags & PROC_SIGNALLED_BY_RULE) != 0;
	end->by_runner = p->by_runner && !end->by_rule && end->status == SIGKILL;
}

static void slot_give_back(struct supervisor *s, struct process *p)
{
	struct arena_proc *proc = &s->arena->proc[p->slot];

	atomic_store(&proc->state, PROC_GONE);
	s->slot_process[p->slot] = -1;
	p->slot = -1;
	atomic_store(&proc->state, PROC_FREE);
}

/* The process is dead: everything that it wrote is fed in, then its end. */
void process_finish(struct supervisor *s, struct process *p, uint64_t tsc)
{
	uint32_t number = (uint32_t)(p - s->process);
	uint32_t flags = p->slot >= 0 ? atomic_load(&s->arena->proc[p->slot].flags) : 0;
	struct process_end end;

	if (p->ended)
		return;
	p->dead = p->ended = true;
	ask_status(p);
	reach_end(s, p);
	threads_end(s, number);
	p = &s->process[number];
	ask_status(p);
	make_end(p, flags, &end);
	if (!end.by_runner)
		observe_undo(s, p);
	watch_death(s, number, &end);
	model_process_end(s->model, number, &end, tsc);
	report_death(s, p, &end);
	if (p->slot >= 0)
		slot_give_back(s, p);
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
	for (uint32_t i = 0; i < s->n_live; i++)
		if (s->live[i] == number) {
			s->live[i] = s->live[--s->n_live];
			break;
		}
}

static void deaths(struct supervisor *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->n_live; i++)
		any = any || s->process[s->live[i]].dead;
	if (!any)
		return;
	threads_update(s);
	drain(s);
	for (uint32_t i = 0; i < s->n_live;) {
		struct process *p = &s->process[s->live[i]];

		if (p->dead)
			ask_status(p);
		if (p->dead && (p->has_status || p->n_rounds_dead++ >= STATUS_ROUNDS)) {
			process_finish(s, p, ticks_now(s));
			i = 0;
		} else {
			i++;
		}
	}
}

void processes_update(struct supervisor *s)
{
	processes_births(s);
	/* Deaths first: when nobody is left, all of their events are there to be drained. */
	processes_reap(s);
	look_for_deaths(s);
	deaths(s);
}
