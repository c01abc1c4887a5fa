/* SPDX-License-Identifier: Apache-2.0 */
/* unit_plan - rules: what is accepted, and its canonical form. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "plan.h"
#include "unit.h"

/* Parses what must be a good rule. */
static struct rule parsed(const char *text)
{
	struct plan_error error = { 0 };
	struct rule rule;

	ck_assert_msg(rule_parse(text, &rule, &error) == 0, "%s: %zu: %s", text, error.column,
		      error.message);
	return rule;
}

START_TEST(canonical_forms)
{
	static const char *const cases[][2] = {
		{ "semop:kill", "semop:kill" },
		{ "semop:kill=before", "semop:kill" },
		{ "semop:kill=after:when=1", "semop:kill=after:when=1" },
		{ "open64,__read_chk:delay=1500us", "open,read:delay=1500us" },
		{ "semop,semop:stop=0.05s", "semop:stop=50ms" },
		{ "%sem:signal=15", "%sem:signal=SIGTERM" },
		{ "%all:kill", "%all:kill" },
		{ "%sem,%all:kill", "%all:kill" },
		{ "read:short=7:optional", "read:short=7:optional" },
		{ "%sem:error=EINTR", "%sem:error=EINTR" },
		{ "semop,%sem:kill", "%sem:kill" },
		{ "read,%pipe:kill", "%pipe,read:kill" },
		{ "msgctl,%desc,%msg:error=EINTR", "%msg,%desc:error=EINTR" },
		{ "%sem:error!=EPERM", "%sem:error!=EPERM" },
		{ "semop:error", "semop:error" },
		{ "semop:error!", "semop:error!" },
		{ "msgrcv:error=EWOULDBLOCK", NULL },
		{ "read:error=EWOULDBLOCK", "read:error=EAGAIN" },
		{ "semop:delay=1ms..5000us", "semop:delay=1ms..5ms" },
		{ "semop:delay=0..2s", "semop:delay=0s..2s" },
		{ "semop:kill:when=3..", "semop:kill:when=3.." },
		{ "semop:kill:when=3..3", "semop:kill:when=3" },
		{ "semop:kill:when=3..8+2", "semop:kill:when=3..8+2" },
		{ "semop:kill:when=3+2", "semop:kill:when=3+2" },
		{ "semop:kill:when=3..+2", "semop:kill:when=3+2" },
		{ "semop:kill:when=3+1", "semop:kill:when=3.." },
		{ "semop:kill:when=1..+1", "semop:kill" },
		{ "semop:kill:when=18446744073709551615", "semop:kill:when=18446744073709551615" },
		{ "semop:kill:count=process", "semop:kill" },
		{ "semop:kill:count=trial:when=2", "semop:kill:when=2:count=trial" },
		{ "semop:kill:p=1.000", "semop:kill" },
		{ "semop:kill:p=.010", "semop:kill:p=0.01" },
		{ "semop:kill:p=0.9999999999999999999", "semop:kill:p=0.9999999999999999999" },
		{ "semop:kill:p=0.0000000000000000001", "semop:kill:p=0.0000000000000000001" },
		{ "semop:kill:proc=consumer*", "semop:kill:proc=consumer*" },
		{ "semop:kill:site=00FF", "semop:kill:site=0xff" },
		{ "semop:kill:in=std\\:\\:lock", "semop:kill:in=std\\:\\:lock" },
		{ "semop:kill:object=key:4660", "semop:kill:object=key:0x1234" },
		{ "semop:kill:object=key:-1", "semop:kill:object=key:0xffffffff" },
		{ "semop:kill:object=id:5:max=2", "semop:kill:object=id:5:max=2" },
		{ "read:kill:object=fd:0", "read:kill:object=fd:0" },
		{ "read:kill:object=path:/a b#c", "read:kill:object=path:/a\\ b\\#c" },
		{ "read:kill:object=path:/a\\:b\\\\c:max=1",
		  "read:kill:object=path:/a\\:b\\\\c:max=1" },
		{ "semop:signal=RTMIN+3", "semop:signal=SIGRTMIN+3" },
	};
	char buffer[PLAN_TEXT];
	struct plan_error error;
	struct rule rule;

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		if (!cases[i][1]) {
			ck_assert_int_eq(rule_parse(cases[i][0], &rule, &error), -1);
			continue;
		}
		rule = parsed(cases[i][0]);
		ck_assert_uint_eq(rule_format(&rule, buffer, sizeof(buffer)), strlen(buffer));
		ck_assert_str_eq(buffer, cases[i][1]);
	}
}
END_TEST

START_TEST(fields)
{
	struct rule rule =
		parsed("semop,open64:delay=1ms..5ms:when=3..8+2:count=trial:p=0.5:proc=1.2:"
		       "site=0x1f:in=main:object=path:/x\\:y:max=7:optional");

	ck_assert(rule_has_call(&rule, CALL_semop));
	ck_assert(rule_has_call(&rule, CALL_open));
	ck_assert(rule_has_call(&rule, CALL___open_2));
	ck_assert(!rule_has_call(&rule, CALL_semtimedop));
	ck_assert(!rule_has_call(&rule, CALL_N));
	ck_assert_uint_eq(rule.fault, FAULT_DELAY);
	ck_assert_uint_eq(rule.min_ns, 1000000);
	ck_assert_uint_eq(rule.max_ns, 5000000);
	ck_assert_uint_eq(rule.first, 3);
	ck_assert_uint_eq(rule.last, 8);
	ck_assert_uint_eq(rule.step, 2);
	ck_assert_uint_eq(rule.count_trial, 1);
	ck_assert_uint_eq(rule.p_threshold, UINT64_C(1) << 63);
	ck_assert_str_eq(rule.proc, "1.2");
	ck_assert_uint_eq(rule.site, 0x1f);
	ck_assert_str_eq(rule.in, "main");
	ck_assert_uint_eq(rule.object, SELECT_PATH);
	ck_assert_str_eq(rule.object_path, "/x:y");
	ck_assert_uint_eq(rule.max, 7);
	ck_assert_uint_eq(rule.optional, 1);
}
END_TEST

START_TEST(defaults)
{
	struct rule rule = parsed("semop:error!=EPERM");

	ck_assert_uint_eq(rule.fault, FAULT_ERROR);
	ck_assert_int_eq(rule.err, EPERM);
	ck_assert_uint_eq(rule.force, 1);
	ck_assert_uint_eq(rule.first, 1);
	ck_assert_uint_eq(rule.last, UINT64_MAX);
	ck_assert_uint_eq(rule.step, 1);
	ck_assert_uint_eq(rule.p_threshold, UINT64_MAX);
	ck_assert_uint_eq(rule.max, UINT64_MAX);
	ck_assert_uint_eq(rule.count_trial, 0);
	ck_assert_uint_eq(rule.optional, 0);
	ck_assert_uint_eq(parsed("semop:signal=9").signal, SIGKILL);
	ck_assert_int_eq(parsed("semop:kill:object=key:0xffffffff").object_value, -1);
	ck_assert_int_eq(parsed("semop:kill:object=key:0x1234").object_value, 0x1234);
}
END_TEST

/* A class holds what can meet the fault; bookkeeping calls and aliases are never in a rule. */
START_TEST(classes_select)
{
	struct rule all = parsed("%all:kill"), sem = parsed("%sem:kill"),
		    eintr = parsed("%all:error=EINTR");

	for (unsigned int i = 0; i < CALL_N; i++) {
		bool bit = all.calls[i / 64] >> i % 64 & 1;

		ck_assert_msg(bit == (calls[i].canonical_id == i && !(calls[i].flags & CALL_QUIET)),
			      "%s", calls[i].name);
	}
	ck_assert(rule_has_call(&sem, CALL_semop) && rule_has_call(&sem, CALL_ftok));
	ck_assert(!rule_has_call(&sem, CALL_msgsnd));
	ck_assert(rule_has_call(&eintr, CALL_semop) && rule_has_call(&eintr, CALL_pause));
	ck_assert(!rule_has_call(&eintr, CALL_semget) && !rule_has_call(&eintr, CALL_exit));
}
END_TEST

START_TEST(short_buffers)
{
	struct rule rule = parsed("semop:kill:when=3");
	char buffer[20];

	for (size_t room = 0; room <= 18; room++) {
		memset(buffer, 'x', sizeof(buffer));
		ck_assert_uint_eq(rule_format(&rule, buffer, room), 17);
		ck_assert_int_eq(buffer[room], 'x');
		if (room > 0)
			ck_assert_uint_eq(strlen(buffer), room - 1);
	}
}
END_TEST

START_TEST(names_of_all)
{
	for (unsigned int i = 0; i < FAULT_N; i++)
		ck_assert_ptr_nonnull(fault_name((enum fault_kind)i));
	for (unsigned int i = 0; i < REFUSED_N; i++)
		ck_assert_ptr_nonnull(refusal_text((enum refusal)i));
	ck_assert_str_eq(fault_name((enum fault_kind)200), "unknown");
}
END_TEST

static Suite *plan_suite(void)
{
	const struct unit_case cases[] = {
		{ "canonical", canonical_forms },   { "fields", fields },
		{ "defaults", defaults },           { "classes", classes_select },
		{ "short-buffers", short_buffers }, { "names", names_of_all },
	};

	return unit_suite("plan", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { plan_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
